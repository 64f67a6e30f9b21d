"""What one line of a stream, or one whole reply, may hold: typed views for fast readers.

`/api/chat` says it in `message`, `/api/generate` beside it: both are read here.
"""

from __future__ import annotations

from typing import Final

import msgspec

from antiphon.dialects.ollama.usage import Count
from antiphon.model.parts import ABSENT


class Function(msgspec.Struct, gc=False):
    """What is called."""

    name: str | None = None
    arguments: msgspec.Raw = ABSENT


class Call(msgspec.Struct, gc=False):
    """A call of a tool, whole."""

    id: str | None = None
    function: Function | None = None


class Message(msgspec.Struct, gc=False):
    """What is said."""

    content: str | None = None
    thinking: str | None = None
    tool_calls: list[Call] | None = None


class Line(msgspec.Struct, gc=False):
    """One line."""

    message: Message | None = None
    response: str | None = None
    thinking: str | None = None
    tool_calls: list[Call] | None = None
    done: bool | None = None
    done_reason: str | None = None
    prompt_eval_count: Count = None
    eval_count: Count = None
    logprobs: msgspec.Raw = ABSENT
    error: msgspec.Raw = ABSENT


class Head(msgspec.Struct, gc=False):
    """What every line says again."""

    model: str | None = None
    created_at: str | None = None


LINE: Final = msgspec.json.Decoder(Line)
HEAD: Final = msgspec.json.Decoder(Head)
