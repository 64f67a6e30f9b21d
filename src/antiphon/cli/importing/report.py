"""What became of each member of the file: where it stood, what it is now, or why it is not.

No value of the file is ever told, but names of models and of settings.
"""

from __future__ import annotations

import enum
import textwrap
from collections.abc import Iterator, Sequence

import msgspec

from antiphon.cli.importing.source import Source, shown_path
from antiphon.cli.table import printable
from antiphon.yamlfile.places import Path

_WIDTH = 98


class Verdict(enum.StrEnum):
    """What became of a member."""

    MAPPED = "mapped"
    """It means the same here."""
    APPROXIMATED = "approximated"
    """Something here is near it; the reason says how they differ."""
    DROPPED = "dropped"
    """Nothing here stands for it."""
    UNKNOWN = "unknown"
    """It is no setting that is known here; dropped too."""


_LOST = (Verdict.DROPPED, Verdict.UNKNOWN)


class Item(msgspec.Struct, frozen=True):
    """One member.

    Attributes:
        verdict: What became of it.
        where: `FILE:LINE:COLUMN`.
        member: Its path in the file.
        why: What it is now, or why it is not.
        instead: What to do about it; empty where nothing has to be done.
    """

    verdict: Verdict
    where: str
    member: str
    why: str
    instead: str = ""


class Variable(msgspec.Struct, frozen=True):
    """An environment variable that the written configuration reads.

    Attributes:
        name: Its name.
        member: The setting that reads it.
        where: Where the file said so; empty where it left that to the environment.
        in_the_clear: The value stands in the file: take it from there.
    """

    name: str
    member: str
    where: str
    in_the_clear: bool


class Report:
    """All members, in the order in which they were met.

    Attributes:
        items: What became of each.
        variables: What has to be set, by name.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self.items: list[Item] = []
        self.variables: dict[str, Variable] = {}

    @property
    def loses(self) -> bool:
        """Whether anything was dropped."""
        return any(item.verdict in _LOST for item in self.items)

    def add(self, verdict: Verdict, path: Path, why: str, instead: str = "") -> None:
        """Tell of a member."""
        item = Item(
            verdict,
            printable(self._source.where(path)),
            printable(shown_path(path)),
            printable(why),
            printable(instead),
        )
        self.items.append(item)

    def mapped(self, path: Path, why: str) -> None:
        """It means the same here."""
        self.add(Verdict.MAPPED, path, why)

    def approximated(self, path: Path, why: str, instead: str = "") -> None:
        """Something here is near it."""
        self.add(Verdict.APPROXIMATED, path, why, instead)

    def dropped(self, path: Path, why: str, instead: str = "") -> None:
        """Nothing here stands for it."""
        self.add(Verdict.DROPPED, path, why, instead)

    def unknown(self, path: Path) -> None:
        """It is no setting that is known here."""
        why = "is no setting of LiteLLM's that is known here"
        self.add(Verdict.UNKNOWN, path, why, "see docs/configuration.md for what there is")

    def needs(self, name: str, member: str, path: Path = (), *, in_the_clear: bool = False) -> None:
        """A variable has to be set; the first setting that reads it is told."""
        where = printable(self._source.where(path)) if path else ""
        self.variables.setdefault(name, Variable(name, printable(member), where, in_the_clear))

    def stands_in_the_clear(self, name: str, path: Path) -> None:
        """The file itself holds the value of a variable, if that has to be set."""
        if name in self.variables:
            where = printable(self._source.where(path))
            self.variables[name] = msgspec.structs.replace(
                self.variables[name], where=where, in_the_clear=True
            )

    @property
    def sorted(self) -> list[Item]:
        """The items as they stand in the files."""
        return sorted(self.items, key=_position)

    def counts(self) -> dict[str, int]:
        """How many of each verdict."""
        return {verdict: sum(item.verdict is verdict for item in self.items) for verdict in Verdict}

    def as_data(self) -> dict[str, object]:
        """For programs."""
        return {
            "source": self._source.file,
            "counts": self.counts(),
            "variables": list(self.variables.values()),
            "items": self.sorted,
        }

    def as_text(self) -> str:
        """For people: what was lost first."""
        counts = ", ".join(f"{number} {verdict}" for verdict, number in self.counts().items())
        lines = [f"{printable(self._source.file)}: {counts}"]
        for verdict in reversed(Verdict):
            lines += _section(verdict, [each for each in self.sorted if each.verdict is verdict])
        if self.variables:
            lines += ["", "set these, in the environment or in a .env beside the configuration"]
        lines += [line for each in self.variables.values() for line in _variable(each)]
        return "\n".join(lines)


def _position(item: Item) -> tuple[str, int, int]:
    parts = item.where.rsplit(":", 2)
    if len(parts) > 2 and parts[1].isdigit() and parts[2].isdigit():  # noqa: PLR2004
        return parts[0], int(parts[1]), int(parts[2])
    return item.where, 0, 0


def _section(verdict: Verdict, items: Sequence[Item]) -> Iterator[str]:
    if items:
        yield ""
        yield verdict
    for item in items:
        yield from _wrapped(f"{item.where}: {item.member}: {item.why}", 2)
        if item.instead:
            yield from _wrapped(f"instead: {item.instead}", 6)


def _variable(variable: Variable) -> list[str]:
    where = f" ({variable.where})" if variable.where else ""
    clear = "; its value stands there in the clear, and is not repeated here"
    told = f"{variable.name}: {variable.member}{where}{clear if variable.in_the_clear else ''}"
    return _wrapped(told, 2)


def _wrapped(text: str, indent: int) -> list[str]:
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + 4),
        break_long_words=False,
        break_on_hyphens=False,
    )
