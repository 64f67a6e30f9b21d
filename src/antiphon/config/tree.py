"""Data as it comes from a file: mappings, lists and words, by path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

from typing_extensions import TypeIs

from antiphon.yamlfile.places import Path


def is_mapping(value: object) -> TypeIs[dict[str, object]]:
    """Whether this is a mapping; its keys are always text."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeIs[list[object]]:
    """Whether this is a list."""
    return isinstance(value, list)


def is_any_mapping(value: object) -> TypeIs[Mapping[object, object]]:
    """Whether a program gave a mapping."""
    return isinstance(value, Mapping)


def is_any_list(value: object) -> TypeIs[list[object] | tuple[object, ...]]:
    """Whether a program gave a list."""
    return isinstance(value, list | tuple)


def is_any_set(value: object) -> TypeIs[frozenset[object]]:
    """Whether it is a set, as settings have them."""
    return isinstance(value, frozenset)


class Rest:
    """Data without what is lost, and the way back from its paths.

    Attributes:
        data: What is left.

    Args:
        data: All of it.
        lost: Members to leave out.
        renames: Lost members to read under another name instead.
    """

    def __init__(self, data: object, lost: frozenset[Path], renames: Mapping[Path, str]) -> None:
        self._lost = lost
        self._renames = renames
        self._written: dict[Path, Path] = {
            (*path[:-1], meant): path for path, meant in renames.items()
        }
        self._kept: dict[Path, Sequence[int]] = {}
        self.data = self._without(data, ())

    @property
    def gone(self) -> AbstractSet[Path]:
        """What is lost and was not read under another name."""
        return self._lost - set(self._renames)

    def original(self, path: Path) -> Path:
        """A path of the rest as a path of the data."""
        original: Path = ()
        for step in in_data(self.data, path, whole=True):
            kept = self._kept.get(original, ())
            if isinstance(step, int) and step < len(kept):
                original = (*original, kept[step])
            else:
                original = self._written.get((*original, step), (*original, step))
        return original

    def _without(self, value: object, path: Path) -> object:
        if is_mapping(value):
            return self._members(value, path)
        if not is_list(value):
            return value
        kept = [index for index in range(len(value)) if (*path, index) not in self._lost]
        self._kept[path] = kept
        return [self._without(value[index], (*path, index)) for index in kept]

    def _members(self, members: Mapping[str, object], path: Path) -> dict[str, object]:
        rest: dict[str, object] = {}
        for name, value in members.items():
            meant = self._renames.get((*path, name))
            if meant is not None and meant not in members:
                rest.setdefault(meant, self._without(value, (*path, name)))
            elif (*path, name) not in self._lost:
                rest[name] = self._without(value, (*path, name))
        return rest


def in_data(data: object, path: Path, *, whole: bool = False) -> Path:
    """The path without the steps that the data does not have.

    Pydantic names the form that it tried, and a short form has no member for what it stands for.
    With `whole`, steps stay from where the data ends: a member may be missing.
    """
    steps: Path = ()
    for index, step in enumerate(path):
        if is_mapping(data) and step in data:
            data = data[str(step)]
        elif is_list(data) and isinstance(step, int) and step < len(data):
            data = data[step]
        elif whole and is_mapping(data):
            return (*steps, *path[index:])
        else:
            continue
        steps = (*steps, step)
    return steps


def touches(path: Path, others: AbstractSet[Path]) -> bool:
    """Whether the path is one of the others, in one of them, or around one of them."""
    return any(path[: len(each)] == each[: len(path)] for each in others)
