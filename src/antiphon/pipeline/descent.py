"""A walk that goes on where a route's own candidates end: it waits, or asks those of another model.

All that it does stands on the exchange of the request, so budgets, limits, heartbeats and calls
that requests share are what they are elsewhere.
"""

from __future__ import annotations

from asyncio import sleep
from collections.abc import Iterator

from antiphon.clock import NEVER
from antiphon.errors import (
    AntiphonError,
    BudgetReserved,
    CallerError,
    Exhausted,
    PassedOver,
    UpstreamError,
)
from antiphon.model.usage import Usage
from antiphon.pipeline.attempt import Walk
from antiphon.pipeline.degrading import Degrading
from antiphon.pipeline.exchange import Attempt, Exchange
from antiphon.pipeline.failures import summary
from antiphon.pipeline.ladder import Degrade
from antiphon.pipeline.plan import Plan
from antiphon.pipeline.relay import Relay
from antiphon.providers.deployment import Deployment
from antiphon.providers.transport import Answer, Head
from antiphon.resilience import breaker
from antiphon.resilience.degrade import Step, steps_for
from antiphon.usage.journal.record import DEGRADED

_MOST_WAITS = 20
"""Times that one request waits; each ends with a call, so it is bounded anyway."""

_OF_THE_POOL = (CallerError, UpstreamError, BudgetReserved)
"""What the pool may refuse of a request that is good for the route itself."""


class Descent:
    """A walk that does not end where a route's own candidates do.

    It waits for one that comes back, and then goes to those of the pool, and of the pool's pool.
    All attempts are the exchange's, and the route's deadline ends them all.
    """

    __slots__ = (
        *("_clock", "_degrade", "_degrading", "_error", "_exchange", "_plan"),
        *("_given", "_passed", "_pool", "_until", "_wait_until", "_waits", "_walk"),
    )

    def __init__(
        self,
        degrading: Degrading,
        exchange: Exchange,
        plan: Plan,
        degrade: Degrade,
    ) -> None:
        self._degrading = degrading
        self._exchange = exchange
        self._plan = plan
        self._degrade = degrade
        self._clock = degrading.clock
        self._pool = degrade.pool
        self._given = False
        self._waits = 0
        self._until = 0.0
        self._wait_until = 0.0
        self._error: AntiphonError | None = None
        self._passed: dict[str, PassedOver] = {}
        self._walk = degrading.own(exchange, plan)

    @property
    def attempt(self) -> Attempt:
        """The attempt under way."""
        return self._walk.attempt

    @property
    def waits(self) -> bool:
        """Whether `settled` is to be awaited."""
        return self._walk.waits

    async def open(self, patience: float = NEVER) -> tuple[Answer, Head] | None:
        """The next answer with a success status, or None if `patience` seconds were silent.

        Raises:
            AntiphonError: As `Walk.open`, once no step of the ladder is left that asks.
        """
        while True:
            if self._wait_until:
                if not await self._waited(patience):
                    return None
                self._take(self._degrading.own(self._exchange, self._plan))
            try:
                return await self._walk.open(patience)
            except AntiphonError as error:
                if self._given:
                    raise
                told = self._goes_on(error)
                if told is not None:
                    self._exchange.degraded = ""
                    raise told from error

    def reads(self, relay: Relay) -> None:
        """The open answer is a stream, read by this relay."""
        self._walk.reads(relay)

    def began(self) -> None:
        """The open answer, a stream, gives content."""
        self._walk.began()

    def succeeded(self, usage: Usage | None, said: int) -> None:
        """The open answer is whole and good."""
        exchange = self._exchange
        if exchange.degraded:
            exchange.warnings = [*exchange.warnings, f"{DEGRADED}{Step.POOL} {self._plan.alias}"]
        self._walk.succeeded(usage, said)

    def go_on(self, candidates: Iterator[Deployment]) -> None:
        """Some of the answer was given: nothing can stand in for it any more."""
        self._given = True
        self._walk.go_on(candidates)

    def failed(self, error: UpstreamError) -> None:
        """The open attempt failed.

        Raises:
            UpstreamError: No other would do better.
        """
        self._walk.failed(error)

    def close(self) -> None:
        """Let go of the open answer."""
        self._walk.close()

    def abandon(self) -> None:
        """Let go of everything."""
        self._walk.abandon()

    async def settled(self) -> None:
        """Wait until the disk holds what was written.

        Raises:
            AccountingUnavailable: It does not take it.
        """
        await self._walk.settled()

    def _goes_on(self, error: AntiphonError) -> AntiphonError | None:
        """Take the next step that asks somebody; where none is left, what the caller is told."""
        if Step.POOL in steps_for(error, ()):
            self._error = error
            if isinstance(error, Exhausted):
                self._passed |= {each.deployment: each for each in error.passed_over}
        elif self._error is None or not isinstance(error, _OF_THE_POOL):
            return error
        now = self._clock.monotonic()
        if now < self._exchange.deadline:
            if self._may_wait(now):
                if self._waits == 1:
                    self._degrading.count(self._exchange, Step.WAIT, self._error)
                return None
            if self._goes_to_pool(self._error):
                return None
        if self._plan is self._exchange.plan:
            return self._error
        # What the caller is told has the attempts of all, whatever the last one refused.
        return summary(self._exchange, [*self._passed.values()], now=now)

    def _may_wait(self, now: float) -> bool:
        """Whether a candidate of the route itself comes back in time; notes until when."""
        degrade = self._degrade
        if not degrade.wait or self._exchange.degraded or self._waits >= _MOST_WAITS:
            return False
        self._until = self._until or min(now + degrade.wait, self._exchange.deadline)
        back = self._comes_back(now)
        if back is None or not now < back < self._until:
            return False
        self._waits += 1
        self._wait_until = back
        return True

    def _comes_back(self, now: float) -> float | None:
        """When the first of those that were asked or passed over is known to come back."""
        known = [self._walk.course.comes_back_at() or 0.0]
        for attempt in self._exchange.attempts:
            each = attempt.deployment
            seconds = breaker.seconds_to_probe(each.health, now)
            known.append(max(each.wakes_at(now), now + seconds if seconds else 0.0))
        return min((at for at in known if at > now), default=None)

    async def _waited(self, patience: float) -> bool:
        """Wait for it; False if that takes longer than so many seconds."""
        wait = self._wait_until - self._clock.monotonic()
        if wait > 0:
            await sleep(min(wait, patience))
            if wait > patience:
                return False
        self._wait_until = 0.0
        return True

    def _goes_to_pool(self, error: AntiphonError) -> bool:
        exchange = self._exchange
        wishes = exchange.wishes
        preferences = None if wishes is None else wishes.preferences
        if preferences is not None and not preferences.fallbacks:
            return False
        while self._pool:
            plan = exchange.snapshot.plan(self._pool)
            self._pool = plan.degrade.pool if plan.degrade is not None else ""
            try:
                walk = self._degrading.pooled(exchange, plan)
            except CallerError:
                # What is asked cannot be had there, or may not go there.
                continue
            self._take(walk)
            self._plan = plan
            exchange.degraded = Step.POOL.value
            self._degrading.count(exchange, Step.POOL, error)
            return True
        return False

    def _take(self, walk: Walk) -> None:
        self._walk.abandon()
        self._walk = walk
