"""When a webhook is sent again, and when no more.

A delivery is a value: whoever owns it stores it, tries when it is due, and replaces it by what
`after` gives. There is no timer here, so a restart loses nothing that is stored.
"""

from __future__ import annotations

import enum
from random import Random  # noqa: TID251  the type; a seeded one is handed in

import msgspec

_MINUTE, _HOUR = 60.0, 3600.0


class Verdict(enum.StrEnum):
    """What one attempt came to."""

    TAKEN = "taken"
    """The receiver answered with 2xx."""
    AGAIN = "again"
    """It did not, and may later."""
    NEVER = "never"
    """Trying again is useless: the address is forbidden or none."""
    GONE = "gone"
    """The receiver answered with 410: it wants no webhook any more."""


class Outcome(msgspec.Struct, frozen=True):
    """One attempt.

    Attributes:
        verdict: What it came to.
        status: The receiver's status; None where there was no answer.
        message: Why it was not taken, for the owner of the endpoint: says nothing of our network.
        reason: The same for the operator's log.
        retry_after: Seconds for which the receiver asked to be left alone.
    """

    verdict: Verdict
    status: int | None = None
    message: str = ""
    reason: str = ""
    retry_after: float | None = None


class Schedule(msgspec.Struct, frozen=True):
    """How long to wait after each attempt that failed.

    Attributes:
        delays: Seconds after the first, the second and so on; then it is over.
        jitter: The part of a delay that chance adds at most, so that the deliveries of an outage
            do not come back all at once.
        longest: The longest wait that a receiver can ask for.
    """

    delays: tuple[float, ...] = (
        *(5.0, 5 * _MINUTE, 30 * _MINUTE, 2 * _HOUR, 5 * _HOUR),
        *(10 * _HOUR, 14 * _HOUR, 20 * _HOUR, 24 * _HOUR),
    )
    jitter: float = 0.2
    longest: float = 24 * _HOUR

    def wait(self, attempts: int, random: Random, retry_after: float | None = None) -> float | None:
        """Seconds until the next attempt after this many; None where it is over."""
        if attempts > len(self.delays):
            return None
        delay = self.delays[max(attempts, 1) - 1]
        asked = min(retry_after or 0.0, self.longest)
        return max(delay, asked) * (1.0 + self.jitter * random.random())


class State(enum.StrEnum):
    """How far a delivery is."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    """Given up: the last attempt failed, or trying is useless. May be sent again by hand."""
    GONE = "gone"
    """The receiver wants none: the endpoint should be switched off."""


class Delivery(msgspec.Struct, frozen=True):
    """One message on its way to one endpoint.

    Attributes:
        due: When to try next, in seconds since 1970; of no meaning once it is over.
        attempts: How many were made.
        state: How far it is.
        message: Why the last attempt failed, for the owner of the endpoint.
    """

    due: float
    attempts: int = 0
    state: State = State.PENDING
    message: str = ""

    def is_due(self, now: float) -> bool:
        """Whether to try now."""
        return self.state is State.PENDING and self.due <= now

    def after(
        self, outcome: Outcome, schedule: Schedule, *, now: float, random: Random
    ) -> Delivery:
        """What this delivery is after one more attempt; one that is over stays as it is."""
        if self.state is not State.PENDING:
            return self
        attempts = self.attempts + 1
        state, due = _ENDS.get(outcome.verdict), now
        if state is None:
            wait = schedule.wait(attempts, random, outcome.retry_after)
            state, due = (State.FAILED, now) if wait is None else (State.PENDING, now + wait)
        return Delivery(due, attempts, state, outcome.message)


_ENDS = {
    Verdict.TAKEN: State.DELIVERED,
    Verdict.NEVER: State.FAILED,
    Verdict.GONE: State.GONE,
}
