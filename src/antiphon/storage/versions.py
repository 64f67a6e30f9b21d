"""Which version a database is at, and the way to ours.

A new database gets every table at once, and the mark of the newest migration; a test holds that to
what the migrations make one after another. So a start needs Alembic only where there is something
to migrate.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import NamedTuple

from sqlalchemy import Connection, MetaData, inspect

from antiphon.errors import StorageFailed

KNOWN = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008")
"""All migrations, the oldest first."""
HEAD = KNOWN[-1]
_TABLE = "alembic_version"


class Versions(NamedTuple):
    """How a database is told from others, and brought to what this program knows.

    Attributes:
        check: Refuses one that is not ours, and changes nothing.
        bring_up: Makes what is missing, inside a transaction.
    """

    check: Callable[[Connection, Sequence[MetaData]], object]
    bring_up: Callable[[Connection, Sequence[MetaData]], None]


def bring_up(connection: Connection, schemas: Sequence[MetaData]) -> None:
    """Bring a database to this program's version, inside its transaction.

    Raises:
        StorageFailed: It is newer than this program, or not a database of ours.
    """
    version = check(connection, schemas)
    if version is None:
        for schema in schemas:
            schema.create_all(connection)
        connection.exec_driver_sql(
            f"CREATE TABLE {_TABLE} (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"
        )
        connection.exec_driver_sql(f"INSERT INTO {_TABLE} VALUES (?)", (HEAD,))  # noqa: S608
    elif version == HEAD:
        # Changes nothing, and tells a database that can only be read before there is work for it.
        connection.exec_driver_sql(f"UPDATE {_TABLE} SET version_num = version_num")  # noqa: S608
    else:
        import_module("antiphon.storage.migrations.upgrade").upgrade(connection)


def check(connection: Connection, schemas: Sequence[MetaData]) -> str | None:
    """The version that a database is at, if this program knows it; None where it is empty.

    Raises:
        StorageFailed: It is newer than this program, or not a database of ours.
    """
    tables = inspect(connection).get_table_names()
    if not tables:
        return None
    version = version_of(connection) if _TABLE in tables else ""
    ours = {name for schema in schemas for name in schema.tables}
    if not version or (ours and ours.isdisjoint(tables)):
        raise StorageFailed("the database is not one of Antiphon's", code="foreign")
    if version not in KNOWN:
        raise StorageFailed(
            f"the database was written by a newer Antiphon (its version is {version!r}, the newest "
            f"that is known here {HEAD!r})",
            code="newer",
        )
    return version


def version_of(connection: Connection) -> str:
    """The version that the database says it is at."""
    row = connection.exec_driver_sql(f"SELECT version_num FROM {_TABLE}").first()  # noqa: S608
    return str(row[0]) if row else ""


def numbered(number: int, check: Callable[[Connection, Sequence[MetaData]], object]) -> Versions:
    """By a number of a file's own (`user_version`), for what no migration looks after.

    Args:
        number: Of the version that this program knows.
        check: Refuses a file with tables that are not of that version.
    """

    def bring_up(connection: Connection, schemas: Sequence[MetaData]) -> None:
        if inspect(connection).get_table_names():
            check(connection, schemas)
            return
        for schema in schemas:
            schema.create_all(connection)
        connection.exec_driver_sql(f"PRAGMA user_version = {number}")

    return Versions(check, bring_up)


MIGRATED = Versions(check, bring_up)
"""By the migrations of the ledger's database."""
