"""What a value of JSON is, for the type checker too."""

from __future__ import annotations

from typing import TypeGuard


def is_map(value: object) -> TypeGuard[dict[str, object]]:
    """Whether it is an object."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[object]]:
    """Whether it is an array."""
    return isinstance(value, list)


def map_of(value: object) -> dict[str, object]:
    """An object; empty where it is none."""
    return value if is_map(value) else {}


def list_of(value: object) -> list[object]:
    """An array; empty where it is none."""
    return value if is_list(value) else []
