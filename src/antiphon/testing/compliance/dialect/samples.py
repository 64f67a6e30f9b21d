"""Answers and questions in the canonical words, for what no golden case holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from antiphon.model.events import (
    Ended,
    Finished,
    PartEnded,
    Started,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from antiphon.model.parts import Author, Text, ToolCall, Turn
from antiphon.model.reply import ChatReply, Choice, Stop, StopReason
from antiphon.model.request import ChatRequest
from antiphon.model.usage import Usage

TEXT: Final = 'é 中 🌍 \u2028 "quoted" \\ \n end'
"""What a wrong cut, a wrong escape or a wrong end of line would break."""

USAGE: Final = Usage(input_tokens=11, output_tokens=7)

CALLS: Final = (
    ToolCall(call_id="call_1", name="weather", arguments='{"city":"Köln 🌍","days":[1,2.5,null]}'),
    ToolCall(call_id="call_2", name="list_files", arguments="{}"),
)
"""Two calls at once, one of them without arguments."""


def reply(
    *calls: ToolCall,
    text: str = TEXT,
    usage: Usage | None = USAGE,
    reason: StopReason | None = None,
) -> ChatReply:
    """A whole answer."""
    parts = (*((Text(text),) if text else ()), *calls)
    stop = Stop(reason or (StopReason.TOOL if calls else StopReason.STOP))
    choice = Choice(0, Turn(Author.ASSISTANT, parts), stop)
    return ChatReply(id="reply_1", model="m-1", choices=(choice,), created=7, usage=usage)


def events(
    *calls: ToolCall, text: str = TEXT, usage: Usage | None = USAGE, size: int = 3
) -> list[StreamEvent]:
    """The same answer as a stream, in pieces of so many characters; calls one after the other."""
    said: list[StreamEvent] = [Started("reply_1", "m-1", 7)]
    said += [TextDelta(piece) for piece in pieces(text, size)]
    if text and calls:
        said.append(PartEnded())
    for index, call in enumerate(calls):
        said.append(ToolCallStarted(index, call.call_id, call.name))
        said += [ToolCallDelta(index, piece) for piece in pieces(call.arguments, size)]
    said.append(Finished(Stop(StopReason.TOOL if calls else StopReason.STOP)))
    if usage is not None:
        said.append(UsageReported(usage))
    return [*said, Ended()]


def pieces(text: str, size: int) -> Iterator[str]:
    """A text in pieces of so many characters."""
    return (text[at : at + size] for at in range(0, len(text), size))


def request(*turns: Turn, model: str = "m-1") -> ChatRequest:
    """A question; without turns, the shortest."""
    return ChatRequest(model=model, turns=turns or (user("Hi"),))


def user(text: str) -> Turn:
    """What a user says."""
    return Turn(Author.USER, (Text(text),))


def cut_at(stream: bytes, cuts: Sequence[int]) -> list[bytes]:
    """A stream in pieces, cut there."""
    ends = [*sorted(cuts), len(stream)]
    return [stream[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def raw(content: bytes) -> msgspec.Raw:
    """Raw JSON."""
    return msgspec.Raw(content)
