"""An answer as it is kept: the bytes that its caller got, in the caller's dialect.

The dialect stands in the key, so whoever finds an entry speaks it. A stream is kept with the
usage that its provider told and, where that differs, as it is told to who did not ask for usage.
Streams are kept without heartbeats.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from sys import getsizeof

import msgspec

from antiphon.cache.wall import Tenant
from antiphon.model.reply import StopReason
from antiphon.model.structured import Structured
from antiphon.model.usage import Usage

OVERHEAD = 176
"""Bytes that the memory itself needs for an entry beyond the entry's objects: its places in two
tables, with the room that these keep free. It was measured, and tests hold it."""


class Piece(msgspec.Struct, frozen=True, gc=False):
    """Some bytes of an answer.

    Attributes:
        shown: For who asked for usage.
        bare: For who did not; the same object where there is no difference.
    """

    shown: bytes
    bare: bytes

    @classmethod
    def of(cls, both: bytes) -> Piece:
        """Bytes that are the same for all."""
        return cls(both, both)

    @property
    def size(self) -> int:
        """Bytes that it keeps in memory."""
        return len(self.shown) + (0 if self.bare is self.shown else len(self.bare))


class Entry(msgspec.Struct, frozen=True, eq=False):
    """A stored answer.

    Attributes:
        stream: It is a stream's frames, not a whole body.
        shown: Its bytes, for who asked for usage.
        bare: Its bytes, for who did not.
        stored_at: Monotonic time at which it was made.
        keeps: Seconds after which it is of no use any more.
        usage: What its provider counted; it was paid for then.
        stop: Why the model stopped.
        alias: The route.
        deployment: What answered.
        request: The request that paid for it.
        subject: The person whose request it was, so that it can be erased; or empty.
        warnings: What the request lost on the way; told again.
        structured: What is known of its form, where one was asked for; told again.
        tenant: Who asked for it, so that the answers of one can be removed.
    """

    stream: bool
    shown: tuple[bytes, ...]
    bare: tuple[bytes, ...]
    stored_at: float
    keeps: float
    usage: Usage | None = None
    stop: StopReason | None = None
    alias: str = ""
    deployment: str = ""
    request: str = ""
    subject: str = ""
    warnings: tuple[str, ...] = ()
    structured: Structured | None = None
    tenant: Tenant | None = None

    def body(self, *, usage: bool) -> bytes:
        """All of it in one piece."""
        pieces = self.shown if usage else self.bare
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def age(self, now: float) -> float:
        """Seconds since it was made."""
        return max(now - self.stored_at, 0.0)

    @property
    def size(self) -> int:
        """Bytes of memory that it takes, its key and its places included.

        Names that the configuration or a key owns (alias, deployment, ids of a tenant) are not.
        """
        shown, bare = self.shown, self.bare
        size = _FIXED + getsizeof(shown) + getsizeof(self.request) + getsizeof(self.subject)
        for piece in shown:
            size += getsizeof(piece)
        if bare is not shown:
            size += getsizeof(bare)
            for piece, other in zip(bare, shown, strict=True):
                size += 0 if piece is other else getsizeof(piece)
        if self.usage is not None:
            size += _USAGE
        if self.warnings:
            size += getsizeof(self.warnings) + sum(map(getsizeof, self.warnings))
        if self.structured is not None:
            size += getsizeof(self.structured) + getsizeof(self.structured.problems)
            size += sum(map(getsizeof, self.structured.problems))
        if self.tenant is not None:
            size += getsizeof(self.tenant)
        return size


_FIXED = (
    OVERHEAD
    + getsizeof(bytes(32))
    + getsizeof(Entry(stream=False, shown=(), bare=(), stored_at=0.0, keeps=0.0))
    + getsizeof(0.5)
)
"""Its key, itself, and the time at which it was stored."""
_USAGE = getsizeof(Usage()) + 3 * getsizeof(1 << 20)
"""Few of its words are above the integers that a process shares."""


def pack(pieces: Sequence[Piece]) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """Pieces as `Entry.shown` and `Entry.bare`: as few objects as can be."""
    if len(pieces) == 1 and pieces[0].bare is pieces[0].shown:
        alone = (pieces[0].shown,)
        return alone, alone
    shown: list[bytes] = []
    bare: list[bytes] = []
    for alike, run in groupby(pieces, key=lambda piece: piece.bare is piece.shown):
        together = list(run)
        first = b"".join([piece.shown for piece in together])
        shown.append(first)
        bare.append(first if alike else b"".join([piece.bare for piece in together]))
    told = tuple(shown)
    return told, told if all(map(_same, shown, bare)) else tuple(bare)


def _same(one: bytes, other: bytes) -> bool:
    return one is other
