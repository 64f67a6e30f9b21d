"""Who of those that were chosen can do what is asked, and how often they may be asked."""

from __future__ import annotations

from collections.abc import Iterator

from antiphon.pipeline.choosing import Choice
from antiphon.pipeline.exchange import Exchange
from antiphon.pipeline.losses import candidates
from antiphon.pipeline.plan import Plan
from antiphon.pipeline.windows import fitting
from antiphon.providers.deployment import Deployment


def who_can(exchange: Exchange, plan: Plan, choice: Choice | None) -> Iterator[Deployment]:
    """Those who may answer and can do what is asked, in the order in which they are asked.

    Raises:
        InvalidRequest: None has the endpoint that is asked for.
        PromptTooLong: It fits none (while candidates are drawn).
    """
    passing = exchange.passing
    found = plan.chooser.deployments if choice is None else choice.deployments
    if len(found) > 1:
        now = exchange.started
        found = sorted(found, key=lambda each: not each.is_well(now))
    if passing is None:
        wishes = exchange.wishes
        on_loss = plan.on_loss if wishes is None else wishes.on_loss(plan.on_loss)
        chosen = candidates(exchange, found, on_loss)
        if exchange.embeds is None:
            chosen = fitting(exchange.payload, chosen)
    else:
        chosen = iter(passing.candidates(found, exchange.payload.model))
    return chosen


def more_calls(choice: Choice | None, plan: Plan) -> int:
    """Calls for those whom the caller has named besides, unless a number is fixed for all."""
    if choice is None or not choice.wished or plan.retry.fixed:
        return 0
    return 2 * max(len(choice.order) - len(plan.deployments), 0)
