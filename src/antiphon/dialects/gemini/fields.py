"""The members of an object of this dialect, taken and written.

Google reads both spellings of a member, `maxOutputTokens` and `max_output_tokens`, and writes the
first. So does this dialect: what is read is looked up in the first spelling, whichever it came
in. Objects that are the caller's own (arguments, results, schemas, labels) are never looked into.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar, Final

import msgspec

from antiphon.dialects import fields
from antiphon.dialects.fields import Json, Written
from antiphon.model.parts import Extra

DIALECT: Final = "gemini"

_HUMP: Final = re.compile(r"_([a-z0-9])")
_EDGE: Final = re.compile(r"(?<=[a-z0-9])([A-Z])")


class Fields(fields.Fields):
    """What one object still holds; what is left is this dialect's own."""

    __slots__ = ()

    dialect: ClassVar[str] = DIALECT

    def __init__(self, left: dict[str, msgspec.Raw], path: str = "") -> None:
        if any("_" in name for name in left):
            left = {camel(name): raw for name, raw in left.items()}
        super().__init__(left, path)

    def some(self, name: str) -> list[Json]:
        """Take an array; one object stands for an array of it, as Google reads it."""
        if self.begins(name, b"{"):
            return [self.raw(name)]
        return [*self.items(name)]

    def count(self, name: str) -> int | None:
        """Take a whole number, which may be written as `40.0`; another number is left."""
        found = self.number(name)
        if found is None or found.is_integer():
            return None if found is None else int(found)
        self.keep(name, msgspec.json.encode(found))
        return None


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
