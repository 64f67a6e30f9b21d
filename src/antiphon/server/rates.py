"""Rate limits as clients of each dialect read them.

Of several limits the one is shown of which the least is left. Requests and tokens are all that
clients know of.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from antiphon.dialects.anthropic_messages import ANTHROPIC_MESSAGES
from antiphon.dialects.base import Dialect
from antiphon.pipeline.limited import Figures, Limited, figures

_PRIORITY = b"x-antiphon-priority"
_MINUTE, _HOUR = 60, 3_600

Lines = Callable[[bytes, Figures, float], bytes]


def rate_lines(limited: Limited, dialect: Dialect, now: float) -> bytes:
    """Header lines about the caller's limits; empty where he has none in windows.

    Args:
        limited: What was taken of them.
        dialect: The caller's.
        now: Seconds since 1970.
    """
    path = limited.path
    if not path.requests and not path.tokens:
        return b""
    lines, write = b"", _WRITERS.get(dialect.name, _as_openai)
    at = limited.limits.now()
    for gates, word in ((path.requests, b"requests"), (path.tokens, b"tokens")):
        found = figures(gates, at)
        if found is not None:
            lines += write(word, found, now)
    return lines


def told_priority(headers: Sequence[tuple[bytes, bytes]]) -> bytes:
    """What a caller says of the urgency of a request; empty where nothing."""
    for name, value in headers:
        if name == _PRIORITY:
            return value
    return b""


def _as_openai(word: bytes, figures: Figures, now: float) -> bytes:
    del now
    return (
        b"x-ratelimit-limit-%b: %d\r\nx-ratelimit-remaining-%b: %d\r\nx-ratelimit-reset-%b: %b\r\n"
        % (word, figures.limit, word, figures.remaining, word, _duration(figures.reset))
    )


def _as_anthropic(word: bytes, figures: Figures, now: float) -> bytes:
    at = datetime.fromtimestamp(math.ceil(now + figures.reset), UTC)
    return (
        b"anthropic-ratelimit-%b-limit: %d\r\nanthropic-ratelimit-%b-remaining: %d\r\n"
        b"anthropic-ratelimit-%b-reset: %b\r\n"
        % (
            *(word, figures.limit, word, figures.remaining, word),
            at.strftime("%Y-%m-%dT%H:%M:%SZ").encode(),
        )
    )


_WRITERS: Mapping[str, Lines] = {ANTHROPIC_MESSAGES.name: _as_anthropic}


def _duration(seconds: float) -> bytes:
    """As OpenAI writes it: `12ms`, `1.5s`, `6m0s`, `1h0m3s`."""
    if seconds < 1:
        return b"%dms" % math.ceil(seconds * 1000)
    whole = math.ceil(seconds)
    if whole < _MINUTE:
        return b"%gs" % (math.ceil(seconds * 1000) / 1000)
    minutes, rest = divmod(whole, _MINUTE)
    if whole < _HOUR:
        return b"%dm%ds" % (minutes, rest)
    hours, minutes = divmod(minutes, _MINUTE)
    return b"%dh%dm%ds" % (hours, minutes, rest)
