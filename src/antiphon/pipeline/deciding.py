"""Why an exchange went where it went, in some hundred bytes that hold no content.

What is kept are names: of candidates, of the rule that matched, of why one was passed over. It is
written once an exchange, and only where there was something to decide.

Hot path: `kept` is one encoding of what is there already.
"""

from __future__ import annotations

from collections.abc import Sequence

from antiphon.errors import NothingCleared
from antiphon.model.ask import SENSITIVITIES, Ask
from antiphon.pipeline.exchange import Exchange
from antiphon.pipeline.plan import Plan
from antiphon.pipeline.windows import too_long
from antiphon.providers.deployment import Deployment
from antiphon.routing.candidate import Candidate
from antiphon.routing.decision import Decision
from antiphon.routing.kept import Kept, encode, told

NOT_CLEARED = "not cleared"
WINDOW = "window"
LIMIT = "limit"
UNWELL = "failing lately"
NOT_ABLE = "passed over"
NOT_NAMED = "no rule that matches names it"
_AS_GIVEN = ("priority",)
"""The strategy that gives each its place in the list, which everybody knows."""


def kept(exchange: Exchange) -> bytes:
    """What is kept of an exchange that has a plan."""
    assert exchange.plan is not None
    return encode(_kept(exchange, exchange.plan))


def decision_of(exchange: Exchange) -> Decision | None:
    """The same, of an exchange that is under way; None where nothing was decided."""
    plan = exchange.plan
    if plan is None or (exchange.choice is None and not plan.decides):
        return None
    return told(_kept(exchange, plan))


def _kept(exchange: Exchange, plan: Plan) -> Kept:
    choice, chooser = exchange.choice, plan.chooser
    generation = exchange.snapshot.generation
    if choice is None:
        outcome = exchange.outcome
        if isinstance(outcome, NothingCleared):
            return Kept(
                chooser.alias,
                generation,
                int(SENSITIVITIES[outcome.sensitivity]),
                [],
                [],
                left=[(each.deployment.name, NOT_CLEARED) for each in chooser.own],
            )
        order: Sequence[Candidate] = chooser.own
        made = Kept(chooser.alias, generation, 0, [], [])
    else:
        order = choice.order
        made = Kept(
            chooser.alias,
            generation,
            int(choice.ask.sensitivity),
            [],
            [],
            rule=choice.rule,
            preferred=choice.preferred if choice.rule else 0,
            facts=facts_of(choice.ask),
        )
        if choice.barred or choice.unwished:
            made.left = [
                *[(each.deployment.name, NOT_CLEARED) for each in choice.barred],
                *[(each.deployment.name, why) for each, why in choice.unwished],
            ]
        if chooser.names != _AS_GIVEN:
            made.strategies, made.scores = chooser.names, choice.scores
    active = chooser.active
    if active is not None:
        made.active = active.name
    deployments = [each.deployment for each in order]
    made.order = [each.name for each in deployments]
    attempts = exchange.attempts
    if len(attempts) == 1 and attempts[0].deployment is deployments[0]:
        made.asked = [0]
        return made
    _follow(made, exchange, deployments)
    return made


def _follow(made: Kept, exchange: Exchange, deployments: Sequence[Deployment]) -> None:
    """Note who was asked, and who was not though its turn came."""
    attempts = exchange.attempts
    asked = dict.fromkeys([each.deployment for each in attempts])
    places = {each: place for place, each in enumerate(deployments)}
    end = len(deployments)
    for each in asked:
        if each not in places:
            # One that stands in where all of these fail, or that goes on with an answer.
            places[each] = len(places)
            made.order.append(each.name)
    made.asked = [places[each] for each in asked]
    if not attempts and exchange.outcome is None:
        # The answer was there already.
        end = 0
    elif attempts and attempts[-1].error is None:
        end = min(end, max(made.asked, default=0))
    for place, each in enumerate(deployments[:end]):
        if each not in asked:
            made.passed[place] = exchange.passed_over.get(each) or _why(exchange, each)


def _why(exchange: Exchange, deployment: Deployment) -> str:
    """Why one was passed over of which nobody said it."""
    if too_long(exchange.payload, deployment):
        return WINDOW
    return NOT_ABLE if deployment.is_well(exchange.started) else UNWELL


def facts_of(ask: Ask) -> dict[str, str]:
    """What was known of a request, as far as anybody wanted to know it: figures, nothing said."""
    found = {"priority": f"{ask.priority:+d}"} if ask.priority else {}
    if ask.tokens:
        found["tokens"] = str(ask.tokens)
    if ask.needs:
        found["needs"] = ", ".join(sorted(each.value for each in ask.needs))
    if ask.budget_used:
        found["budget used"] = f"{ask.budget_used:.0%}"
    return found
