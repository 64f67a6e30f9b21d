"""Why an answer ended, both ways."""

from __future__ import annotations

from typing import Final

from antiphon.model.reply import Stop, StopReason

LOADS: Final = ("load", "unload")
"""Answers to a request without a question: a model is loaded, or let go."""

REASONS: Final = {
    "stop": StopReason.STOP,
    "length": StopReason.LENGTH,
    "load": StopReason.STOP,
    "unload": StopReason.STOP,
    # What we say where Ollama has no word.
    "content_filter": StopReason.FILTER,
    "error": StopReason.ERROR,
}
_WORDS: Final = {
    # A call is seen in the message, the reason is a plain stop.
    StopReason.STOP: "stop",
    StopReason.TOOL: "stop",
    StopReason.LENGTH: "length",
    StopReason.CONTEXT: "length",
    StopReason.PAUSE: "length",
    StopReason.FILTER: "content_filter",
    StopReason.REFUSAL: "content_filter",
    StopReason.ERROR: "error",
}


def read_stop(raw: str, *, called: bool) -> Stop:
    """Why an answer ended; a word that nobody knows is a stop.

    Args:
        raw: The server's word; old servers say none.
        called: The answer called a tool.
    """
    reason = REASONS.get(raw, StopReason.STOP)
    if called and reason is StopReason.STOP:
        reason = StopReason.TOOL
    return Stop(reason, raw=raw)


def write_stop(stop: Stop, *, refused: bool = False) -> str:
    """The `done_reason`.

    Args:
        stop: Why the answer ended.
        refused: The model said that it will not: other dialects say so beside the reason.
    """
    if refused and stop.reason is StopReason.STOP:
        return _WORDS[StopReason.REFUSAL]
    return stop.raw if REASONS.get(stop.raw) is stop.reason else _WORDS[stop.reason]
