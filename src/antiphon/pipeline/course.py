"""Which candidate is asked next, and when.

The candidates come in their order. One that failed may be asked again: at once with another key,
after a wait before the next one is asked, or once all others have failed; as `retry` says, while
calls and time are left. Whoever cannot be asked now is passed over: its breaker is open, its keys
rest, its budget of retries is spent, it is at a limit, or the prompt is too long for it. In the
end one with an open breaker is asked after all, where the configuration has it so.

Hot path: for a first candidate that is well, `draw` is a handful of comparisons.
"""

from __future__ import annotations

import enum
from asyncio import sleep
from collections.abc import Callable, Iterator, Sequence

import msgspec

from antiphon.clock import NEVER, Clock
from antiphon.errors import (
    AntiphonError,
    BudgetExceeded,
    BudgetReserved,
    Disposition,
    Exhausted,
    InvalidAnswer,
    Kind,
    PassedOver,
    UpstreamError,
)
from antiphon.pipeline import verdicts
from antiphon.pipeline.exchange import Attempt, Exchange
from antiphon.pipeline.failures import is_cut, summary
from antiphon.pipeline.plan import Plan
from antiphon.pipeline.turns import Turns
from antiphon.providers.deployment import Deployment
from antiphon.providers.keys import Key
from antiphon.resilience import breaker
from antiphon.resilience.retry import MOST_CALLS

LONGEST_WAIT = 10.0
"""Seconds: a request waits no longer for one who asks for rest."""
_BUDGET = "retry_budget"
_SOON, _PATIENCE = 0.5, 3.0
"""Seconds after which one is looked at again that others keep busy (its probe is under way, or its
retries of this second are spent), and for how long that is done where all are out. So one whose
breaker is open is asked at most twice a second out of turn."""


class _Call(enum.Enum):
    """How one comes to be asked."""

    NEW = enum.auto()
    """In its turn, for the first time."""
    SAME = enum.auto()
    """At once again: with another key, or since what is asked was changed."""
    RETRY = enum.auto()
    """Again, since it may have recovered."""
    IN_LINE = enum.auto()
    """It stood in line: its limits were taken for this."""
    RESORT = enum.auto()
    """Nobody else is left."""


class Course(msgspec.Struct, eq=False):
    """The way of one exchange through its candidates."""

    _exchange: Exchange
    _plan: Plan
    _clock: Clock
    _candidates: Iterator[Deployment]
    _turns: Turns | None
    _chance: Callable[[], float]
    _before: int = 0
    _more: int = 0
    _same: Deployment | None = None
    _sort: _Call = _Call.SAME
    _wait_until: float = 0.0
    _again: list[Deployment] = []
    _later: list[tuple[float, Deployment]] = []
    _passed: dict[Deployment, PassedOver] = {}
    _resort: list[Deployment] = []
    _rests: list[Deployment] = []
    _round: int = 0
    _patient_until: float = 0.0
    _window: int = 0
    _probed: Deployment | None = None
    _short: BudgetExceeded | BudgetReserved | None = None
    goes_on: bool = False

    def draw(self) -> Deployment | None:
        """The one to be asked now; None where `wait` is to be called for it.

        Raises:
            UpstreamError, Exhausted, BreakerOpen: None is left.
            BudgetExceeded, BudgetReserved: None can be paid for.
        """
        exchange, turns, now = self._exchange, self._turns, self._clock.monotonic()
        done = exchange.attempts
        if done and (not self.has_room or now >= exchange.deadline):
            raise self._over(now)
        if self._wait_until > now or (turns is not None and turns.waits):
            return None
        same, self._same = self._same, None
        if same is not None and self._takes(same, now, self._sort):
            return same
        for deployment in self._candidates:
            if self._takes(deployment, now, _Call.NEW):
                return deployment
        return self._left(now)

    @property
    def has_room(self) -> bool:
        """Whether the request may cause another call."""
        made = len(self._exchange.attempts)
        calls = self._plan.retry.calls + self._more
        return made - self._before < calls and made < MOST_CALLS

    async def wait(self, patience: float) -> Deployment | None:
        """The same, after a wait; None where that takes longer than so many seconds.

        Raises:
            As `draw`.
        """
        clock, turns = self._clock, self._turns
        until = NEVER if patience == NEVER else clock.monotonic() + patience
        while True:
            now = clock.monotonic()
            if turns is not None and turns.waits:
                deployment = await turns.next(NEVER if until == NEVER else max(until - now, 0.0))
                if deployment is None:
                    return None
                # It may have stood in line for long.
                if self._takes(deployment, clock.monotonic(), _Call.IN_LINE):
                    return deployment
                turns.settle()
            elif self._wait_until > now:
                seconds = self._wait_until - now
                await sleep(min(seconds, until - now))
                if self._wait_until > until:
                    return None
            self._wait_until = 0.0
            deployment = self.draw()
            if deployment is not None:
                return deployment

    def again(self, deployment: Deployment) -> None:
        """What is asked was changed, or how: ask the same one at once."""
        self._same, self._sort = deployment, _Call.SAME

    def go_on(self, candidates: Iterator[Deployment]) -> None:
        """From now on ask only these, each once."""
        self.goes_on = True
        self._candidates = candidates
        self._same, self._wait_until = None, 0.0
        self._again, self._later, self._resort, self._rests = [], [], [], []
        self._round, self._patient_until = 0, 0.0

    def comes_back_at(self) -> float | None:
        """When the first of those that were passed over may be asked; None where none may be."""
        now = self._clock.monotonic()
        waits = [each.seconds for each in self._passed.values() if each.seconds is not None]
        if self._turns is not None:
            waits += [opens for opens, _ in self._turns.later()]
        return now + min(waits) if waits else None

    # what became of the last one

    def unpaid(self, deployment: Deployment, error: BudgetExceeded | BudgetReserved) -> None:
        """It could not be paid for: another may cost less, and what is reserved may come back."""
        self.left()
        self._pass_over(deployment, "money")
        if self._short is None or isinstance(error, BudgetReserved):
            self._short = error

    def left(self) -> None:
        """It says nothing of the deployment."""
        probed, self._probed = self._probed, None
        if probed is not None:
            breaker.leave(probed.health, self)

    def began(self) -> None:
        """A stream gives content: that is enough to know that the deployment is there."""
        probed, self._probed = self._probed, None
        if probed is not None:
            verdicts.proved(probed, self)

    def succeeded(self, attempt: Attempt, key: Key | None) -> None:
        """It gave a whole answer."""
        deployment, at = attempt.deployment, attempt.ended_at
        deployment.health.succeeded(at, at - attempt.sent_at)
        if key is not None:
            key.answered[deployment.name] = at
        if self._probed is not None:
            self.began()

    def failed(self, attempt: Attempt, key: Key | None, error: UpstreamError) -> None:
        """It failed, through no fault of the caller's."""
        deployment, now = attempt.deployment, attempt.ended_at
        match error.disposition:
            case Disposition.CONTEXT_LENGTH:
                self._window = max(self._window, deployment.facts.context or 0)
            case Disposition.DEAD_KEY:
                if key is not None and deployment.set_aside(key, error, now):
                    self._another_key(deployment)
                else:
                    deployment.health.failed(error.code, now, counts=False)
            case _ if isinstance(error, InvalidAnswer):
                self._retry(deployment, key, error, now)
            case _ if is_cut(self._exchange, self._plan, error, now):
                # Its caller had less patience than the route.
                pass
            case _:
                verdicts.failed(self._exchange, self._plan, deployment, error, self, now)
                if error.disposition is Disposition.TRANSIENT:
                    self._retry(deployment, key, error, now)
        self.left()

    def _another_key(self, deployment: Deployment) -> None:
        plan, attempts = self._plan, self._exchange.attempts
        made = sum(each.deployment is deployment for each in attempts)
        if not plan.retry.insists or made < plan.retry.most:
            self.again(deployment)

    def _retry(
        self, deployment: Deployment, key: Key | None, error: UpstreamError, now: float
    ) -> None:
        """Have it asked again, if it may be."""
        exchange, retry = self._exchange, self._plan.retry
        rest = error.retry_after
        if rest is not None and rest > 0:
            limited = error.error_kind is Kind.RATE_LIMITED
            deployment.health.resting_for = error.error_kind
            deployment.rest(key if limited else None, rest, now)
            if limited and retry.helps(error) and deployment.wakes_at(now) == 0.0:
                self._another_key(deployment)
                return
        made = sum(each.deployment is deployment for each in exchange.attempts)
        if made >= retry.most or not retry.helps(error):
            return
        if self.goes_on or not retry.insists:
            self._again.append(deployment)
            return
        at = now + retry.wait(made, self._chance)
        if deployment.wakes_at(now) > at:
            # The others come first.
            self._again.append(deployment)
        elif at >= exchange.deadline or deployment.health.opened:
            pass
        elif retry.has_room(deployment.health.recent, now):
            self._same, self._sort, self._wait_until = deployment, _Call.RETRY, at
        else:
            self._pass_over(deployment, _BUDGET)

    # who may be asked

    def _takes(self, deployment: Deployment, now: float, sort: _Call) -> bool:
        """Whether it can be asked now; then all that this takes is taken."""
        health = deployment.health
        if health.opened and not self._passes_breaker(deployment, now, sort):
            return False
        if health.resting and (wakes := deployment.wakes_at(now)):
            self._pass_over(deployment, "keys", wakes - now)
            if not self._round:
                self._rests.append(deployment)
            return False
        if self._window and 0 < (deployment.facts.context or 0) <= self._window:
            self._pass_over(deployment, "window")
            return False
        turns = self._turns
        if turns is not None and sort is not _Call.IN_LINE and not turns.takes(deployment):
            self._pass_over(deployment, "limit")
            return False
        if sort is _Call.RETRY:
            if not self._plan.retry.take(health.recent, now):
                self._pass_over(deployment, _BUDGET)
                if turns is not None:
                    turns.settle()
                return False
        elif sort is not _Call.SAME:
            health.recent.at(now).asked += 1
        if health.opened:
            verdicts.probed(deployment, self, now, deployment.breaking)
            self._probed = deployment
        if self._passed:
            self._passed.pop(deployment, None)
            self._exchange.passed_over.pop(deployment, None)
        return True

    def _passes_breaker(self, deployment: Deployment, now: float, sort: _Call) -> bool:
        health = deployment.health
        if sort is _Call.RESORT:
            breaking = deployment.breaking
            return not breaking.strict and breaker.is_free(health, now)
        if health.is_askable(now):
            return True
        self._pass_over(deployment, "breaker", breaker.seconds_to_probe(health, now))
        self._resort.append(deployment)
        return False

    def _pass_over(self, deployment: Deployment, reason: str, seconds: float | None = None) -> None:
        self._passed[deployment] = PassedOver(deployment.name, reason, seconds)
        self._exchange.passed_over[deployment] = reason

    # once each was asked in its turn

    def _left(self, now: float) -> Deployment | None:
        """Who is asked then; None where it has to be waited for."""
        while True:
            deployment = self._last_resort(now)
            if deployment is not None:
                return deployment
            if not self._later and (self._again or self._rests):
                self._begin_round(now)
            if not self._later:
                break
            ready = next((each for each in self._later if each[0] <= now), None)
            if ready is None:
                self._wait_until = min(at for at, _ in self._later)
                if self._wait_until < self._exchange.deadline:
                    return None
                self._wait_until, self._later = 0.0, []
                break
            self._later.remove(ready)
            deployment = ready[1]
            if self._takes(deployment, now, _Call.RETRY if self._asked(deployment) else _Call.NEW):
                return deployment
            if self._exchange.passed_over.get(deployment) == _BUDGET:
                self._try_soon((deployment,), now)
        if self._turns is not None and self._turns.lines_up():
            return None
        raise self._over(now)

    def _last_resort(self, now: float) -> Deployment | None:
        """One whose breaker is open, where others are there and gave no answer.

        Where the breakers of all are open, a request asks one of them at once: the one that has
        not been asked for longest. Who was asked just now, or is being asked, is tried again soon.
        """
        if not self._resort:
            return None
        resort, self._resort = self._resort, []
        known = {each.deployment for each in self._exchange.attempts}
        if len(known | self._passed.keys()) == 1:
            return None
        if not known:
            resort.sort(key=lambda each: each.health.last_error_at)
        for number, deployment in enumerate(resort, 1):
            rests = deployment.wakes_at(now) or (
                known and now < deployment.health.last_error_at + _SOON
            )
            if not rests and self._takes(deployment, now, _Call.RESORT):
                if known:
                    self._resort = resort[number:]
                elif self._plan.retry.most > 1:
                    self._try_soon(resort[number:], now)
                return deployment
            self._try_soon((deployment,), now)
        return None

    def _try_soon(self, busy: Sequence[Deployment], now: float) -> None:
        """Others have their probes, or their retries of this second: that is over soon."""
        if not self._patient_until:
            out = all(each.health.opened for each in self._plan.deployments)
            self._patient_until = now + (_PATIENCE if out else LONGEST_WAIT)
        if now + _SOON <= self._patient_until:
            self._later += [(now + _SOON, each) for each in busy if not each.breaking.strict]

    def _begin_round(self, now: float) -> None:
        """Let those be asked once more that may recover, and those that come back soon."""
        again, rests = self._again, self._rests
        self._again, self._rests = [], []
        base = now
        if again:
            self._round += 1
            base += self._plan.retry.wait(self._round, self._chance)
        waits = [(max(base, each.wakes_at(now)), each) for each in again]
        waits += [(each.wakes_at(now), each) for each in rests]
        self._later = [each for each in waits if each[0] <= now + LONGEST_WAIT or each[0] <= base]
        if self._later and self._turns is not None:
            self._later += [(now + opens, each) for opens, each in self._turns.later()]

    def _asked(self, deployment: Deployment) -> bool:
        return any(each.deployment is deployment for each in self._exchange.attempts)

    def _over(self, now: float) -> AntiphonError:
        """What the caller is told where nobody is left."""
        exchange, turns, short = self._exchange, self._turns, self._short
        if exchange.attempts or short is None:
            failed = summary(exchange, [*self._passed.values()], now=now)
        else:
            failed = short
        told = failed if turns is None else turns.exhausted(failed)
        if isinstance(told, Exhausted):
            told.passed_over = tuple(self._passed.values())
        return told
