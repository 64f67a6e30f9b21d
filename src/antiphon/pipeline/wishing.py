"""The choice among those behind several names, as a caller prefers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from antiphon.dialects.base import Payload
from antiphon.errors import InvalidRequest, ModelNotFound, NothingCleared
from antiphon.model.principal import Principal
from antiphon.pipeline.choosing import Choice, Question
from antiphon.pipeline.exchange import Exchange
from antiphon.pipeline.plan import Plan, Snapshot
from antiphon.pipeline.preferences import Preferences
from antiphon.pipeline.wishes import Wishes
from antiphon.providers.deployment import Deployment
from antiphon.routing.candidate import Candidate


def chosen_by(exchange: Exchange, plan: Plan, wishes: Wishes, question: Question) -> Choice:
    """Choose behind all the names that a caller lists, as it prefers.

    Raises:
        NothingCleared: Nobody behind any of them may be sent what is asked.
        ModelNotFound: It lists a name that it may not use, or that nobody goes by.
    """
    snapshot, preferences = exchange.snapshot, wishes.preferences
    if preferences is not None:
        preferences.check(snapshot.shelves)
    # Further names are no way round what the first one demands.
    question = msgspec.structs.replace(question, least=plan.chooser.least)
    chosen: list[Choice] = []
    refusal: NothingCleared | None = None
    for each in (plan, *named(snapshot, exchange.principal, wishes.models)):
        try:
            chosen.append(each.chooser.choose(question, exchange.started))
        except NothingCleared as error:
            refusal = refusal or error
    if not chosen and refusal is not None:
        raise refusal
    return wished(chosen, preferences, exchange.payload)


def named(snapshot: Snapshot, principal: Principal, names: Iterable[str]) -> Iterator[Plan]:
    """The plans of names that a caller lists.

    Raises:
        ModelNotFound: Nothing goes by a name, or the caller may not use it; it is not told which.
    """
    for name in names:
        if not principal.may_use(name):
            raise ModelNotFound(name, [])
        try:
            yield snapshot.plan(name)
        except ModelNotFound as error:
            raise ModelNotFound(name, [*filter(principal.may_use, error.nearest)]) from None


def wished(choices: Sequence[Choice], preferences: Preferences | None, payload: Payload) -> Choice:
    """What was chosen behind each name, one after the other, as far as the caller wants it.

    Raises:
        InvalidRequest: The caller wants nobody who is there.
    """
    order: list[Candidate] = []
    scores: list[Sequence[float]] = []
    barred: list[Candidate] = []
    unwished: list[tuple[Candidate, str]] = []
    preferred = 0
    seen: set[Deployment] = set()
    for number, choice in enumerate(choices):
        first = set(choice.order[: choice.preferred])
        given = dict(zip(choice.order, choice.scores, strict=False))
        left = choice.order
        if preferences is not None:
            left = preferences.pool(choice.order, payload)
            kept = set(left)
            unwished += [
                (each, preferences.against(each.deployment) or _NO_FALLBACK)
                for each in choice.order
                if each not in kept
            ]
        for each in left:
            if each.deployment in seen:
                continue
            seen.add(each.deployment)
            order.append(each)
            if choice.scores:
                scores.append(given[each])
            preferred += not number and each in first
        barred += choice.barred
    if not order:
        raise InvalidRequest(
            f"Nobody behind {payload.model[:_LONGEST_SHOWN]!r} is left by what the caller says of "
            "providers.",
            param="provider",
        )
    chosen = choices[0]
    return Choice(
        chosen.ask,
        order,
        chosen.rule,
        preferred,
        scores if len(scores) == len(order) else (),
        barred,
        [each for each in unwished if each[0].deployment not in seen],
        wished=True,
    )


_NO_FALLBACK = "the caller wants no fallback"
_LONGEST_SHOWN = 100
