"""Captures in a file of their own, which can be deleted at any time without a loss to the ledger.

Deleted content is overwritten, the log beside the file included; the file shrinks as captures
leave it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    delete,
    func,
    inspect,
    select,
)
from sqlalchemy.dialects.sqlite import insert

from antiphon.errors import CallerLeft, StorageFailed
from antiphon.storage.address import address_of
from antiphon.storage.database import Database, Readable, open_to_read
from antiphon.storage.versions import numbered
from antiphon.usage.captures.config import CaptureLevel
from antiphon.usage.captures.summary import summary_of
from antiphon.usage.captures.taking import Capture

SCHEMA = MetaData()
captures = Table(
    "captures",
    SCHEMA,
    Column("number", Integer, primary_key=True),
    Column("request_id", String, nullable=False, unique=True),
    Column("ended_at", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("key_id", String, nullable=False),
    Column("alias", String, nullable=False),
    Column("level", String, nullable=False),
    Column("summary", Text, nullable=False),
    Column("request", LargeBinary, nullable=True),
    Column("request_size", BigInteger, nullable=False),
    Column("answer", LargeBinary, nullable=True),
    Column("answer_size", BigInteger, nullable=False),
    # Holds all that ages and sizes are asked for, so that no content is read for them.
    Index("ix_captures_age", "ended_at", "size"),
)
_FORMAT = 1
_BUSY_SECONDS = 0.25
"""Short, since the thread that writes captures ships the ledger too."""
_ROW = 256
"""Bytes that a capture takes besides its content, about."""
_AT_ONCE = 100
_PAGES_AT_ONCE = 2_000


class Side(msgspec.Struct, frozen=True):
    """What one side said.

    Attributes:
        size: Bytes of all of it.
        cut: Not all of it was kept.
        text: What was kept; bytes that are no UTF-8 are replaced.
    """

    size: int
    cut: bool
    text: str


class CaptureFacts(msgspec.Struct, frozen=True):
    """A capture.

    Attributes:
        level: `metadata` or `full`.
        summary: Counts, sizes and parameters; no text.
        request: What the caller sent, byte for byte; None unless the level is `full`.
        answer: What the caller was handed, as far as it came; None unless the level is `full`.
    """

    level: CaptureLevel
    summary: dict[str, object]
    request: Side | None
    answer: Side | None


class CaptureStore:
    """The file with the captures.

    Args:
        path: The file; made where there is none.

    Raises:
        StorageFailed: It cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._database = _opened(path)

    def is_there(self) -> bool:
        """Whether the file still stands where it stood."""
        return self.path.exists()

    def reopen(self) -> None:
        """Begin a new file in place of one that was deleted.

        Raises:
            StorageFailed: It cannot be made.
        """
        self._database.close()
        self._database = _opened(self.path)

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def write(self, taken: Sequence[Capture], *, max_bytes: int) -> int:
        """Keep captures, each side cut at a bound; gives the bytes that they take.

        Raises:
            StorageFailed: None of them was kept.
        """
        rows = [_row(each, max_bytes) for each in taken]
        with self._database.writing() as connection:
            connection.execute(insert(captures).on_conflict_do_nothing(), rows)
        return sum(row["size"] for row in rows if isinstance(row["size"], int))

    def read(self, request_id: str) -> CaptureFacts | None:
        """The capture of a request, or None.

        Raises:
            StorageFailed: The file does not give it.
        """
        with self._database.reading() as connection:
            return read_capture(connection, request_id)

    def total(self) -> int:
        """Bytes that all captures take.

        Raises:
            StorageFailed: The file does not say.
        """
        with self._database.reading() as connection:
            return connection.execute(
                select(func.coalesce(func.sum(captures.c.size), 0))
            ).scalar_one()

    def delete_before(self, moment: int) -> int:
        """Delete captures that ended before a moment, some at a time; gives how many.

        Raises:
            StorageFailed: None was deleted.
        """
        oldest = select(captures.c.number).where(captures.c.ended_at < moment).limit(_AT_ONCE)
        with self._database.writing() as connection:
            return connection.execute(
                delete(captures).where(captures.c.number.in_(oldest.scalar_subquery()))
            ).rowcount

    def delete_oldest(self, size: int) -> int:
        """Delete the oldest until so many bytes are free, some at a time; gives the bytes.

        Raises:
            StorageFailed: None was deleted.
        """
        with self._database.writing() as connection:
            oldest = connection.execute(
                select(captures.c.number, captures.c.size)
                .order_by(captures.c.ended_at, captures.c.number)
                .limit(_AT_ONCE)
            )
            numbers: list[int] = []
            freed = 0
            for number, each in oldest:
                if freed >= size:
                    break
                numbers.append(number)
                freed += each
            connection.execute(delete(captures).where(captures.c.number.in_(numbers)))
        return freed

    def shrink(self) -> bool:
        """Give back to the disk what deleted captures took; True if there is more of it.

        Raises:
            StorageFailed: The file is as it was.
        """
        return self._database.shrink(_PAGES_AT_ONCE) > 0


def look_at_captures(path: Path) -> Readable:
    """The file, for somebody who only reads.

    Raises:
        StorageFailed: It cannot be read.
    """
    return open_to_read(address_of(path), [SCHEMA], versions=_VERSIONS)


def read_capture(connection: Connection, request_id: str) -> CaptureFacts | None:
    """The capture of a request, or None."""
    row = (
        connection.execute(select(captures).where(captures.c.request_id == request_id))
        .mappings()
        .first()
    )
    if row is None:
        return None
    return CaptureFacts(
        level=row["level"],
        summary=msgspec.json.decode(row["summary"], type=dict[str, object]),
        request=_side(row["request"], row["request_size"]),
        answer=_side(row["answer"], row["answer_size"]),
    )


def _side(kept: bytes | None, size: int) -> Side | None:
    if kept is None:
        return None
    return Side(size, len(kept) < size, kept.decode(errors="replace"))


def _row(capture: Capture, max_bytes: int) -> dict[str, object]:
    summary = msgspec.json.encode(summary_of(capture)).decode()
    request: bytes | None = None
    answer: bytes | None = None
    size = capture.size
    if capture.level == "full":
        request = capture.body[:max_bytes]
        answer, size = _answer(capture)
        answer = answer[:max_bytes]
    return {
        "request_id": capture.request_id,
        "ended_at": capture.ended_at,
        "size": _ROW + len(summary) + len(request or b"") + len(answer or b""),
        "key_id": capture.key_id,
        "alias": capture.alias,
        "level": capture.level,
        "summary": summary,
        "request": request,
        "request_size": len(capture.body),
        "answer": answer,
        "answer_size": size,
    }


def _answer(capture: Capture) -> tuple[bytes, int]:
    """What the caller was handed: what passed, else the error that it was told."""
    failure = capture.failure
    if capture.size or failure is None or isinstance(failure, CallerLeft):
        return b"".join(capture.pieces), capture.size
    told = capture.dialect.encode_error(failure, request_id=capture.request_id)
    return told, len(told)


def _opened(path: Path) -> Database:
    try:
        if not path.exists():
            # A log that was left behind would be played back into the new file.
            for suffix in ("-wal", "-shm", "-journal"):
                path.with_name(path.name + suffix).unlink(missing_ok=True)
    except OSError as error:
        raise StorageFailed(
            f"captures cannot be kept in {path}: {error.strerror}", code="unavailable"
        ) from error
    return Database(
        address_of(path),
        [SCHEMA],
        busy_seconds=_BUSY_SECONDS,
        versions=_VERSIONS,
        erases=True,
    )


def _check(connection: Connection, schemas: Sequence[MetaData]) -> None:
    found = connection.exec_driver_sql("PRAGMA user_version").scalar()
    ours = {name for schema in schemas for name in schema.tables}
    if found != _FORMAT or not ours.issubset(inspect(connection).get_table_names()):
        raise StorageFailed(
            "it holds no captures of this version; it may be deleted", code="foreign"
        )


_VERSIONS = numbered(_FORMAT, _check)
"""By a number of its own: what is disposable needs no migrations."""
