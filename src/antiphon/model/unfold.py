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


def unfold(reply: ChatReply) -> tuple[StreamEvent, ...] | None:
    """The reply as a stream of events; None where they could not say all of it.

    Events have no words for pictures, sounds, citations, opaque parts, several summaries of one
    thought, and seals over calls and items. What only one dialect knows beside a part (`Extra`) is
    left out, as are ids of parts.
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
    return choice.stop is not None and all(map(_is_part_sayable, choice.turn.parts))


def _is_part_sayable(part: Part) -> bool:
    match part:
        case Text():
            return not part.annotations
        case Reasoning():
            alone = not part.summary or (not part.text and len(part.summary) == 1)
            # A seal over an item is given back with the item's id.
            return alone and (part.signature is None or _is_seal_sayable(part))
        case ToolCall():
            return part.signature is None
        case _:
            return isinstance(part, Refusal)


def _is_seal_sayable(part: Reasoning) -> bool:
    return part.origin is not None and part.id is None


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
    for summary in part.summary:
        yield ReasoningDelta(summary, index, SUMMARY)
    if part.signature is not None and part.origin is not None:
        yield ReasoningSealed(part.signature, part.origin, index, part.sealed)
