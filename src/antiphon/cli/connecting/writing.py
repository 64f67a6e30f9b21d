"""Settings of a client into its own file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from antiphon.cli.connecting.clients import Client
from antiphon.cli.connecting.facts import Facts
from antiphon.cli.connecting.forms import TEXT, Form
from antiphon.cli.connecting.keeping import Change, is_ours, read, write
from antiphon.cli.connecting.refusals import CannotConnect
from antiphon.yamlfile.environment import process_environment


def file_of(client: Client, named: Path | None) -> tuple[Path, Form]:
    """The file of a client, and its form.

    Raises:
        CannotConnect: It has none that can be written, or it has to be named.
    """
    if client.form is None:
        raise CannotConnect(
            f"the settings of {client.title} cannot be written: they are entered by hand, and "
            f"kept in a database of its own. `antiphon connect {client.name}` prints them",
            asked_wrongly=True,
        )
    path = named or client.place(process_environment(), Path.home())
    if path is None:
        raise CannotConnect(
            f"{client.title} is a program of yours: say with --file where it is to stand",
            asked_wrongly=True,
        )
    return path, client.form


def check_file(client: Client, named: Path | None) -> None:
    """See that a file can be changed, before a model is asked and that costs.

    Raises:
        CannotConnect: It cannot.
    """
    path, form = file_of(client, named)
    now = read(path)
    if now is not None:
        _text(path, form, now)


def write_settings(
    client: Client, facts: Facts, named: Path | None
) -> tuple[Change, Sequence[str]]:
    """Merge what a client needs into its file; what became of it, and what is worth a warning.

    Raises:
        CannotConnect: The file cannot be changed; nothing was written.
    """
    path, form = file_of(client, named)
    key = client.written_key(facts)
    now = read(path)
    before = None if form is TEXT and now is not None and is_ours(path, now) else now
    text = None if before is None else _text(path, form, before)
    try:
        merged = form.merged(text, client.settings(facts, key))
        members = form.members(merged)
    except ValueError as error:
        raise CannotConnect(f"{path} is not changed: {error}") from error
    change = write(path, merged, now)
    warnings = list(client.clashes(members))
    if change.readable and facts.key.secret is not None and key == facts.key.written:
        warnings.append("others on this machine can read the file, and it holds a key")
    return change, warnings


def _text(path: Path, form: Form, data: bytes) -> str:
    try:
        text = data.decode()
        form.members(text)
    except UnicodeDecodeError as error:
        raise CannotConnect(f"{path} is not changed: it is not UTF-8") from error
    except ValueError as error:
        raise CannotConnect(f"{path} is not changed: {error}") from error
    return text


def clashes_of(client: Client) -> Sequence[str]:
    """What stands in a client's own file that is in the way, where it can be read."""
    place = client.place(process_environment(), Path.home())
    if client.form is None or place is None:
        return ()
    try:
        return client.clashes(client.form.members(place.read_text("utf-8")))
    except (OSError, ValueError):
        return ()  # it is not ours to complain about: nothing is going to be written
