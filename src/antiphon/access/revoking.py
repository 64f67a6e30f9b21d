"""Keys that stop to open, and how every process hears of it.

What changes what a key opens leaves its digests in `key_changes`, in the same transaction. Each
process reads what is new there (`watch`), and forgets those digests.
"""

from __future__ import annotations

from hashlib import sha256

from sqlalchemy import (
    ColumnElement,
    Connection,
    delete,
    func,
    insert,
    select,
    update,
)

from antiphon.access.sweeping import drop_of_keys
from antiphon.access.tables import key_changes, key_secrets, virtual_keys

KEPT = 10_000
"""Rows of `key_changes`. Whoever comes too late for one forgets every key instead."""


def revoke_where(
    connection: Connection, which: ColumnElement[bool], *, at: int, entry: int
) -> None:
    """Revoke those keys that are not revoked yet.

    Args:
        connection: Inside a transaction that writes.
        which: Of `virtual_keys`, within one organisation.
        at: Microseconds since 1970.
        entry: The number of the audit entry.
    """
    live = which & virtual_keys.c.revoked_at.is_(None)
    forget_keys(connection, live)
    drop_of_keys(connection, live, at=at, entry=entry)
    connection.execute(update(virtual_keys).where(live).values(revoked_at=at, entry=entry))


def forget_keys(connection: Connection, which: ColumnElement[bool]) -> None:
    """Have every process look these keys up again."""
    digests = (
        select(key_secrets.c.digest)
        .join(
            virtual_keys,
            (virtual_keys.c.organisation == key_secrets.c.organisation)
            & (virtual_keys.c.id == key_secrets.c.key),
        )
        .where(which)
    )
    connection.execute(insert(key_changes).from_select(["digest"], digests))
    newest = connection.execute(select(func.max(key_changes.c.number))).scalar() or 0
    connection.execute(delete(key_changes).where(key_changes.c.number <= newest - KEPT))


def forget_user(connection: Connection, user: str) -> None:
    """Have every process look a user up again who comes through a proxy."""
    connection.execute(insert(key_changes).values(digest=mark_of_user(user)))


def mark_of_user(user: str) -> bytes:
    """What stands for a user among the digests of keys: no key's text begins so."""
    return sha256(b"user:" + user.encode()).digest()
