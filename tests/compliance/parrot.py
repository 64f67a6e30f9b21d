"""A provider that hears nothing: whatever is asked, it gives the same answer with status 200."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from antiphon.dialects.openai_chat import OPENAI_CHAT
from antiphon.model.usage import Usage
from antiphon.testing.compliance.dialect import samples

BODY = OPENAI_CHAT.encode_reply(
    samples.reply(text="Polly wants a biscuit.", usage=Usage(9, 0, 0, 0, 9))
)


@asynccontextmanager
async def parrot() -> AsyncIterator[str]:
    """It runs; gives its base URL."""
    server = await asyncio.start_server(_answer, "127.0.0.1", 0)
    try:
        host, port = server.sockets[0].getsockname()
        yield f"http://{host}:{port}/v1"
    finally:
        server.close()
        await server.wait_closed()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        (int(line[15:]) for line in head.splitlines() if line.startswith(b"content-length:")), 0
    )
    await reader.readexactly(length)
    writer.write(
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n"
        b"content-length: %d\r\n\r\n%b" % (len(BODY), BODY)
    )
    await writer.drain()
    writer.close()
    await writer.wait_closed()
