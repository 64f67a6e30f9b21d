"""Holds what an SDK read against what its provider said, in words that all of them share."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from tests.sdks.jobs import Answer, Call

_STOPS: Final[Mapping[str, str]] = {
    # Chat Completions
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool",
    # Responses; a response with calls is `completed` too
    "completed": "stop",
    "max_output_tokens": "length",
    # Messages
    "end_turn": "stop",
    "max_tokens": "length",
    "tool_use": "tool",
    "stop_sequence": "stop",
    # Gemini
    "STOP": "stop",
    "MAX_TOKENS": "length",
    # the AI SDK
    "tool-calls": "tool",
    # Pydantic AI
    "tool_call": "tool",
}


def comparable(answer: Answer, *, thought: bool) -> Answer:
    """An answer whose stop is one word for all dialects, and whose arguments are written one way.

    Args:
        answer: what was read, or said.
        thought: whether this SDK can read thoughts at all; else they are left out.
    """
    stop = _STOPS.get(answer.stop or "", f"unknown: {answer.stop}")
    return replace(
        answer,
        thought=answer.thought if thought else "",
        tools=tuple(Call(call.name, _written(call.arguments)) for call in answer.tools),
        stop="tool" if stop == "stop" and answer.tools else stop,
    )


def differences(read: Sequence[Answer], said: Sequence[Answer]) -> list[str]:
    """Each member that was read otherwise than it was said; nothing if all is well."""
    told = [] if len(read) == len(said) else [f"{len(read)} answers of {len(said)}"]
    for turn, (one, other) in enumerate(zip(read, said, strict=False), 1):
        told += [
            f"turn {turn}: {member} {getattr(one, member)!r}, said {getattr(other, member)!r}"
            for member in Answer.__struct_fields__
            if getattr(one, member) != getattr(other, member)
        ]
    return told


def _written(arguments: str) -> str:
    return json.dumps(json.loads(arguments), sort_keys=True)
