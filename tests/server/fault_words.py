"""The words in which the table of faults says what a caller sees."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from antiphon.simulator.wires import MESSAGES, RESPONSES


class Seen(NamedTuple):
    """What the caller of one request sees.

    Attributes:
        exception: The class that the official client raises; empty for an answer.
        status: The HTTP status.
        code: `error.code`.
        why: The code of the attempt in `error.attempts`; empty where the error is the provider's.
        retry_after: The header, in seconds.
        hopeless: `x-should-retry: false` stands in the answer.
        begun: Text had come, so the status is 200 and the error an event of the stream.
    """

    exception: str = ""
    status: int = 200
    code: str = ""
    why: str = ""
    retry_after: str = ""
    hopeless: bool = False
    begun: bool = False

    @property
    def is_answer(self) -> bool:
        return not self.exception

    @property
    def falls_back(self) -> bool:
        """Whether a second deployment gives the answer instead."""
        return not self.is_answer and not self.begun and self.code not in CALLERS_FAULT

    def __str__(self) -> str:
        if self.is_answer:
            return "the answer"
        if self.begun:
            return f"what came, then an error event `{self.code}`: `{self.exception}`"
        why = f" ({self.why})" if self.why else ""
        hints = f", `retry-after: {self.retry_after}`" if self.retry_after else ""
        hints += ", `x-should-retry: false`" if self.hopeless else ""
        return f"{self.status} `{self.code}`{why}{hints}: `{self.exception}`"


class Case(NamedTuple):
    """One fault, met by a plain request and by a streamed one."""

    plain: Seen
    stream: Seen


CALLERS_FAULT = {"unsupported_parameter", "content_filter"}
ANSWER = Seen()


def limited(retry_after: str = "") -> Seen:
    return Seen("RateLimitError", 429, "rate_limit_exceeded", "rate_limit_exceeded", retry_after)


def broken(why: str, *, hopeless: bool = False) -> Seen:
    return Seen("InternalServerError", 502, "upstream_error", why, hopeless=hopeless)


def overloaded(why: str, retry_after: str = "") -> Seen:
    return Seen("InternalServerError", 503, "overloaded", why, retry_after)


def late(why: str) -> Seen:
    return Seen("InternalServerError", 504, "timeout", why)


def refused(code: str) -> Seen:
    return Seen("BadRequestError", 400, code)


def cut_off(code: str = "upstream_error") -> Seen:
    return Seen("APIError", 200, code, begun=True)


def both(seen: Seen) -> Case:
    return Case(seen, seen)


FINE = both(ANSWER)


# ------------------------------------------------------------------ in other dialects

_WORDS: Final[Mapping[str, Mapping[str, tuple[str, int, str]]]] = MappingProxyType(
    {
        MESSAGES: {
            "rate_limit_exceeded": ("RateLimitError", 429, "rate_limited"),
            "upstream_error": ("InternalServerError", 502, "upstream"),
            "overloaded": ("OverloadedError", 529, "overloaded"),
            "timeout": ("GatewayTimeoutError", 504, "timeout"),
            "context_length_exceeded": ("BadRequestError", 400, "context_too_long"),
        },
        RESPONSES: {"overloaded": ("InternalServerError", 503, "server_is_overloaded")},
    }
)
"""What another dialect says for a code of Chat Completions: exception, status and code."""
_BROKEN_OFF: Final = {MESSAGES: "APIStatusError", RESPONSES: "APIError"}
"""What its client raises inside a stream."""


def heard_in(wire: str, seen: Seen) -> Seen:
    """The same, as a caller of another dialect sees it; Chat Completions are what the table says."""
    words = _WORDS.get(wire, {}).get(seen.code)
    if words is not None:
        exception, status, code = words
        seen = seen._replace(code=code)
        if not seen.begun:
            seen = seen._replace(exception=exception, status=status)
    if seen.begun and wire in _BROKEN_OFF:
        seen = seen._replace(exception=_BROKEN_OFF[wire])
    return seen
