"""Whose rows may be seen: an argument of every query, so that none can leave it out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from sqlalchemy import ColumnElement, Connection, literal, select


class Wall(Protocol):
    """From the column with the ids of keys to the condition that lets a row be seen."""

    @property
    def name(self) -> str:
        """Tells it from every other one."""
        ...

    def __call__(self, key_id: ColumnElement[str], /) -> ColumnElement[bool]:
        """The condition."""
        ...


class Scope(NamedTuple):
    """What a query may see; without a bound, everything.

    Attributes:
        key_id: Only what this key used.
        keys: Only what the keys behind a wall used.
        subject: Only what this person used.
    """

    key_id: str | None = None
    keys: Wall | None = None
    subject: str | None = None

    @property
    def told(self) -> tuple[str | None, str | None, str | None]:
        """What tells it from every other one."""
        return self.key_id, None if self.keys is None else self.keys.name, self.subject

    def walls(
        self, key_id: ColumnElement[str], subject_id: ColumnElement[str]
    ) -> Iterator[ColumnElement[bool]]:
        """The conditions on the columns of a table."""
        if self.key_id is not None:
            yield key_id == self.key_id
        if self.keys is not None:
            yield self.keys(key_id)
        if self.subject is not None:
            yield subject_id == self.subject

    def sees(self, connection: Connection, key_id: str, subject_id: str) -> bool:
        """Whether what this key and person used may be seen."""
        asked = select(literal(1)).where(*self.walls(literal(key_id), literal(subject_id)))
        return connection.execute(asked).first() is not None


EVERYTHING = Scope()
"""What the admin sees."""
