"""The shape of a chunk of a stream, as far as the model has words for it.

Hot path: one typed decode of a chunk. What is not named here is skipped unread.
"""

from __future__ import annotations

from typing import Final

import msgspec

from antiphon.model.parts import ABSENT

Loose = dict[str, msgspec.Raw] | list[msgspec.Raw] | str | float | bool | None
"""Anything, its members unread."""


class PartialArg(msgspec.Struct, gc=False, rename="camel"):
    """A piece of the arguments of a call (Vertex)."""

    json_path: str = ""
    string_value: str | None = None
    number_value: float | None = None
    bool_value: bool | None = None
    null_value: msgspec.Raw = ABSENT
    will_continue: bool | None = None


class Call(msgspec.Struct, rename="camel"):
    """A call, whole or begun."""

    id: str | None = None
    name: str | None = None
    args: msgspec.Raw = ABSENT
    partial_args: list[PartialArg] | None = None
    will_continue: bool | None = None


class Piece(msgspec.Struct, rename="camel"):
    """One part."""

    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    function_call: Call | None = None


class Content(msgspec.Struct):
    """What a candidate says."""

    parts: list[Piece] | None = None


class Candidate(msgspec.Struct, rename="camel"):
    """One of the answers."""

    index: int | None = None
    content: Content | None = None
    finish_reason: str | int | None = None
    finish_message: str | None = None
    logprobs_result: msgspec.Raw = ABSENT


class Feedback(msgspec.Struct, gc=False, rename="camel"):
    """Why a prompt was blocked."""

    block_reason: str | int | None = None


class Chunk(msgspec.Struct, rename="camel"):
    """One chunk of a stream, or a whole reply."""

    candidates: list[Candidate] | None = None
    usage_metadata: msgspec.Raw = ABSENT
    prompt_feedback: Feedback | None = None
    model_version: str | None = None
    response_id: str | None = None
    error: Loose = None


CHUNK: Final = msgspec.json.Decoder(Chunk)
