"""Servers that say what a test tells them to, byte for byte, and remember who came."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable
from typing import Self


class Visit:
    """One connection to a server: what was asked, and the way to answer."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.line = ""
        self.headers: dict[str, str] = {}
        self.body = b""

    async def read(self) -> None:
        first = await self._reader.readexactly(1)
        if first == b"\x16":  # TLS, where none is spoken
            await self.say(sized(status="400 Bad Request"))
            return
        head = (first + await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        self.line, *lines = head.removesuffix("\r\n\r\n").split("\r\n")
        self.headers = {
            name.lower(): value for name, value in (each.split(": ", 1) for each in lines)
        }
        self.body = await self._reader.readexactly(int(self.headers.get("content-length", "0")))

    @property
    def path(self) -> str:
        return self.line.split(" ")[1]

    async def say(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def left(self) -> None:
        """Wait until the other side is gone."""
        with contextlib.suppress(ConnectionError):
            await self._reader.read()


Handler = Callable[[Visit], Awaitable[None]]


class Server:
    """Listens; every connection is read as one request and handed to the handler."""

    def __init__(
        self,
        handler: Handler,
        host: str,
        port: int,
        tls: ssl.SSLContext | None,
        *,
        greets: bool = True,
    ) -> None:
        self._handler = handler
        self._greets = greets
        self._place = (host, port)
        self._tls = tls
        self._tasks: set[asyncio.Task[object]] = set()
        self.port = port
        self.connections = 0
        self.most_at_once = 0
        self.visits: list[Visit] = []

    async def __aenter__(self) -> Self:
        host, port = self._place
        self._server = await asyncio.start_server(self._serve, host, port, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.most_at_once = max(self.most_at_once, len(self._tasks))
        visit = Visit(reader, writer)
        try:
            if not self._greets:
                return
            await visit.read()
            self.visits.append(visit)
            await self._handler(visit)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # asyncio's stream server logs a cancelled handler as a defect
        except RuntimeError as error:
            # This is how uvloop says that the other side was faster.
            if "handler is closed" not in str(error):
                raise
        finally:
            self._tasks.discard(task)
            writer.transport.abort()
            with contextlib.suppress(Exception):
                await writer.wait_closed()


def sized(body: bytes = b"hello", *, status: str = "200 OK", extra: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{extra}\r\n"
    return head.encode() + body


def says(answer: bytes) -> Handler:
    """Give one answer, and let the other side close."""

    async def handler(visit: Visit) -> None:
        await visit.say(answer)
        await visit.left()

    return handler


def leads(location: str, *, status: str = "302 Found") -> Handler:
    return says(sized(b"moved", status=status, extra=f"Location: {location}\r\n"))
