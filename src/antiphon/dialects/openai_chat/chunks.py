"""The shape of a stream's chunk, as far as the model has words for it.

Hot path: one typed decode of a chunk. What is not named here is skipped unread; what is seldom
there (usage, errors, log probabilities) is kept raw and read by whoever needs it.
"""

from __future__ import annotations

import msgspec

from antiphon.model.parts import ABSENT


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
    logprobs: msgspec.Raw = ABSENT
    usage: msgspec.Raw = ABSENT


class GroqFacts(msgspec.Struct, gc=False):
    """Groq's own member, which holds the usage of streams that did not ask for it."""

    usage: msgspec.Raw = ABSENT


class Chunk(msgspec.Struct, gc=False):
    """One event of a stream."""

    choices: list[ChunkChoice] | None = None
    id: str | None = None
    model: str | None = None
    created: int | float | None = None
    usage: msgspec.Raw = ABSENT
    error: msgspec.Raw = ABSENT
    x_groq: GroqFacts | None = None


CHUNK = msgspec.json.Decoder(Chunk)

NULL_LENGTH = 4
"""A raw object that is longer than `null` says something."""

_NOTHING = frozenset({b"", b"null", b"false", b'""', b"{}", b"[]"})


def is_error(raw: msgspec.Raw) -> bool:
    """Whether an `error` member reports one: any text may be one, however short."""
    return bytes(raw) not in _NOTHING
