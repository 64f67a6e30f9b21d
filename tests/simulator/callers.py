"""Callers who see every byte."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TypeAlias

from antiphon.simulator import Simulator
from antiphon.simulator.wires import CHAT, GEMINI, MESSAGES, OLLAMA, RESPONSES

GUIDE = Path(__file__).parents[2] / "docs/guides/simulator.md"
RECORDINGS = Path(__file__).parent / "recordings.jsonl"
Raw: TypeAlias = Callable[..., Awaitable[bytes]]
Streams: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def called(simulator: Simulator, **options: object) -> AsyncIterator[Streams]:
    """A connection that is closed whatever happens; nothing on it may take ten seconds."""
    reader, writer = await asyncio.open_connection(*simulator.address, **options)
    try:
        async with asyncio.timeout(10):
            yield reader, writer
    finally:
        await left(writer)


async def left(writer: asyncio.StreamWriter) -> None:
    """Hang up."""
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


def chat_request(
    model: str = "sim-small",
    *,
    text: str = "hello",
    headers: str = "",
    close: bool = True,
    **members: object,
) -> bytes:
    """A request as bytes; it asks to close the connection, so that its end is the answer's end."""
    asked = {"model": model, "messages": [{"role": "user", "content": text}], **members}
    body = json.dumps(asked).encode()
    closing = "connection: close\r\n" if close else ""
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: lab\r\n{headers}{closing}"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


ROADS = {
    CHAT: "v1/chat/completions",
    MESSAGES: "v1/messages",
    RESPONSES: "v1/responses",
    OLLAMA: "api/chat",
}


def request_in(
    wire: str,
    model: str = "sim-small",
    *,
    text: str = "hello",
    headers: str = "",
    **members: object,
) -> bytes:
    """The same in any dialect."""
    if wire == GEMINI:
        return gemini_request(model, text=text, headers=headers, **members)
    said = [{"role": "user", "content": text}]
    asked: dict[str, object] = {"input": said} if wire == RESPONSES else {"messages": said}
    if wire == MESSAGES:
        asked["max_tokens"] = 4096
        headers += "anthropic-version: 2023-06-01\r\n"
    if wire == OLLAMA:
        asked["stream"] = False
    return posted(ROADS[wire], {"model": model, **asked, **members}, headers)


def posted(path: str, asked: dict[str, object], headers: str = "") -> bytes:
    """Anything, as a request that asks to close the connection."""
    body = json.dumps(asked).encode()
    head = f"POST /{path} HTTP/1.1\r\nhost: lab\r\n{headers}connection: close\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


def gemini_request(
    model: str = "sim-small",
    *,
    text: str = "hello",
    headers: str = "",
    stream: bool = False,
    form: str = "?alt=sse",
    **members: object,
) -> bytes:
    """The same of Google's API, where the model and the stream stand in the path."""
    method = f"streamGenerateContent{form}" if stream else "generateContent"
    said = [{"role": "user", "parts": [{"text": text}]}]
    body = json.dumps({"contents": said, **members}).encode()
    head = f"POST /v1beta/models/{model}:{method} HTTP/1.1\r\nhost: lab\r\n{headers}"
    return f"{head}connection: close\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


def lines_of(answer: bytes) -> list[dict]:
    """The objects of a body that has one in each line."""
    return [json.loads(line) for line in body_of(answer).splitlines() if line.strip()]


def body_of(answer: bytes) -> bytes:
    """An answer's body, out of its chunks."""
    head, _, body = answer.partition(b"\r\n\r\n")
    if b"transfer-encoding: chunked" not in head:
        return body
    return b"".join(chunks_of(body))


def chunks_of(body: bytes) -> list[bytes]:
    chunks: list[bytes] = []
    while body:
        size, _, rest = body.partition(b"\r\n")
        length = int(size, 16)
        if not length:
            break
        chunks.append(rest[:length])
        body = rest[length + 2 :]
    return chunks


def events_of(answer: bytes) -> list[dict]:
    """The JSON events of a streamed answer; whoever expects other events reads the bytes."""
    lines = body_of(answer).split(b"\n")
    data = [line.removeprefix(b"data: ") for line in lines if line.startswith(b"data: ")]
    return [json.loads(one) for one in data if one != b"[DONE]"]
