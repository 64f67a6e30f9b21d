"""Arguments of a call that come in pieces (Vertex, `partialArgs`).

Each piece names its place by a path (`$.rows[0].name`) and holds a value; a text may come in
several. All of them together are the object that a call has elsewhere at once.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

from antiphon.dialects.gemini.frames import PartialArg
from antiphon.dialects.gemini.shapes import is_array, is_map

_STEP: Final = re.compile(r"\.?([^.\[\]]+)|\[(\d+)\]|\[['\"](.*?)['\"]\]")
_LONGEST: Final = 10_000
_DEEPEST: Final = 64


class Assembly:
    """The arguments of one call, as far as they have come."""

    __slots__ = ("whole",)

    def __init__(self) -> None:
        self.whole: dict[str, object] = {}

    def add(self, piece: PartialArg) -> None:
        """Put a piece in its place; one that has no place is left out."""
        steps = _steps(piece.json_path)
        if not steps or len(steps) > _DEEPEST:
            return
        holder: object = self.whole
        for step, after in pairwise(steps):
            holder = _inner(holder, step, [] if isinstance(after, int) else {})
        _put(holder, steps[-1], piece)


def _steps(path: str) -> list[str | int]:
    steps: list[str | int] = []
    for found in _STEP.finditer(path.removeprefix("$")):
        name, index, quoted = found.groups()
        steps.append(int(index) if index is not None else name if name is not None else quoted)
    return steps


def _inner(holder: object, step: str | int, empty: object) -> object:
    inner = _get(holder, step)
    if is_map(inner) or is_array(inner):
        return inner
    _set(holder, step, empty)
    return empty


def _put(holder: object, step: str | int, piece: PartialArg) -> None:
    if piece.string_value is not None:
        before = _get(holder, step)
        said = before if isinstance(before, str) else ""
        _set(holder, step, said + piece.string_value)
    elif piece.number_value is not None:
        number = piece.number_value
        _set(holder, step, int(number) if number.is_integer() else number)
    elif piece.bool_value is not None:
        _set(holder, step, piece.bool_value)
    elif piece.null_value:
        _set(holder, step, None)


def _get(holder: object, step: str | int) -> object:
    if is_map(holder):
        return holder.get(str(step))
    if is_array(holder) and isinstance(step, int) and step < len(holder):
        return holder[step]
    return None


def _set(holder: object, step: str | int, value: object) -> None:
    if is_map(holder):
        holder[str(step)] = value
    elif is_array(holder) and isinstance(step, int) and step < _LONGEST:
        holder.extend([None] * (step + 1 - len(holder)))
        holder[step] = value
