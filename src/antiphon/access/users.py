"""The people and applications of one tenant.

The id of a user is the subject id under which the ledger knows them. A user who belongs to a team
holds keys of that team only.
"""

from __future__ import annotations

from sqlalchemy import RowMapping, update
from typing_extensions import override

from antiphon.access.audit import Act, enter
from antiphon.access.facts import UserFacts
from antiphon.access.names import folded, name_of
from antiphon.access.revoking import forget_keys, forget_user, revoke_where
from antiphon.access.roles import Role, Scope, role_of, scopes_of
from antiphon.access.rows import Rows, lasting, seen
from antiphon.access.tables import teams, users, virtual_keys
from antiphon.access.walls import Walls, not_found


class Users(Rows[UserFacts]):
    """The people and applications of a tenant."""

    _table, _what, _prefix = users, "user", "sub"

    def create(self, name: str, *, role: str = Role.MEMBER, team: str = "") -> UserFacts:
        """Make one.

        Raises:
            InvalidRequest, NameTaken: The name or the role is none, or the name another's.
            PathNotFound: There is no such team.
            Forbidden: The actor may not, or may do less than the user would.
            StorageFailed: Nothing was done.
        """
        realm = self._realm
        realm.need(Scope.MANAGE)
        name, role = name_of(name), role_of(role)
        realm.need_all(scopes_of(role))
        if realm.team and team != realm.team:
            # Another team is unknown here; of none would be of the whole organisation.
            raise not_found("team")
        with self._database.writing() as connection:
            if team:
                lasting(connection, teams, realm.teams(), team)
            return self._made(connection, name, role=role.value, team=team or None)

    def change_role(self, user: str, role: str) -> UserFacts:
        """Give another role; their keys may do no more than it from then on.

        Raises:
            InvalidRequest: The role is none.
            PathNotFound: There is no such user.
            Forbidden: The actor may not, or may do less than the user could or would.
        """
        word, realm = role_of(role), self._realm
        with self._database.writing() as connection:
            row = lasting(connection, users, self._walls(), user)
            realm.need(Scope.MANAGE)
            realm.need_all(scopes_of(word) | scopes_of(row["role"]))
            if row["role"] != word:
                details = {"role": word.value, "before": row["role"]}
                act = Act("user.change", user, realm.organisation, row["team"] or "", details)
                entry = enter(connection, realm.actor, act, at=self._now())
                connection.execute(
                    update(users)
                    .where(*self._walls(), users.c.id == user)
                    .values(role=word.value, entry=entry)
                )
                own = realm.of(virtual_keys)
                forget_keys(connection, own & (virtual_keys.c.user == user))
                forget_user(connection, user)
            return self._seen(connection, user)

    def remove(self, user: str, *, erase: bool = False) -> UserFacts:
        """Remove one, and revoke their keys.

        Args:
            user: The id.
            erase: The name is forgotten too, also of one who was removed before, and so are the
                names of their keys.

        Raises:
            PathNotFound: There is none.
            Forbidden: The actor may not, or may do less than the user.
        """
        realm = self._realm
        with self._database.writing() as connection:
            row = seen(connection, users, self._walls(), user, self._what)
            realm.need(Scope.MANAGE)
            realm.need_all(scopes_of(row["role"]))
            if row["removed_at"] is None:
                at, entry = self._gone(connection, row, row["team"] or "")
                own = realm.of(virtual_keys)
                revoke_where(connection, own & (virtual_keys.c.user == user), at=at, entry=entry)
                forget_user(connection, user)
            if erase and row["name"] != user:
                act = Act("user.erase", user, realm.organisation, row["team"] or "")
                entry = enter(connection, realm.actor, act, at=self._now())
                connection.execute(
                    update(users)
                    .where(*self._walls(), users.c.id == user)
                    .values(name=user, folded=folded(user), entry=entry)
                )
                held = (virtual_keys.c.user == user) & realm.of(virtual_keys)
                connection.execute(update(virtual_keys).where(held).values(name=""))
                forget_user(connection, user)
            return self._seen(connection, user)

    @override
    def _walls(self) -> Walls:
        return self._realm.users()

    @staticmethod
    @override
    def _facts(row: RowMapping) -> UserFacts:
        return UserFacts(
            id=row["id"],
            name=row["name"],
            team=row["team"] or "",
            role=row["role"],
            created_at=row["created_at"],
            removed_at=row["removed_at"],
        )
