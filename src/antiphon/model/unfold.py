"""The events that a whole reply would have come in: the other way of `fold`."""

from __future__ import annotations

from collections.abc import Iterator

from antiphon.model.events import (
    SUMMARY,
    Ended,
    Finished,
    LogprobsDelta,
    PartEnded,
    ReasoningDelta,
    ReasoningSealed,
    RefusalDelta,
    Started,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from antiphon.model.parts import Part, Reasoning, Refusal, Text, ToolCall
from antiphon.model.reply import ChatReply, Choice

_NOTHING = (b"", b"null", b"[]", b"{}", b'""', b"false")


def unfold(reply: ChatReply) -> tuple[StreamEvent, ...] | None:
    """The reply as a stream of events; None where events could not say all of it.

    Events have no words for pictures, sounds, citations, and for what only one dialect knows.
    Members beside the answer itself (a fingerprint of the system, a tier) are left out.
    """
    events: list[StreamEvent] = [Started(reply.id, reply.model, reply.created)]
    for choice in reply.choices:
        if not _is_sayable(choice):
            return None
        events += _say(choice)
    if reply.usage is not None:
        events.append(UsageReported(reply.usage))
    events.append(Ended())
    return tuple(events)


def _is_sayable(choice: Choice) -> bool:
    turn = choice.turn
    extra = turn.extra.members.values() if turn.extra is not None else ()
    return (
        choice.stop is not None
        and all(bytes(raw) in _NOTHING for raw in extra)
        and all(map(_is_part_sayable, turn.parts))
    )


def _is_part_sayable(part: Part) -> bool:
    match part:
        case Text():
            return not part.annotations and part.extra is None
        case Reasoning():
            alone = not part.text or not part.summary
            sealed = part.signature is None or part.origin is not None
            return alone and sealed and part.extra is None
        case Refusal():
            return part.extra is None
        case ToolCall():
            return part.signature is None
        case _:
            return False


def _say(choice: Choice) -> Iterator[StreamEvent]:
    index, calls = choice.index, 0
    for number, part in enumerate(choice.turn.parts):
        if number:
            yield PartEnded(index)
        match part:
            case Text(text=text):
                yield TextDelta(text, index)
            case Refusal(text=text):
                yield RefusalDelta(text, index)
            case Reasoning():
                yield from _think(part, index)
            case ToolCall():
                yield ToolCallStarted(
                    calls, part.call_id, part.name, index, part.kind, part.id or "", part.extra
                )
                yield ToolCallDelta(calls, part.arguments, index)
                calls += 1
            case _:
                pass
    for each in choice.logprobs:
        yield LogprobsDelta(each.dialect, each.payload, index)
    assert choice.stop is not None
    yield Finished(choice.stop, index)


def _think(part: Reasoning, index: int) -> Iterator[StreamEvent]:
    if part.text:
        yield ReasoningDelta(part.text, index, part.spelling or "")
    for number, summary in enumerate(part.summary):
        if number:
            yield PartEnded(index)
        yield ReasoningDelta(summary, index, SUMMARY)
    if part.signature is not None and part.origin is not None:
        yield ReasoningSealed(part.signature, part.origin, index, part.sealed)
