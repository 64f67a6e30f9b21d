"""uvicorn's HTTP protocol, with the deadlines that it lacks.

uvicorn waits for ever for a request that comes a byte a second, and for a caller who reads a
byte a second. Here every phase of a connection has a bound: the head, the body, the silence
between requests, and a stalled write. There is a cap on connections and bounds on the head. When
the caller hangs up, the task that answers is cancelled at once, which costs nothing where a task
that waits in `receive()` costs ten microseconds a request.

Built on uvicorn 0.54 and held to it by `tests/server/test_protocol_contract.py`.

Hot path.
"""

from __future__ import annotations

import enum
from asyncio import AbstractEventLoop, Task, Transport, current_task
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, ClassVar, NoReturn, Protocol
from urllib.parse import unquote

import httptools
import msgspec
from typing_extensions import override
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from antiphon.clock import NEVER, Alarm
from antiphon.server.asgi import App, Headers, Scope
from antiphon.server.bounds import Bounds
from antiphon.server.cycle import Cycle
from antiphon.server.line import rendered

if TYPE_CHECKING:
    from uvicorn.config import Config
    from uvicorn.server import ServerState

_CONTINUE = (b"expect", b"100-continue")
_MOST_WASTED = 1024 * 1024
"""Bytes of chunk sizes, chunk extensions and trailers, over the bytes of the body."""
_LINGER = 1.0
"""Seconds in which a caller who was refused may stop sending."""
_ASGI = {"version": "3.0", "spec_version": "2.3"}

Direct = Callable[[bytes, Headers], Callable[[Cycle], Awaitable[None]] | None]
"""Gives whoever answers a request to this target, with these headers, without ASGI; or None."""


class _Phase(enum.Enum):
    """Where a connection stands; the first three are bounded by the bound of their name."""

    IDLE = "keep_alive"
    HEAD = "headers"
    BODY = "body"
    ANSWER = "answer"
    OVER = "over"
    """Refused: what still comes is thrown away."""


class _Parser(Protocol):
    """What is used of httptools' parser, which is written in C."""

    def feed_data(self, data: bytes) -> None: ...
    def get_http_version(self) -> str: ...
    def get_method(self) -> bytes: ...
    def should_keep_alive(self) -> bool: ...


class GatewayProtocol(HttpToolsProtocol):
    """One caller's connection.

    Attributes:
        task: Answers the request that is under way; cancelled when the caller leaves.
        left: The connection is gone.
    """

    bounds: ClassVar[Bounds] = Bounds()
    """Of all connections of a server; `protocol_with` makes a class that has others."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, object],
        _loop: AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._app: App = self.app  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
        self.task: Task[None] | None = None
        self.left = False
        self._cycle: Cycle | None = None
        self._parser: _Parser | None = httptools.HttpRequestParser(self)
        self._alarm = Alarm(self.loop, self._deadline_passed)
        self._read_by = NEVER
        self._write_by = NEVER
        self._phase = _Phase.HEAD
        self.url = b""
        self._head_size = 0
        self._wasted = 0
        self._surplus = False
        self._full = False
        # An application that knows us answers some requests without ASGI between.
        self._direct: Direct | None = getattr(self._app, "direct", None)
        self._defaults: Headers = []
        self._default_head = b""

    # connection

    @override
    def connection_made(self, transport: Transport) -> None:
        super().connection_made(transport)
        self._full = len(self.connections) > self.bounds.connections
        self._expect(self.bounds.headers)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.left = True
        self._alarm.close()
        self.connections.discard(self)
        cycle = self._cycle
        if cycle is not None and not cycle.response_complete:
            cycle.left = True
            cycle.wake()
            if self.task is not None:
                self.task.cancel()
        self.flow.resume_writing()
        # The parser and its protocol hold each other.
        self._parser = None

    @override
    def data_received(self, data: bytes) -> None:
        phase = self._phase
        parser = self._parser
        if phase is _Phase.OVER or parser is None:
            return
        if self._full:
            # Only now, so that the answer is not lost to a reset over unread bytes.
            self._refuse(503, "overloaded", "Too many connections are open; try again shortly.")
            return
        if phase is _Phase.ANSWER:
            self._ignore_surplus()
            return
        try:
            parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # No protocol switch is offered: the rest cannot be read as HTTP (RFC 9110, 7.8).
            self._refuse(400, "upgrade_not_supported", "Protocol upgrades are not offered here.")
        except httptools.HttpParserError:
            if self._phase is not _Phase.OVER:
                self._refuse(400, "invalid_http", "This is not a valid HTTP/1.1 request.")
        self._schedule(phase, len(data))

    # parser

    @override
    def on_message_begin(self) -> None:
        if self._phase is _Phase.ANSWER:
            self._ignore_surplus()
            return
        self._phase = _Phase.HEAD
        self._head_size = 0
        self._wasted = 0
        self.url = b""
        self.headers = []

    @override
    def on_url(self, url: bytes) -> None:
        if not self._surplus:
            self.url += url

    @override
    def on_header(self, name: bytes, value: bytes) -> None:
        if self._phase is _Phase.HEAD:
            # Trailers are dropped: merged into the head they would carry keys and hosts past a
            # proxy that looks at headers only (RFC 9110, 6.5.1).
            self.headers.append((name.lower(), value))

    @override
    def on_headers_complete(self) -> None:
        parser, url, headers = self._parser, self.url, self.headers
        if self._surplus or parser is None:
            return
        if len(headers) > self.bounds.header_count:
            self._refuse_head()
        version, method = parser.get_http_version(), parser.get_method()
        self._phase = _Phase.BODY
        self._cycle = cycle = Cycle(
            self,
            self.transport,
            self.flow,
            method,
            version != "1.0" and parser.should_keep_alive(),
            _CONTINUE in headers,
            version != "1.0",
        )
        answer = None if self._direct is None else self._direct(url, headers)
        if answer is None:
            app, scope = self._app, self._scope(url, method, version, headers)
            answer = partial(_asgi, app, scope)
        self.task = task = self.loop.create_task(cycle.run(answer))
        self.tasks.add(task)

    def _scope(self, url: bytes, method: bytes, version: str, headers: Headers) -> Scope:
        query = b""
        if not url.startswith(b"/") or b"?" in url or b"#" in url:
            parsed = httptools.parse_url(url)
            url, query = parsed.path or b"/", parsed.query or b""
        path = url.decode("ascii")
        return {
            "type": "http",
            "asgi": _ASGI,
            "http_version": version,
            "server": self.server,
            "client": self.client,
            "scheme": self.scheme,
            "method": method.decode("ascii"),
            "root_path": "",
            "path": unquote(path) if "%" in path else path,
            "raw_path": url,
            "query_string": query,
            "headers": headers,
        }

    @override
    def on_body(self, body: bytes) -> None:
        cycle = self._cycle
        self._wasted -= len(body)
        if self._surplus or cycle is None or cycle.response_complete:
            return
        cycle.body = cycle.body + body if cycle.body else body
        if len(cycle.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        if cycle.more_body:
            cycle.wake()

    @override
    def on_message_complete(self) -> None:
        cycle = self._cycle
        if self._surplus or cycle is None:
            return
        cycle.more_body = False
        cycle.wake()
        if self.flow.read_paused:
            # A hang-up is only seen while reading.
            self.flow.resume_reading()
        self._phase = _Phase.IDLE if cycle.response_complete else _Phase.ANSWER

    @override
    def shutdown(self) -> None:
        if self._cycle is None or self._cycle.response_complete:
            self.transport.close()
        else:
            self._cycle.keep_alive = False

    # what a cycle tells its connection

    @property
    def default_head(self) -> bytes:
        """Header lines of every answer; uvicorn makes a new list once a second."""
        defaults = self.server_state.default_headers
        if defaults is not self._defaults:
            self._defaults, self._default_head = defaults, rendered(defaults)
        return self._default_head

    def leave(self) -> None:
        """Close the connection, but let the caller read the answer first.

        A socket that is closed over unread bytes resets the connection, and the answer is lost
        with it. So what is still being sent is thrown away for a moment.
        """
        if self._phase is _Phase.ANSWER:
            self.transport.close()
        else:
            self._phase = _Phase.OVER
            self._expect(_LINGER)
            if self.transport.can_write_eof():
                self.transport.write_eof()

    def answered(self) -> None:
        """The whole answer was handed to the socket."""
        self.server_state.total_requests += 1
        if self._phase is _Phase.ANSWER and not self.transport.is_closing():
            self._phase = _Phase.IDLE
            self._expect(self.bounds.keep_alive)
        elif self.flow.read_paused:
            self.flow.resume_reading()

    def ended(self, cycle: Cycle) -> None:
        """The application has returned."""
        # The next request may have begun already: its task is not the one that ends here.
        self.tasks.discard(current_task(self.loop))
        if self._cycle is cycle:
            self.task = None

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

    def _schedule(self, before: _Phase, size: int) -> None:
        """Set the deadline of the phase that a read led to."""
        phase = self._phase
        if phase is _Phase.ANSWER:  # the usual end of a read
            self._read_by = NEVER
        elif phase is _Phase.OVER:  # `leave` has set it
            pass
        elif phase is not before:
            bounds = self.bounds
            self._expect(getattr(bounds, phase.value))
        elif phase is _Phase.BODY:
            self._read_by += size / self.bounds.body_rate
            self._wasted += size
            if self._wasted > _MOST_WASTED:
                self._refuse(400, "invalid_http", "The chunks of the body hold too little body.")
        elif phase is _Phase.HEAD:
            self._head_size += size
            if self._head_size > self.bounds.head_bytes:
                self._refuse(431, "headers_too_large", "The request's head is too large.")

    def _expect(self, seconds: float) -> None:
        """The caller must send what the phase asks for within this time."""
        self._read_by = self.loop.time() + seconds
        self._alarm.set(min(self._read_by, self._write_by))

    def _deadline_passed(self) -> None:
        now = self.loop.time()
        if self._write_by <= now:
            # close() would wait for the buffer that does not drain.
            self.transport.abort()
        elif self._read_by > now:
            self._alarm.set(min(self._read_by, self._write_by))
        elif self._phase is _Phase.BODY or (self._phase is _Phase.HEAD and self.url):
            self._refuse(408, "request_timeout", "The request took too long to arrive.")
        else:
            self.transport.close()

    def _ignore_surplus(self) -> None:
        """Bytes behind a request that is still being answered: pipelining is not offered.

        They are dropped and the connection closes after the answer, so reading never pauses and
        a hang-up is always seen.
        """
        self._surplus = True
        if self._cycle is not None:
            self._cycle.keep_alive = False

    def _refuse_head(self) -> NoReturn:
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
        if self._cycle is None or not self._cycle.response_started or self._cycle.response_complete:
            head = b"content-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n"
            hint = b"retry-after: 1\r\n" if status == 503 else b"x-should-retry: false\r\n"  # noqa: PLR2004
            self.transport.write(STATUS_LINE[status] + head % len(body) + hint + b"\r\n" + body)
        self.leave()


async def _asgi(app: App, scope: Scope, cycle: Cycle) -> None:
    await app(scope, cycle.receive, cycle.send)


def protocol_with(bounds: Bounds) -> type[GatewayProtocol]:
    """The protocol class for a server with these bounds; uvicorn makes one object a connection."""
    return type("BoundedProtocol", (GatewayProtocol,), {"bounds": bounds})
