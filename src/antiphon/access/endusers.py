"""The people behind a proxy: from a name to the user whose id the ledger knows.

They are users of the organisation of the proxy's key. One who is seen for the first time gets a
row, so that what they use stands under an id that can be erased. One who was removed is refused;
one who was erased is forgotten, and a stranger again.

Hot path: `find`, two dict look-ups and a copy of the principal. Belongs to the thread of the loop.
"""

from __future__ import annotations

import secrets
from functools import partial
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, RowMapping, insert, select

from antiphon.access.audit import Act, enter
from antiphon.access.beside import Beside
from antiphon.access.bounded import Bounded
from antiphon.access.lookup import newest_change
from antiphon.access.managed import LOOK_UP, Changes, Unsaid
from antiphon.access.names import folded
from antiphon.access.revoking import mark_of_user
from antiphon.access.roles import SCOPES, Role
from antiphon.access.tables import users
from antiphon.access.walls import Actor
from antiphon.clock import Clock
from antiphon.errors import Forbidden
from antiphon.model.principal import Principal
from antiphon.storage.database import Database

MOST = 8192


class Asked(NamedTuple):
    """Who is looked for.

    Attributes:
        organisation: The id of the tenant of the proxy's key.
        name: Of the end user, as `names.name_of` gives it.
        key: The id of the proxy's key.
    """

    organisation: str
    name: str
    key: str


class EndUser(NamedTuple):
    """Who is behind a name.

    Attributes:
        asked: The question.
        id: The subject id.
        name: As it stands in the row; the same person may be written in several ways.
        team: The id of their team, or empty.
        role: The most they may do.
        removed: Whether they were.
        seen: The newest change that was seen with it.
    """

    asked: Asked
    id: str
    name: str
    team: str
    role: str
    removed: bool
    seen: int


class EndUsers:
    """What is known of the people behind proxies, and the way to the database.

    Args:
        database: With the tables of access.
        clock: For the times of new rows.
        most: Users that are remembered.
    """

    def __init__(self, database: Database, *, clock: Clock, most: int = MOST) -> None:
        # By what `key_changes` says of a user, so that there is one place to forget them.
        self._known: Bounded[bytes, EndUser] = Bounded(most)
        self._marks: Bounded[tuple[str, str], bytes] = Bounded(most)
        self._applied = 0
        self._beside = Beside(partial(enrol, database, clock), self._learn, name="users")

    def find(self, proxy: Principal, name: str) -> Principal | Unsaid:
        """The end user as a principal, with no more than the proxy's key may do.

        Args:
            proxy: The principal of the proxy's key.
            name: As `TrustedProxy.identify` gives it.

        Raises:
            Forbidden: They were removed, or belong to another team than the key; or the key is
                not a managed one.
        """
        if not proxy.organisation:
            raise Forbidden("Only a managed key may speak for users.")
        mark = self._marks.get((proxy.organisation, name))
        found = None if mark is None else self._known.get(mark)
        return LOOK_UP if found is None else _principal(proxy, found)

    async def principal(self, proxy: Principal, name: str) -> Principal:
        """The same, from the database where need be; one who is not known yet gets a row.

        Raises:
            Forbidden: They were removed, or belong to another team than the key; or the key is
                not a managed one.
            Overloaded: Too many are being looked up.
            StorageFailed: The database did not do what it was asked.
        """
        known = self.find(proxy, name)
        if isinstance(known, Principal):
            return known
        asked = Asked(proxy.organisation, name, proxy.key_id)
        return _principal(proxy, await self._beside.answer(asked))

    def apply(self, changes: Changes) -> None:
        """Forget what is not true any more."""
        self._applied = changes.upto
        if changes.digests is None:
            self._known.clear()
            self._marks.clear()
            return
        for digest in changes.digests:
            self._known.forget(digest)

    def close(self) -> None:
        """Let the threads end."""
        self._beside.close()

    def _learn(self, found: EndUser) -> None:
        if found.seen >= self._applied:
            mark = mark_of_user(found.id)
            self._known.put(mark, found)
            self._marks.put((found.asked.organisation, found.asked.name), mark)


def enrol(database: Database, clock: Clock, asked: Asked) -> EndUser:
    """Who is behind a name; one who is not known yet gets a row.

    Raises:
        StorageFailed: The database did not do what it was asked.
    """
    with database.reading() as connection:
        seen, row = newest_change(connection), _row(connection, asked)
    if row is None:
        with database.writing() as connection:
            seen, row = newest_change(connection), _row(connection, asked)
            if row is None:
                _make(connection, clock, asked)
                row = _row(connection, asked)
    assert row is not None, "it was made just now"
    removed = row["removed_at"] is not None
    return EndUser(asked, row["id"], row["name"], row["team"] or "", row["role"], removed, seen)


def _row(connection: Connection, asked: Asked) -> RowMapping | None:
    """The user of that name; of several, the one that was not removed, else the newest."""
    query = (
        select(users)
        .where(users.c.organisation == asked.organisation, users.c.folded == folded(asked.name))
        .order_by(users.c.removed_at.is_(None).desc(), users.c.created_at.desc())
    )
    return connection.execute(query.limit(1)).mappings().first()


def _make(connection: Connection, clock: Clock, asked: Asked) -> None:
    user, at = f"sub_{secrets.token_hex(8)}", int(clock.now() * 1e6)
    proxy = Actor(asked.key, frozenset(), asked.organisation, via="proxy")
    entry = enter(connection, proxy, Act("user.enrol", user, asked.organisation), at=at)
    connection.execute(
        insert(users).values(
            id=user,
            organisation=asked.organisation,
            name=asked.name,
            folded=folded(asked.name),
            role=Role.MEMBER.value,
            created_at=at,
            entry=entry,
        )
    )


def _principal(proxy: Principal, found: EndUser) -> Principal:
    if found.removed:
        raise Forbidden("This user was removed.")
    if found.team and found.team != proxy.team_id:
        raise Forbidden("This user belongs to another team than the key.")
    scopes = proxy.scopes & SCOPES[Role(found.role)]
    return msgspec.structs.replace(
        proxy,
        user=found.name,
        subject=found.id,
        scopes=scopes,
        role=found.role,
        proxied=True,
    )
