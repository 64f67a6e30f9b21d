"""How many tokens a text is, where no provider has said.

Four bytes of UTF-8 are a token: right within a third for English prose, source code and Chinese in
the tokenizers of today. What is charged by it is marked as estimated.
"""

from __future__ import annotations

_BYTES_PER_TOKEN = 4
UNKNOWN_OUTPUT = 32_768
"""Tokens that an answer is taken to have at most, where neither caller nor model says."""


def tokens_of(size: int) -> int:
    """Tokens of a text of so many bytes, rounded up."""
    return -(-size // _BYTES_PER_TOKEN)
