"""CSV as RFC 4180 has it, whose cells no spreadsheet runs.

Names come from callers and providers. A cell that begins like a formula is run by the program
that opens the file, so an apostrophe is put before it, which spreadsheets take for "this is text".
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import TypeAlias

Cell: TypeAlias = str | int | float

_RUN = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a spreadsheet takes for the begin of a formula, or skips before one."""


def written(rows: Iterable[Sequence[Cell]]) -> str:
    """Rows as lines of CSV."""
    out = io.StringIO(newline="")
    csv.writer(out).writerows([harmless(cell) for cell in row] for row in rows)
    return out.getvalue()


def harmless(cell: Cell) -> Cell:
    """The cell, so that no spreadsheet runs it; numbers are none of its business."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_RUN) else cell
