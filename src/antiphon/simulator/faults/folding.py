"""A stream of ours folded into one body, for providers that do not stream."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from antiphon.simulator.reply import JSON, Framing, Piece, Reply


class _Delta(Struct):
    content: str | None = None


class _Choice(Struct):
    delta: _Delta
    index: int = 0
    finish_reason: str | None = None


class _Chunk(Struct):
    id: str = ""
    created: int = 0
    model: str = ""
    system_fingerprint: str = ""
    choices: list[_Choice] = []


_CHUNK: Final = msgspec.json.Decoder(_Chunk)


def folded(reply: Reply) -> Reply:
    """The text of a stream's first choice as a whole answer; a whole body stays what it is."""
    if not reply.streamed:
        return reply
    chunks = list(_chunks(reply.body()))
    first = chunks[0] if chunks else _Chunk()
    choices = [choice for chunk in chunks for choice in chunk.choices if choice.index == 0]
    message = {"role": "assistant", "content": "".join(c.delta.content or "" for c in choices)}
    finish = next((choice.finish_reason for choice in choices if choice.finish_reason), None)
    body = {
        "id": first.id,
        "object": "chat.completion",
        "created": first.created,
        "model": first.model,
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "system_fingerprint": first.system_fingerprint,
    }
    whole = (Piece(msgspec.json.encode(body)),)
    return replace(reply.with_headers(JSON), pieces=whole, framing=Framing.SIZED)


def _chunks(body: bytes) -> Iterator[_Chunk]:
    for event in body.split(b"\n\n"):
        if event.startswith(b"data: {"):
            # A recording may hold events of any shape.
            with suppress(msgspec.DecodeError):
                yield _CHUNK.decode(event[6:])
