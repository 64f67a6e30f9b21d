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

from antiphon.model.reply import StopReason
from antiphon.model.usage import Usage

OVERHEAD = 224
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

        Names that the configuration owns (alias, deployment) are not its own.
        """
        own: list[object] = [self, self.shown, self.stored_at, self.request, self.subject]
        own += self.shown
        if self.bare is not self.shown:
            own.append(self.bare)
            own += [
                bare for shown, bare in zip(self.shown, self.bare, strict=True) if bare is not shown
            ]
        if self.usage is not None:
            own.append(self.usage)
            own += [each for each in msgspec.structs.astuple(self.usage) if each > _LARGEST_SHARED]
        if self.warnings:
            own += [self.warnings, *self.warnings]
        return _KEY + OVERHEAD + sum(map(getsizeof, own))


_KEY = getsizeof(bytes(32))
_LARGEST_SHARED = 256
"""Integers up to this one exist once in a process."""


def pack(pieces: Sequence[Piece]) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """Pieces as `Entry.shown` and `Entry.bare`: as few objects as can be."""
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
