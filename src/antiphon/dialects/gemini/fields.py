"""The members of an object of this dialect, taken and written.

Google reads both spellings of a member, `maxOutputTokens` and `max_output_tokens`, and writes the
first. So does this dialect: what is read is looked up in the first spelling, whichever it came
in. Objects that are the caller's own (arguments, results, schemas, labels) are never looked into.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import ClassVar, Final

import msgspec
from typing_extensions import override

from antiphon.dialects import fields
from antiphon.dialects.fields import Json, Written, wrong
from antiphon.errors import MalformedBody
from antiphon.model.parts import Extra

DIALECT: Final = "gemini"

_HUMP: Final = re.compile(r"_([a-z0-9])")
_MOST: Final = 2**53
_EDGE: Final = re.compile(r"(?<=[a-z0-9])([A-Z])")


class Fields(fields.Fields):
    """What one object still holds; what is left is this dialect's own."""

    __slots__ = ()

    dialect: ClassVar[str] = DIALECT

    def __init__(self, left: dict[str, msgspec.Raw], path: str = "") -> None:
        if any("_" in name for name in left):
            left = _respelled(left, path)
        super().__init__(left, path)

    def some(self, name: str) -> list[Json]:
        """Take an array; one object stands for an array of it, as Google reads it."""
        if self.begins(name, b"{"):
            return [self.raw(name)]
        return [*self.items(name)]

    @override
    def integer(self, name: str) -> int | None:
        """Take a whole number, which may be written as `10.0` or as `"10"`, as Google reads it."""
        found = self.number(name)
        if found is None:
            return None
        if not found.is_integer() or abs(found) > _MOST:
            raise wrong(self._path(name), "a whole number")
        return int(found)

    @override
    def number(self, name: str) -> float | None:
        """Take a number, which may be a text."""
        if not self.begins(name, b'"'):
            return super().number(name)
        found = number_of(self.text(name) or "")
        if found is None:
            raise wrong(self._path(name), "a number")
        return found

    def count(self, name: str) -> int | None:
        """Take a whole number, which may be written as `40.0`; another number is left."""
        found = self.number(name)
        if found is None or found.is_integer():
            return None if found is None else int(found)
        self.keep(name, msgspec.json.encode(found))
        return None


def number_of(text: str) -> float | None:
    """A number that is written as a text; None where it is none."""
    try:
        found = float(text)
    except ValueError:
        return None
    return found if math.isfinite(found) and text.isascii() and "_" not in text else None


def _respelled(left: dict[str, msgspec.Raw], path: str) -> dict[str, msgspec.Raw]:
    """Members under the names that are written.

    Raises:
        MalformedBody: One is there in both spellings.
    """
    out: dict[str, msgspec.Raw] = {}
    for name, raw in left.items():
        usual = camel(name)
        if usual in out and not fields.is_null(out[usual]):
            if fields.is_null(raw):
                continue
            full = f"{path}.{usual}" if path else usual
            raise MalformedBody(f"{full!r} is given twice, in both spellings.", param=full)
        out[usual] = raw
    return out


def camel(name: str) -> str:
    """A name in the spelling that is written."""
    return _HUMP.sub(lambda found: found.group(1).upper(), name) if "_" in name else name


def snake(name: str) -> str:
    """A name in the other spelling."""
    return _EDGE.sub(lambda found: f"_{found.group(1).lower()}", name)


def own(extra: Extra | None) -> Mapping[str, msgspec.Raw]:
    """The members of an extra that this dialect may send."""
    return fields.own(extra, DIALECT)


def is_own(extra: Extra | None) -> bool:
    """Whether what it belongs to was read from this dialect."""
    return extra is not None and extra.dialect == DIALECT


def written(members: Mapping[str, object], extra: Extra | None = None) -> Written:
    """An object of the members that say something, and of what this dialect kept."""
    return fields.written(members, fields.own(extra, DIALECT))
