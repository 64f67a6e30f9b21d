"""uvicorn's HTTP protocol, with the deadlines that it lacks.

uvicorn waits for ever for a request that comes a byte a second, and for a caller who reads a
byte a second. Here every phase of a connection has a bound: the head, the body, the silence
between requests, and a stalled write. There is a cap on connections, bounds on the head, and a
call-back when the caller hangs up, which costs nothing where a task that waits in `receive()`
costs ten microseconds a request.

Built on uvicorn 0.54 and held to it by `tests/server/test_protocol_contract.py`.

Hot path.
"""

from __future__ import annotations

import enum
from asyncio import AbstractEventLoop, Transport
from collections.abc import Callable
from typing import TYPE_CHECKING

import httptools
import msgspec
from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from antiphon.clock import NEVER, Alarm

if TYPE_CHECKING:
    from uvicorn.config import Config
    from uvicorn.server import ServerState

CALLER = "antiphon.connection"
"""Key of the connection in a scope's `extensions`."""


class Bounds(msgspec.Struct, frozen=True):
    """What one caller may take of the server.

    Attributes:
        connections: How many may be open at once; the next one gets a 503.
        head_bytes: Request line and headers together.
        headers: Seconds for a request's head, from its first byte or the connection's start.
        body: Seconds for a request's body, and more while it comes at `body_rate` or faster.
        body_rate: Bytes a second.
        write_stall: Seconds in which a full write buffer must drain.
        keep_alive: Seconds of silence between two requests.
    """

    connections: int = 10_000
    head_bytes: int = 64 * 1024
    headers: float = 10
    body: float = 30
    body_rate: float = 16 * 1024
    write_stall: float = 60
    keep_alive: float = 75


class _Phase(enum.Enum):
    """Where a connection stands; each phase has its own deadline."""

    IDLE = enum.auto()
    HEAD = enum.auto()
    BODY = enum.auto()
    ANSWER = enum.auto()
    OVER = enum.auto()
    """Refused: what still comes is thrown away."""


class GatewayProtocol(HttpToolsProtocol):
    """One caller's connection.

    Attributes:
        on_hangup: Called once if the caller leaves while a request is being answered.
        left: The connection is gone.
    """

    bounds: Bounds = Bounds()
    """Of all connections of a server; `protocol_with` makes a class that has others."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, object],
        _loop: AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.on_hangup: Callable[[], object] | None = None
        self.left = False
        self._alarm = Alarm(self.loop, self._deadline_passed)
        self._read_by = NEVER
        self._write_by = NEVER
        self._phase = _Phase.HEAD
        self._head_size = 0
        self._surplus = False
        self._full = False
        self._extensions: dict[str, object] = {CALLER: self}

    # connection

    @override
    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._full = len(self.connections) > self.bounds.connections
        self._expect(self.bounds.headers)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.left = True
        self._alarm.close()
        super().connection_lost(exc)
        on_hangup, self.on_hangup = self.on_hangup, None
        if on_hangup is not None:
            on_hangup()

    @override
    def data_received(self, data: bytes) -> None:
        phase = self._phase
        if phase is _Phase.OVER:
            return
        if self._full:
            # Only now, so that the answer is not lost to a reset over unread bytes.
            self._refuse(503, "overloaded", "Too many connections are open; try again shortly.")
            return
        if phase is _Phase.ANSWER:
            self._ignore_surplus()
            return
        if phase is _Phase.IDLE:
            self._phase = _Phase.HEAD
            self._expect(self.bounds.headers)
        elif phase is _Phase.BODY:
            self._read_by += len(data) / self.bounds.body_rate
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # No protocol switch is offered: the rest cannot be read as HTTP (RFC 9110, 7.8).
            self._refuse(400, "upgrade_not_supported", "Protocol upgrades are not offered here.")
        except httptools.HttpParserError:
            if self._phase is not _Phase.OVER:
                self._refuse(400, "invalid_http", "This is not a valid HTTP/1.1 request.")

    # parser

    @override
    def on_message_begin(self) -> None:
        if self._phase is _Phase.ANSWER:
            self._ignore_surplus()
            return
        self._phase = _Phase.HEAD
        super().on_message_begin()
        self.scope["extensions"] = self._extensions
        self._head_size = 0

    @override
    def on_url(self, url: bytes) -> None:
        if not self._surplus:
            self._measure(len(url))
            super().on_url(url)

    @override
    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._surplus:
            self._measure(len(name) + len(value))
            super().on_header(name, value)

    @override
    def on_headers_complete(self) -> None:
        if not self._surplus:
            self._phase = _Phase.BODY
            self._expect(self.bounds.body)
            super().on_headers_complete()

    @override
    def on_body(self, body: bytes) -> None:
        if not self._surplus:
            super().on_body(body)

    @override
    def on_message_complete(self) -> None:
        if self._surplus:
            return
        super().on_message_complete()
        # uvicorn pauses reading over a large body; a hang-up is only seen while reading.
        self.flow.resume_reading()
        self._phase = _Phase.ANSWER
        self._read_by = NEVER
        if self.cycle.response_complete:
            self._rest()

    @override
    def on_response_complete(self) -> None:
        self.on_hangup = None
        self.server_state.total_requests += 1
        if not self.transport.is_closing():
            self.flow.resume_reading()
            if self._phase is _Phase.ANSWER:
                self._rest()

    # writing

    @override
    def pause_writing(self) -> None:
        super().pause_writing()
        self._write_by = self.loop.time() + self.bounds.write_stall
        self._alarm.set(min(self._read_by, self._write_by))

    @override
    def resume_writing(self) -> None:
        super().resume_writing()
        self._write_by = NEVER

    # deadlines

    def _expect(self, seconds: float) -> None:
        """The caller must send what the phase asks for within this time."""
        self._read_by = self.loop.time() + seconds
        self._alarm.set(min(self._read_by, self._write_by))

    def _rest(self) -> None:
        self._phase = _Phase.IDLE
        self._expect(self.bounds.keep_alive)

    def _deadline_passed(self) -> None:
        now = self.loop.time()
        if self._write_by <= now:
            # close() would wait for the buffer that does not drain.
            self.transport.abort()
        elif self._read_by > now:
            self._alarm.set(min(self._read_by, self._write_by))
        elif self._phase is _Phase.BODY or (self._phase is _Phase.HEAD and self._head_size):
            self._refuse(408, "request_timeout", "The request took too long to arrive.")
        else:
            self.transport.close()

    def _ignore_surplus(self) -> None:
        """Bytes behind a request that is still being answered: pipelining is not offered.

        They are dropped and the connection closes after the answer, so reading never pauses and
        a hang-up is always seen.
        """
        self._surplus = True
        self.cycle.keep_alive = False

    def _measure(self, size: int) -> None:
        self._head_size += size
        if self._head_size > self.bounds.head_bytes:
            self._refuse(431, "headers_too_large", "The request's head is too large.")
            raise ValueError("head too large")

    def _refuse(self, status: int, code: str, message: str) -> None:
        """Answer without a door, in the envelope that both OpenAI's and Anthropic's SDKs read."""
        kind = "server_error" if status == 503 else "invalid_request_error"  # noqa: PLR2004
        body = msgspec.json.encode(
            {
                "type": "error",
                "error": {"message": message, "type": kind, "param": None, "code": code},
            }
        )
        self._phase = _Phase.OVER
        if self.cycle is None or not self.cycle.response_started or self.cycle.response_complete:
            head = b"content-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n"
            hint = b"retry-after: 1\r\n" if status == 503 else b"x-should-retry: false\r\n"  # noqa: PLR2004
            self.transport.write(STATUS_LINE[status] + head % len(body) + hint + b"\r\n" + body)
        self.transport.close()


def protocol_with(bounds: Bounds) -> type[GatewayProtocol]:
    """The protocol class for a server with these bounds; uvicorn makes one object a connection."""
    return type("BoundedProtocol", (GatewayProtocol,), {"bounds": bounds})
