"""One database, and the two ways to be in it: reading and writing.

SQLAlchemy Core, and SQLite in its write-ahead mode: readers never wait for the writer, and a
commit is one append. What can go wrong comes out as one error, in words that say what to do.
Who only looks (a command beside a running gateway) uses `LookedAt`, which leaves nothing behind.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, Engine, MetaData, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool, QueuePool

from antiphon.errors import StorageFailed
from antiphon.storage.versions import bring_up, check_version

_BUSY_SECONDS = 5.0
"""How long a writer waits for another one's transaction."""

Prepare = Callable[[Connection, Sequence[MetaData]], None]
"""Makes the tables of a database that is new, and refuses one that is not ours."""


class Database:
    """A database that is at the version of this program.

    Args:
        url: `sqlite:///PATH`.
        schemas: The tables of every domain, made where the database is new.
        busy_seconds: How long a writer waits for another one's transaction.
        erases: What is deleted is overwritten, and the file can `shrink`.
        prepare: Brings it to the version of this program.

    Raises:
        StorageFailed: It cannot be used.
    """

    def __init__(
        self,
        url: str,
        schemas: Sequence[MetaData],
        *,
        busy_seconds: float = _BUSY_SECONDS,
        erases: bool = False,
        prepare: Prepare = bring_up,
    ) -> None:
        self._engine = _engine(url, busy_seconds, erases=erases)
        try:
            with self.writing() as connection:
                prepare(connection, schemas)
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
        with _reading(self._engine) as connection:
            yield connection

    def shrink(self, pages: int) -> int:
        """Give pages that nothing stands in any more back to the disk, and empty the log.

        Only of a database that `erases`; gives how many such pages are left.

        Raises:
            StorageFailed: The database did not do what it was asked.
        """
        with _told(), self._engine.connect() as connection:
            driver = connection.connection.driver_connection
            assert isinstance(driver, sqlite3.Connection)
            # As a script, since the driver takes only the first step of a statement without rows.
            driver.executescript(
                f"PRAGMA incremental_vacuum({pages}); PRAGMA wal_checkpoint(TRUNCATE)"
            )
            left: int = driver.execute("PRAGMA freelist_count").fetchone()[0]
            return left

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()


class LookedAt:
    """A database that somebody else keeps: never made, never changed, never brought up.

    Each look is a connection of its own, so that nothing is held while nobody looks.

    Args:
        url: `sqlite:///PATH`.
        check: Refuses one that cannot be read by this program.
    """

    def __init__(self, url: str, check: Callable[[Connection], None] = check_version) -> None:
        path = Path(make_url(url).database or "")
        self._path = path
        self._check = check
        self._engine = create_engine(
            "sqlite://", creator=lambda: _looking(path), poolclass=NullPool
        )

    @contextlib.contextmanager
    def reading(self) -> Generator[Connection]:
        """A transaction that reads.

        Raises:
            StorageFailed: There is none (`missing`), or it cannot be read.
        """
        if not self._path.exists():
            raise StorageFailed(f"there is no database {self._path}", code="missing")
        with _reading(self._engine) as connection:
            self._check(connection)
            yield connection


def _looking(path: Path) -> sqlite3.Connection:
    address = f"file:{quote(str(path))}?mode=rw"
    try:
        # With the right to write, SQLite tidies up behind the last one who looks; where the file
        # does not give it, it reads all the same.
        return _opened(address)
    except sqlite3.OperationalError:
        wal = path.with_name(path.name + "-wal")
        if wal.exists() and wal.stat().st_size:
            raise
        # A folder that cannot be written, and nobody who writes: all of it stands in the file.
        return _opened(f"{address}&immutable=1")


def _opened(address: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        address, uri=True, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute("PRAGMA query_only=ON")
        connection.execute("SELECT 1 FROM sqlite_master").fetchone()
    except sqlite3.Error:
        connection.close()
        raise
    return connection


@contextlib.contextmanager
def _reading(engine: Engine) -> Generator[Connection]:
    with _told(), engine.connect() as connection:
        connection.exec_driver_sql("BEGIN")
        try:
            yield connection
        finally:
            connection.exec_driver_sql("ROLLBACK")


def _engine(url: str, busy_seconds: float, *, erases: bool) -> Engine:
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
        if erases:
            connection.execute("PRAGMA secure_delete=ON")
            if not connection.execute("PRAGMA page_count").fetchone()[0]:
                connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA foreign_keys=ON")

    return engine


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
