"""From records of the journal to rows of the ledger, and what a row is proven by.

The same records always give the same rows, whoever ships them and however often: that is what
lets a crash be answered by doing it all again.

Hot path beside the road: one row an attempt, on the shipper's thread.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias
from zlib import crc32

import msgspec
from sqlalchemy import Connection

from antiphon.model.usage import Usage
from antiphon.usage.journal.record import (
    Charge,
    Closed,
    Decided,
    Opened,
    Outcome,
    Unanswered,
)
from antiphon.usage.journal.scan import Scan
from antiphon.usage.ledger.tables import attempts, decisions, unanswered

Value: TypeAlias = str | int
Row: TypeAlias = tuple[Value, ...]
DecisionRow: TypeAlias = tuple[str, int, bytes]

COLUMNS = tuple(column.name for column in attempts.columns if column.name != "number")
"""The columns of a row, in their order; the last is its checksum."""
UNANSWERED_COLUMNS = tuple(column.name for column in unanswered.columns)
DECISION_COLUMNS = tuple(column.name for column in decisions.columns)
AT = {name: place for place, name in enumerate(COLUMNS)}
"""Where each column stands in a row."""
UNKNOWN = "?"
"""What stands where the record that would say it could not be read."""

_encode = msgspec.msgpack.Encoder().encode


def content_of(row: Row) -> bytes:
    """What a row says, as bytes: what its checksum and the digest of its manifest are made of."""
    return _encode(row)


def closed_row(
    owner: str, segment: int, position: int, opened: Opened | None, closed: Closed
) -> Row:
    """The row of an attempt that ended, without its checksum.

    Args:
        owner: The journal.
        segment: The number of the segment.
        position: Where the record of its end stands.
        opened: The record of its begin; None where that could not be read.
        closed: The record of its end.
    """
    if opened is None:
        opened = _unread(closed)
    return (
        closed.request,
        closed.attempt,
        owner,
        segment,
        position,
        opened.started_at,
        closed.ended_at,
        opened.key_id,
        opened.team,
        opened.department,
        opened.subject,
        opened.alias,
        opened.provider,
        opened.model,
        opened.heard,
        opened.spoken,
        int(opened.stream),
        closed.outcome,
        closed.code,
        closed.stop,
        int(closed.last),
        closed.charge,
        *closed.usage,
        closed.cost,
        opened.cost_bound,
        opened.price,
        closed.first_byte,
        closed.total,
        closed.first_token,
        closed.request_total,
        closed.overhead,
        "\n".join(closed.warnings),
    )


def rows_of(scan: Scan) -> Iterator[tuple[int, Row]]:
    """The rows of a segment and their places, in their order; the lost stand at their begin."""
    head = scan.head
    begun = {at: record for at, record in scan.records if isinstance(record, Opened)}
    for at, record in scan.records:
        if at in scan.open:
            opened = scan.open[at]
            yield at, closed_row(head.owner, head.number, at, opened, _lost(opened))
        elif isinstance(record, Closed):
            opened = begun.get(record.opened)
            yield at, closed_row(head.owner, head.number, at, opened, record)


def kept_rows(connection: Connection, owner: str, segment: int) -> Iterator[Row]:
    """The rows of a segment as they stand in the ledger, in their order, each with its checksum."""
    found = connection.exec_driver_sql(
        f"SELECT {', '.join(COLUMNS)} FROM {attempts.name} "  # noqa: S608  our own names
        "WHERE owner = ? AND segment = ? ORDER BY position",
        (owner, segment),
    )
    return map(tuple, found)


def unanswered_row(owner: str, segment: int, record: Unanswered) -> Row:
    """The row of a request that no attempt answered."""
    return (
        record.request,
        owner,
        segment,
        record.at,
        record.key_id,
        record.team,
        record.department,
        record.subject,
        record.alias,
        record.heard,
        int(record.stream),
        record.status,
        record.code,
        record.message,
        record.attempts,
        record.total,
    )


def decision_row(record: Decided) -> DecisionRow:
    """The row that says why a request went where it went."""
    return record.request, record.at, record.decision


def checksum_of(content: bytes) -> int:
    """The checksum of a row; it says which row of a segment is not what it was."""
    return crc32(content)


def _lost(opened: Opened) -> Closed:
    """The end of an attempt for which nobody wrote one: it is charged its bound."""
    return Closed(
        opened=0,
        request=opened.request,
        attempt=opened.attempt,
        key_id=opened.key_id,
        provider=opened.provider,
        model=opened.model,
        ended_at=opened.started_at,
        outcome=Outcome.LOST.value,
        code="process_died",
        charge=Charge.ASSUMED.value,
        last=True,
        usage=_bound(opened),
        cost=opened.cost_bound,
        first_byte=0,
        total=0,
        first_token=0,
        request_total=0,
        overhead=0,
        stop="",
        warnings=(),
    )


def _bound(opened: Opened) -> tuple[int, ...]:
    words = dict.fromkeys(Usage.__struct_fields__, 0)
    words["input_tokens"], words["output_tokens"] = opened.input_bound, opened.output_bound
    return tuple(words.values())


def _unread(closed: Closed) -> Opened:
    """What is known of an attempt whose begin could not be read."""
    return Opened(
        request=closed.request,
        attempt=closed.attempt,
        started_at=max(closed.ended_at - closed.total, 0),
        key_id=closed.key_id,
        team=UNKNOWN,
        department=UNKNOWN,
        subject="",
        alias=UNKNOWN,
        provider=closed.provider,
        model=closed.model,
        heard=UNKNOWN,
        spoken=UNKNOWN,
        stream=False,
        input_bound=0,
        output_bound=0,
        cost_bound=closed.cost,
        price=UNKNOWN,
    )
