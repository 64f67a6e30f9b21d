"""A provider's answer while it is being written.

A stream has two commit points. *Status*: the head goes out at the first useful event, after so
many frames or bytes of preamble, or at the first heartbeat. *Content*: the first useful event is
out. Until content another deployment can still answer; after it another one may go on where the
first broke (`continuing`), else a failure is an event of the caller's dialect. A stream never ends
in silence.
"""

from __future__ import annotations

from typing_extensions import override

from antiphon.clock import NEVER, Clock
from antiphon.dialects.contract import START, Position
from antiphon.errors import AntiphonError, NotAnAnswer, UpstreamError
from antiphon.model.events import StreamEvent
from antiphon.pipeline.continuing import Continuation, can_go_on, partial_of, targets
from antiphon.pipeline.embedding import EmbedTranslation
from antiphon.pipeline.exchange import Exchange
from antiphon.pipeline.forms import unread
from antiphon.pipeline.passing import content_type_of, passed_on
from antiphon.pipeline.relay import Relay
from antiphon.pipeline.replies import AwaitedStream
from antiphon.pipeline.walking import Walking
from antiphon.providers.transport import Answer, Head

_PREAMBLE_FRAMES = 64
_DRAIN_SECONDS = 1.0


class ProviderStream(AwaitedStream):
    """An answer while it is being written.

    Args:
        heartbeat: Seconds of silence after which the caller must hear something.
        usage: Whether usage is told; by default where the caller asked for it.

    Hot path: `next` is one wait on the provider and one `Relay.feed`.
    """

    __slots__ = (
        "_answer",
        "_broken",
        "_clock",
        "_content",
        "_exchange",
        "_going_on",
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
        walk: Walking,
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
        self._going_on: Continuation | None = None
        self._broken: UpstreamError | None = None

    @property
    @override
    def content_type(self) -> str:
        return self._kind

    @property
    @override
    def has_begun(self) -> bool:
        return self._content

    @property
    def position(self) -> Position:
        """How far the caller's stream has come."""
        relay = self._relay
        if self._going_on is not None:
            return self._going_on.encoder.position
        return START if relay is None or not self._content else relay.position

    @override
    def fail(self, error: AntiphonError) -> bytes:
        if self.ended:
            return b""
        self.ended = True
        self._answer = None
        self._walk.close()
        error.partial = error.partial or self._partial()
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
                if (out := await self._give_up(self._relay.failure)) is not None:
                    return out
            elif (out := await self._read_on(self._answer, self._relay)) is not None:
                return out

    async def _read_on(self, answer: Answer, relay: Relay) -> bytes | None:
        """One read of the provider: what of it may go out; None for nothing yet."""
        try:
            chunk = await answer.read(self._patience())
        except UpstreamError as error:
            if not relay.is_whole:
                return await self._give_up(error)
            # It broke behind an answer that is whole: what was lost is no part of it.
            chunk = b""
        if chunk is None:
            return self._beat()
        piece = relay.feed(chunk) if chunk else relay.finish()
        if self._going_on is not None and piece:
            piece = self._going_on.led(piece)
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
            opened = await self._opened()
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
            if self._going_on is not None:
                self._going_on.opened(attempt.deployment)
                self._begin(answer, self._going_on.relay(spoken, translation))
                return True
            exchange.structured = unread(payload) if form is None else form.unknown
            self._begin(answer, Relay(spoken, payload, translation, form, usage=self._usage))
            return True

    async def _opened(self) -> tuple[Answer, Head] | None:
        """The next answer, or None where a heartbeat is due first.

        Raises:
            AntiphonError: There is none; of a stream that broke, what broke it.
        """
        try:
            return await self._walk.open(self._patience())
        except AntiphonError as error:
            if self._broken is None or self._going_on is None:
                raise
            self._broken.partial = self._going_on.partial
            raise self._broken from error

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
            empty = NotAnAnswer("The stream holds no answer.", code="empty_stream")
            return await self._give_up(empty)
        if relay.useful and not exchange.first_token_at:
            # All of it came in one read.
            exchange.first_token_at = self._clock.monotonic()
        usage, going_on = relay.usage, self._going_on
        exchange.usage = usage if going_on is None else going_on.total(usage)
        exchange.stop = relay.stop
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

    async def _give_up(self, error: UpstreamError) -> bytes | None:
        """Leave this candidate; raises where content is out and no other can go on from there."""
        relay, self._answer = self._relay, None
        if not self._content or relay is None:
            self._walk.failed(error)
            self._held.clear()
            self._held_size = 0
            return None
        rest = relay.rest if self._may_go_on else ()
        if rest:
            # Nothing is missing of it but the event that says so.
            return await self._end(relay, self._last(relay, rest))
        self._go_on(relay, error)
        return None

    def _go_on(self, relay: Relay, error: UpstreamError) -> None:
        """Let another call go on with what was given.

        Raises:
            UpstreamError: None can; it holds the text that was given.
        """
        exchange, walk, going_on = self._exchange, self._walk, self._going_on
        if going_on is not None and not going_on.gave:
            # The next one goes on at the same place.
            walk.failed(error)
            return
        first = self._broken = self._broken or error
        first.partial = self._partial()
        place = relay.place if relay.passes else None
        fit = self._may_go_on and can_go_on(exchange, error, relay.events)
        try:
            walk.failed(error)
        except UpstreamError:
            fit = False
        if not fit or (relay.passes and place is None):
            raise first
        if going_on is None:
            usage = exchange.payload.wants_usage if self._usage is None else self._usage
            going_on = self._going_on = Continuation(exchange, relay, place, usage=usage)
        if not going_on.broke(walk.attempt):
            raise first
        assert exchange.plan is not None
        last, now = walk.attempt.deployment, self._clock.monotonic()
        walk.go_on(targets(exchange, exchange.plan, last, size=going_on.size, now=now))

    def _last(self, relay: Relay, rest: tuple[StreamEvent, ...]) -> bytes:
        """The end of an answer that is whole, in the caller's stream."""
        place, exchange = relay.place, self._exchange
        lead = b""
        if relay.passes and place is not None:
            going_on = Continuation(exchange, relay, place, usage=False)
            relay.encoder, lead = going_on.encoder, going_on.led(b"")
        return lead + relay.told(rest)

    def _partial(self) -> str:
        """The text that was given, as far as it is known."""
        if not self._content:
            return ""
        if self._going_on is not None:
            return self._going_on.partial
        relay = self._relay
        return "" if relay is None or relay.events is None else partial_of(relay.events)

    @property
    def _may_go_on(self) -> bool:
        exchange = self._exchange
        plan = exchange.plan
        return plan is not None and plan.continuation and exchange.passing is None
