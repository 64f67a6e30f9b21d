"""One socket to an origin, and the HTTP/1.1 spoken on it: one request at a time.

Hot path: the parser puts pieces of body straight into a list, with no frame of ours per chunk;
`data_received` hands on what one read of the socket brought, in one piece. The alarm of a
connection serves its deadlines in use and its expiry at rest, so neither makes a timer per request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser
from typing_extensions import override

from antiphon.clock import NEVER, Alarm
from antiphon.errors import UpstreamBroken, UpstreamError
from antiphon.providers.transport.answer import Answer
from antiphon.providers.transport.call import Head
from antiphon.providers.transport.faults import garbage, oversized, reset
from antiphon.providers.transport.ports import Wire

JOIN_BELOW = 16 * 1024
"""Up to this size, copying a body beside its head is cheaper than a second buffer."""

_SWITCHING_PROTOCOLS, _FIRST_FINAL_STATUS = 101, 200

_SIZED = frozenset({b"content-length", b"transfer-encoding"})


class Keeper(Protocol):
    """Who counts the connections of an origin and keeps the idle ones."""

    def made(self, connection: Connection) -> None:
        """The socket is open."""
        ...

    def release(self, connection: Connection) -> None:
        """The connection is free for another request."""
        ...

    def dropped(self, connection: Connection) -> None:
        """The connection is not to be used any more."""
        ...

    def lost(self, connection: Connection) -> None:
        """The socket is closed."""
        ...


# How far the answer is. EXTRA: something follows the complete answer, which nobody asked for.
_HEAD, _BODY, _COMPLETE, _EXTRA = range(4)


class Connection(asyncio.Protocol):
    """Speaks HTTP/1.1 on one socket, for one answer at a time."""

    __slots__ = (
        "_alarm",
        "_answer",
        "_expires",
        "_fault",
        "_headers",
        "_keep_alive",
        "_keeper",
        "_loop",
        "_max_header_bytes",
        "_now",
        "_parser",
        "_parts",
        "_quiet",
        "_rings_at",
        "_state",
        "_transport",
        "choked",
        "on_body",
        "served",
    )

    def __init__(
        self,
        keeper: Keeper,
        loop: asyncio.AbstractEventLoop,
        *,
        max_header_bytes: int,
        now: Callable[[], float],
    ) -> None:
        """Wait for `connection_made`.

        Args:
            keeper: Who is told what becomes of the connection.
            loop: The running loop.
            max_header_bytes: The bound of a head, and of bytes that bring no body.
            now: The clock of `sent_at` and `first_byte_at`.
        """
        self.choked = False
        self.served = 0
        self._keeper = keeper
        self._loop = loop
        self._max_header_bytes = max_header_bytes
        self._now = now
        self._transport: Wire | None = None
        self._answer: Answer | None = None
        self._alarm = Alarm(loop, self._rang)
        self._expires = NEVER
        self._fault: UpstreamError | None = None
        self._headers: list[tuple[bytes, bytes]] = []
        self._keep_alive = False
        self._quiet = 0
        self._rings_at = NEVER
        self._state = _HEAD
        self._parts: list[bytes] = []
        self.on_body = self._parts.append
        self._parser = HttpResponseParser(self)

    # ------------------------------------------------------------------ for the pool

    @property
    def usable(self) -> bool:
        """Whether a request can be sent here now."""
        transport = self._transport
        return transport is not None and not transport.is_closing()

    def send(self, answer: Answer, now: float) -> None:
        """Write the call of this answer at this loop time, and feed the answer from then on."""
        transport = self._transport
        answer.reused = self.served > 0
        if transport is None or transport.is_closing():
            self._closed_at_once(answer)
            return
        call = answer.call
        body = call.body
        self._answer = answer
        self._state = _HEAD
        self._quiet = 0
        self._headers = []
        self.served += 1
        if len(body) < JOIN_BELOW:
            transport.write(b"%bcontent-length: %d\r\n\r\n%b" % (call.head, len(body), body))
        else:
            transport.writelines((b"%bcontent-length: %d\r\n\r\n" % (call.head, len(body)), body))
        due = answer.attached(self, now, self._now())
        if due < self._rings_at:
            self._ring_at(due)

    def rest(self, expires: float) -> None:
        """Stay open without a request, until this loop time."""
        self._expires = expires
        if expires < self._rings_at:
            self._ring_at(expires)

    def fail(self, error: UpstreamError) -> None:
        """Close the socket and tell the answer under way, if any, why."""
        answer = self._answer
        self._answer = None
        self.abort()
        if answer is not None:
            answer.failed(error)

    def give_up(self) -> None:
        """Close a connection whose making failed or was cancelled.

        asyncio would end TLS politely and wait for the other side; uvloop closes the socket and
        never tells, so the connection counts as lost from now on.
        """
        self.abort()
        self.connection_lost(None)

    # ------------------------------------------------------------------ for the answer

    def watch(self, deadline: float) -> None:
        """Ring the answer at this loop time at the latest."""
        if deadline < self._rings_at:
            self._ring_at(deadline)

    def hold(self) -> None:
        """Read nothing more for now."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read on."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def abort(self) -> None:
        """Close the socket at once; idempotent."""
        self._answer = None
        self._silence()
        self._keeper.dropped(self)
        if self._transport is not None:
            self._transport.abort()

    # ------------------------------------------------------------------ for the event loop

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not isinstance(transport, Wire):
            raise TypeError("The loop gave a transport that cannot write.")
        self._transport = transport
        self._keeper.made(self)

    @override
    def data_received(self, data: bytes) -> None:
        answer = self._answer
        if answer is None:
            # Nobody asked: whatever it is, it must not be taken for the next answer.
            self.abort()
            return
        self._quiet += len(data)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            if self._state < _COMPLETE:
                self._broken(answer, self._fault or garbage(error))
                return
            self._state = _EXTRA
        parts = self._parts
        body = b""
        if parts:
            body = parts[0] if len(parts) == 1 else b"".join(parts)
            parts.clear()
        try:
            if self._state >= _COMPLETE:
                self._complete(answer, body)
            else:
                self._proceed(answer, body)
        except UpstreamBroken as error:
            self.fail(error)

    @override
    def eof_received(self) -> None:
        self._ended(None)
        # Not left to the loop: it would first write the rest of a request nobody reads.
        self.abort()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._ended(exc)
        self._silence()
        self._transport = None
        self._keeper.lost(self)

    @override
    def pause_writing(self) -> None:
        self.choked = True

    @override
    def resume_writing(self) -> None:
        self.choked = False
        if self._answer is not None:
            self._answer.stir()

    # ------------------------------------------------------------------ for the parser

    def on_message_begin(self) -> None:
        """A head begins; behind a complete answer it must not, and its body is not taken in."""
        if self._state >= _COMPLETE:
            raise self._refuse("Something follows the complete answer.")

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header is complete, or a trailer, which nobody reads."""
        self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """A head is complete: an interim one is passed over."""
        answer = self._answer
        if self._state != _HEAD or answer is None:
            return
        headers = self._headers
        if self._quiet > self._max_header_bytes:
            self._check_size(headers)
        status = self._parser.get_status_code()
        if status < _FIRST_FINAL_STATUS:
            if status == _SWITCHING_PROTOCOLS:
                raise self._refuse("The upstream wants to switch protocols.")
            headers.clear()
            return
        encoding = None
        for name, value in headers:
            if name == b"content-encoding":
                encoding = value
            elif name == b"transfer-encoding" and value.strip().lower() != b"chunked":
                raise self._refuse("The body comes in a transfer encoding that is not spoken here.")
        self._keep_alive = self._parser.should_keep_alive()
        self._state = _BODY
        try:
            answer.began(Head(status, tuple(headers)), encoding)
        except UpstreamBroken as error:
            self._fault = error
            raise

    def on_message_complete(self) -> None:
        """The answer is complete, unless the message was an interim one."""
        if self._state == _BODY:
            self._state = _COMPLETE

    # ------------------------------------------------------------------ inside

    def _complete(self, answer: Answer, body: bytes) -> None:
        answer.completed(body, self._now())
        self._answer = None
        transport = self._transport
        if (
            self._keep_alive
            and self._state == _COMPLETE
            and transport is not None
            and not transport.get_write_buffer_size()
        ):
            self._keeper.release(self)
        else:
            self.abort()

    def _proceed(self, answer: Answer, body: bytes) -> None:
        if body:
            self._quiet = 0
            answer.received(body, self._now())
        elif self._quiet > self._max_header_bytes:
            raise oversized(self._max_header_bytes)
        if self._state == _BODY:
            answer.told()

    def _broken(self, answer: Answer, fault: UpstreamError) -> None:
        """What came is not HTTP; what came before it is still told."""
        if self._parts and self._state == _BODY:
            try:
                answer.received(b"".join(self._parts), self._now())
            except UpstreamBroken as error:
                fault = error
        self.fail(fault)

    def _ended(self, exc: Exception | None) -> None:
        """The other side closed, or the network did."""
        answer = self._answer
        self._answer = None
        if answer is None:
            return
        heard = self._state == _BODY or self._quiet > 0
        if not heard and answer.reused:
            answer.went_stale()
        elif exc is not None:
            answer.failed(reset(exc))
        elif not heard:
            answer.failed(UpstreamBroken("The upstream closed without a word.", code="closed"))
        elif self._state == _HEAD or any(name in _SIZED for name, _ in self._headers):
            answer.failed(UpstreamBroken("The answer is cut short.", code="truncated"))
        else:
            self._end_by_closing(answer)

    def _end_by_closing(self, answer: Answer) -> None:
        try:
            answer.completed(b"", self._now())
        except UpstreamBroken as error:
            answer.failed(error)

    def _ring_at(self, deadline: float) -> None:
        # Only ever sooner: an alarm that rings too early costs less than one moved per request.
        self._rings_at = deadline
        self._alarm.set(deadline)

    def _rang(self) -> None:
        self._rings_at = NEVER
        now = self._loop.time()
        answer = self._answer
        due = self._expires if answer is None else answer.ring(now)
        if due > now:
            self._ring_at(due)
        elif answer is None:
            self.abort()

    def _silence(self) -> None:
        self._rings_at = NEVER
        self._alarm.close()

    def _closed_at_once(self, answer: Answer) -> None:
        if answer.reused:
            answer.went_stale()
        else:
            answer.failed(UpstreamBroken("The connection closed at once.", code="closed"))

    def _check_size(self, headers: list[tuple[bytes, bytes]]) -> None:
        if sum(len(name) + len(value) + 4 for name, value in headers) > self._max_header_bytes:
            self._fault = oversized(self._max_header_bytes)
            raise self._fault

    def _refuse(self, message: str) -> UpstreamBroken:
        fault = self._fault = UpstreamBroken(message, code="bad_http")
        return fault
