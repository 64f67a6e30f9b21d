"""Callers who note what they have read, byte by byte, up to the moment the gateway died."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
from dataclasses import dataclass, field

PATIENCE = 20
FIRST_ERROR = 400
DONE = b"data: [DONE]"
_RESET = struct.pack("ii", 1, 0)


@dataclass
class Told:
    """What a caller was told.

    Attributes:
        model: What was asked for; each request asks for another.
        request: The gateway's id, once a head was read.
        whole: The answer was read to its end: all bytes that were announced, or the stream's
            terminal event.
        usage: As the answer says it.
        error: The stream ended with an error event.
        left: The caller left before the end.
    """

    model: str
    request: str = ""
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    whole: bool = False
    error: bool = False
    left: bool = False
    usage: dict[str, int] | None = None

    @property
    def answered(self) -> bool:
        """A good answer was read to its end."""
        return self.whole and self.status < FIRST_ERROR and not self.error


def request_for(model: str, *, stream: bool, text: str = "Hello", host: str = "127.0.0.1") -> bytes:
    members: dict[str, object] = {
        "model": model,
        "messages": [{"role": "user", "content": text}],
        "stream": stream,
    }
    if stream:
        members["stream_options"] = {"include_usage": True}
    body = json.dumps(members).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def ask(
    address: str,
    model: str,
    *,
    stream: bool = False,
    text: str = "Hello",
    leave_after: int | None = None,
    patience: float = PATIENCE,
) -> Told:
    """Ask, and read until the end, the gateway's death, or so many chunks of the stream.

    Args:
        leave_after: Reset the connection after so many reads.
        patience: A hang is a failure: seconds for all of it.
    """
    told = Told(model)
    host, port = address.removeprefix("http://").split(":")
    try:
        async with asyncio.timeout(patience):
            reader, writer = await asyncio.open_connection(host, int(port), limit=1 << 24)
            try:
                writer.write(request_for(model, stream=stream, text=text))
                if leave_after == 0:
                    await writer.drain()
                    await asyncio.sleep(0.02)
                    told.left = True
                    return told
                await _read(told, reader, leave_after)
            finally:
                if told.left:
                    # With a reset, as from a process that was killed.
                    sock = writer.get_extra_info("socket")
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                writer.transport.abort()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()
    except (OSError, EOFError):
        pass
    return told


async def _read(told: Told, reader: asyncio.StreamReader, leave_after: int | None) -> None:
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    told.headers = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
    told.request = told.headers.get("x-antiphon-request-id", "")
    told.status = int(lines[0].split()[1])
    length = told.headers.get("content-length")
    if length is not None:
        told.body = await reader.readexactly(int(length))
        told.whole = True
        if told.status < FIRST_ERROR:
            told.usage = json.loads(told.body).get("usage")
        return
    reads = 0
    while size := int(await reader.readuntil(b"\r\n"), 16):
        told.body += await reader.readexactly(size)
        if DONE in told.body:
            told.whole = True
        await reader.readexactly(2)
        reads += 1
        if reads == leave_after:
            told.left = True
            return
    for line in told.body.splitlines():
        if line.startswith(b'data: {"error"'):
            told.error = told.whole = True
        elif line.startswith(b"data: {"):
            told.usage = json.loads(line[6:]).get("usage") or told.usage
