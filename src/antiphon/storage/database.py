"""One database, and the two ways to be in it: reading and writing.

SQLAlchemy Core, and SQLite in its write-ahead mode: readers never wait for the writer, and a
commit is one append. What can go wrong comes out as one error, in words that say what to do.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Generator, Sequence
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, Engine, MetaData, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import QueuePool

from antiphon.errors import StorageFailed
from antiphon.storage.address import file_of
from antiphon.storage.versions import MIGRATED, Versions

_BUSY_SECONDS = 5.0
"""How long a writer waits for another one's transaction."""
_SWITCHES = 100
"""Other starts that one may meet while all make the database."""


class Readable:
    """A database that is read.

    Args:
        engine: Of it.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

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
                _roll_back(connection)

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()


class Database(Readable):
    """A database that is at the version of this program.

    Args:
        url: `sqlite:///PATH`.
        schemas: The tables of every domain, made where the database is new.
        busy_seconds: How long a writer waits for another one's transaction.
        versions: How it is told from others, and brought up.
        erases: What is deleted is overwritten, and the file can `shrink`.

    Raises:
        StorageFailed: It cannot be used.
    """

    def __init__(
        self,
        url: str,
        schemas: Sequence[MetaData],
        *,
        busy_seconds: float = _BUSY_SECONDS,
        versions: Versions = MIGRATED,
        erases: bool = False,
    ) -> None:
        self._path = path = file_of(url)
        with _named(path):
            _make_room(path)
            _make_private(path)
            if _size(path):
                # Nothing is changed in a file that is not ours, not even its journal's mode.
                _look(path, schemas, busy_seconds, versions).close()
            super().__init__(_engine(path, busy_seconds, erases=erases))
            try:
                with self.writing() as connection:
                    versions.bring_up(connection, schemas)
            except StorageFailed:
                self.close()
                raise

    @contextlib.contextmanager
    def writing(self) -> Generator[Connection]:
        """A transaction that writes; it is the only one that does until the block ends.

        Raises:
            StorageFailed: The database did not do what it was asked; nothing was done.
        """
        with _told(), self._engine.connect() as connection, _transaction(connection):
            yield connection

    @contextlib.contextmanager
    def writing_through(self) -> Generator[Connection]:
        """As `writing`, and when the block has ended the disk holds this and all that came before.

        Raises:
            StorageFailed: The database did not do what it was asked; nothing was done.
        """
        with _told(), self._engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA synchronous=FULL")
            try:
                with _transaction(connection):
                    yield connection
            finally:
                if not connection.invalidated:
                    connection.exec_driver_sql("PRAGMA synchronous=NORMAL")

    @property
    def kind(self) -> str:
        """What it is, such as `sqlite`."""
        return self._engine.dialect.name

    def bytes_on_disk(self) -> int:
        """How large it is, with what it keeps beside itself.

        Raises:
            StorageFailed: The disk does not say.
        """
        return sum(_size(Path(f"{self._path}{end}")) for end in ("", "-wal", "-shm"))

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


def open_to_read(
    url: str,
    schemas: Sequence[MetaData],
    *,
    busy_seconds: float = _BUSY_SECONDS,
    versions: Versions = MIGRATED,
) -> Readable:
    """A database that is there, opened so that nothing in it can be changed.

    Args:
        url: `sqlite:///PATH`.
        schemas: The tables of every domain.
        busy_seconds: How long to wait for one who keeps readers out.
        versions: How it is told from others.

    Raises:
        StorageFailed: There is none yet, or it cannot be read.
    """
    path = file_of(url)
    with _named(path):
        if not _size(path):
            raise StorageFailed(
                "there is no database yet; `antiphon serve` makes it", code="absent"
            )
        return _look(path, schemas, busy_seconds, versions)


def _look(
    path: Path, schemas: Sequence[MetaData], busy_seconds: float, versions: Versions
) -> Readable:
    """The database, to be read, if it is one of ours."""
    try:
        return _seen(_connecting(path, "mode=ro", busy_seconds), schemas, versions)
    except StorageFailed as error:
        # Whoever may not write the folder cannot join those who have the database open. Where
        # nobody has, there is no log beside it, and the file is all.
        if error.code not in {"read_only", "unavailable"} or _size(Path(f"{path}-wal")):
            raise
    return _seen(_connecting(path, "mode=ro&immutable=1", busy_seconds), schemas, versions)


def _seen(engine: Engine, schemas: Sequence[MetaData], versions: Versions) -> Readable:
    found = Readable(engine)
    try:
        with found.reading() as connection:
            versions.check(connection, schemas)
    except StorageFailed:
        found.close()
        raise
    return found


def _size(path: Path) -> int:
    """The bytes of a file; 0 where there is none."""
    try:
        if path.is_dir():
            raise StorageFailed("this is a folder, not a database", code="unavailable")
        return path.stat().st_size
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise StorageFailed(
            f"the database cannot be read: {error.strerror}", code="unavailable"
        ) from error


def _make_room(path: Path) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StorageFailed(
            f"the database cannot be kept there: {error.strerror}", code="unavailable"
        ) from error


def _make_private(path: Path) -> None:
    """A new file is its owner's alone; where it cannot be made, SQLite says why."""
    with contextlib.suppress(OSError):
        path.touch(mode=0o600, exist_ok=False)


def _engine(path: Path, busy_seconds: float, *, erases: bool) -> Engine:
    engine = _connecting(path, "mode=rwc", busy_seconds)

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        if erases:
            connection.execute("PRAGMA secure_delete=ON")
            if not connection.execute("PRAGMA page_count").fetchone()[0]:
                connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
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


def _connecting(path: Path, options: str, busy_seconds: float) -> Engine:
    # A URI takes options, and a path of any letters.
    address = f"file:{quote(str(path))}?{options}"

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(
            address, uri=True, timeout=busy_seconds, isolation_level=None, check_same_thread=False
        )

    return create_engine("sqlite://", creator=connect, poolclass=QueuePool)


@contextlib.contextmanager
def _transaction(connection: Connection) -> Generator[None]:
    """What the block does, whole or not at all; nobody else writes until it ends."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        _roll_back(connection)
        raise
    connection.exec_driver_sql("COMMIT")


@contextlib.contextmanager
def _named(path: Path) -> Generator[None]:
    """What goes wrong, with the name of the file."""
    try:
        yield
    except StorageFailed as error:
        raise StorageFailed(f"{path}: {error.message}", code=error.code) from error


@contextlib.contextmanager
def _told() -> Generator[None]:
    """The driver's errors in our words."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        raise _failure(error) from error
    except PoolTimeout as error:
        raise StorageFailed("too many read the database at once", code="locked") from error


_CODES = {
    sqlite3.SQLITE_BUSY: ("locked", "another process holds the database and does not let go"),
    sqlite3.SQLITE_LOCKED: ("locked", "another process holds the database and does not let go"),
    sqlite3.SQLITE_FULL: ("full", "the disk of the database is full"),
    sqlite3.SQLITE_IOERR: ("full", "the disk of the database fails"),
    sqlite3.SQLITE_READONLY: ("read_only", "the database can be read but not written"),
    sqlite3.SQLITE_CANTOPEN: (
        "unavailable",
        "the database cannot be opened: it and its folder must be this user's to write",
    ),
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


def _roll_back(connection: Connection) -> None:
    # An interrupt in the middle of a statement has closed it already.
    if not connection.invalidated:
        connection.exec_driver_sql("ROLLBACK")
