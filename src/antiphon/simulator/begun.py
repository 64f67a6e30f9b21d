"""Answers that were begun for the model, and what it says behind them.

A model that goes on says the rest of what it would have said: the same question has the same
answer, wherever it was broken off. Behind words that are not its own it says all of it.
"""

from typing import Literal

Way = Literal["trailing", "prefix", "partial", "continue_final_message", "never"]
"""What a request must say for that: nothing but the turn itself; `prefix` or `partial` in it;
`continue_final_message` beside it. `never` is a model that does not go on."""


def rest_of(text: str, begun: str) -> str:
    """What is left to be said of a text."""
    if text.startswith(begun):
        return text[len(begun) :]
    base = begun.rstrip()
    return text[len(base) :] if text.startswith(base) else f" {text}"


def last_words(begun: str, words: int = 3) -> str:
    """The end of what was begun."""
    return " ".join(begun.split()[-words:])
