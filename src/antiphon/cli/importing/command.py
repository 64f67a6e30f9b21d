"""`antiphon import litellm FILE`: our configuration, and a report of what became of the other."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import msgspec

from antiphon.cli.importing.convert import Converted, convert
from antiphon.cli.importing.source import read_source
from antiphon.cli.output import fail, remark, say
from antiphon.config.load import load
from antiphon.config.tree import is_list, is_mapping
from antiphon.providers.catalog import Catalog, load_catalog
from antiphon.yamlfile.expand import Expansion
from antiphon.yamlfile.nodes import render

_SOMEWHERE = "https://placeholder.example"
_NOTHING = "no model of the file can be asked from here: nothing is written"


class Wanted(NamedTuple):
    """What the command was asked for.

    Attributes:
        output: Where the configuration goes; None prints it.
        report: Where the report goes; None prints it.
        as_json: The report is JSON.
        strict: What is dropped is a failure.
        force: Files that are there are overwritten.
    """

    output: Path | None
    report: Path | None
    as_json: bool
    strict: bool
    force: bool


def import_command(file: Path, wanted: Wanted) -> None:
    """Write our configuration and the report.

    The report goes to its file, else to standard output where the configuration went to a file,
    else to standard error, so that what is on standard output is the configuration alone.
    Exits with 1 if nothing is left to serve, or if `strict` and something was dropped.
    """
    _check_files(file, wanted)
    catalog = load_catalog()
    converted = convert(read_source(file), catalog)
    if converted.serves:
        _check(converted, catalog)
        _put(_text(file, converted), wanted.output, force=wanted.force)
    _tell(converted, wanted)
    if not converted.serves:
        fail(_NOTHING)
    if wanted.strict and converted.report.loses:
        fail("something was dropped, as the report says")


def _check_files(file: Path, wanted: Wanted) -> None:
    written = [each for each in (wanted.output, wanted.report) if each is not None]
    if len(written) != len({each.resolve() for each in written}):
        fail("--output and --report name the same file", 2)
    for each in written:
        if each.resolve() == file.resolve():
            fail(f"{each} is the file to be read", 2)
        if each.exists() and not wanted.force:
            fail(f"{each} is there already; --force overwrites it")


def _text(file: Path, converted: Converted) -> str:
    lines = [
        f"# Made by `antiphon import litellm` from {file.name!r}; its report says what differs.",
        "# `antiphon config check` needs the variables below; docs/configuration.md has all else.",
        *(f"#   {name}" for name in converted.report.variables),
        "",
    ]
    return "\n".join(lines) + render(dict(converted.data))


def _tell(converted: Converted, wanted: Wanted) -> None:
    report = converted.report
    if wanted.as_json:
        text = msgspec.json.format(msgspec.json.encode(report.as_data()), indent=2).decode()
    else:
        text = report.as_text()
    if wanted.report is not None:
        _put(text + "\n", wanted.report, force=wanted.force)
    elif wanted.output is not None or not converted.serves:
        say(text)
    else:
        remark(text)


def _put(text: str, path: Path | None, *, force: bool) -> None:
    if path is None:
        say(text.rstrip("\n"))
        return
    try:
        with path.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        fail(f"{path} is there already; --force overwrites it")
    except OSError as error:
        fail(f"{path} cannot be written: {error.strerror}")


def _check(converted: Converted, catalog: Catalog) -> None:
    """See that it can be served; its variables need not be set where it is made."""
    environ = {
        name: _SOMEWHERE if each.member.endswith(".base_url") else f"placeholder-for-{name}"
        for name, each in converted.report.variables.items()
    }
    expanded = _expanded(converted.data, Expansion(environ, Path()))
    if is_mapping(expanded):
        load(expanded, environ=environ, catalog=catalog)


def _expanded(value: object, expansion: Expansion) -> object:
    if is_mapping(value):
        return {name: _expanded(each, expansion) for name, each in value.items()}
    if is_list(value):
        return [_expanded(each, expansion) for each in value]
    return expansion.expand(value) if isinstance(value, str) else value
