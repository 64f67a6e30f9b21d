"""A caller who writes bytes, and reads what comes back as it is."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple

from tests.server.stage import HELLO, Stage

PATIENCE = 5
"""Seconds after which nothing more is expected of a gateway: a hang, in other words."""
CHAT = "/v1/chat/completions"


class Response(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def error(self) -> dict[str, object]:
        return json.loads(self.body)["error"]

    @property
    def problem(self) -> dict[str, object]:
        """An error of the management API."""
        assert self.headers["content-type"] == "application/problem+json"
        return json.loads(self.body)


class Raw:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def head(self) -> Response:
        """Status and headers of the next answer."""
        async with asyncio.timeout(PATIENCE):
            lines = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        pairs = [line.split(": ", 1) for line in lines[1:] if line]
        headers = {name.lower(): value for name, value in pairs}
        assert len(headers) == len(pairs), "a header stands twice"
        assert lines[0].startswith("HTTP/1.1 ")
        return Response(int(lines[0].split()[1]), headers, b"")

    async def response(self, *, bodiless: bool = False) -> Response:
        """The next answer, whole."""
        head = await self.head()
        async with asyncio.timeout(PATIENCE):
            if bodiless or head.status in {100, 204, 304}:
                return head
            if "content-length" in head.headers:
                body = await self.reader.readexactly(int(head.headers["content-length"]))
            elif head.headers.get("transfer-encoding") == "chunked":
                body = await self._chunks()
            else:
                body = await self.reader.read()
        return head._replace(body=body)

    async def _chunks(self) -> bytes:
        body = b""
        while size := int(await self.reader.readuntil(b"\r\n"), 16):
            body += await self.reader.readexactly(size)
            assert await self.reader.readexactly(2) == b"\r\n"
        assert await self.reader.readexactly(2) == b"\r\n"
        return body

    async def rest(self) -> bytes:
        """Everything until the gateway closes."""
        async with asyncio.timeout(PATIENCE):
            try:
                return await self.reader.read()
            except ConnectionResetError:
                return b""

    async def is_closed(self) -> bool:
        return await self.rest() == b""

    def abort(self) -> None:
        """Leave without a word."""
        self.writer.transport.abort()

    async def aclose(self) -> None:
        self.writer.close()
        with suppress(ConnectionError):
            await self.writer.wait_closed()


@asynccontextmanager
async def connected(road: Stage) -> AsyncIterator[Raw]:
    reader, writer = await asyncio.open_connection(road.host, road.port, limit=1 << 26)
    raw = Raw(reader, writer)
    try:
        yield raw
    finally:
        await raw.aclose()


def chat_body(**members: object) -> bytes:
    return json.dumps({"model": "fast", "messages": HELLO, **members}).encode()


def request(
    body: bytes | None = None,
    *lines: str,
    method: str = "POST",
    path: str = CHAT,
    version: str = "1.1",
    host: str = "127.0.0.1",
) -> bytes:
    """A request as bytes; `lines` are further header lines."""
    body = chat_body() if body is None else body
    heads = [f"{method} {path} HTTP/{version}", f"Host: {host}", *lines]
    if not any(line.lower().startswith(("content-length", "transfer-encoding")) for line in lines):
        heads.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*heads, "", ""]).encode("latin-1") + body
