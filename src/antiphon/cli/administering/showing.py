"""What the commands of administration print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from antiphon.cli.output import say, show_json
from antiphon.cli.table import printable, table

_NOTHING = "-"


def show_list(rows: Sequence[Mapping[str, object]], columns: Sequence[str], nothing: str) -> None:
    """A table of these members; or what is said where there is nothing."""
    if not rows:
        say(nothing)
        return
    body = [[_cell(row[column]) for column in columns] for row in rows]
    for line in table([columns, *body], names=len(columns)):
        say(line)


def show_one(facts: Mapping[str, object], *, as_json: bool) -> None:
    """Everything about one thing, a member to a line."""
    if as_json:
        show_json(facts)
        return
    width = max(map(len, facts))
    for name, value in facts.items():
        say(f"{name:{width}}  {printable(_cell(value))}")


def _cell(value: object) -> str:
    match value:
        case None | "":
            return _NOTHING
        case list():
            items: list[object] = [*value]
            return ", ".join(map(_cell, items)) or _NOTHING
        case dict():
            members: dict[object, object] = {**value}
            return " ".join(_cell(each) for each in members.values() if each not in {None, ""})
        case _:
            return str(value)
