"""What would become of a request, found by the road's own steps and without a trace.

The same functions that a real request passes are called with an exchange that is never opened:
who may answer, in which order, who cannot. What they would take is looked at (`pipeline.rooms`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from antiphon.errors import (
    AntiphonError,
    CallerError,
    Exhausted,
    Kind,
    LimitReached,
    PassedOver,
)
from antiphon.pipeline.able import more_calls, who_can
from antiphon.pipeline.course import LONGEST_WAIT
from antiphon.pipeline.deciding import (
    LIMIT,
    NOT_ABLE,
    NOT_CLEARED,
    NOT_NAMED,
    WINDOW,
    decision_of,
    facts_of,
)
from antiphon.pipeline.estimating import Estimate, estimate
from antiphon.pipeline.exchange import Exchange
from antiphon.pipeline.failures import summary
from antiphon.pipeline.losses import words
from antiphon.pipeline.phases import Pipeline
from antiphon.pipeline.plan import Plan
from antiphon.pipeline.rooms import Room, callers_limits, deployments_limits
from antiphon.pipeline.windows import too_long
from antiphon.providers.deployment import Deployment
from antiphon.resilience import breaker
from antiphon.resilience.degrade import Step
from antiphon.resilience.retry import MOST_CALLS
from antiphon.routing.decision import Decision, Fate, State

_LONGEST_SHOWN = 100
POOL = f"{Step.POOL}: "
_BREAKER, _KEYS = "breaker", "keys"
_RESORT = "breaker: asked as nobody else is there"


class Prospect(msgspec.Struct, frozen=True, kw_only=True):
    """One candidate.

    Attributes:
        deployment: `provider/model`.
        state: What would become of it.
        reason: Why it is left out, or what put it where it stands.
        scores: What the strategies give it.
        clearance: How far a request may go that is sent there.
        window: Tokens of its window, or None where that is not known.
        tokens: That the prompt likely is to it.
        loses: What of the request would be left out.
        limits: What it meets there, with the key that has the most room.
        price: The version of its prices.
        least: What it costs if nothing is answered, in billionths of a dollar.
        likely: What it likely costs.
        soft: What it hardly exceeds, which soft budgets reserve.
        most: What it cannot exceed.
    """

    deployment: str
    state: State
    reason: str = ""
    scores: Sequence[float] = ()
    clearance: str = ""
    window: int | None = None
    tokens: int = 0
    loses: Sequence[str] = ()
    limits: Sequence[Room] = ()
    price: str = ""
    least: int = 0
    likely: int = 0
    soft: int = 0
    most: int = 0


class Foresight(msgspec.Struct, frozen=True, kw_only=True):
    """What would become of a request.

    Attributes:
        model: The name that is asked for.
        choice: Who would be asked first; empty if nobody.
        decision: Why; None where it does not come that far.
        candidates: As in the decision, with all that is known of each.
        limits: The caller's.
        deadline: Seconds for the whole request.
        calls: The most that it may cause.
        then: Who comes next, each time that one fails.
        steps: What stands in where all have failed.
        cached: Whether a stored answer may be given, or one that is under way.
        refusal: Why it would be refused, or None.
    """

    model: str
    dialect: str
    stream: bool
    choice: str = ""
    decision: Decision | None = None
    candidates: Sequence[Prospect] = ()
    limits: Sequence[Room] = ()
    deadline: float = 0.0
    calls: int = 0
    then: Sequence[str] = ()
    steps: Sequence[str] = ()
    cached: bool = False
    refusal: AntiphonError | None = None


def foresee(pipeline: Pipeline, exchange: Exchange) -> Foresight:
    """What would become of an exchange that is not opened; it is spent afterwards.

    Args:
        pipeline: The road.
        exchange: With `foreseen` set.
    """
    payload = exchange.payload
    found = Foresight(model=payload.model, dialect=payload.dialect.name, stream=payload.stream)
    try:
        plan = pipeline.route(exchange)
        pipeline.choose(exchange, plan)
    except CallerError as error:
        exchange.outcome = error
        plan = exchange.plan
        known = None if plan is None else decision_of(exchange)
        return msgspec.structs.replace(found, refusal=error, decision=known)
    refusal: CallerError | None = None
    able: list[Deployment] = []
    try:
        # As the walk would draw them if each of them failed.
        able += who_can(exchange, plan, exchange.choice)
    except CallerError as error:
        refusal = error
    return _Look(pipeline, exchange, plan, able).told(found, refusal)


class _Look:
    """One look at what a request would meet."""

    def __init__(
        self,
        pipeline: Pipeline,
        exchange: Exchange,
        plan: Plan,
        able: Sequence[Deployment],
    ) -> None:
        limiting = pipeline.limiting
        assert exchange.choice is not None
        self._choice = exchange.choice
        self._exchange = exchange
        self._plan = plan
        self._limiting = limiting
        self._able = able
        self._usual = plan.chooser.usual if limiting is None else limiting.answers.usual(plan.alias)
        self._more = more_calls(exchange.choice, plan)
        self._limits = {each: self._limits_of(each) for each in able}
        self._passed: dict[Deployment, PassedOver] = {}
        self._free = [each for each in able if self._is_free(each)]
        self._late: Mapping[Deployment, str] = {}
        self._resorts: Sequence[Deployment] = ()
        if not self._free:
            self._resorts = self._last_resorts()
            asked = [each for each in self._resorts if _fits(self._limits[each])]
            self._late = dict.fromkeys(asked[:1], _RESORT) or self._rested()
            self._free = [*self._late]

    def told(self, found: Foresight, refusal: AntiphonError | None) -> Foresight:
        """All that was seen."""
        exchange, plan, free = self._exchange, self._plan, self._free
        prospects = [*self._prospects()]
        limits = self._callers()
        # The caller's limits are looked at before anybody asks who can do it.
        refusal = _refusal(limits) or refusal or self._exhausted()
        return msgspec.structs.replace(
            found,
            choice=free[0].name if free and refusal is None else "",
            decision=self._decision(prospects),
            candidates=prospects,
            limits=limits,
            deadline=exchange.deadline - exchange.started,
            calls=min(plan.retry.calls + self._more, MOST_CALLS),
            then=[each.name for each in free[1:]],
            steps=[*_steps(plan)],
            cached=plan.cache is not None and exchange.passing is None,
            refusal=refusal,
        )

    def _exhausted(self) -> AntiphonError | None:
        """What it would be told where all are at their limits and none lets anybody wait."""
        if self._free:
            return None
        turns = {*self._resorts, *(self._limits.keys() - self._passed.keys())}
        full = [self._limits[each] for each in turns]
        if any(each.waits for rooms in full for each in rooms):
            return None
        if not full:
            now = self._exchange.started
            return summary(self._exchange, [*self._passed.values()], now=now)
        return Exhausted(
            f"All deployments of {self._exchange.payload.model[:_LONGEST_SHOWN]!r} are at their "
            "limits.",
            kind=Kind.RATE_LIMITED,
            attempts=(),
        )

    def _is_free(self, deployment: Deployment) -> bool:
        """Whether it may be asked in its turn."""
        health, now = deployment.health, self._exchange.started
        if not health.is_askable(now):
            seconds = breaker.seconds_to_probe(health, now)
            self._passed[deployment] = PassedOver(deployment.name, _BREAKER, seconds)
        elif health.resting and (wakes := deployment.wakes_at(now)):
            self._passed[deployment] = PassedOver(deployment.name, _KEYS, wakes - now)
        else:
            return _fits(self._limits[deployment])
        return False

    def _last_resorts(self) -> Sequence[Deployment]:
        """Those whose turn comes though their breakers are open, since nobody else is there."""
        now = self._exchange.started
        if len(self._able) == 1:
            return ()
        found = [
            each
            for each, passed in self._passed.items()
            if passed.reason == _BREAKER
            and not each.breaking.strict
            and breaker.is_free(each.health, now)
            and not each.wakes_at(now)
        ]
        return sorted(found, key=lambda each: each.health.last_error_at)

    def _rested(self) -> Mapping[Deployment, str]:
        """Those that are asked after a while, when their keys have rested."""
        waits = [
            (passed.seconds or 0.0, each)
            for each, passed in self._passed.items()
            if passed.reason == _KEYS and (passed.seconds or 0.0) <= LONGEST_WAIT
        ]
        waits.sort(key=lambda each: each[0])
        return {each: f"{_KEYS}: waited for, {seconds:.1f} s" for seconds, each in waits}

    def _decision(self, prospects: Sequence[Prospect]) -> Decision:
        chooser, choice = self._plan.chooser, self._choice
        return Decision(
            route=chooser.alias,
            generation=self._exchange.snapshot.generation,
            sensitivity=choice.ask.sensitivity.name.lower(),
            facts=facts_of(choice.ask),
            rules=chooser.judged(choice.ask),
            strategies=chooser.names,
            active=chooser.active.name if chooser.active is not None else "",
            candidates=[
                Fate(each.deployment, each.state, each.reason, each.scores) for each in prospects
            ],
        )

    def _prospects(self) -> Iterator[Prospect]:
        """Those that would be asked, in this order, and then all others."""
        choice, exchange = self._choice, self._exchange
        preferred = {each.deployment for each in choice.order[: choice.preferred]}
        for place, each in enumerate(self._free):
            state = State.CHOSEN if not place else State.NEXT
            named = f"rule {choice.rule}" if choice.rule and each in preferred else ""
            yield self._prospect(each, state, self._late.get(each, named))
        for each in choice.deployments:
            if each in self._limits:
                if each not in self._free:
                    passed = self._passed.get(each)
                    why = LIMIT if passed is None else _in_words(passed)
                    yield self._prospect(each, State.LEFT_OUT, why)
                continue
            why = exchange.passed_over.get(each) or (
                WINDOW if too_long(exchange.payload, each) else NOT_ABLE
            )
            yield self._prospect(each, State.LEFT_OUT, why)
        for candidate in choice.barred:
            yield self._prospect(candidate.deployment, State.LEFT_OUT, NOT_CLEARED)
        for candidate, why in choice.unwished:
            yield self._prospect(candidate.deployment, State.LEFT_OUT, why)
        told = {
            *choice.deployments,
            *(each.deployment for each in choice.barred),
            *(each.deployment for each, _ in choice.unwished),
        }
        own = {each.deployment for each in self._plan.chooser.own}
        for each in self._plan.chooser.deployments:
            if each not in told:
                why = f"rule {choice.rule} asks nobody else" if each in own else NOT_NAMED
                yield self._prospect(each, State.LEFT_OUT, why)

    def _prospect(self, deployment: Deployment, state: State, reason: str) -> Prospect:
        choice, exchange, rates = self._choice, self._exchange, deployment.rates
        made = self._estimate(deployment)
        face = exchange.face_at(deployment, exchange.started)
        given = dict(zip(choice.deployments, choice.scores, strict=False))
        return Prospect(
            deployment=deployment.name,
            state=state,
            reason=reason,
            scores=given.get(deployment, ()),
            clearance=deployment.clearance.name.lower(),
            window=deployment.facts.context,
            tokens=made.prompt,
            loses=words(exchange.lost.get(face, ())) if face is not None else (),
            limits=self._limits.get(deployment, ()),
            price=rates.version,
            least=rates.bound(made.prompt, 0),
            likely=rates.bound(made.prompt, made.answer),
            soft=rates.bound(made.prompt, made.most_answer),
            most=rates.bound(made.most_prompt, made.most_answer),
        )

    def _estimate(self, deployment: Deployment) -> Estimate:
        return estimate(self._exchange.payload, deployment, self._usual)

    def _limits_of(self, deployment: Deployment) -> Sequence[Room]:
        """Those of the key with the most room; a key that is free at all is taken."""
        if self._limiting is None:
            return ()
        met = deployments_limits(self._limiting, deployment, self._estimate(deployment))
        return min(met, key=lambda rooms: sum(each.is_full for each in rooms), default=())

    def _callers(self) -> Sequence[Room]:
        if self._limiting is None:
            return ()
        first = self._choice.deployments[0]
        alias, made = self._plan.alias, self._estimate(first)
        return callers_limits(self._limiting, self._exchange, alias, made, first)


def _steps(plan: Plan) -> Iterator[str]:
    """What stands in where nobody answered, as the route says."""
    degrade = plan.degrade
    if degrade is None:
        return
    if degrade.wait:
        yield f"{Step.WAIT}: up to {degrade.wait:g} s"
    if degrade.pool:
        yield f"{POOL}{degrade.pool}"
    if plan.cache is not None and plan.cache.stale_for:
        yield Step.STALE.value
    if degrade.cases:
        yield Step.CANNED.value


def _in_words(passed: PassedOver) -> str:
    """Why one is not asked in its turn."""
    return f"{passed.reason}: {passed.seconds or 0.0:.0f} s"


def _fits(rooms: Sequence[Room]) -> bool:
    return not any(each.is_full for each in rooms)


def _refusal(limits: Sequence[Room]) -> AntiphonError | None:
    """What the caller would be told of its own limits, where it does not wait for them."""
    for each in limits:
        if each.is_full and not each.waits:
            return LimitReached(f"A limit of {each.measure} of this {each.scope} is reached.")
    return None
