"""One request and its answer, between uvicorn's parser and whoever answers.

What uvicorn's own cycle does, at a fraction of its cost: no event object, no search of every
header for forbidden characters (one count over the finished head finds them), and the head
leaves together with the first bytes of the body, in one system call. It is ASGI to an
application, and a `Line` to the doors that must be cheap.

Hot path.
"""

from __future__ import annotations

import logging
from asyncio import AbstractEventLoop, CancelledError, Future, Task, Transport
from collections.abc import Awaitable, Callable
from typing import Protocol

import msgspec
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from antiphon.errors import CallerLeft
from antiphon.server.asgi import Headers, Message
from antiphon.server.line import rendered, too_large

_log = logging.getLogger("antiphon.server")
_NO_BODY = frozenset({204, 304})
_JOINED = 64 * 1024
"""Up to here a copy of the body costs less than a system call."""


class Owner(Protocol):
    """The connection that a request came on."""

    transport: Transport
    flow: FlowControl
    loop: AbstractEventLoop

    @property
    def task(self) -> Task[None] | None:
        """Answers the request."""
        ...

    @property
    def default_head(self) -> bytes:
        """Header lines of every answer."""
        ...

    def leave(self) -> None:
        """Close the connection, but let the caller read the answer first."""
        ...

    def answered(self) -> None:
        """The whole answer was handed to the socket."""
        ...

    def ended(self, cycle: Cycle) -> None:
        """The application has returned."""
        ...


class Cycle(msgspec.Struct, eq=False):
    """One request and its answer; a struct, which is filled in C.

    Attributes:
        method: Of the request.
        keep_alive: Whether the connection serves another request.
        body: What came of the body and was not yet received by the application.
        more_body: Whether more of it comes.
        left: The caller is gone.
        whole: The answer was given to its good end.
        response_started: The application gave the head of its answer.
        response_complete: The whole answer was handed to the socket.
    """

    _owner: Owner
    _transport: Transport
    _flow: FlowControl
    method: bytes
    keep_alive: bool
    expect_continue: bool
    _knows_chunks: bool
    body: bytes = b""
    more_body: bool = True
    left: bool = False
    whole: bool = False
    response_started: bool = False
    response_complete: bool = False
    _waiter: Future[None] | None = None
    _news: bool = False
    _head: bytes = b""
    _chunked: bool = False
    _sized: bool = False
    _expected: int = 0

    def wake(self) -> None:
        """Something happened that `receive` may be waiting for."""
        self._news = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    @property
    def task(self) -> Task[None]:
        """Who answers."""
        task = self._owner.task
        assert task is not None
        return task

    async def run(self, answer: Callable[[Cycle], Awaitable[None]]) -> None:
        """Have somebody answer, and see to it that the connection is left as it should be."""
        try:
            await answer(self)
        except CancelledError:
            # The caller left, so nobody waits for an answer; any other cancellation is not ours.
            if not self.left:
                self._transport.close()
                raise
        # A task boundary: a defect of the application must not leave the caller hanging.
        except Exception:  # noqa: BLE001
            _log.exception("The application failed")
            self._transport.close()
        else:
            if not self.response_complete and not self.left:
                _log.error("The application did not finish its answer")
                self._transport.close()
        finally:
            self._owner.ended(self)

    # as a line

    async def whole_body(self, bound: int) -> bytes:
        """The request's whole body."""
        pieces: list[bytes] = []
        size = 0
        while True:
            if self.more_body:
                await self._some()
            if self.left:
                raise CallerLeft("The caller left before the request was whole.")
            piece, self.body = self.body, b""
            size += len(piece)
            if size > bound:
                raise too_large(bound)
            if not self.more_body:
                return b"".join((*pieces, piece)) if pieces else piece
            pieces.append(piece)

    async def answer(self, status: int, head: bytes, body: bytes) -> None:
        """Give a whole answer: head and body in one write."""
        if self._flow.write_paused and not self.left:
            await self._flow.drain()
        if not self.left:
            self.expect_continue = False
            self._start(status, b"%bcontent-length: %d\r\n" % (head, len(body)), len(body))
            self._send_body(body, more=False)

    async def begin(self, status: int, head: bytes) -> None:
        """Give the head of an answer whose length nobody knows."""
        self.expect_continue = False
        self._start(status, head, None)

    async def write(self, piece: bytes, *, more: bool) -> None:
        """Give the next piece of its body."""
        if self._flow.write_paused and not self.left:
            await self._flow.drain()
        if not self.left:
            self._send_body(piece, more=more)

    # as ASGI

    async def receive(self) -> Message:
        """ASGI's `receive`."""
        await self._some()
        if self.left or self.response_complete:
            return {"type": "http.disconnect"}
        body, self.body = self.body, b""
        return {"type": "http.request", "body": body, "more_body": self.more_body}

    async def _some(self) -> None:
        """Wait for more of the body, its end, or the caller's leaving."""
        if self.expect_continue:
            self.expect_continue = False
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        while not (self._news or self.left or self.response_complete):
            self._flow.resume_reading()
            self._waiter = self._owner.loop.create_future()
            await self._waiter
        self._news = False

    async def send(self, message: Message) -> None:
        """ASGI's `send`."""
        if self._flow.write_paused and not self.left:
            await self._flow.drain()
        if self.left:
            return
        if message["type"] == "http.response.body":
            self._send_body(message.get("body", b""), more=message.get("more_body", False))
        elif message["type"] == "http.response.start" and not self.response_started:
            self.expect_continue = False
            headers: Headers = message.get("headers", [])
            self._start(message["status"], rendered(headers), self._announced(headers))
        else:
            raise RuntimeError(f"{message['type']!r} is not expected here")

    def _announced(self, headers: Headers) -> int | None:
        """The length that an application announces; what it says of the connection is heard."""
        length: int | None = None
        for name, value in headers:
            if name == b"content-length":
                length = int(value)
            elif name == b"connection" and value.lower() == b"close":
                self.keep_alive = False
        return length

    def _start(self, status: int, head: bytes, length: int | None) -> None:
        self.response_started = True
        head = b"%b%b%b" % (STATUS_LINE[status], self._owner.default_head, head)
        if head.count(b"\n") != head.count(b"\r\n") or head.count(b"\r") != head.count(b"\n"):
            raise RuntimeError("A header holds a line break")
        if self.more_body:
            # The answer comes before the request is whole: what is left of it is not waited for.
            self.keep_alive = False
        if not self.keep_alive:
            head += b"connection: close\r\n"
        if length is not None:
            self._sized, self._expected = True, length
        elif status not in _NO_BODY and self._knows_chunks:
            self._chunked = self.method != b"HEAD"
            head += b"transfer-encoding: chunked\r\n"
        self._head = head + b"\r\n"

    def _send_body(self, body: bytes, *, more: bool) -> None:
        if not self.response_started or self.response_complete:
            raise RuntimeError("A body is not expected here")
        head, self._head = self._head, b""
        if self._chunked:
            body = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            if not more:
                body += b"0\r\n\r\n"
        elif self.method == b"HEAD":
            body = b""
        elif self._sized:
            self._expected -= len(body)
            if self._expected < 0 or (self._expected and not more):
                raise RuntimeError("The body is not as long as its content-length says")
        if len(body) <= _JOINED:
            self._transport.write(head + body if head else body)
        else:
            self._transport.write(head)
            self._transport.write(body)
        if not more:
            self.response_complete = self._news = True
            if self._waiter is not None:
                self.wake()
            if not self.keep_alive:
                self._owner.leave()
            self._owner.answered()
