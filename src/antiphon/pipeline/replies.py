"""What an exchange gives back: a whole answer, or one that is still being written.

A stream has two commit points. *Status*: the head goes out at the first useful event, after so
many frames or bytes of preamble, or at the first heartbeat. *Content*: the first useful event is
out. Until content another deployment can still answer; after it, a failure is an event of the
caller's dialect. A stream never ends in silence.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from typing_extensions import override

from antiphon.clock import NEVER, Clock
from antiphon.dialects.contract import START, Position
from antiphon.dialects.embeddings import EmbedPayload
from antiphon.errors import AntiphonError, NotAnAnswer, UpstreamError
from antiphon.model.said import said_in
from antiphon.model.structured import Structured
from antiphon.pipeline.attempt import Walk
from antiphon.pipeline.embedding import EmbedTranslation
from antiphon.pipeline.exchange import Exchange
from antiphon.pipeline.forms import checked, unread
from antiphon.pipeline.passing import content_type_of, passed_on
from antiphon.pipeline.relay import Relay
from antiphon.providers.transport import Answer

_PREAMBLE_FRAMES = 64
_DRAIN_SECONDS = 1.0


class WholeReply:
    """An answer in one piece, in the caller's dialect.

    Attributes:
        content_type: The provider's, where its bytes are passed on as they are; else None.
        structured: What is known of its form, where one was asked for.
    """

    __slots__ = ("body", "content_type", "structured")

    def __init__(
        self,
        body: bytes,
        content_type: bytes | None = None,
        structured: Structured | None = None,
    ) -> None:
        self.body = body
        self.content_type = content_type
        self.structured = structured


async def whole_reply(exchange: Exchange, walk: Walk) -> WholeReply:
    """The first good answer of the walk, whole.

    Raises:
        UpstreamError: It is the caller's fault, or too long for every candidate.
        Exhausted: No candidate gave one.
    """
    payload = exchange.payload
    while True:
        opened = await walk.open()
        assert opened is not None
        answer, head = opened
        attempt = walk.attempt
        spoken, translation = attempt.face.dialect, attempt.translation
        try:
            body = told = await answer.whole()
            facts = spoken.inspect_reply(told)
            if translation is not None:
                form = attempt.form
                if form is None or isinstance(translation, EmbedTranslation):
                    body = translation.whole(told)
                else:
                    said = translation.reply(spoken.decode_reply(told))
                    attempt.usage = facts.usage
                    exchange.structured = checked(form, said_in(said))
                    body = payload.dialect.encode_reply(said, payload)
            elif isinstance(payload, EmbedPayload):
                body = payload.accepted(told, facts)
            elif attempt.form is not None:
                attempt.usage = facts.usage
                exchange.structured = checked(attempt.form, said_in(spoken.decode_reply(told)))
            else:
                exchange.structured = unread(payload)
        except UpstreamError as error:
            walk.failed(error)
            continue
        exchange.usage, exchange.stop = facts.usage, facts.stop
        walk.succeeded(facts.usage, 0 if facts.usage is not None else spoken.said(told))
        walk.close()
        if walk.waits:
            await walk.settled()
        passing = exchange.passing
        if passing is None:
            return WholeReply(body, structured=exchange.structured)
        return WholeReply(passing.told(body), content_type_of(head))


class StreamReply(ABC):
    """An answer in pieces, in the caller's dialect.

    Attributes:
        ended: All of it was given: the terminal event, or an error in its place.
        failure: What the stream ended with, once it has told the caller; or None.
    """

    __slots__ = ("ended", "failure")

    def __init__(self) -> None:
        self.ended = False
        self.failure: AntiphonError | None = None

    @property
    @abstractmethod
    def content_type(self) -> str:
        """Of the caller's dialect, or the provider's where its bytes are passed on."""

    @abstractmethod
    async def next(self) -> bytes:
        """The next bytes for the caller; empty at the end."""

    @abstractmethod
    def fail(self, error: AntiphonError) -> bytes:
        """End the stream with an error event; empty if it has ended already."""

    async def drain(self) -> None:  # noqa: B027  most have nothing to wait for
        """Wait shortly for the end of the provider's body, so that its connection can be kept."""


class AwaitedStream(StreamReply):
    """An answer whose first piece is waited for before its status goes out."""

    __slots__ = ("_first",)

    def __init__(self) -> None:
        super().__init__()
        self._first: bytes | None = None

    async def start(self) -> None:
        """Wait until the status may go out.

        Raises:
            AntiphonError: There is no answer.
        """
        self._first = await self.advance()

    @override
    async def next(self) -> bytes:
        if self._first is not None:
            piece, self._first = self._first, None
            return piece
        if self.ended:
            return b""
        try:
            return await self.advance()
        except AntiphonError as error:
            return self._failed(error)

    @abstractmethod
    async def advance(self) -> bytes:
        """Bytes that may go out now: content, a heartbeat, or the end.

        Raises:
            AntiphonError: There is no more of the answer.
        """

    def _failed(self, error: AntiphonError) -> bytes:
        """What is given where no more comes."""
        return self.fail(error)


class ProviderStream(AwaitedStream):
    """An answer while it is being written.

    Args:
        heartbeat: Seconds of silence after which the caller must hear something.
        usage: Whether usage is told; by default where the caller asked for it.

    Hot path: `next` is one wait on the provider and one `Relay.feed`.
    """

    __slots__ = (
        "_answer",
        "_clock",
        "_content",
        "_exchange",
        "_heard_at",
        "_heartbeat",
        "_held",
        "_held_size",
        "_kind",
        "_preamble",
        "_relay",
        "_usage",
        "_walk",
    )

    def __init__(
        self,
        exchange: Exchange,
        walk: Walk,
        clock: Clock,
        heartbeat: float,
        *,
        usage: bool | None = None,
    ) -> None:
        super().__init__()
        self._exchange = exchange
        self._walk = walk
        self._clock = clock
        # A stream that is passed on as it is gets nothing from us: nobody knows its comments.
        self._heartbeat = heartbeat if exchange.passing is None else NEVER
        self._kind = exchange.payload.dialect.stream_type
        self._answer: Answer | None = None
        self._relay: Relay | None = None
        self._heard_at = exchange.started
        self._held: list[bytes] = []
        self._held_size = 0
        self._preamble = exchange.payload.dialect.preamble_bytes
        self._content = False
        self._usage = usage

    @property
    @override
    def content_type(self) -> str:
        return self._kind

    @property
    def position(self) -> Position:
        """How far the caller's stream has come."""
        relay = self._relay
        return START if relay is None or not self._content else relay.position

    @override
    def fail(self, error: AntiphonError) -> bytes:
        if self.ended:
            return b""
        self.ended = True
        self._answer = None
        self._walk.close()
        self._exchange.outcome = self.failure = error
        return self._exchange.payload.dialect.encode_stream_error(
            error, request_id=self._exchange.id, position=self.position
        )

    @override
    async def drain(self) -> None:
        answer, self._answer = self._answer, None
        if answer is None:
            return
        try:
            while await answer.read(_DRAIN_SECONDS):
                pass
        except UpstreamError:
            # The answer was whole already; only the connection is lost.
            pass
        self._walk.close()

    @override
    async def advance(self) -> bytes:
        """Bytes that may go out now: content, a heartbeat, an overlong preamble, or the end.

        Raises:
            UpstreamError, Exhausted: There is no answer, or it broke.
        """
        while True:
            if self._relay is None or self._answer is None:
                if not await self._open():
                    return self._beat()
            elif self._relay.failure is not None:
                self._give_up(self._relay.failure)
            elif (out := await self._read_on(self._answer, self._relay)) is not None:
                return out

    async def _read_on(self, answer: Answer, relay: Relay) -> bytes | None:
        """One read of the provider: what of it may go out; None for nothing yet."""
        try:
            chunk = await answer.read(self._patience())
        except UpstreamError as error:
            if not relay.is_whole:
                self._give_up(error)
                return None
            # It broke behind an answer that is whole: what was lost is no part of it.
            chunk = b""
        if chunk is None:
            return self._beat()
        piece = relay.feed(chunk) if chunk else relay.finish()
        if relay.ended:
            return await self._end(relay, piece)
        if self._content:
            return self._out(piece) if piece else None
        return None if relay.failure is not None else self._hold(relay, piece)

    def _patience(self) -> float:
        """Seconds until the caller must hear something."""
        return max(self._heard_at + self._heartbeat - self._clock.monotonic(), 0.001)

    def _beat(self) -> bytes:
        return self._out(self._exchange.payload.dialect.heartbeat)

    def _out(self, piece: bytes) -> bytes:
        self._heard_at = self._clock.monotonic()
        return piece

    async def _open(self) -> bool:
        """Open the next candidate's stream; False if a heartbeat is due first."""
        while True:
            opened = await self._walk.open(self._patience())
            if opened is None:
                return False
            answer, head = opened
            exchange = self._exchange
            attempt = self._walk.attempt
            payload, spoken = exchange.payload, attempt.face.dialect
            if exchange.passing is not None:
                self._kind = content_type_of(head).decode()
                self._begin(answer, passed_on(spoken, payload, self._kind))
                return True
            try:
                if (head.get(b"content-type") or b"").startswith(spoken.unstreamed):
                    spoken.inspect_reply(await answer.whole())
                    raise NotAnAnswer("A stream was asked for.", code="not_a_stream")
            except UpstreamError as error:
                self._walk.failed(error)
                continue
            form, translation = attempt.form, attempt.translation
            assert not isinstance(translation, EmbedTranslation)  # vectors are no stream
            exchange.structured = unread(payload) if form is None else form.unknown
            self._begin(answer, Relay(spoken, payload, translation, form, usage=self._usage))
            return True

    def _begin(self, answer: Answer, relay: Relay) -> None:
        self._relay, self._answer = relay, answer
        self._walk.reads(relay)

    def _hold(self, relay: Relay, piece: bytes) -> bytes | None:
        """Keep a preamble back until there is content, or too much of it.

        Whatever goes out commits: two deployments' preambles in one stream would be one message
        with two beginnings.
        """
        self._held.append(piece)
        self._held_size += len(piece)
        if relay.useful:
            self._exchange.first_token_at = self._clock.monotonic()
            self._walk.began()
        elif relay.frames < _PREAMBLE_FRAMES and self._held_size < self._preamble:
            return None
        self._content = True
        return self._out(self._release())

    async def _end(self, relay: Relay, piece: bytes) -> bytes | None:
        """The terminal event is here: write it down, then let it go out."""
        exchange = self._exchange
        if not (self._content or relay.useful or relay.finished):
            self._give_up(NotAnAnswer("The stream holds no answer.", code="empty_stream"))
            return None
        if relay.useful and not exchange.first_token_at:
            # All of it came in one read.
            exchange.first_token_at = self._clock.monotonic()
        exchange.usage, exchange.stop = relay.usage, relay.stop
        exchange.structured = relay.structured or exchange.structured
        self._held.append(piece)
        self._walk.succeeded(relay.usage, relay.said)
        if self._walk.waits:
            await self._walk.settled()
        self.ended = exchange.complete = True
        return self._release()

    def _release(self) -> bytes:
        held, self._held = b"".join(self._held), []
        return held

    def _give_up(self, error: UpstreamError) -> None:
        """Leave this candidate; raises where its content is out: no other can go on from there."""
        self._answer = None
        self._walk.failed(error)
        if self._content:
            raise error
        self._held.clear()
        self._held_size = 0
