"""Why an answer ended, both ways."""

from __future__ import annotations

from typing import Final

from antiphon.model.reply import Stop, StopReason

REASONS: Final = {
    "end_turn": StopReason.STOP,
    "stop_sequence": StopReason.STOP,
    "max_tokens": StopReason.LENGTH,
    "model_context_window_exceeded": StopReason.CONTEXT,
    "tool_use": StopReason.TOOL,
    "pause_turn": StopReason.PAUSE,
    "refusal": StopReason.REFUSAL,
}
_WORDS: Final = {
    StopReason.STOP: "end_turn",
    StopReason.LENGTH: "max_tokens",
    StopReason.CONTEXT: "model_context_window_exceeded",
    StopReason.TOOL: "tool_use",
    StopReason.FILTER: "refusal",
    StopReason.REFUSAL: "refusal",
    StopReason.PAUSE: "pause_turn",
    # The nearest that says that the answer is not whole.
    StopReason.ERROR: "max_tokens",
}


def read_stop(raw: str, sequence: str | None = None) -> Stop:
    """Why an answer ended; a word that nobody knows is a stop."""
    return Stop(REASONS.get(raw, StopReason.STOP), raw=raw, sequence=sequence)


def write_stop(stop: Stop, *, refused: bool = False, called: bool = False) -> str:
    """The `stop_reason`, in Anthropic's own words.

    Args:
        stop: Why the answer ended.
        refused: The model said that it will not: other dialects say so beside the reason.
        called: It called a tool: a client runs none where the word is another.
    """
    if refused and stop.reason is StopReason.STOP:
        return "refusal"
    if REASONS.get(stop.raw) is stop.reason:
        return stop.raw
    if called and stop.reason is StopReason.STOP and stop.sequence is None:
        return "tool_use"
    if stop.reason is StopReason.STOP and stop.sequence is not None:
        return "stop_sequence"
    return _WORDS[stop.reason]
