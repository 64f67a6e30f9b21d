"""The shape of a stream's chunk, as far as the model has words for it.

Hot path: one typed decode of a chunk. What is not named here is skipped unread; what is seldom
there (usage, errors, log probabilities) is kept loose and read by whoever needs it: most chunks
say null, and that costs nothing.
"""

from __future__ import annotations

import msgspec

Loose = dict[str, msgspec.Raw] | list[msgspec.Raw] | str | float | bool | None
"""Anything, its members unread."""


class FunctionDelta(msgspec.Struct, gc=False):
    """A piece of a call of a function."""

    name: str | None = None
    arguments: str | dict[str, msgspec.Raw] | None = None


class CustomDelta(msgspec.Struct, gc=False):
    """A piece of a call of a custom tool."""

    name: str | None = None
    input: str | None = None


class CallDelta(msgspec.Struct, gc=False):
    """A piece of one of the calls."""

    index: int | None = None
    id: str | None = None
    function: FunctionDelta | None = None
    custom: CustomDelta | None = None


class Delta(msgspec.Struct, gc=False):
    """What is new in a choice."""

    content: str | list[msgspec.Raw] | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    refusal: str | None = None
    tool_calls: list[CallDelta] | None = None
    function_call: FunctionDelta | None = None


class ChunkChoice(msgspec.Struct, gc=False):
    """One choice of a chunk; Kimi reports usage inside it."""

    delta: Delta | None = None
    index: int | None = 0
    finish_reason: str | None = None
    logprobs: Loose = None
    usage: Loose = None


class GroqFacts(msgspec.Struct, gc=False):
    """Groq's own member, which holds the usage of streams that did not ask for it."""

    usage: Loose = None


class Chunk(msgspec.Struct, gc=False):
    """One event of a stream."""

    choices: list[ChunkChoice] | None = None
    usage: Loose = None
    error: Loose = None
    x_groq: GroqFacts | None = None


class ChunkHead(msgspec.Struct, gc=False):
    """What every chunk repeats, and the first one is asked for."""

    id: str | None = None
    model: str | None = None
    created: int | float | None = None


CHUNK = msgspec.json.Decoder(Chunk)
CHUNK_HEAD = msgspec.json.Decoder(ChunkHead)


def raw_of(value: Loose) -> msgspec.Raw:
    """Loose JSON, raw again."""
    return msgspec.Raw(msgspec.json.encode(value))
