"""`antiphon connect`: finds the gateway, chooses a model, prints or writes, and asks once.

What the client needs goes to standard output as it stands, so that it can be piped into a file.
All that is said about it goes to standard error. With `--write` the gateway is asked first:
nothing is written where a client would get no answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from pathlib import Path

import msgspec

from antiphon.cli.connecting.address import Place, place_of
from antiphon.cli.connecting.asking import Asking
from antiphon.cli.connecting.clients import CLIENTS, Client
from antiphon.cli.connecting.facts import Facts, Key
from antiphon.cli.connecting.keeping import Change, restore
from antiphon.cli.connecting.probing import MOST_TOKENS, Probe, probe
from antiphon.cli.connecting.refusals import CannotConnect
from antiphon.cli.connecting.writing import check_file, clashes_of, file_of, write_settings
from antiphon.cli.output import fail, remark, run, say, show_json
from antiphon.config.words import did_you_mean
from antiphon.gateway.listing import to_try
from antiphon.providers.transport import Transport
from antiphon.secret import Secret
from antiphon.yamlfile.environment import environment, process_environment

_KEY = re.compile(r"[!-~]+")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Wanted(msgspec.Struct, frozen=True):
    """The command line.

    Attributes:
        url: Where the gateway is; None asks the configuration.
        config: The configuration.
        key: A key that was typed.
        key_env: The variable that holds one.
        model: Which model; None chooses one.
        file: In place of the client's own.
        write: Put it into the file.
        restore: Bring back what was in the file before.
        force: Restore also what was changed since.
        probing: Ask once.
        timeout: For each request, in seconds.
        as_json: Print JSON.
    """

    url: str | None
    config: Path | None
    key: Secret | None
    key_env: str
    model: str | None
    file: Path | None
    write: bool
    restore: bool
    force: bool
    probing: bool
    timeout: float
    as_json: bool


def connect_command(name: str, wanted: Wanted) -> None:
    """Connect one client."""
    client = CLIENTS.get(name)
    if client is None:
        fail(f"there is no client {name!r}{did_you_mean(name, CLIENTS)}; {_listed()}", 2)
    try:
        if wanted.restore:
            _restore(client, wanted)
        else:
            _connect(client, wanted)
    except CannotConnect as error:
        fail(error.message, 2 if error.asked_wrongly else 1)


def _restore(client: Client, wanted: Wanted) -> None:
    if wanted.write:
        raise CannotConnect("either --write or --restore", asked_wrongly=True)
    path, form = file_of(client, wanted.file)
    change = restore(path, form, force=wanted.force)
    if wanted.as_json:
        show_json({"client": client.name, "file": change})
    else:
        say(_of_change(change))


def _connect(client: Client, wanted: Wanted) -> None:
    if wanted.force:
        raise CannotConnect("--force belongs to --restore", asked_wrongly=True)
    if wanted.model is not None and not (wanted.model.strip() and wanted.model.isprintable()):
        raise CannotConnect("--model: names no model", asked_wrongly=True)
    if wanted.write:
        check_file(client, wanted.file)
    place, key = place_of(wanted.url, wanted.config), _key(wanted)
    facts, refusal, found = run(_asked(client, wanted, place, key))
    if refusal is not None and wanted.write:
        raise CannotConnect(f"{refusal.message}\n  nothing was written")
    change = None
    warnings: Sequence[str] = ()
    if wanted.write:
        change, warnings = write_settings(client, facts, wanted.file)
    elif client.form is not None:
        warnings = clashes_of(client)
    page = _Page(client, facts, change, found, refusal, warnings)
    if wanted.as_json:
        show_json(page.as_object())
    else:
        page.show()
    if refusal is not None:
        raise SystemExit(1)


async def _asked(
    client: Client, wanted: Wanted, place: Place, key: Key
) -> tuple[Facts, CannotConnect | None, Probe | None]:
    """What the gateway says, and what a first request came to."""
    async with aclosing(Transport()) as transport:
        asking = Asking(place, key, transport, wanted.timeout)
        models: tuple[str, ...] = ()
        if wanted.probing or wanted.model is None:
            models = await asking.models()
        elif key.secret is None:
            # Nobody was asked, so what the configuration says of keys is all that is known.
            key = msgspec.structs.replace(key, needed=bool(place.requires_key))
        model = wanted.model or _chosen(client, models, place)
        if wanted.probing and model not in models and not await asking.knows(model):
            raise CannotConnect(
                f"{place.url} offers no model {model!r}{did_you_mean(model, models)}"
                f"\n  {_named(models)}"
            )
        facts = Facts(place.url, model, models, key, place.local)
        if not wanted.probing:
            return facts, None, None
        if not wanted.as_json:
            remark(f"asking {model} for at most {MOST_TOKENS} tokens, which may cost a little ...")
        try:
            return facts, None, await probe(asking, client.wire, model)
        except CannotConnect as error:
            return facts, error, None


def _chosen(client: Client, models: tuple[str, ...], place: Place) -> str:
    """The first name that suits the client best, else the first that answers a chat."""
    if not models:
        raise CannotConnect(f"{place.url} offers no model; name one with --model")
    for word in client.prefers:
        suits = [name for name in models if word in name.lower()]
        if suits:
            return suits[0]
    return to_try(models)


def _key(wanted: Wanted) -> Key:
    if not _VARIABLE.fullmatch(wanted.key_env):
        raise CannotConnect("--key-env: that is no name of a variable", asked_wrongly=True)
    secret, typed = wanted.key, wanted.key is not None
    if secret is None:
        found = _environment(wanted).get(wanted.key_env, "").strip()
        secret = Secret(found) if found else None
    if secret is not None and not _KEY.fullmatch(secret.reveal()):
        where = "--key" if typed else wanted.key_env
        raise CannotConnect(
            f"{where}: a key has no spaces, and is made of ASCII alone", asked_wrongly=True
        )
    return Key(wanted.key_env, secret, typed)


def _environment(wanted: Wanted) -> Mapping[str, str]:
    """The environment, and the `.env` from which the gateway itself may have its keys."""
    folder = Path() if wanted.config is None else wanted.config.parent
    return environment(folder, process_environment())


class _Page(msgspec.Struct, frozen=True):
    """What is said in the end."""

    client: Client
    facts: Facts
    change: Change | None
    found: Probe | None
    refusal: CannotConnect | None
    warnings: Sequence[str]

    def show(self) -> None:
        """For people."""
        if self.change is None:
            say(self.client.text(self.facts).rstrip("\n"))
            self._say_where()
        else:
            say(_of_change(self.change))
        for note in self.client.notes(self.facts):
            remark(f"note: {note}")
        for warning in self.warnings:
            remark(f"warning: {warning}")
        if self.found is not None:
            remark(str(self.found))
        if self.refusal is not None:
            remark(f"antiphon: {self.refusal.message}")

    def as_object(self) -> dict[str, object]:
        """For programs."""
        failed = None if self.refusal is None else {"ok": False, "error": self.refusal.message}
        probed = None if self.found is None else {"ok": True, **msgspec.to_builtins(self.found)}
        return {
            "client": self.client.name,
            "url": self.facts.url,
            "model": self.facts.model,
            "dialect": self.client.wire.dialect,
            "language": self.client.language,
            "text": self.client.text(self.facts),
            "notes": list(self.client.notes(self.facts)),
            "warnings": list(self.warnings),
            "file": self.change,
            "probe": failed or probed,
        }

    def _say_where(self) -> None:
        if self.client.form is None:
            return
        place = self.client.place(process_environment(), Path.home())
        if place is not None:
            remark(f"note: this belongs into {place}; --write puts it there, --restore undoes it")


def _of_change(change: Change) -> str:
    match change.done:
        case "written" if change.backup is not None:
            return f"written: {change.path} (before: {change.backup})"
        case "restored":
            return f"{change.path} is as it was before"
        case "removed":
            return f"{change.path} is gone, as before"
        case done:
            return f"{done}: {change.path}"


def _named(models: Sequence[str], most: int = 12) -> str:
    shown = ", ".join(models[:most]) or "it offers none"
    return f"it offers {shown}{', ...' if len(models) > most else ''}" if models else shown


def _listed() -> str:
    return f"there are {', '.join(CLIENTS)}"
