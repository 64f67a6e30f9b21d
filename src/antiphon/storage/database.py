"""One database, and the two ways to be in it: reading and writing.

SQLAlchemy Core, and SQLite in its write-ahead mode: readers never wait for the writer, and a
commit is one append. What can go wrong comes out as one error, in words that say what to do.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Generator, Sequence
from pathlib import Path

from sqlalchemy import Connection, Engine, MetaData, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

from antiphon.errors import StorageFailed
from antiphon.storage.versions import bring_up

_BUSY_SECONDS = 5.0
"""How long a writer waits for another one's transaction."""
_SWITCHES = 100
"""Other starts that one may meet while all make the database."""


class Database:
    """A database that is at the version of this program.

    Args:
        url: `sqlite:///PATH`.
        schemas: The tables of every domain, made where the database is new.
        busy_seconds: How long a writer waits for another one's transaction.

    Raises:
        StorageFailed: It cannot be used.
    """

    def __init__(
        self, url: str, schemas: Sequence[MetaData], *, busy_seconds: float = _BUSY_SECONDS
    ) -> None:
        self._engine = _engine(url, busy_seconds)
        try:
            with self.writing() as connection:
                bring_up(connection, schemas)
        except StorageFailed:
            self._engine.dispose()
            raise

    @contextlib.contextmanager
    def writing(self) -> Generator[Connection]:
        """A transaction that writes; it is the only one that does until the block ends.

        Raises:
            StorageFailed: The database did not do what it was asked; nothing was done.
        """
        with _told(), self._engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.exec_driver_sql("ROLLBACK")
                raise
            connection.exec_driver_sql("COMMIT")

    @contextlib.contextmanager
    def writing_through(self) -> Generator[Connection]:
        """As `writing`, and when the block has ended the disk holds this and all that came before.

        Raises:
            StorageFailed: The database did not do what it was asked; nothing was done.
        """
        with _told(), self._engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA synchronous=FULL")
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.exec_driver_sql("ROLLBACK")
                raise
            else:
                connection.exec_driver_sql("COMMIT")
            finally:
                connection.exec_driver_sql("PRAGMA synchronous=NORMAL")

    @contextlib.contextmanager
    def reading(self) -> Generator[Connection]:
        """A transaction that reads: what others write meanwhile is not seen.

        Raises:
            StorageFailed: The database did not do what it was asked.
        """
        with _told(), self._engine.connect() as connection:
            connection.exec_driver_sql("BEGIN")
            try:
                yield connection
            finally:
                connection.exec_driver_sql("ROLLBACK")

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()


def _engine(url: str, busy_seconds: float) -> Engine:
    path = make_url(url).database
    if path:
        try:
            Path(path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StorageFailed(
                f"the database cannot be kept in {path}: {error.strerror}", code="unavailable"
            ) from error
    engine = create_engine(
        url,
        poolclass=QueuePool,
        connect_args={
            "timeout": busy_seconds,
            "isolation_level": None,
            "check_same_thread": False,
        },
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        _write_ahead(connection)
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA foreign_keys=ON")

    return engine


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch to the write-ahead mode, in which the file stays.

    SQLite does not wait where two processes make the same database at once; a transaction does.
    """
    for _ in range(_SWITCHES):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & _PRIMARY != sqlite3.SQLITE_BUSY:
                raise
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
        else:
            return
    connection.execute("PRAGMA journal_mode=WAL")


@contextlib.contextmanager
def _told() -> Generator[None]:
    """The driver's errors in our words."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        raise _failure(error) from error


_CODES = {
    sqlite3.SQLITE_BUSY: ("locked", "another process holds the database"),
    sqlite3.SQLITE_LOCKED: ("locked", "another process holds the database"),
    sqlite3.SQLITE_FULL: ("full", "the disk of the database is full"),
    sqlite3.SQLITE_IOERR: ("full", "the disk of the database does not take it"),
    sqlite3.SQLITE_READONLY: ("read_only", "the database cannot be written"),
    sqlite3.SQLITE_CANTOPEN: ("unavailable", "the database cannot be opened"),
    sqlite3.SQLITE_CORRUPT: ("damaged", "the database is damaged"),
    sqlite3.SQLITE_NOTADB: ("foreign", "the file is not a database"),
}
_PRIMARY = 0xFF
"""The bits of SQLite's result codes that say what, not where."""


def _failure(error: DBAPIError | sqlite3.Error) -> StorageFailed:
    cause = error.orig if isinstance(error, DBAPIError) else error
    number = getattr(cause, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    code, told = _CODES.get(number & _PRIMARY, ("unavailable", "the database refuses"))
    return StorageFailed(f"{told} ({cause})", code=code)
