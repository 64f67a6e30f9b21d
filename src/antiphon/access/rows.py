"""What departments, teams and users have in common: rows with a name, of one tenant."""

from __future__ import annotations

import secrets
from abc import ABC, abstractmethod
from typing import Generic, TypeVar

from sqlalchemy import Connection, RowMapping, Table, insert, select, update

from antiphon.access.audit import Act, enter
from antiphon.access.facts import DepartmentFacts, TeamFacts, UserFacts
from antiphon.access.names import folded, name_of
from antiphon.access.pages import FIRST, Ask, Page, is_id, rows_of
from antiphon.access.refusals import NameTaken
from antiphon.access.sweeping import drop_where
from antiphon.access.tables import allowances, teams
from antiphon.access.walls import Realm, Walls, not_found
from antiphon.clock import Clock
from antiphon.storage.database import Database

FactsT = TypeVar("FactsT", DepartmentFacts, TeamFacts, UserFacts)


class Rows(ABC, Generic[FactsT]):
    """What departments, teams and users have in common."""

    _table: Table
    _what: str
    _prefix: str

    def __init__(self, database: Database, realm: Realm, *, clock: Clock) -> None:
        self._database = database
        self._realm = realm
        self._clock = clock

    def list(self, ask: Ask = FIRST, *, name: str = "") -> Page[FactsT]:
        """A page of them.

        Args:
            ask: Which page.
            name: Only those of this name, or of one just like it.

        Raises:
            InvalidRequest: There is no such page, or the name is none.
        """
        table, query = self._table, select(self._table)
        if not ask.gone:
            query = query.where(table.c.removed_at.is_(None))
        if name:
            query = query.where(table.c.folded == folded(name_of(name)))
        with self._database.reading() as connection:
            rows, cursor = rows_of(connection, query, table, self._walls(), ask)
        return Page(tuple(map(self._facts, rows)), cursor)

    def show(self, row_id: str) -> FactsT:
        """One of them.

        Raises:
            PathNotFound: There is none.
        """
        with self._database.reading() as connection:
            return self._seen(connection, row_id)

    @abstractmethod
    def _walls(self) -> Walls:
        """Around the table."""

    @staticmethod
    @abstractmethod
    def _facts(row: RowMapping) -> FactsT:
        """What is told of a row."""

    def _seen(self, connection: Connection, row_id: str) -> FactsT:
        return self._facts(seen(connection, self._table, self._walls(), row_id, self._what))

    def _now(self) -> int:
        return int(self._clock.now() * 1e6)

    def _made(self, connection: Connection, name: str, **values: str | None) -> FactsT:
        """A new row, as it is told.

        Raises:
            NameTaken: The name is another's.
        """
        same = self._realm.of(self._table) & (self._table.c.folded == folded(name))
        taken = select(self._table.c.id).where(same, self._table.c.removed_at.is_(None))
        if connection.execute(taken).first():
            raise NameTaken(self._what)
        row_id, at = f"{self._prefix}_{secrets.token_hex(8)}", self._now()
        organisation = self._realm.organisation
        details = {key: value for key, value in values.items() if value is not None}
        team = row_id if self._table is teams else details.get("team", "")
        act = Act(f"{self._what}.create", row_id, organisation, team, details)
        entry = enter(connection, self._realm.actor, act, at=at)
        row = {"id": row_id, "organisation": organisation, "created_at": at, "entry": entry}
        row |= {"name": name, "folded": folded(name), **values}
        connection.execute(insert(self._table).values(row))
        made = seen(connection, self._table, [self._realm.of(self._table)], row_id, self._what)
        return self._facts(made)

    def _gone(self, connection: Connection, row: RowMapping, team: str) -> tuple[int, int]:
        """Mark a row as removed, with its budgets and limits; gives when, and which entry."""
        at, realm = self._now(), self._realm
        act = Act(f"{self._what}.remove", row["id"], realm.organisation, team)
        entry = enter(connection, realm.actor, act, at=at)
        connection.execute(
            update(self._table)
            .where(*self._walls(), self._table.c.id == row["id"])
            .values(removed_at=at, entry=entry)
        )
        own = (allowances.c.scope == self._what) & (allowances.c.target == row["id"])
        drop_where(connection, realm.of(allowances) & own, at=at, entry=entry)
        return at, entry


def seen(connection: Connection, table: Table, walls: Walls, row_id: str, what: str) -> RowMapping:
    """A row within its walls.

    Raises:
        PathNotFound: There is none there.
    """
    if not is_id(row_id):
        raise not_found(what)
    found = connection.execute(select(table).where(*walls, table.c.id == row_id)).mappings().first()
    if found is None:
        raise not_found(what)
    return found


def lasting(connection: Connection, table: Table, walls: Walls, row_id: str) -> RowMapping:
    """As `seen`, of what was not removed.

    Raises:
        PathNotFound: There is none there.
    """
    what = table.name.removesuffix("s")
    row = seen(connection, table, walls, row_id, what)
    if row["removed_at"] is not None:
        raise not_found(what)
    return row
