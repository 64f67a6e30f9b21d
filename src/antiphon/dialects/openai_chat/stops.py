"""Why a choice ended, both ways."""

from __future__ import annotations

from antiphon.errors import Disposition, Kind, UpstreamRefused
from antiphon.model.parts import CallKind
from antiphon.model.reply import Stop, StopReason

REASONS = {
    "stop": StopReason.STOP,
    "length": StopReason.LENGTH,
    "tool_calls": StopReason.TOOL,
    "function_call": StopReason.TOOL,
    "content_filter": StopReason.FILTER,
    # Servers that are only like OpenAI's.
    "max_tokens": StopReason.LENGTH,
    "model_length": StopReason.LENGTH,
    "model_context_window_exceeded": StopReason.CONTEXT,
    "sensitive": StopReason.FILTER,
    "eos": StopReason.STOP,
    "eos_token": StopReason.STOP,
    "stop_sequence": StopReason.STOP,
    "end_turn": StopReason.STOP,
    "tool_use": StopReason.TOOL,
    "error": StopReason.ERROR,
    "abort": StopReason.ERROR,
    "network_error": StopReason.ERROR,
    "insufficient_system_resource": StopReason.ERROR,
}

_OFFICIAL = ("stop", "length", "tool_calls", "function_call", "content_filter")

_WORDS = {
    StopReason.STOP: "stop",
    StopReason.LENGTH: "length",
    StopReason.CONTEXT: "length",
    StopReason.TOOL: "tool_calls",
    StopReason.FILTER: "content_filter",
    StopReason.REFUSAL: "content_filter",
    StopReason.PAUSE: "length",
    StopReason.ERROR: "error",
}


def read_stop(raw: str, *, called: bool) -> Stop:
    """Why a choice ended; a word that nobody knows is a stop.

    Args:
        raw: The provider's word.
        called: The choice called a tool: some then say `stop` all the same.
    """
    reason = REASONS.get(raw, StopReason.STOP)
    if called and reason is StopReason.STOP:
        reason = StopReason.TOOL
    return Stop(reason, raw=raw)


def write_stop(stop: Stop, *, called: CallKind | None = None) -> str:
    """The `finish_reason`, in OpenAI's own words; a failure is never called a stop.

    Args:
        stop: Why the choice ended.
        called: The kind of the call that it made: a client runs none where the word is another.
    """
    if called and stop.reason is StopReason.STOP and stop.sequence is None:
        return "function_call" if called is CallKind.LEGACY else "tool_calls"
    if stop.raw in _OFFICIAL and REASONS[stop.raw] is stop.reason:
        return stop.raw
    return _WORDS[stop.reason]


def failure_of(raw: str) -> UpstreamRefused:
    """The error that some report as a reason to stop."""
    return UpstreamRefused(
        "The provider broke off its answer.",
        kind=Kind.UPSTREAM,
        disposition=Disposition.TRANSIENT,
        code=raw,
    )
