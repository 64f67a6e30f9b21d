"""What stands in a journal: records that say by themselves whether they are whole.

A record is a head of twelve bytes (mark, kind, length, checksum) and msgpack, on a multiple of
eight bytes. The checksum covers kind, length and content, so that a record which was torn, or
whose bytes were changed, is told from a good one wherever it stands; the mark and the alignment
let a reader find the next good one behind it. It begins with a number that only the segment
knows, so that no text which a caller sends can pass for a record.

Hot path: two records an attempt; see `benchmarks/hot_path.py`.
"""

from __future__ import annotations

import enum
import struct
from typing import TypeAlias
from zlib import crc32

import msgspec

from antiphon.model.usage import Usage

CACHE = "cache"
"""The provider, and its dialect, of a row of no cost: the answer was stored, or another paid."""
HIT, STALE, SHARED, CANNED = "hit", "stale", "shared", "canned"
"""Its models: which of these it was. What is canned was written before anybody asked."""
DEGRADED = "degraded: "
"""How a warning begins that says what stood in for an answer: the step, and what it gave."""
ALIGN = 8
HEAD = 12
_MARK = 0xA71F
_head = struct.Struct("<HHII")
_KIND_BITS = 2
"""Kind and length enter the checksum through its first value, which is cheaper than their bytes."""
_TEXTS = 16
"""A record that would be too long keeps of each text the room divided by this; it has fewer."""
OPEN_ROOM = 4096
"""Bytes that an `Opened` may take, its head included."""
DECISION_ROOM = 2048
"""Bytes that the decision of a `Decided` may take; a longer one is not written."""
CLOSE_ROOM = 768
"""Bytes kept for a `Closed` from the moment its `Opened` is written, its head included."""


class Kind(enum.IntEnum):
    """What a record says."""

    DECIDED = 0
    OPENED = 1
    CLOSED = 2
    UNANSWERED = 3


class Outcome(enum.StrEnum):
    """How an attempt ended."""

    OK = "ok"
    REFUSED = "refused"
    """The provider answered with an error: nothing was made, nothing is charged."""
    FAILED = "failed"
    """It broke, or took too long."""
    CANCELLED = "cancelled"
    """The caller left, or the gateway ended it."""
    LOST = "lost"
    """Its process died; the next one found it open."""


class Charge(enum.StrEnum):
    """Where the figures of an attempt come from."""

    REPORTED = "reported"
    """The provider's own figures."""
    ESTIMATED = "estimated"
    """The bound of the prompt, and the answer counted from the text that passed."""
    ASSUMED = "assumed"
    """The bound of the whole attempt: nobody saw how it ended."""
    NOTHING = "nothing"
    """Nothing was made: it was refused, or never sent."""


class Opened(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An attempt is about to be made.

    Attributes:
        request: The id that the caller is told.
        attempt: Its number within the request, from 1.
        started_at: Microseconds since 1970.
        key_id: Which key; never the key.
        subject: The id of the person or application behind the key, or empty.
        alias: The name that was asked for, as the configuration has it.
        heard: The caller's dialect.
        spoken: The provider's dialect.
        input_bound: Tokens that the prompt cannot exceed.
        output_bound: Tokens that the answer cannot exceed.
        cost_bound: What it cannot exceed, in billionths of a dollar.
        price: The version of the prices.
        pots: The numbers of the budgets' pots that it spends from.
    """

    request: str
    attempt: int
    started_at: int
    key_id: str
    team: str
    department: str
    subject: str
    alias: str
    provider: str
    model: str
    heard: str
    spoken: str
    stream: bool
    input_bound: int
    output_bound: int
    cost_bound: int
    price: str
    pots: tuple[int, ...] = ()


class Closed(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An attempt has ended. It says enough to be charged where its `Opened` cannot be read.

    Attributes:
        opened: Where its `Opened` stands in the same segment.
        ended_at: Microseconds since 1970; never before the start.
        code: What went wrong, in a word; empty where nothing did.
        last: No other attempt of the request follows: the times of the request are final.
        usage: As `Usage.counts` gives it.
        cost: Billionths of a dollar.
        first_byte: Microseconds from the attempt's start to its first byte; 0 for none.
        total: Microseconds from the attempt's start to its end.
        first_token: Microseconds from the request's start to the first useful event; 0 for none.
        request_total: Microseconds from the request's start to this end.
        overhead: Microseconds of the request, up to this end, that no provider was waited for.
        stop: Why the model stopped.
        warnings: What the caller was warned of.
    """

    opened: int
    request: str
    attempt: int
    key_id: str
    provider: str
    model: str
    ended_at: int
    outcome: str
    code: str
    charge: str
    last: bool
    usage: tuple[int, ...]
    cost: int
    first_byte: int
    total: int
    first_token: int
    request_total: int
    overhead: int
    stop: str
    warnings: tuple[str, ...]


class Unanswered(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A request ended without an answer and without an attempt that says why.

    Attributes:
        at: Microseconds since 1970 at which it ended.
        status: Of the answer, in HTTP's numbers.
        code: The kind of the error.
        message: What the caller was told.
        attempts: How many were made before.
        total: Microseconds that it took.
    """

    request: str
    at: int
    key_id: str
    team: str
    department: str
    subject: str
    alias: str
    heard: str
    stream: bool
    status: int
    code: str
    message: str
    attempts: int
    total: int


class Decided(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Why a request went where it went.

    Attributes:
        request: The id that the caller is told.
        at: Microseconds since 1970 at which it was written.
        decision: As whoever decided writes it; nothing here reads it. At most `DECISION_ROOM`.
    """

    request: str
    at: int
    decision: bytes


Record: TypeAlias = Opened | Closed | Unanswered | Decided

_encode = msgspec.msgpack.Encoder().encode
# By plain numbers: to compare with a member of an enum costs more than to decode.
_DECODERS = {
    int(Kind.DECIDED): msgspec.msgpack.Decoder(Decided).decode,
    int(Kind.OPENED): msgspec.msgpack.Decoder(Opened).decode,
    int(Kind.CLOSED): msgspec.msgpack.Decoder(Closed).decode,
    int(Kind.UNANSWERED): msgspec.msgpack.Decoder(Unanswered).decode,
}
_PADDING = tuple(b"\0" * (-length % ALIGN) for length in range(ALIGN))


def written(kind: int, record: Record, room: int, salt: int) -> bytes:
    """A record as it stands in a segment, in at most `room` bytes; texts are cut to fit."""
    content = _encode(record)
    size = HEAD + len(content)
    if size + ALIGN > room:
        content = _encode(_cut(record, room // _TEXTS))
        size = HEAD + len(content)
    length = len(content)
    checksum = crc32(content, salt ^ (length << _KIND_BITS | kind))
    return _head.pack(_MARK, kind, length, checksum) + content + _PADDING[size % ALIGN]


def read(data: bytes, at: int, *, salt: int) -> tuple[Record, int] | None:
    """The record at an offset and where the next one begins; None where no whole one stands."""
    begin = at + HEAD
    if begin > len(data):
        return None
    mark, kind, length, checksum = _head.unpack_from(data, at)
    end = begin + length
    decode = _DECODERS.get(kind)
    if mark != _MARK or end > len(data) or decode is None:
        return None
    content = data[begin:end]
    if crc32(content, salt ^ (length << _KIND_BITS | kind)) != checksum:
        return None
    try:
        record = decode(content)
    except msgspec.MsgspecError:
        return None
    return record, end + (-end % ALIGN)


def is_unfinished(tail: bytes) -> bool:
    """Whether what stands behind the last record can be the begin of one that was never finished.

    Rather than records that were whole and have been changed: of those every byte is there.
    """
    if len(tail) < HEAD:
        return _head.pack(_MARK, 0, 0, 0).startswith(tail[:2])
    mark, _, length, _ = _head.unpack_from(tail)
    return mark == _MARK and length <= OPEN_ROOM and len(tail) < HEAD + length


def usage_of(closed: Closed) -> Usage:
    """The usage of an attempt, in words."""
    return Usage(*closed.usage)


def _cut(record: Record, longest: int) -> Record:
    """The record with its texts cut: names that callers choose can be of any length."""
    changes: dict[str, object] = {}
    for name in record.__struct_fields__:
        value: object = getattr(record, name)
        if isinstance(value, str):
            changes[name] = value.encode()[:longest].decode(errors="ignore")
        elif name == "warnings":
            changes[name] = ()
    return msgspec.structs.replace(record, **changes)
