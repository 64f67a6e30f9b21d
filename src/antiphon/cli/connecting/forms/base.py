"""What every form of a file can do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol, TypeAlias

from antiphon.config.tree import is_mapping

Value: TypeAlias = "str | bool | Mapping[str, Value] | None"
"""None takes a member out."""
Settings: TypeAlias = Mapping[str, Value]


class Form(Protocol):
    """A form of a file."""

    def merged(self, text: str | None, settings: Settings) -> str:
        """The text with these settings in it; all else stays as it is.

        Args:
            text: None where there is no file.
            settings: Members, as deep as they go.

        Raises:
            ValueError: The text is not of this form, or cannot be changed safely; says where.
        """
        ...

    def members(self, text: str) -> Mapping[str, object]:
        """What a text holds, by full names, to compare two of them.

        Raises:
            ValueError: The text is not of this form.
        """
        ...


def flat(tree: Mapping[str, object], before: str = "") -> Iterator[tuple[str, object]]:
    """The members of a tree by their dotted names."""
    for name, value in tree.items():
        if is_mapping(value) and value:
            yield from flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value


def differences(form: Form, ours: str, now: str) -> list[str]:
    """The names that differ between two texts; no value is told, since some are keys."""
    try:
        left, right = form.members(ours), form.members(now)
    except ValueError as error:
        return [f"it can no longer be read: {error}"]
    told = [f"{name} was added" for name in right if name not in left]
    told += [f"{name} was taken out" for name in left if name not in right]
    told += [f"{name} was changed" for name in left if name in right and left[name] != right[name]]
    return told or ["its layout or its comments were changed"]
