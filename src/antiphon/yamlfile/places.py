"""Where a member stands in a file, so that a mistake can say so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

from antiphon.errors import Mistake

Path: TypeAlias = tuple[str | int, ...]
"""The keys and indexes that lead to a member."""


class Place(NamedTuple):
    """A position in a file, both counted from one."""

    line: int
    column: int


class Places:
    """The places of a file's members: of the key in a mapping, of the item in a list."""

    __slots__ = ("_places", "file")

    def __init__(self, file: str, places: Mapping[Path, Place]) -> None:
        self.file = file
        self._places = places

    def where(self, path: Path) -> str:
        """`FILE:LINE:COLUMN` of a member, or of what should hold it where it is missing."""
        for length in range(len(path), -1, -1):
            place = self._places.get(path[:length])
            if place is not None:
                return f"{self.file}:{place.line}:{place.column}"
        return self.file

    def mistake(self, path: Path, message: str) -> Mistake:
        """A mistake at a member."""
        return Mistake(self.where(path), dotted(path), message)

    def mistake_at(self, place: Place, path: Path, message: str) -> Mistake:
        """A mistake that is not where the member itself stands."""
        return Mistake(f"{self.file}:{place.line}:{place.column}", dotted(path), message)


def dotted(path: Path) -> str:
    """A path as people write it: `models.fast.deployments.0`."""
    return ".".join(str(step) for step in path)
