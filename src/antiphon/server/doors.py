"""The doors of inference: no request object, no middleware, and with our own protocol no ASGI.

Hot path: a door reads the body, opens the pipeline and sends what comes out.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from asyncio import CancelledError
from typing import ClassVar, Protocol, TypeAlias

from typing_extensions import override

from antiphon.access.managed import LOOK_UP
from antiphon.dialects.base import Dialect, Payload
from antiphon.errors import AntiphonError, Draining, InternalFault, MethodNotAllowed
from antiphon.gateway.gateway import Antiphon
from antiphon.model.principal import Principal
from antiphon.pipeline.exchange import Cached, Exchange
from antiphon.pipeline.passing import Passing
from antiphon.pipeline.recording import overhead
from antiphon.pipeline.replies import StreamReply, WholeReply
from antiphon.server.asgi import Receive, Scope, Send
from antiphon.server.caller import Caller
from antiphon.server.errors import error_headers
from antiphon.server.line import AsgiLine, Line, in_header, rendered
from antiphon.server.rates import rate_lines, told_priority
from antiphon.telemetry.trace import Trace
from antiphon.usage.journal.record import CANNED
from antiphon.wire.shallow import Members

_log = logging.getLogger("antiphon.server")
_JSON = b"content-type: application/json\r\n"
_PASSED = (
    b"content-type: %b\r\nx-content-type-options: nosniff\r\n"
    b"content-security-policy: sandbox; default-src 'none'\r\n"
)
"""What a provider stores for callers may be a page: no browser is to run it as ours."""
_STREAM = b"content-type: %b\r\ncache-control: no-cache\r\nx-accel-buffering: no\r\n"
_ID = b"%b: %b\r\nx-antiphon-request-id: %b\r\nx-antiphon-generation: %d\r\n"
_FACTS = (
    _ID + b"x-antiphon-deployment: %b\r\nx-antiphon-attempts: %d\r\n"
    b"x-antiphon-overhead-ms: %.3f\r\n"
)
_CACHE = b"x-antiphon-cache: %b\r\n"
_AGE = b"age: %d\r\n"
_DEGRADED = b"x-antiphon-degraded: %b\r\n"
_ATTEMPTS = b"x-antiphon-attempts: %d\r\n"
_COST = b"x-antiphon-cost: %d.%09d\r\n"
_BILLION = 10**9


Asked: TypeAlias = tuple[Payload, bytes, Passing | None]
"""A request as far as its door reads it: its payload, header lines of the caller that go on with
it, and where it goes if it is passed on as it is."""


class Wrapping(Protocol):
    """Another form of a stream, bytes to bytes."""

    content_type: ClassVar[str]
    """Of what comes out."""

    def feed(self, chunk: bytes) -> bytes:
        """What these bytes of the stream become."""
        ...

    def end(self) -> bytes:
        """What ends it."""
        ...


class InferenceDoor(ABC):
    """An endpoint whose requests take the road to a provider.

    Args:
        max_body: Bound of a request's body, in bytes.

    Attributes:
        repeatable: A request with an `Idempotency-Key` is answered once (`server.once`).
        key: Of the query, for callers who show none in a header.
    """

    repeatable: ClassVar[bool] = False
    key: bytes | None = None

    def __init__(self, gateway: Antiphon, *, max_body: int) -> None:
        self._gateway = gateway
        self._max_body = max_body

    @abstractmethod
    def heard(self, caller: Caller) -> Dialect:
        """The dialect that the caller speaks."""

    def check(self, caller: Caller, method: bytes) -> None:
        """Refuse a method that is not answered here; most doors answer POST alone.

        Raises:
            MethodNotAllowed: It is another.
        """
        del caller
        if method != b"POST":
            raise MethodNotAllowed(method.decode(), ["POST"])

    @abstractmethod
    def read(self, caller: Caller, line: Line, body: bytes) -> Asked:
        """Read a request.

        Raises:
            CallerError: It is none that can be served.
        """

    def told_here(self, payload: Payload, principal: Principal) -> bytes | None:
        """The answer to a request that needs no provider; None for all others.

        Raises:
            CallerError: It names what the caller cannot ask for.
        """
        del payload, principal

    def wrapping(self) -> Wrapping | None:
        """What a stream is wrapped into on its way out; None where it goes as it is."""
        return None

    async def __call__(self, caller: Caller, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request over ASGI."""
        await self.answer(caller, AsgiLine(scope, receive, send))

    async def answer(self, caller: Caller, line: Line) -> None:
        """Answer one request."""
        gateway = self._gateway
        delivery = _Delivery(gateway, self.heard(caller), line, self.wrapping())
        if gateway.tracer is not None:
            delivery.trace = gateway.tracer.begin(caller.headers)
        try:
            self.check(caller, line.method)
            self._check_draining()
            # Before the body, so that a stranger cannot make us read 32 MB.
            snapshot = gateway.snapshot
            principal = caller.principal or gateway.callers.known(
                snapshot.keys, caller.credential, caller.person
            )
            if principal is LOOK_UP:
                principal = await gateway.callers.principal(
                    snapshot.keys, caller.credential, caller.person
                )
            caller.check_size(self._max_body)
            body = await line.whole_body(self._max_body)
            payload, forwarded, passing = self.read(caller, line, body)
            told = self.told_here(payload, principal)
            if told is not None:
                await delivery.send_told(told)
                return
            delivery.exchange = exchange = Exchange(
                id=delivery.id,
                started=delivery.started,
                payload=payload,
                snapshot=snapshot,
                principal=principal,
                interrupt=line.task.cancel,
                hops=caller.hops,
                forwarded=forwarded,
                cache_control=caller.cache_control,
                wishful=caller.wishful,
                headers=caller.headers,
                sensitivity=caller.sensitivity,
                served=True,
                passing=passing,
                trace=delivery.trace,
            )
            if gateway.pipeline.limiting is not None:
                exchange.priority = told_priority(caller.headers)
            async with gateway.pipeline.open(exchange) as reply:
                await delivery.send_reply(reply)
        except AntiphonError as error:
            await delivery.send_error(error)
        except CancelledError:
            exchange = delivery.exchange
            if exchange is not None and exchange.interrupted is not None:
                line.task.uncancel()
                await delivery.send_error(exchange.interrupted)
            elif not line.left:
                raise
        # A task boundary: a defect must neither hang a caller nor be shown to it.
        except Exception:  # noqa: BLE001
            _log.exception("Request %s met a defect", delivery.id)
            await delivery.send_error(InternalFault("The gateway met a defect."))

    async def refuse(self, caller: Caller, line: Line, error: AntiphonError) -> None:
        """Tell a caller, in its dialect, why it is not answered."""
        await _Delivery(self._gateway, self.heard(caller), line, None).send_error(error)

    def _check_draining(self) -> None:
        if self._gateway.draining:
            raise Draining("The gateway is shutting down.", retry_after=1)


class ChatDoor(InferenceDoor):
    """One dialect's chat endpoint."""

    repeatable = True

    def __init__(self, gateway: Antiphon, dialect: Dialect, *, max_body: int) -> None:
        super().__init__(gateway, max_body=max_body)
        self._dialect = dialect
        self._forwards = bool(dialect.forwarded)

    @override
    def heard(self, caller: Caller) -> Dialect:
        return self._dialect

    @override
    def read(self, caller: Caller, line: Line, body: bytes) -> Asked:
        dialect = self._dialect
        forwarded = caller.forwarded(dialect) if self._forwards else b""
        return Payload(dialect, Members.parse(body)), forwarded, None


class _Delivery:
    """One answer on its way out."""

    __slots__ = (
        "_complete",
        "_dialect",
        "_gateway",
        "_line",
        "_stream",
        "_wrapping",
        "exchange",
        "generation",
        "id",
        "started",
        "trace",
    )

    def __init__(
        self, gateway: Antiphon, dialect: Dialect, line: Line, wrapping: Wrapping | None
    ) -> None:
        self._gateway = gateway
        self._dialect = dialect
        self._line = line
        self._wrapping = wrapping
        self._stream: StreamReply | None = None
        self._complete = False
        self.exchange: Exchange | None = None
        self.trace: Trace | None = None
        self.generation = gateway.snapshot.generation
        self.id = gateway.request_ids.new()
        self.started = gateway.clock.monotonic()

    async def send_reply(self, reply: WholeReply | StreamReply) -> None:
        line, head = self._line, self._head()
        if isinstance(reply, WholeReply):
            self._complete = True
            kind = reply.content_type
            lines = _JSON if kind is None else _PASSED % kind
            await line.answer(200, b"%b%b%b" % (head, self._cost(), lines), reply.body)
            line.whole = self._is_real
            return
        self._stream, wrapping = reply, self._wrapping
        kind = reply.content_type if wrapping is None else wrapping.content_type
        await line.begin(200, head + _STREAM % kind.encode())
        more = True
        while more:
            piece = await reply.next()
            more = not reply.ended
            self._complete = not more
            if wrapping is not None:
                piece = wrapping.feed(piece) + (b"" if more else wrapping.end())
            line.whole = not more and reply.failure is None and self._is_real
            await line.write(piece, more=more)
        await reply.drain()

    async def send_told(self, body: bytes) -> None:
        """Give an answer that nobody was asked for."""
        self._complete = True
        await self._line.answer(200, self._head() + _JSON, body)
        self._line.whole = True

    async def send_error(self, error: AntiphonError) -> None:
        """Say what went wrong: as a status, or inside a stream that has begun."""
        if self._complete:
            return
        self._complete = True
        if self.exchange is None:
            gateway = self._gateway
            gateway.pipeline.recording.refusal(
                error,
                request=self.id,
                seconds=gateway.clock.monotonic() - self.started,
                heard=self._dialect.name,
                trace=self.trace,
            )
        if self._stream is not None:
            last, wrapping = self._stream.fail(error), self._wrapping
            if wrapping is not None:
                last = wrapping.feed(last) + wrapping.end()
            await self._line.write(last, more=False)
            return
        head = self._head() + rendered(error_headers(error))
        body = self._dialect.encode_error(error, request_id=self.id)
        await self._line.answer(self._dialect.status_of(error), head, body)

    @property
    def _is_real(self) -> bool:
        """Nothing stands in for the answer: who asks the same again may be given it again."""
        return self.exchange is None or self.exchange.stood_for is None

    def _head(self) -> bytes:
        """What the answer tells of its request, as header lines."""
        request_id = self.id.encode()
        exchange = self.exchange
        if exchange is None:
            return _ID % (self._dialect.id_header, request_id, request_id, self.generation)
        attempts, cached = exchange.attempts, exchange.cached
        by, kept = attempts[-1].deployment.name if attempts else "", b""
        if cached is not None:
            by, kept = cached.deployment or by, _cache_lines(cached)
        if exchange.degraded:
            kept += _DEGRADED % exchange.degraded.encode()
            if exchange.degraded == CANNED:
                by, kept = "", kept + _ATTEMPTS % len(attempts)
        if by:
            spent = overhead(exchange, self._gateway.clock.monotonic())
            head = _FACTS % (
                self._dialect.id_header,
                request_id,
                request_id,
                self.generation,
                by.encode(),
                len(attempts),
                spent * 1000,
            )
        else:
            head = _ID % (self._dialect.id_header, request_id, request_id, self.generation)
        if kept:
            head += kept
        if exchange.warnings or exchange.notes:
            warnings = "; ".join((*exchange.warnings, *exchange.notes))
            head += b"x-antiphon-warnings: %b\r\n" % in_header(warnings)
        if exchange.structured is not None:
            head += b"x-antiphon-structured: %b\r\n" % exchange.structured.line.encode("ascii")
        if exchange.limited is not None:
            head += rate_lines(exchange.limited, self._dialect, self._gateway.clock.now())
        return head

    def _cost(self) -> bytes:
        """What the whole answer cost, all of its attempts, as a header line in dollars."""
        assert self.exchange is not None
        cost = sum([attempt.cost for attempt in self.exchange.attempts])
        return _COST % divmod(cost, _BILLION)


def _cache_lines(cached: Cached) -> bytes:
    """What the cache did, as header lines."""
    lines = _CACHE % cached.word.encode()
    if cached.age is not None:
        lines += _AGE % cached.age
    return lines
