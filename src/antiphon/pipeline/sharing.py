"""One call to providers for all who ask the same, and what each of them is given of it.

The call stands on the account of one request, whose exchange it fills as any other call would. It
runs in a task of its own (`cache.flights`), so it goes on while anybody waits, whoever leaves.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Protocol

from typing_extensions import override

from antiphon.cache.entry import Piece
from antiphon.cache.flight import END, Reader
from antiphon.clock import NEVER, Clock
from antiphon.dialects.base import Payload
from antiphon.dialects.contract import START, Position
from antiphon.errors import AntiphonError
from antiphon.pipeline.exchange import Exchange
from antiphon.pipeline.relay import Relay
from antiphon.pipeline.replies import AwaitedStream, StreamReply, whole_reply
from antiphon.pipeline.streaming import ProviderStream
from antiphon.pipeline.walking import Walking
from antiphon.wire.shallow import Members

_USAGE = re.compile(rb'"usage"\s*:\s*\{')
_NOTHING = Members({})
"""A request that asks for no usage; most dialects tell it all the same."""


class SharedCall:
    """A call on the account of one request (the port `cache.flight.Call`).

    A stream is read without heartbeats, which each caller gets of his own, and with its usage,
    which is hidden again for those who did not ask for it.

    Args:
        exchange: The request that pays.
        walk: Its candidates.
        stored: Takes the answer once it is whole; None where it was too long to be held.
        over: Called once it is over, whatever became of it.
    """

    __slots__ = ("_given", "_over", "_stored", "_stream", "_walk", "exchange")

    def __init__(
        self,
        exchange: Exchange,
        walk: Walking,
        clock: Clock,
        *,
        stored: Callable[[Sequence[Piece] | None], None],
        over: Callable[[], None],
    ) -> None:
        self.exchange = exchange
        self._walk = walk
        self._stored = stored
        self._over = over
        self._given = False
        streams = exchange.payload.stream
        self._stream = ProviderStream(exchange, walk, clock, NEVER, usage=True) if streams else None

    @property
    def position(self) -> Position:
        """How far the stream has come."""
        return START if self._stream is None else self._stream.position

    async def next(self) -> Piece:
        """What comes next; `END` at the good end.

        Raises:
            AntiphonError: It failed.
        """
        stream, exchange = self._stream, self.exchange
        if stream is None:
            if self._given:
                return END
            reply = await whole_reply(exchange, self._walk)
            self._given = True
            return Piece.of(reply.body)
        if stream.ended:
            return END
        shown = await stream.advance()
        return Piece(shown, _bare(shown, exchange.payload))

    def landed(self, pieces: Sequence[Piece] | None) -> None:
        """The answer is whole."""
        self._stored(pieces)

    async def rest(self) -> None:
        """Wait shortly for the end of the provider's body, so that its connection can be kept."""
        if self._stream is not None:
            await self._stream.drain()

    def close(self) -> None:
        """It is over: what is still open is let go of, and charged."""
        try:
            self._walk.abandon()
        finally:
            self._over()


class Question(Protocol):
    """What a request asks of stored and shared answers, as far as its stream must know."""

    def heard(self) -> None:
        """Something of the answer is about to be handed out."""
        ...

    def finished(self) -> None:
        """All of it is about to have been handed out."""
        ...


class SharedStream(AwaitedStream):
    """What one of its callers is given of a call."""

    __slots__ = ("_clock", "_exchange", "_heartbeat", "_question", "_reader", "_shows")

    def __init__(
        self,
        exchange: Exchange,
        reader: Reader[SharedCall],
        question: Question,
        clock: Clock,
        heartbeat: float,
    ) -> None:
        super().__init__()
        self._exchange = exchange
        self._reader = reader
        self._question = question
        self._clock = clock
        self._heartbeat = heartbeat
        self._shows = exchange.payload.wants_usage

    @property
    @override
    def content_type(self) -> str:
        return self._exchange.payload.dialect.stream_type

    @property
    @override
    def has_begun(self) -> bool:
        return bool(self._reader.taken)

    @override
    def fail(self, error: AntiphonError) -> bytes:
        if self.ended:
            return b""
        self.ended = True
        exchange, reader = self._exchange, self._reader
        exchange.outcome = self.failure = error
        call = reader.call if reader.taken else None
        return exchange.payload.dialect.encode_stream_error(
            error, request_id=exchange.id, position=START if call is None else call.position
        )

    @override
    async def advance(self) -> bytes:
        exchange, reader = self._exchange, self._reader
        while True:
            piece = await reader.next(self._heartbeat)
            self._question.heard()
            if piece is None:
                return exchange.payload.dialect.heartbeat
            if not exchange.first_token_at:
                exchange.first_token_at = self._clock.monotonic()
            if reader.done:
                self._question.finished()
                self.ended = exchange.complete = True
            told = piece.shown if self._shows else piece.bare
            if told or self.ended:
                return told


class StoredStream(StreamReply):
    """A stream all of which is there."""

    __slots__ = ("_told", "_type")

    def __init__(self, told: bytes, content_type: str) -> None:
        super().__init__()
        self._told = told
        self._type = content_type

    @property
    @override
    def content_type(self) -> str:
        return self._type

    @override
    async def next(self) -> bytes:
        told, self._told = self._told, b""
        self.ended = True
        return told

    @override
    def fail(self, error: AntiphonError) -> bytes:
        self.ended = True
        return b""


def _bare(shown: bytes, asked: Payload) -> bytes:
    """Frames for who did not ask for usage; the same object where they tell none."""
    dialect = asked.dialect
    if dialect.wants_usage(_NOTHING) or _USAGE.search(shown) is None:
        return shown
    return Relay(dialect, asked, usage=False).feed(shown)
