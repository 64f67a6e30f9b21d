"""Taking a capture on the road: references are kept, and nothing is copied, read or written.

What is taken waits in a queue that is bounded by its number and its bytes; where it is full, a
capture is dropped and counted, and the request does not notice.

Hot path, for routes that capture; the others pay for the question alone.
"""

from __future__ import annotations

from collections import deque

import msgspec

from antiphon.clock import Clock
from antiphon.dialects.base import Dialect, Payload
from antiphon.errors import AntiphonError
from antiphon.model.principal import Principal
from antiphon.model.reply import StopReason
from antiphon.usage.captures.config import CaptureLevel, CaptureSettings

_MOST_WAITING = 1_000
_MOST_BYTES = 64 << 20


class Capture(msgspec.Struct, eq=False):
    """What one request said and was told.

    Attributes:
        body: What the caller sent.
        pieces: What the caller was handed, until the bound was reached.
        size: Bytes of all that the caller was handed.
        failure: What it ended with, or None.
        stop: Why the model stopped, or None.
        ended_at: Microseconds since 1970.
    """

    request_id: str
    key_id: str
    alias: str
    level: CaptureLevel
    dialect: Dialect
    body: bytes
    _captures: Captures
    _room: int
    pieces: list[bytes] = []
    size: int = 0
    failure: AntiphonError | None = None
    stop: StopReason | None = None
    ended_at: int = 0

    @property
    def held(self) -> int:
        """Bytes that are kept from being freed."""
        return len(self.body) + sum(map(len, self.pieces))

    def hand_out(self, piece: bytes) -> None:
        """These bytes go to the caller."""
        self.size += len(piece)
        if self._room > 0:
            self._room -= len(piece)
            self.pieces.append(piece)

    def end(self, failure: AntiphonError | None, stop: StopReason | None) -> None:
        """The request is over."""
        self.failure, self.stop = failure, stop
        self._captures.take(self)


class Tap(msgspec.Struct, frozen=True):
    """What a route captures."""

    level: CaptureLevel
    captures: Captures
    room: int

    def begin(self, request_id: str, payload: Payload, principal: Principal, alias: str) -> Capture:
        """A request of the route has begun."""
        return Capture(
            request_id,
            principal.key_id,
            alias,
            self.level,
            payload.dialect,
            payload.body,
            self.captures,
            self.room,
        )


class Captures:
    """Captures that wait to be written. The event loop adds, one other thread takes away.

    Attributes:
        settings: How much is kept; others hold from then on.
        dropped: How many found no room, or were given up.
    """

    def __init__(self, settings: CaptureSettings, *, clock: Clock) -> None:
        self.settings = settings
        self.dropped = 0
        self._clock = clock
        self._waiting: deque[Capture] = deque()
        # Each is changed by one thread only, so neither needs a lock.
        self._bytes_in = 0
        self._bytes_out = 0

    def tap(self, level: CaptureLevel, settings: CaptureSettings) -> Tap | None:
        """What a route with this level gets."""
        if level == "none":
            return None
        return Tap(level, self, settings.max_bytes if level == "full" else 0)

    def take(self, capture: Capture) -> None:
        """Put it behind the others, if there is room."""
        held = capture.held
        waiting = self._bytes_in - self._bytes_out
        if len(self._waiting) >= _MOST_WAITING or (waiting and waiting + held > _MOST_BYTES):
            self.dropped += 1
            return
        capture.ended_at = int(self._clock.now() * 1e6)
        self._bytes_in += held
        self._waiting.append(capture)

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def first(self, most: int) -> list[Capture]:
        """The next ones; they wait on until they are `done`."""
        return [self._waiting[place] for place in range(min(most, len(self._waiting)))]

    def done(self, captures: list[Capture]) -> None:
        """These, which stood first, are written."""
        for capture in captures:
            self._waiting.popleft()
            self._bytes_out += capture.held

    def drop(self, most: int) -> None:
        """Give up the next ones."""
        given_up = self.first(most)
        self.done(given_up)
        self.dropped += len(given_up)
