"""What a decoded piece of JSON is, told to the type checker too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeGuard

Json = Mapping[str, object]


def is_object(value: object) -> TypeGuard[Json]:
    """Whether it is an object."""
    return isinstance(value, dict)


def is_array(value: object) -> TypeGuard[Sequence[object]]:
    """Whether it is an array."""
    return isinstance(value, list)


def items(value: object) -> Sequence[object]:
    """Of an array; none where it is no array."""
    return value if is_array(value) else ()


def members(value: object) -> Json:
    """Of an object; none where it is no object."""
    return value if is_object(value) else {}
