"""Budgets and limits that go with whom they were for, in the same transaction."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, select, update

from antiphon.access.tables import allowances, virtual_keys


def drop_where(connection: Connection, which: ColumnElement[bool], *, at: int, entry: int) -> None:
    """Remove those that are in force.

    Args:
        connection: Inside a transaction that writes.
        which: Of `allowances`, within one organisation.
        at: Microseconds since 1970.
        entry: The number of the audit entry.
    """
    lasting = which & allowances.c.removed_at.is_(None)
    connection.execute(update(allowances).where(lasting).values(removed_at=at, entry=entry))


def drop_of_keys(
    connection: Connection, which: ColumnElement[bool], *, at: int, entry: int
) -> None:
    """Remove those of keys.

    Args:
        connection: Inside a transaction that writes.
        which: Of `virtual_keys`, within one organisation.
        at: Microseconds since 1970.
        entry: The number of the audit entry.
    """
    keys = select(virtual_keys.c.id).where(which)
    of_keys = (allowances.c.scope == "key") & allowances.c.target.in_(keys)
    drop_where(connection, of_keys, at=at, entry=entry)
