"""Where a request stands in a trace: W3C's `traceparent`, read and written.

Only where somebody listens: without a tracer no header is read and no id is made. What a caller
sends is believed as far as it is well-formed; anything else begins a new trace.

Hot path: two regular expressions and two random numbers a request.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from random import Random  # noqa: TID251  ids need no more; it is an argument

import msgspec

TRACEPARENT = b"traceparent"
_TRACESTATE = b"tracestate"
_PARENT = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_STATE = re.compile(rb"[\x20-\x7e\t]{1,512}")
_NO_TRACE, _NO_SPAN = b"0" * 32, b"0" * 16
_FIRST, _FORBIDDEN = b"00", b"ff"
_SAMPLED = 1
_LARGEST = (1 << 64) - 1


class Trace(msgspec.Struct, frozen=True, gc=False):
    """A request's place in a trace.

    Attributes:
        id: 32 hexadecimal digits.
        parent: The caller's span, 16 digits; empty where the trace begins here.
        state: What the caller's tracing system sent along.
        sampled: Whether its spans are kept.
        first: The id of its first span, from which the others follow.
    """

    id: str
    parent: str
    state: str
    sampled: bool
    first: int

    def span(self, number: int) -> str:
        """The id of a span: 0 is the HTTP request, 1 the exchange, the attempts follow."""
        return f"{((self.first + number) & _LARGEST) or 1:016x}"

    def header(self, attempt: int) -> bytes:
        """The header line for the call of an attempt, counted from 1."""
        return b"traceparent: 00-%b-%b-%b\r\n" % (
            self.id.encode(),
            self.span(1 + attempt).encode(),
            b"01" if self.sampled else b"00",
        )


class Tracer:
    """Makes ids, and decides what is kept.

    Args:
        sample: Which share of the traces that begin here is kept; the others follow their caller.
        random: Where ids come from.
    """

    __slots__ = ("_random", "_sample")

    def __init__(self, *, sample: float, random: Random) -> None:
        self._sample = sample
        self._random = random

    def begin(self, headers: Iterable[tuple[bytes, bytes]] = ()) -> Trace:
        """The place of a request with these headers."""
        parent = state = b""
        for name, value in headers:
            if name == TRACEPARENT:
                # Two of them are none: nobody can say which one is meant.
                parent = b"" if parent else value.strip()
            elif name == _TRACESTATE:
                state = b",".join((state, value)) if state else value
        first = self._random.getrandbits(64)
        found = _PARENT.fullmatch(parent)
        if found is None or not _is_valid(found):
            sampled = self._random.random() < self._sample
            return Trace(f"{self._random.getrandbits(128) or 1:032x}", "", "", sampled, first)
        return Trace(
            found[2].decode(),
            found[3].decode(),
            state.decode() if _STATE.fullmatch(state) else "",
            bool(int(found[4], 16) & _SAMPLED),
            first,
        )


def _is_valid(found: re.Match[bytes]) -> bool:
    """Whether it is one of W3C's: of version 00 exactly four parts, of later ones at least."""
    version = found[1]
    if version == _FORBIDDEN or (version == _FIRST and found[5] is not None):
        return False
    return found[2] != _NO_TRACE and found[3] != _NO_SPAN
