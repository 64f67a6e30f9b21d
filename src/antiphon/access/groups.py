"""Departments and teams of one tenant.

A name does not change, since the ledger adds up by it. What is removed takes its keys with it, in
the same transaction, and frees its name.
"""

from __future__ import annotations

from sqlalchemy import RowMapping, select, update
from typing_extensions import override

from antiphon.access.facts import DepartmentFacts, TeamFacts
from antiphon.access.names import name_of
from antiphon.access.refusals import Conflict
from antiphon.access.revoking import revoke_where
from antiphon.access.roles import Scope
from antiphon.access.rows import Rows, lasting, seen
from antiphon.access.tables import departments, teams, users, virtual_keys
from antiphon.access.walls import Walls


class Departments(Rows[DepartmentFacts]):
    """The departments of a tenant."""

    _table, _what, _prefix = departments, "department", "dep"

    def create(self, name: str) -> DepartmentFacts:
        """Make one.

        Raises:
            InvalidRequest, NameTaken: The name is none, or another's.
            Forbidden: The actor may not.
            StorageFailed: Nothing was done.
        """
        self._realm.need(Scope.MANAGE)
        self._realm.need_everywhere()
        name = name_of(name)
        with self._database.writing() as connection:
            return self._made(connection, name)

    def remove(self, department: str) -> DepartmentFacts:
        """Remove one that has no team any more.

        Raises:
            PathNotFound: There is none.
            Forbidden: The actor may not.
            Conflict: It still has teams.
        """
        with self._database.writing() as connection:
            row = seen(connection, departments, self._walls(), department, self._what)
            self._realm.need(Scope.MANAGE)
            if row["removed_at"] is None:
                left = select(teams.c.id).where(
                    self._realm.of(teams),
                    teams.c.department == department,
                    teams.c.removed_at.is_(None),
                )
                if connection.execute(left.limit(1)).first():
                    raise Conflict("The department still has teams.")
                self._gone(connection, row, "")
            return self._seen(connection, department)

    @override
    def _walls(self) -> Walls:
        return self._realm.departments()

    @staticmethod
    @override
    def _facts(row: RowMapping) -> DepartmentFacts:
        return DepartmentFacts(
            id=row["id"],
            name=row["name"],
            created_at=row["created_at"],
            removed_at=row["removed_at"],
        )


class Teams(Rows[TeamFacts]):
    """The teams of a tenant."""

    _table, _what, _prefix = teams, "team", "team"

    def create(self, name: str, *, department: str = "") -> TeamFacts:
        """Make one.

        Raises:
            InvalidRequest, NameTaken: The name is none, or another's.
            PathNotFound: There is no such department.
            Forbidden: The actor may not.
            StorageFailed: Nothing was done.
        """
        self._realm.need(Scope.MANAGE)
        self._realm.need_everywhere()
        name = name_of(name)
        with self._database.writing() as connection:
            if department:
                lasting(connection, departments, self._realm.departments(), department)
            return self._made(connection, name, department=department or None)

    def remove(self, team: str) -> TeamFacts:
        """Remove one, and revoke its keys; its users stay, without a team.

        Raises:
            PathNotFound: There is none.
            Forbidden: The actor may not.
        """
        with self._database.writing() as connection:
            row = seen(connection, teams, self._walls(), team, self._what)
            self._realm.need(Scope.MANAGE)
            self._realm.need_everywhere()
            if row["removed_at"] is None:
                at, entry = self._gone(connection, row, team)
                own = self._realm.of(virtual_keys)
                revoke_where(connection, own & (virtual_keys.c.team == team), at=at, entry=entry)
                connection.execute(
                    update(users)
                    .where(self._realm.of(users), users.c.team == team)
                    .values(team=None)
                )
            return self._seen(connection, team)

    @override
    def _walls(self) -> Walls:
        return self._realm.teams()

    @staticmethod
    @override
    def _facts(row: RowMapping) -> TeamFacts:
        return TeamFacts(
            id=row["id"],
            name=row["name"],
            department=row["department"] or "",
            created_at=row["created_at"],
            removed_at=row["removed_at"],
        )
