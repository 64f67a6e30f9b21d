"""HTTP/1.1 as a provider's front door speaks it, with the manners of a fault if one is due.

Reads with httptools, keeps every byte it read, and plays the reply that its desk decides on.
Replies that neither wait nor break are written at once, without a task, for this also stands
under load tests.
"""

import asyncio
import socket
import struct
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Final, Protocol, runtime_checkable

import httptools
from typing_extensions import override

from antiphon.simulator.ports import Desk, House, Request, Transport
from antiphon.simulator.received import Outcome, Received
from antiphon.simulator.reply import Ending, Reply, performed, plain

_LARGEST_BODY = 64 * 1024 * 1024
_LARGEST_WRITE = 64 * 1024
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_LINGER_NOT: Final = struct.pack("ii", 1, 0)
_UNTIL_RECEIVED = 0.005
_TEXT: Final = (b"content-type", b"text/plain; charset=utf-8")


class Connection(asyncio.Protocol):
    """One caller's connection: one request at a time, in their order."""

    def __init__(self, house: House, desk: Desk) -> None:
        self._house = house
        self._desk = desk
        self._number = 0
        self._transport: Transport = _UNCONNECTED
        self._parser = httptools.HttpRequestParser(self)
        self._reading = Request()
        self._waiting: deque[Request] = deque()
        self._current: Received | None = None
        self._deciding = False
        self._task: asyncio.Task[None] | None = None
        self._drained: asyncio.Future[None] | None = None

    @property
    def idle(self) -> bool:
        """Whether nobody is being answered."""
        return self._current is None and not self._deciding

    # asyncio's side

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not isinstance(transport, Transport):
            raise TypeError(f"{transport!r} cannot be written to")
        self._transport = transport
        self._number = self._house.opened(self)
        connected = transport.get_extra_info("socket")
        _set_option(connected, socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    @override
    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._reject(400, b"This is no HTTP/1.1 request.\n")
        # Not in the parser's callback, which would take a mistake of ours for one of the caller's.
        self._serve_next()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if self._current is not None:
            self._desk.ended(self._current, Outcome.CALLER_LEFT)
        if self._task is not None:
            self._task.cancel()
        self.resume_writing()
        self._house.closed(self)

    @override
    def pause_writing(self) -> None:
        self._drained = asyncio.get_running_loop().create_future()

    @override
    def resume_writing(self) -> None:
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)
        self._drained = None

    def drop(self) -> None:
        """Close at once, whatever is going on."""
        if self._current is not None:
            self._break(self._current)
        self._transport.abort()

    # httptools' side

    def on_message_begin(self) -> None:
        """A request begins."""
        self._reading = Request()

    def on_url(self, url: bytes) -> None:
        """Some of its target."""
        self._reading.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """One of its headers."""
        self._reading.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Its head is read."""
        self._reading.method = self._parser.get_method().decode("latin-1")
        self._reading.keep_alive = self._parser.should_keep_alive()
        for name, value in self._reading.headers:
            if name.lower() == b"expect" and value.lower() == b"100-continue":
                self._transport.write(_CONTINUE)

    def on_body(self, body: bytes) -> None:
        """Some of its body."""
        self._reading.size += len(body)
        if self._reading.size > _LARGEST_BODY:
            self._reject(413, b"The body is too large.\n")
        else:
            self._reading.body.append(body)

    def on_message_complete(self) -> None:
        """It is read, and will be answered after those before it."""
        self._waiting.append(self._reading)

    # the performance

    def _serve_next(self) -> None:
        """Answer the next request, if there is one and nobody is being answered."""
        if self._current is not None or not self._waiting or self._transport.is_closing():
            return
        request = self._waiting.popleft()
        # The decision may be to drop all idle connections, and this one is not.
        self._deciding = True
        received, reply = self._desk.receive(request, self._number)
        self._current = received
        self._deciding = False
        if reply.immediate:
            self._transport.write(b"".join([data for _, data in performed(reply)]))
            self._end(received, close=reply.ending is Ending.CLOSE or not request.keep_alive)
        else:
            self._task = self._house.start(self._perform(received, reply, request))

    async def _perform(self, received: Received, reply: Reply, request: Request) -> None:
        """Play a reply that takes time."""
        unsent = bytearray()
        for pause, data in performed(reply):
            if pause or len(unsent) > _LARGEST_WRITE:
                await self._send(unsent)
                await self._house.pause(pause)
            unsent += data
        await self._send(unsent)
        if (breaking := _BREAKING.get(reply.ending)) is None:
            self._task = None
            self._end(received, close=reply.ending is Ending.CLOSE or not request.keep_alive)
        else:
            await breaking(self, received)

    async def _send(self, unsent: bytearray) -> None:
        """Write, and wait for a caller who reads too slowly."""
        if unsent:
            self._transport.write(bytes(unsent))
            unsent.clear()
        if self._drained is not None:
            await self._drained

    def _end(self, received: Received, *, close: bool) -> None:
        self._current = None
        self._desk.ended(received, Outcome.ANSWERED)
        if close:
            self._transport.close()
        elif self._waiting:
            # Not at once: a long queue of pipelined requests would be as deep a recursion.
            asyncio.get_running_loop().call_soon(self._serve_next)

    async def cut(self, received: Received) -> None:
        """Close in the middle of a body."""
        self._break(received)
        self._transport.close()

    async def reset(self, received: Received) -> None:
        """Close so rudely that the caller's next read is an error."""
        while self._transport.get_write_buffer_size():  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(_UNTIL_RECEIVED)
        # A reset overtakes what was sent and not yet read.
        await asyncio.sleep(_UNTIL_RECEIVED)
        self._break(received)
        connected = self._transport.get_extra_info("socket")
        _set_option(connected, socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        self._transport.abort()

    async def refuse(self, received: Received) -> None:
        """Close rudely, and the door as well."""
        self._house.shut_for(self._desk.refuse_for)
        await self.reset(received)

    async def go_mute(self, received: Received) -> None:
        """Close rudely, and say nothing to whoever comes next."""
        await self._house.mistreat_for(self._desk.refuse_for, rude=False)
        await self.reset(received)

    async def go_rude(self, received: Received) -> None:
        """Close rudely, and close on whoever comes next."""
        await self._house.mistreat_for(self._desk.refuse_for, rude=True)
        await self.reset(received)

    async def stall(self, _received: Received) -> None:
        """Do nothing until the caller leaves, which cancels this."""
        await asyncio.get_running_loop().create_future()

    def _break(self, received: Received) -> None:
        self._current = None
        self._desk.ended(received, Outcome.BROKEN)

    def _reject(self, status: int, message: bytes) -> None:
        if not self._transport.is_closing():
            reply = plain(message, status=status, headers=(_TEXT, (b"connection", b"close")))
            self._transport.write(b"".join([data for _, data in performed(reply)]))
            self._transport.close()


_BREAKING: Final[Mapping[Ending, Callable[[Connection, Received], Awaitable[None]]]] = (
    MappingProxyType(
        {
            Ending.CUT: Connection.cut,
            Ending.RESET: Connection.reset,
            Ending.STALL: Connection.stall,
            Ending.REFUSE: Connection.refuse,
            Ending.GO_MUTE: Connection.go_mute,
            Ending.GO_RUDE: Connection.go_rude,
        }
    )
)


class _Unconnected:
    """Stands for a transport until there is one."""

    def write(self, data: bytes, /) -> None:
        raise ConnectionError("not connected")

    def close(self) -> None: ...

    def abort(self) -> None: ...

    def is_closing(self) -> bool:
        return True

    def get_write_buffer_size(self) -> int:
        return 0

    def get_extra_info(self, name: str, default: object = None, /) -> object:
        return default


_UNCONNECTED: Final = _Unconnected()


@runtime_checkable
class _Adjustable(Protocol):
    def setsockopt(self, level: int, name: int, value: int | bytes, /) -> None: ...


def _set_option(connected: object, level: int, name: int, value: int | bytes) -> None:
    if isinstance(connected, _Adjustable):
        connected.setsockopt(level, name, value)
