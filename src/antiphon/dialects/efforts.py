"""The effort that is nearest to a budget of thought, for dialects that know efforts only."""

from __future__ import annotations

from typing import Final

from antiphon.model.request import ReasoningAsk

NEAREST: Final = ((4096, "low"), (16384, "medium"))
"""Tokens of thought up to which an effort is near; more is `MOST`."""
MOST: Final = "high"


def effort_of(asked: ReasoningAsk | None) -> str | None:
    """The effort that is asked for; None where the provider shall choose."""
    if asked is None:
        return None
    effort, budget = asked.effort, asked.budget
    if effort is not None or budget is None or budget < 0:
        return effort
    if budget == 0:
        return "none"
    return next((word for most, word in NEAREST if budget <= most), MOST)
