"""Events that were told, kept in little room: for whoever must go on where they end.

What was said piece by piece stands in one piece; what only says that nobody can go on (the
arguments of a call, frames that one dialect knows) is kept without its content.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from antiphon.model.events import (
    LogprobsDelta,
    OpaqueEvent,
    ReasoningDelta,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
)


def joined_events(events: Iterable[StreamEvent]) -> list[StreamEvent]:
    """The same events in fewer; of calls, frames and probabilities only that they were there."""
    joined: list[StreamEvent] = []
    last: TextDelta | ReasoningDelta | None = None
    texts: list[str] = []

    def close() -> None:
        if last is not None:
            joined.append(msgspec.structs.replace(last, text="".join(texts)))
            texts.clear()

    for event in events:
        if isinstance(event, TextDelta | ReasoningDelta):
            if last is None or not _goes_on(last, event):
                close()
                last = event
            texts.append(event.text)
            continue
        if isinstance(event, ToolCallDelta):
            continue
        close()
        last = None
        joined.append(_emptied(event))
    close()
    return joined


def _goes_on(one: TextDelta | ReasoningDelta, other: TextDelta | ReasoningDelta) -> bool:
    """Whether one text is the other's beginning."""
    if isinstance(one, ReasoningDelta) and isinstance(other, ReasoningDelta):
        return one.choice == other.choice and one.spelling == other.spelling
    return type(one) is type(other) and one.choice == other.choice


def _emptied(event: StreamEvent) -> StreamEvent:
    if isinstance(event, OpaqueEvent):
        return OpaqueEvent(event.dialect, b"")
    if isinstance(event, LogprobsDelta):
        return LogprobsDelta(event.dialect, msgspec.Raw(b"null"), event.choice)
    return event
