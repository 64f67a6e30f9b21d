"""What may stand in for an answer that nobody gave: the steps of the ladder, and who may use which.

A route opts in, step by step. The steps are always tried in this order, each where it is set and
where the failure lets it: wait for a deployment to come back, ask another model, give a stored
answer that is too old, give a canned one; and if none can, the error that lists every attempt.
"""

from __future__ import annotations

import enum
from collections.abc import Collection
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from antiphon.errors import (
    AntiphonError,
    BudgetExceeded,
    BudgetReserved,
    Disposition,
    Exhausted,
    Kind,
    LimitReached,
    UpstreamError,
)

_LONGEST_STALE = 31 * 86_400
Own = Literal["budgets", "limits"]


class Step(enum.StrEnum):
    """One step of the ladder."""

    WAIT = "wait"
    """The same deployments, once one comes back."""
    POOL = "pool"
    """Those of another model."""
    STALE = "stale"
    """A stored answer to the same question, though it is too old."""
    CANNED = "canned"
    """A text that was written beforehand."""


GIVEN = (Step.STALE, Step.CANNED)
"""Steps that ask nobody."""
ALL = tuple(Step)
NONE: tuple[Step, ...] = ()


class LadderSettings(BaseModel):
    """What stands in for an answer that no deployment of the route gives; nothing by default."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    wait: float = Field(
        default=0,
        ge=0,
        le=600,
        allow_inf_nan=False,
        description="First step: seconds to wait, at most, for the first deployment to come back, "
        "where it is known when one does: its breaker lets a probe through, its key has rested, "
        "its limit has room.",
    )
    pool: str | None = Field(
        default=None,
        description="Second step: another model of this configuration, with its own deployments, "
        "retries and rules. Callers need no right to its name; budgets, limits and privacy hold.",
    )
    stale_for: float = Field(
        default=0,
        ge=0,
        le=_LONGEST_STALE,
        allow_inf_nan=False,
        description="Third step: seconds for which a stored answer to the same question may stand "
        "in, from the end of the `ttl` of the route's `cache`. On a route without `cache`, answers "
        "are kept for this alone.",
    )
    covers: frozenset[Own] = Field(
        default=frozenset(),
        description="What else the third and fourth step stand in for, beside failures of "
        "providers: `budgets` is a budget of the caller that is spent (402), `limits` a limit of "
        "the caller that is reached (429).",
    )


def steps_for(error: AntiphonError, covers: Collection[str]) -> tuple[Step, ...]:
    """The steps that may be tried in place of an error; none where it is the caller's own fault.

    What a caller may not have by his own budget or limit, no other provider is asked for: that
    would be a way round.
    """
    match error:
        case BudgetExceeded() | BudgetReserved():
            return GIVEN if "budgets" in covers else NONE
        case LimitReached():
            return GIVEN if "limits" in covers else NONE
        case Exhausted():
            return ALL
        case UpstreamError() if error.disposition not in _THEIRS:
            return ALL
        case _:
            return NONE


_THEIRS = (Disposition.CALLERS_FAULT, Disposition.CONTEXT_LENGTH)
"""Refusals that say something of the request: nothing stands in for what was asked wrongly."""


def reason_of(error: AntiphonError) -> str:
    """Why there is no answer, in a word that templates may tell."""
    match error:
        case BudgetExceeded() | BudgetReserved():
            return "budget"
        case LimitReached():
            return "limit"
        case _:
            return _REASONS.get(error.error_kind, "unavailable")


_REASONS = {
    Kind.RATE_LIMITED: "busy",
    Kind.QUOTA_EXHAUSTED: "busy",
    Kind.OVERLOADED: "busy",
    Kind.TIMEOUT: "late",
}
