"""Results of tools, as dialects want them that take all of a step together."""

from __future__ import annotations

from collections.abc import Iterable

from antiphon.model.parts import Author, Turn


def joined(turns: Iterable[Turn]) -> list[Turn]:
    """The turns, with the results that follow each other in one."""
    found: list[Turn] = []
    for turn in turns:
        last = found[-1] if found else None
        if last is not None and last.author is turn.author is Author.TOOL:
            found[-1] = Turn(Author.TOOL, (*last.parts, *turn.parts), extra=last.extra)
        else:
            found.append(turn)
    return found
