"""Usage: two counts, of the prompt and of the answer, thought included.

A nought is left out by the server, so a count that is missing beside another is none. What was
read from the prompt cache is told by no server: it is counted with the prompt, or not at all. A
negative or absurd count, or one in letters, makes the whole unreadable, and unread usage is
charged at its bound.
"""

from __future__ import annotations

from typing import Final

from antiphon.dialects.fields import Written
from antiphon.model.usage import Usage

Count = int | float | str | None

COUNTS: Final = ("prompt_eval_count", "eval_count")
_ABSURD: Final = 10**10


def read_usage(asked: Count, answered: Count) -> Usage | None:
    """The usage of an answer; None where there is none, or none that can be believed."""
    if asked is None and answered is None:
        return None
    if isinstance(asked, str) or isinstance(answered, str):
        return None
    prompt, answer = asked or 0, answered or 0
    if min(prompt, answer) < 0 or prompt + answer > _ABSURD:
        return None
    return Usage(input_tokens=int(prompt), output_tokens=int(answer))


def write_usage(usage: Usage | None) -> Written:
    """The counts, of everything that was used."""
    if usage is None:
        return {}
    return dict(zip(COUNTS, (usage.input_total, usage.output_total), strict=True))
