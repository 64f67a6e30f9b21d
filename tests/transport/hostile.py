"""A server that says exactly what a test tells it to say, byte for byte, when it is told to."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import struct
from collections.abc import Awaitable, Callable

from antiphon.providers.transport import Origin


class Peer:
    """The server's end of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.gone = asyncio.Event()

    async def request(self) -> bytes:
        """Read one request, head and body; b"" where the other side closed instead."""
        try:
            head = await self.reader.readuntil(b"\r\n\r\n")
            found = re.search(rb"content-length: (\d+)\r\n", head)
            assert found is not None, head
            return head + await self.reader.readexactly(int(found[1]))
        except (asyncio.IncompleteReadError, ConnectionError):
            return b""

    async def say(self, *pieces: bytes) -> None:
        """Write pieces, each in a packet of its own as far as the kernel lets us."""
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()
            if len(pieces) > 1:
                await asyncio.sleep(0.001)

    async def left(self) -> None:
        """Wait until the other side is gone."""
        with contextlib.suppress(ConnectionError):
            while await self.reader.read(65536):
                pass

    def close(self) -> None:
        self.writer.close()

    def reset(self) -> None:
        """Close with RST, not with FIN."""
        sock = self.writer.get_extra_info("socket")
        with contextlib.suppress(OSError, AttributeError):  # the other side may have been faster
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Handler = Callable[[Peer], Awaitable[None]]


class Server:
    """Listens on a free port; every connection is one run of the handler."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._tasks: set[asyncio.Task[object]] = set()
        self._failures: list[BaseException] = []
        self.connections = 0
        self.origin = Origin("http", "127.0.0.1", 1)

    async def start(self, **options: object) -> None:
        scheme = "https" if options.get("ssl") else "http"
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, **options)  # type: ignore[arg-type]
        self.origin = Origin(scheme, "127.0.0.1", self._server.sockets[0].getsockname()[1])

    async def aclose(self) -> None:
        self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()
        assert not self._failures, self._failures

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._handler(Peer(reader, writer))
        except ConnectionError:
            pass
        except asyncio.CancelledError:
            # Not passed on: asyncio's stream server logs a cancelled handler as a defect.
            pass
        except BaseException as error:  # noqa: BLE001  told to the test at the end
            # This is how uvloop says that the other side was faster.
            if "handler is closed" not in str(error):
                self._failures.append(error)
        finally:
            self._tasks.discard(task)
            writer.transport.abort()
            with contextlib.suppress(Exception):
                await writer.wait_closed()


def sized(body: bytes = b"hello", *, status: str = "200 OK", extra: bytes = b"") -> bytes:
    """A whole answer with a content-length."""
    head = b"HTTP/1.1 %b\r\nContent-Type: application/json\r\n%bContent-Length: %d\r\n\r\n"
    return head % (status.encode(), extra, len(body)) + body


STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
)


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def chunked(*pieces: bytes) -> bytes:
    return STREAM_HEAD + b"".join(chunk(piece) for piece in pieces) + b"0\r\n\r\n"


def says(*answers: bytes) -> Handler:
    """A handler that gives these answers in turn, the last one for ever."""

    async def handler(peer: Peer) -> None:
        remaining = list(answers)
        while await peer.request():
            await peer.say(remaining.pop(0) if len(remaining) > 1 else remaining[0])

    return handler


def says_and_closes(answer: bytes, *, reset: bool = False) -> Handler:
    async def handler(peer: Peer) -> None:
        await peer.request()
        await peer.say(answer)
        if reset:
            await asyncio.sleep(0.01)
            peer.reset()
        else:
            peer.close()

    return handler
