"""Why an answer ended, both ways.

A call of a tool ends with `STOP`: that tools are called say the parts. Some words are failures of
the provider, not ends of an answer, and are errors here; clients that read them as a stop see an
answer without a word. A call that was not expected is one all the same, where it is told.
"""

from __future__ import annotations

from typing import Final

from antiphon.errors import Disposition, Kind, UpstreamRefused
from antiphon.model.reply import Stop, StopReason

REASONS: Final = {
    "STOP": StopReason.STOP,
    "MAX_TOKENS": StopReason.LENGTH,
    "SAFETY": StopReason.FILTER,
    "RECITATION": StopReason.FILTER,
    "LANGUAGE": StopReason.FILTER,
    "BLOCKLIST": StopReason.FILTER,
    "PROHIBITED_CONTENT": StopReason.FILTER,
    "SPII": StopReason.FILTER,
    "MODEL_ARMOR": StopReason.FILTER,
    "ESCALATION": StopReason.FILTER,
    "PUP_LIMITED_DISABLED": StopReason.FILTER,
    "IMAGE_SAFETY": StopReason.FILTER,
    "IMAGE_PROHIBITED_CONTENT": StopReason.FILTER,
    "IMAGE_RECITATION": StopReason.FILTER,
    "IMAGE_OTHER": StopReason.FILTER,
    "NO_IMAGE": StopReason.FILTER,
    "CONTINUATION": StopReason.PAUSE,
    "OTHER": StopReason.ERROR,
    "MALFORMED_FUNCTION_CALL": StopReason.ERROR,
    "UNEXPECTED_TOOL_CALL": StopReason.ERROR,
    "TOO_MANY_TOOL_CALLS": StopReason.ERROR,
    "MISSING_THOUGHT_SIGNATURE": StopReason.ERROR,
    "MALFORMED_RESPONSE": StopReason.ERROR,
}
_NUMBERED: Final = {1: "STOP", 2: "MAX_TOKENS", 3: "SAFETY", 4: "RECITATION", 5: "OTHER"}
"""Words where enums are told as numbers; both of Google's clouds agree on these."""
_CALLED_ANYWAY: Final = {"UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS"}
_WORDS: Final = {
    StopReason.STOP: "STOP",
    StopReason.LENGTH: "MAX_TOKENS",
    StopReason.CONTEXT: "MAX_TOKENS",
    StopReason.TOOL: "STOP",
    StopReason.FILTER: "SAFETY",
    StopReason.REFUSAL: "SAFETY",
    # `CONTINUATION` would ask for a token that nobody else has.
    StopReason.PAUSE: "MAX_TOKENS",
    StopReason.ERROR: "OTHER",
}


def word_of(raw: str | int) -> str:
    """The provider's word, also where it told a number."""
    return raw if isinstance(raw, str) else _NUMBERED.get(raw, str(raw))


def read_stop(raw: str | int, *, called: bool) -> Stop:
    """Why a candidate ended; a word that nobody knows is a stop.

    Args:
        raw: The provider's word, or its number.
        called: The candidate called a tool.
    """
    word = word_of(raw)
    reason = REASONS.get(word, StopReason.STOP)
    if called and (reason is StopReason.STOP or word in _CALLED_ANYWAY):
        reason = StopReason.TOOL
    return Stop(reason, raw=word)


def blocked(raw: str | int) -> Stop:
    """The end of an answer whose prompt was blocked (`promptFeedback.blockReason`)."""
    return Stop(StopReason.FILTER, raw=word_of(raw))


def write_stop(stop: Stop, *, refused: bool = False) -> str:
    """The `finishReason`, in Gemini's own words.

    Args:
        stop: Why the answer ended.
        refused: The model said that it will not: other dialects say so beside the reason.
    """
    if refused and stop.reason is StopReason.STOP:
        return _WORDS[StopReason.REFUSAL]
    meant = REASONS.get(stop.raw)
    if meant is stop.reason or (stop.reason is StopReason.TOOL and stop.raw in _CALLED_ANYWAY):
        return stop.raw
    return _WORDS[stop.reason]


def failure_of(raw: str, message: str | None = None) -> UpstreamRefused:
    """The error that is told as a reason to stop."""
    return UpstreamRefused(
        message or "The provider broke off its answer.",
        kind=Kind.UPSTREAM,
        disposition=Disposition.TRANSIENT,
        code=raw,
    )
