"""Why an answer ended, both ways.

A response has a status, and where it is incomplete a reason. There is no word for a call or for a
refusal: what was said tells.
"""

from __future__ import annotations

from collections.abc import Iterable

from antiphon.model.parts import Part, Refusal, Text, ToolCall
from antiphon.model.reply import Stop, StopReason

COMPLETED = "completed"
INCOMPLETE = "incomplete"

REASONS = {
    "max_output_tokens": StopReason.LENGTH,
    "max_tokens": StopReason.LENGTH,
    "max_messages": StopReason.LENGTH,
    "content_filter": StopReason.FILTER,
    "steered": StopReason.STOP,
}
_OFFICIAL = ("max_output_tokens", "max_messages", "content_filter", "steered")
_WORDS = {
    StopReason.LENGTH: "max_output_tokens",
    StopReason.CONTEXT: "max_output_tokens",
    StopReason.PAUSE: "max_output_tokens",
    StopReason.FILTER: "content_filter",
}


def read_stop(status: str, reason: str | None, *, called: bool, refused: bool) -> Stop | None:
    """Why an answer ended; None while it has not.

    Args:
        status: Of the response.
        reason: Of `incomplete_details`.
        called: It calls a tool.
        refused: It holds a refusal.
    """
    if status in {"queued", "in_progress"}:
        return None
    if status == INCOMPLETE:
        # An end that nobody can name is no whole answer.
        return Stop(REASONS.get(reason or "", StopReason.LENGTH), raw=reason or INCOMPLETE)
    if called:
        return Stop(StopReason.TOOL, raw=COMPLETED)
    return Stop(StopReason.REFUSAL if refused else StopReason.STOP, raw=COMPLETED)


def write_stop(stop: Stop | None, *, refused: bool) -> tuple[str, str | None]:
    """The status, and the reason where it is incomplete.

    Args:
        stop: None where nobody said why.
        refused: The answer holds the words of a refusal.
    """
    if stop is None:
        return COMPLETED, None
    if stop.reason is StopReason.ERROR:
        return "failed", None
    if stop.reason is StopReason.REFUSAL and not refused:
        # Nothing in the answer says that it is none.
        return INCOMPLETE, "content_filter"
    if stop.raw in _OFFICIAL and REASONS[stop.raw] is stop.reason:
        return INCOMPLETE, stop.raw
    word = _WORDS.get(stop.reason)
    return (COMPLETED, None) if word is None else (INCOMPLETE, word)


def called(parts: Iterable[Part]) -> bool:
    """Whether a tool is called."""
    return any(isinstance(part, ToolCall) for part in parts)


def refused(parts: Iterable[Part]) -> bool:
    """Whether the answer is a refusal: its words, and no other text."""
    said = [part for part in parts if isinstance(part, Text | Refusal)]
    return bool(said) and isinstance(said[-1], Refusal)
