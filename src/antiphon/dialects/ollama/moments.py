"""Times: Ollama writes RFC 3339, down to the nanosecond; the model counts seconds."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

EPOCH: Final = "1970-01-01T00:00:00Z"
"""What is written for a time that nobody said."""

_NO_DIGIT: Final = re.compile(r"[^0-9]")
_LONGEST: Final = 20


def read_moment(text: str | None) -> int:
    """Seconds since 1970; 0 for what is no time, since no answer is worth less for it."""
    try:
        moment = datetime.fromisoformat(text or "")
        return max(int(moment.timestamp()), 0)
    except (ValueError, OverflowError):
        return 0


def write_moment(seconds: int) -> str:
    """The same in Ollama's words."""
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return EPOCH
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment.year > 999 else EPOCH  # noqa: PLR2004


def id_of(created_at: str | None) -> str:
    """What a reply is called: Ollama gives it no id, but a time that no other reply has.

    Calls without an id are named after it, so that they differ from turn to turn.
    """
    digits = _NO_DIGIT.sub("", created_at or "")[:_LONGEST]
    return f"ollama-{digits}" if digits else ""
