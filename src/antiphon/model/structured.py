"""Whether an answer has the form that was asked for: a part of every reply to such a request."""

from __future__ import annotations

import enum
from collections.abc import Sequence

import msgspec

from antiphon.model.request import OutputForm

MOST_PROBLEMS = 10
"""Problems that are told of one answer."""
_SHOWN = 3
"""Of these, in one line."""


class How(enum.StrEnum):
    """How the form was asked for."""

    NATIVE = "native"
    """In the provider's own member, which it keeps to."""
    INSTRUCTED = "instructed"
    """In words that the model reads."""


class Structured(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known of the form of an answer.

    Attributes:
        form: What was asked for: JSON, or JSON that keeps to a schema.
        valid: Whether the answer has it; None where that was not looked at.
        why: Why it was not: `length`, `tool calls`, `refusal`...; empty where nobody looks.
        problems: What is wrong with it, each as `PATH: what`, without anything that stands there.
    """

    form: OutputForm
    how: How
    valid: bool | None = None
    why: str = ""
    problems: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """All of it in one line of ASCII, for a header and a log."""
        words = [self.how.value]
        if self.valid is not None:
            words.append("valid" if self.valid else "invalid")
        elif self.why:
            words.append(f"unchecked; {self.why}")
        words += [f'"{each}"' for each in self.problems[:_SHOWN]]
        more = len(self.problems) - _SHOWN
        if more > 0:
            words.append(f"and {more} more")
        return "; ".join(words)


def combined(found: Sequence[Structured], unknown: Structured) -> Structured:
    """What is known of several answers together: all of them must have the form.

    Args:
        found: What is known of each.
        unknown: What is known of none.
    """
    if len(found) == 1:
        return found[0]
    problems = tuple(
        f"answer {at}: {problem}" for at, each in enumerate(found) for problem in each.problems
    )
    if problems:
        return msgspec.structs.replace(unknown, valid=False, problems=problems[:MOST_PROBLEMS])
    if found and all(each.valid for each in found):
        return msgspec.structs.replace(unknown, valid=True)
    why = next((each.why for each in found if each.why), "no answer")
    return msgspec.structs.replace(unknown, why=why)
