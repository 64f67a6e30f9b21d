"""How often, and how soon, a deployment that failed is asked again for the same request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from antiphon.errors import (
    ConnectFailed,
    InvalidAnswer,
    Kind,
    NotAnAnswer,
    UpstreamBroken,
    UpstreamError,
)
from antiphon.providers.recent import Recent
from antiphon.resilience.retry_budget import has_room, take

MOST_CALLS = 20
"""That one request may cause."""

Jitter = Literal["full", "equal", "none"]
Cause = Literal["rate_limit", "overload", "timeout", "connect", "server_error", "unreadable"]
_CAUSES: Sequence[Cause] = (
    "rate_limit",
    "overload",
    "timeout",
    "connect",
    "server_error",
    "unreadable",
)
_BY_KIND: dict[Kind, Cause] = {
    Kind.RATE_LIMITED: "rate_limit",
    Kind.OVERLOADED: "overload",
    Kind.TIMEOUT: "timeout",
}


class RetryBudgetSettings(BaseModel):
    """How many calls of a deployment may be retries."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    floor: int = Field(
        default=3, ge=0, le=10_000, description="Retries a second that are always made."
    )
    share: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="Beyond them, retries as a part of the requests that the deployment got in "
        "the last 10 seconds. What is over it goes on to the next deployment.",
    )


class RetrySettings(BaseModel):
    """How often, and how soon, a request is tried again."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    attempts: int | None = Field(
        default=None,
        ge=1,
        le=MOST_CALLS,
        description="The most calls of one deployment for one request, the first included; it is "
        "asked again before the next one is. By default each is asked once, and where all have "
        "failed, those that may recover are asked again in further rounds, while `calls` last.",
    )
    calls: int | None = Field(
        default=None,
        ge=1,
        le=MOST_CALLS,
        description="The most calls that one request may cause, over all its deployments; never "
        "more than 20. By default two for each deployment and two more, or with `attempts`, as "
        "many as those allow.",
    )
    backoff: float = Field(
        default=0.5,
        ge=0,
        le=60,
        description="Seconds to wait before a deployment that failed is asked again, unless the "
        "provider says how long.",
    )
    factor: float = Field(
        default=2.0, ge=1, le=10, description="What each further wait is multiplied by."
    )
    jitter: Jitter = Field(
        default="full",
        description="What chance makes of a wait, so that callers do not come back together: "
        "`full` takes any time up to it, `equal` half of it and any time up to the other half, "
        "`none` all of it.",
    )
    on: tuple[Cause, ...] = Field(
        default=_CAUSES,
        description="Failures after which a deployment is asked again: `rate_limit` (429), "
        "`overload` (503, 529), `timeout`, `connect` (refused or broken), `server_error` (another "
        "status from 500) and `unreadable` (no answer, or not the form that was asked for). After "
        "others the next deployment is asked.",
    )
    budget: RetryBudgetSettings = Field(
        default_factory=RetryBudgetSettings,
        description="How many calls of a deployment may be retries, over all requests.",
    )


class Retry:
    """The same, compiled.

    Args:
        deployments: How many may answer.

    Attributes:
        insists: A deployment is asked again before the next one.
        most: Calls of one deployment for one request.
        calls: Calls of all deployments for one request.
        fixed: Somebody said how many these are.
    """

    __slots__ = (
        "_backoff",
        "_causes",
        "_factor",
        "_floor",
        "_jitter",
        "_share",
        "calls",
        "fixed",
        "insists",
        "most",
    )

    def __init__(self, settings: RetrySettings, deployments: int) -> None:
        self.insists = settings.attempts is not None
        self.most = settings.attempts or MOST_CALLS
        usual = MOST_CALLS if self.insists else 2 * deployments + 2
        self.fixed = settings.calls is not None
        self.calls = settings.calls or min(usual, MOST_CALLS)
        self._backoff = settings.backoff
        self._factor = settings.factor
        self._jitter: Jitter = settings.jitter
        self._causes = frozenset(settings.on)
        self._floor = settings.budget.floor
        self._share = settings.budget.share

    def helps(self, error: UpstreamError) -> bool:
        """Whether the deployment may be asked again after this failure."""
        return error.should_retry is not False and cause_of(error) in self._causes

    def wait(self, number: int, chance: Callable[[], float]) -> float:
        """Seconds before a further call.

        Args:
            number: Which one it is; the first further one is 1.
            chance: Between 0 and 1.
        """
        whole = self._backoff * self._factor ** (number - 1)
        match self._jitter:
            case "none":
                return whole
            case "equal":
                return whole / 2 + whole / 2 * chance()
            case "full":
                return whole * chance()

    def has_room(self, recent: Recent, now: float) -> bool:
        """Whether the budget of a deployment has room for a retry."""
        return has_room(recent, now, floor=self._floor, share=self._share)

    def take(self, recent: Recent, now: float) -> bool:
        """Take a retry of it; False where there is no room."""
        return take(recent, now, floor=self._floor, share=self._share)


def cause_of(error: UpstreamError) -> Cause:
    """Which of the words of `retry.on` a failure is."""
    if isinstance(error, ConnectFailed | UpstreamBroken):
        return "connect"
    if isinstance(error, NotAnAnswer | InvalidAnswer):
        return "unreadable"
    return _BY_KIND.get(error.error_kind, "server_error")
