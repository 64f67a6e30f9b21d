"""Patterns over what people write: they must not take for ever."""

from __future__ import annotations

import re


def compile_pattern(text: str) -> re.Pattern[str]:
    """Read a regular expression.

    Raises:
        ValueError: It is none.
    """
    try:
        return re.compile(text)
    except re.error as error:
        raise ValueError(f"is no regular expression: {error}") from error
