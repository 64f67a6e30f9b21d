"""From the digest of a key to its principal, in one statement.

Not for the road: it waits for the database.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, RowMapping, bindparam, func, select

from antiphon.access.roles import scopes_of
from antiphon.access.tables import (
    departments,
    key_changes,
    key_secrets,
    organisations,
    teams,
    users,
    virtual_keys,
)
from antiphon.model.principal import Principal
from antiphon.storage.database import Readable

NEVER = float("inf")
_models = msgspec.json.Decoder(frozenset[str])


class Found(NamedTuple):
    """What the database says of a digest.

    Attributes:
        digest: As asked.
        principal: Whom it opens to, or None: unknown, revoked, or its time is over.
        ends_at: Seconds since 1970 at which it stops to open; `NEVER`.
        seen: The newest change that was seen with it.
    """

    digest: bytes
    principal: Principal | None
    ends_at: float
    seen: int


def look_up(database: Readable, digest: bytes) -> Found:
    """Ask the database.

    Raises:
        StorageFailed: It did not do what it was asked.
    """
    with database.reading() as connection:
        row = connection.execute(_QUERY, {"digest": digest}).mappings().first()
        if row is None:
            return Found(digest, None, NEVER, newest_change(connection))
    ends = min((row["ends_at"] or NEVER, row["expires_at"] or NEVER))
    return Found(digest, _principal(row), ends / 1e6, row["seen"] or 0)


def principal_named(database: Readable, key_id: str) -> Principal | None:
    """Whom a key of the database opens to, by its id; None where it is revoked, or there is none.

    Raises:
        StorageFailed: It did not do what it was asked.
    """
    with database.reading() as connection:
        row = connection.execute(_BY_ID, {"key": key_id}).mappings().first()
    return None if row is None else _principal(row)


def newest_change(connection: Connection) -> int:
    """The number of the newest change."""
    return connection.execute(_NEWEST).scalar() or 0


_NEWEST = select(func.max(key_changes.c.number))
_FOUND = (
    select(
        _NEWEST.scalar_subquery().label("seen"),
        key_secrets.c.ends_at,
        virtual_keys.c.id,
        virtual_keys.c.organisation,
        virtual_keys.c.role,
        virtual_keys.c.models,
        virtual_keys.c.expires_at,
        teams.c.id.label("team_id"),
        teams.c.name.label("team"),
        departments.c.name.label("department"),
        users.c.id.label("user_id"),
        users.c.name.label("user"),
        users.c.role.label("user_role"),
    )
    .join_from(
        key_secrets,
        virtual_keys,
        (virtual_keys.c.organisation == key_secrets.c.organisation)
        & (virtual_keys.c.id == key_secrets.c.key),
    )
    .join(organisations, organisations.c.id == virtual_keys.c.organisation)
    .outerjoin(
        teams,
        (teams.c.organisation == virtual_keys.c.organisation) & (teams.c.id == virtual_keys.c.team),
    )
    .outerjoin(
        departments,
        (departments.c.organisation == teams.c.organisation)
        & (departments.c.id == teams.c.department),
    )
    .outerjoin(
        users,
        (users.c.organisation == virtual_keys.c.organisation) & (users.c.id == virtual_keys.c.user),
    )
    .where(
        virtual_keys.c.revoked_at.is_(None),
        organisations.c.removed_at.is_(None),
        teams.c.removed_at.is_(None),
        users.c.removed_at.is_(None),
    )
)
_QUERY = _FOUND.where(key_secrets.c.digest == bindparam("digest"))
_BY_ID = _FOUND.where(virtual_keys.c.id == bindparam("key"))


def _principal(row: RowMapping) -> Principal:
    return Principal(
        key_id=row["id"],
        team=row["team"] or "",
        department=row["department"] or "",
        user=row["user"] or "",
        subject=row["user_id"] or "",
        scopes=scopes_of(row["role"], row["user_role"]),
        models=_models.decode(row["models"]),
        organisation=row["organisation"],
        team_id=row["team_id"] or "",
        role=row["role"],
    )
