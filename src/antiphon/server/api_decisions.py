"""Why a request went where it went, as the API tells it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from antiphon.routing.decision import Decision, State


class _View(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class RuleFateView(_View):
    """A rule that was looked at."""

    rule: str
    matched: bool
    reason: str = Field(description="Why it did not match; empty if it did.")


class FateView(_View):
    """What became of one candidate."""

    deployment: str
    state: State = Field(
        description="`chosen`: it came first. `next`: it was, or would be, asked after those "
        "before it. `left_out`: it could not, or may not, be asked. `not_looked_at`: one before "
        "it answered."
    )
    reason: str = Field(description="Why; empty where nothing has to be said.")
    scores: list[float] = Field(
        description="What the strategies gave it, in their order; less is better."
    )


class DecisionView(_View):
    """How the candidates of one request came to their order. Holds no content."""

    route: str
    generation: int = Field(description="Of the configuration that decided.")
    sensitivity: str
    facts: dict[str, str] = Field(description="What rules and strategies knew of the request.")
    rules: list[RuleFateView]
    strategies: list[str]
    active: str = Field(description="Whom somebody had put first; empty if nobody did.")
    candidates: list[FateView]


def decision_view(decision: Decision, *, full: bool) -> DecisionView:
    """A decision, for whoever has the whole gateway in full, for all others without figures.

    Scores tell of the load and the prices of others.
    """
    view = DecisionView.model_validate(decision)
    if not full:
        for each in view.candidates:
            each.scores = []
    return view
