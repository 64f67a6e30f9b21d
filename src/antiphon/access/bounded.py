"""A dict that forgets: at most so many entries, the ones that were not asked for leave first.

Two generations: what is asked for moves to the younger one; when that is full it becomes the
older, and what was older is gone. So a look-up is one or two dict look-ups and no list is kept in
order. Between half of the bound and all of it is held.

Hot path: `get`. Belongs to one thread.
"""

from __future__ import annotations

from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Bounded(Generic[K, V]):
    """Args: `most`, the bound."""

    __slots__ = ("_half", "_older", "_younger")

    def __init__(self, most: int) -> None:
        self._half = max(1, most // 2)
        self._younger: dict[K, V] = {}
        self._older: dict[K, V] = {}

    def get(self, key: K) -> V | None:
        """What is held, or None."""
        found = self._younger.get(key)
        if found is None:
            found = self._older.pop(key, None)
            if found is not None:
                self.put(key, found)
        return found

    def put(self, key: K, value: V) -> None:
        """Hold this."""
        if len(self._younger) >= self._half and key not in self._younger:
            self._older, self._younger = self._younger, {}
        self._younger[key] = value
        self._older.pop(key, None)

    def forget(self, key: K) -> None:
        """Hold it no more."""
        self._younger.pop(key, None)
        self._older.pop(key, None)

    def clear(self) -> None:
        """Hold nothing."""
        self._younger.clear()
        self._older.clear()

    def __len__(self) -> int:
        return len(self._younger) + len(self._older)
