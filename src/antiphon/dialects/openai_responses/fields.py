"""The members of an object of this dialect, taken and written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

import msgspec

from antiphon.dialects import fields
from antiphon.dialects.fields import Written
from antiphon.model.parts import Extra

DIALECT: Final = "openai_responses"

OURS: Final = Extra(DIALECT, {})
"""Says that something was read here, where there is nothing else to keep."""


class Fields(fields.Fields):
    """What one object still holds; what is left is this dialect's own."""

    __slots__ = ()

    dialect: ClassVar[str] = DIALECT


def own(extra: Extra | None) -> Mapping[str, msgspec.Raw]:
    """The members of an extra that this dialect may send."""
    return fields.own(extra, DIALECT)


def is_ours(extra: Extra | None) -> bool:
    """Whether what the extra belongs to was read here: only then its id means something."""
    return extra is not None and extra.dialect == DIALECT


def written(members: Mapping[str, object], extra: Extra | None = None) -> Written:
    """An object of the members that say something, and of what this dialect kept."""
    return fields.written(members, fields.own(extra, DIALECT))


def raw_of(value: object) -> msgspec.Raw:
    """A value as raw JSON."""
    return msgspec.Raw(msgspec.json.encode(value))
