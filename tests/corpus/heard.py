"""What an official SDK reads of one recording, in words that all of them share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct

KEY: Final = "test-key-0123456789abcdef"
SECONDS: Final = 20
NO_CHOICE: Final = "no choice"
"""What stands for the error of a success that is no answer: the SDK of chat has none."""
HELLO: Final = [{"role": "user", "content": "Hello"}]


class Read(Struct, frozen=True):
    """One answer.

    Attributes:
        text: All that was said, a refusal included.
        refused: It is a refusal, where the SDK has a member for that.
        calls: Name and arguments of each call, as the SDK gives them.
        stated: The SDK's own members for input and output; None where it was told nothing.
        usage: All tokens of the input, and all tokens.
        stop: The SDK's own word.
        error: The class that was raised; empty for an answer.
        status: The HTTP status that it was raised for.
    """

    text: str = ""
    refused: bool = False
    calls: tuple[tuple[str, str], ...] = ()
    stated: tuple[int, int] | None = None
    usage: tuple[int, int] | None = None
    stop: str | None = None
    error: str = ""
    status: int | None = None


class Asked(Struct, frozen=True):
    """How a recording is asked for.

    Attributes:
        stream: It is one.
        tools: Names of tools to offer.
        completion: It is asked for at the endpoint for completions, where there is such a one.
    """

    model: str
    stream: bool
    tools: Sequence[str] = ()
    completion: bool = False


def offer(name: str) -> dict[str, Any]:
    """A tool of this name."""
    return {"name": name, "parameters": {"type": "object", "properties": {}}}
