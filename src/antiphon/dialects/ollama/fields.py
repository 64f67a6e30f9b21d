"""The members of an object of this dialect, taken and written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

import msgspec

from antiphon.dialects import fields
from antiphon.dialects.fields import Written
from antiphon.model.parts import Extra

DIALECT: Final = "ollama"


class Fields(fields.Fields):
    """What one object still holds; what is left is this dialect's own."""

    __slots__ = ()

    dialect: ClassVar[str] = DIALECT


def own(extra: Extra | None) -> Mapping[str, msgspec.Raw]:
    """The members of an extra that this dialect may send."""
    return fields.own(extra, DIALECT)


def written(members: Mapping[str, object], extra: Extra | None = None) -> Written:
    """An object of the members that say something, and of what this dialect kept."""
    return fields.written(members, fields.own(extra, DIALECT))


def encode(value: object) -> bytes:
    """A value as JSON; raw JSON as it is."""
    return bytes(value) if isinstance(value, msgspec.Raw) else msgspec.json.encode(value)
