"""Limits on the road: a caller's are taken once a request; here it waits, or is refused.

Hot path: `admit` is one look-up and a walk over the gates; `leave` corrects what was taken.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from antiphon.clock import Clock
from antiphon.errors import (
    BodyTooLarge,
    Forbidden,
    InvalidRequest,
    LimitReached,
    PromptTooLong,
)
from antiphon.limits.limit import Limit, in_words, reached, whose
from antiphon.limits.limits import Limits, overrun
from antiphon.limits.meter import NEVER
from antiphon.limits.path import Demand, Gate, Path
from antiphon.limits.taken import Taken
from antiphon.limits.waiting import Place, State, Waiter
from antiphon.pipeline.estimating import Answers, Estimate, estimate
from antiphon.pipeline.exchange import Exchange
from antiphon.pipeline.limited import STEPS, Limited
from antiphon.pipeline.plan import Plan
from antiphon.pipeline.timer import Timer
from antiphon.providers.deployment import Deployment
from antiphon.providers.provider import Provider
from antiphon.telemetry.metrics import Metrics

_MICRO = 1_000_000
_RETRY = 1.0
"""Seconds told to who is refused for what is under way: places come free at the pace of answers."""
_LONGEST_RETRY = 62.0
"""Seconds beyond which no client does well to wait: it is told not to try again by itself. A minute
and what its window may be late are not."""
PRIORITIES = {-1: "low", 0: "normal", 1: "high"}


class Limiting:
    """Takes what exchanges ask for of the limits in force, and settles it.

    Args:
        limits: The limits.
        providers: Those in force, by their names: whose keys are whose.
        metrics: Where refusals and waits are counted.
        clock: For how long somebody waited.

    Attributes:
        answers: How long answers are, as far as it was seen.
    """

    __slots__ = ("_clock", "_providers", "_timer", "answers", "limits", "metrics")

    def __init__(
        self,
        limits: Limits,
        providers: Callable[[], Mapping[str, Provider]],
        *,
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        self.limits = limits
        self.metrics = metrics
        self.answers = Answers()
        self._clock = clock
        self._providers = providers
        self._timer = Timer(limits)
        limits.queue.changed = self._timer.arm

    def admit(self, exchange: Exchange, plan: Plan) -> Gate | None:
        """Take what an exchange takes of its caller's limits; gives where it is to `wait`, if so.

        Raises:
            LimitReached: A limit is reached that lets nobody wait.
            Forbidden: A limit is nothing at all.
            BodyTooLarge, PromptTooLong: The request is too long for a limit.
            InvalidRequest: It says of its priority what is none.
        """
        limits = self.limits
        now = limits.now()
        path = limits.path(exchange.principal, plan.alias, now)
        limited = exchange.limited = Limited(limits, self.answers, path)
        limited.priority = _priority(exchange.priority, path)
        if path.body:
            self._check_body(exchange, path)
        if path.estimates:
            limited.demand = self._demand(exchange, plan, path)
        demand = limited.demand
        if path.shadows:
            self.note_shadows(exchange, path, demand, now)
        made = limits.take(path, demand, now)
        if isinstance(made, Taken):
            limited.taken = made
            return None
        if made.limit.queue is None or not made.bound:
            raise self._refused(limited, made.limit, now)
        return made

    async def wait(self, exchange: Exchange, gate: Gate) -> None:
        """Wait at a gate until there is room.

        Raises:
            LimitReached: There was none in time, or too many wait already.
        """
        limited, limits = exchange.limited, self.limits
        assert limited is not None
        priority = limited.priority
        began = limits.now()
        until = began + max(int((exchange.deadline - self._clock.monotonic()) * _MICRO), 0)
        while True:
            waiter = await self.stand(
                [Place(limited.path, limited.demand, gate)], began, priority, until
            )
            now = limits.now()
            if waiter.taken is not None:
                limited.taken = waiter.taken
                self.waited(priority, State.SERVED, now - began)
                return
            if waiter.state is State.AGAIN:
                plan = exchange.plan
                assert plan is not None
                limited.path = limits.path(exchange.principal, plan.alias, now)
                if limited.path.estimates:
                    limited.demand = self._demand(exchange, plan, limited.path)
                made = limits.take(limited.path, limited.demand, now)
                if isinstance(made, Taken):
                    limited.taken = made
                    return
                gate = made
                continue
            self.waited(priority, waiter.state, now - began)
            limit = waiter.limit or gate.limit
            raise self._refused(limited, limit, now)

    async def stand(self, places: list[Place], began: int, priority: int, until: int) -> Waiter:
        """Stand in line until it is over, one way or the other; whoever is cancelled leaves."""
        woken = asyncio.get_running_loop().create_future()
        waiter = Waiter(places, arrived=began, priority=priority, until=until, wake=waker(woken))
        limits = self.limits
        limits.queue.join(waiter, limits.now())
        try:
            if waiter.state is State.WAITING:
                await woken
        except BaseException:
            self.part(waiter)
            raise
        return waiter

    def part(self, waiter: Waiter) -> None:
        """Nobody waits any more: leave the line, and give back what may have been got."""
        limits, now = self.limits, self.limits.now()
        limits.queue.leave(waiter, now)
        if waiter.taken is not None:
            limits.settle(waiter.taken, 0, 0, now, counts=False)

    def estimate(self, exchange: Exchange, plan: Plan) -> Estimate:
        """What an exchange takes, by the deployment that is asked first; found once."""
        limited = exchange.limited
        if limited is not None and limited.estimate is not None:
            return limited.estimate
        usual = self.answers.usual(plan.alias)
        made = estimate(exchange.payload, _first(exchange, plan), usual)
        if limited is not None:
            limited.estimate = made
        return made

    def holders(self, name: str) -> frozenset[str]:
        """The providers that use a key, by its fingerprint; one without a key has its own name."""
        return frozenset(
            provider
            for provider, each in self._providers().items()
            if provider == name or any(key.fingerprint == name for key in each.keys.status())
        )

    def passed_over(self, limit: Limit) -> None:
        """A deployment was passed over."""
        self.metrics.limit_passed_over.of(*_labels(limit)).value += 1

    def refused(self, limit: Limit) -> None:
        """Somebody was refused."""
        self.metrics.limit_refusals.of(*_labels(limit)).value += 1

    def note_shadows(self, exchange: Exchange, path: Path, demand: Demand, now: int) -> None:
        """Tell what shadow limits would have stopped."""
        for limit in overrun(path, demand, now):
            self._is_shadow(limit, exchange)

    def waited(self, priority: int, state: State, micros: int) -> None:
        """Somebody has waited."""
        cell = self.metrics.limit_waits.of(PRIORITIES[priority], state.value)
        cell.observe(micros / _MICRO)

    def _demand(self, exchange: Exchange, plan: Plan, path: Path) -> Demand:
        made = self.estimate(exchange, plan)
        for limit in path.prompt:
            if made.prompt > limit.bound and not self._is_shadow(limit, exchange):
                raise PromptTooLong(
                    f"The prompt has about {made.prompt} tokens, which is over the limit of "
                    f"{in_words(limit)} of {whose(limit)}."
                )
        return made.demand(_first(exchange, plan), priced=path.priced)

    def _check_body(self, exchange: Exchange, path: Path) -> None:
        size = exchange.payload.size
        for limit in path.body:
            if size > limit.bound and not self._is_shadow(limit, exchange):
                raise BodyTooLarge(
                    f"The body has {size} bytes, which is over the limit of {in_words(limit)} of "
                    f"{whose(limit)}."
                )

    def _is_shadow(self, limit: Limit, exchange: Exchange) -> bool:
        """Count that a limit is reached; gives whether that is all that happens."""
        counter = self.metrics.limit_shadows if limit.shadow else self.metrics.limit_refusals
        counter.of(*_labels(limit)).value += 1
        if limit.shadow:
            exchange.notes = (*exchange.notes, f"Shadow limit: {reached(limit)}")
        return limit.shadow

    def _refused(self, limited: Limited, limit: Limit, now: int) -> Forbidden | LimitReached:
        self.refused(limit)
        if not limit.bound:
            return Forbidden(reached(limit))
        opens = opens_in(limited.path, limited.demand, now)
        error = LimitReached(reached(limit), retry_after=opens)
        error.should_retry = retries(opens)
        return error


def _first(exchange: Exchange, plan: Plan) -> Deployment:
    """Who is asked first."""
    choice = exchange.choice
    return plan.deployments[0] if choice is None else choice.order[0].deployment


def _labels(limit: Limit) -> tuple[str, str]:
    return limit.scope.value, limit.measure.name.lower()


def leave(exchange: Exchange) -> None:
    """An exchange is over: correct what it took by what the ledger has of it."""
    limited = exchange.limited
    if limited is None or limited.taken is None:
        return
    tokens = dollars = 0
    for attempt in exchange.attempts:
        if attempt.closed and attempt.usage is not None:
            tokens += attempt.usage.total
            dollars += attempt.cost
    limits = limited.limits
    limits.settle(limited.taken, tokens, dollars, limits.now())
    usage = exchange.usage
    if usage is not None and exchange.outcome is None and exchange.plan is not None:
        limited.answers.learn(exchange.plan.alias, usage.output_total)


def _priority(said: bytes, path: Path) -> int:
    """How urgent an exchange is: what it says, within what its caller may say.

    Raises:
        InvalidRequest: It says what is no priority.
    """
    if not said:
        return path.usual
    step = STEPS.get(said.strip().lower())
    if step is None:
        raise InvalidRequest("The header 'x-antiphon-priority' is low, normal or high.")
    return min(step, path.most)


def opens_in(path: Path, demand: Demand, now: int) -> float | None:
    """Seconds after which there may be room at all gates; None where there never is."""
    opens = 0.0
    for gate in path.gates:
        if gate.shadow or not gate.is_full(demand, now):
            continue
        if not gate.bound:
            return None
        at = gate.meter.opens_at(demand[gate.amount], gate.bound)
        opens = max(opens, _RETRY if at == NEVER else (at - now) / _MICRO)
    return opens or _RETRY


def retries(opens: float | None) -> bool | None:
    """Whether a client does well to try again by itself; None leaves it to the client."""
    return False if opens is None or opens > _LONGEST_RETRY else None


def waker(future: asyncio.Future[None]) -> Callable[[], None]:
    """Resolves a future, unless somebody has given it up."""

    def wake() -> None:
        if not future.done():
            future.set_result(None)

    return wake
