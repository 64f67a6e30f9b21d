"""A table for a terminal: aligned, whatever the names in it are."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

_WIDE = "WF"


def table(rows: Sequence[Sequence[str]], *, names: int) -> list[str]:
    """Lines of aligned cells; the first so many columns are names, the others numbers."""
    cells = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(_width, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join(
            cell + _room(cell, width) if place < names else _room(cell, width) + cell
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]


def printable(text: str) -> str:
    """The text, so that nothing in it drives the terminal: callers choose names."""
    return "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text
    )


def _width(text: str) -> int:
    return sum(
        0 if unicodedata.combining(letter) else 1 + (unicodedata.east_asian_width(letter) in _WIDE)
        for letter in text
    )


def _room(text: str, width: int) -> str:
    return " " * (width - _width(text))
