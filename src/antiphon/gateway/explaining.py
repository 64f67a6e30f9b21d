"""What would become of a request, told without making it.

Nothing is sent, nothing is taken of limits and budgets, and nothing that a later request meets is
changed: the road's own steps are taken with an exchange that is never opened
(`pipeline.foreseeing`). What is told, and to whom, is decided here: whoever has the whole gateway
is told everything, a key what concerns itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import msgspec

from antiphon.access.lookup import principal_named
from antiphon.clock import Clock
from antiphon.dialects.base import Payload
from antiphon.dialects.embeddings import EmbedPayload
from antiphon.dialects.registry import DIALECTS, EMBEDDINGS
from antiphon.errors import BudgetExceeded, Forbidden, InvalidRequest
from antiphon.gateway.books import Books
from antiphon.gateway.uses import BudgetUses
from antiphon.limits.limit import Measure
from antiphon.model.principal import HOME, Principal
from antiphon.pipeline.exchange import Exchange
from antiphon.pipeline.facts import SENSITIVITY
from antiphon.pipeline.foreseeing import POOL, Foresight, Prospect, foresee
from antiphon.pipeline.phases import Pipeline
from antiphon.pipeline.plan import Snapshot
from antiphon.pipeline.rooms import Room
from antiphon.routing.decision import Decision, Fate, State
from antiphon.usage.budgets.budget import Budget, Scope, named
from antiphon.wire.shallow import Members

_PRIORITY = b"x-antiphon-priority"
_LONGEST_SHOWN = 100
_MONEY = "money"
_ASKED = frozenset({State.CHOSEN, State.NEXT})


class Explains(Protocol):
    """A gateway, as far as it is looked at."""

    pipeline: Pipeline
    snapshot: Snapshot
    clock: Clock
    books: Books | None


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """What would become of a request.

    Attributes:
        foresight: On the road.
        budgets: What an attempt would find in the caller's.
        key_id: As whom.
    """

    foresight: Foresight
    budgets: Sequence[Room]
    key_id: str


class Pot(NamedTuple):
    """A budget of whoever asks.

    Attributes:
        name: Of whose it is; empty for the whole organisation.
        period: The present one.
        used: Spent and held in it, in billionths of a dollar.
    """

    budget: Budget
    name: str
    period: str
    used: int

    def room(self, prospect: Prospect) -> Room:
        """What an attempt there would find."""
        budget = self.budget
        needs = prospect.soft if budget.is_soft else prospect.most
        return Room(
            scope=budget.scope.value,
            name=self.name,
            measure=Measure.DOLLARS.name.lower(),
            per=self.period,
            bound=budget.limit,
            used=self.used,
            needs=needs,
            room=self.used + needs <= budget.limit,
        )

    def pays(self, prospect: Prospect) -> bool:
        """Whether an attempt there can be paid; where answers are capped, a shorter one can."""
        return self.budget.caps or self.room(prospect).room


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be explained.

    Attributes:
        dialect: In which the request is written.
        request: Its body; the model stands in it, whatever the dialect.
        headers: Of its caller.
    """

    dialect: str = "openai_chat"
    request: bytes
    headers: Mapping[str, str] = {}


async def explain(gateway: Explains, asked: Asked, principal: Principal) -> Explanation:
    """What would become of a request of this principal.

    Raises:
        MalformedBody, InvalidRequest: It is none of that dialect.
    """
    foresight = foresee(gateway.pipeline, _exchange(gateway, asked, principal))
    budgets: Sequence[Room] = ()
    if foresight.candidates and gateway.books is not None:
        pots = await _pots(gateway, gateway.books, principal)
        foresight = paid(foresight, pots)
        first = foresight.candidates[0]
        budgets = [each.room(first) for each in pots]
    return Explanation(foresight=foresight, budgets=budgets, key_id=principal.key_id)


async def principal_of(
    gateway: Explains, asking: Principal, key_id: str, facts: Principal | None
) -> Principal:
    """As whom a request is explained.

    Args:
        gateway: Whose keys are meant.
        asking: Who wants to know.
        key_id: Of the key that would ask; empty for one's own, or for `facts`.
        facts: Of somebody who has no key.

    Raises:
        Forbidden: It is another one, and whoever asks has not the whole gateway.
        InvalidRequest: There is no such key.
    """
    if facts is None and key_id in {"", asking.key_id}:
        return asking
    if not asking.is_root:
        raise Forbidden("Only the admin key may ask what would become of another's request.")
    if facts is not None:
        return facts
    found = gateway.snapshot.keys.named(key_id)
    if found is None and gateway.books is not None:
        found = await asyncio.to_thread(principal_named, gateway.books.database, key_id)
    if found is None:
        raise InvalidRequest(f"No key has the id {key_id[:_LONGEST_SHOWN]!r}.", param="key")
    return found


def somebody(
    *, team: str = "", department: str = "", user: str = "", models: Sequence[str] = ()
) -> Principal:
    """Somebody who has no key, of the home organisation."""
    return Principal(
        key_id="",
        team=team,
        department=department,
        user=user,
        models=frozenset(models),
        organisation=HOME,
    )


def paid(foresight: Foresight, pots: Sequence[Pot]) -> Foresight:
    """The same, where those are passed over for whom there is no money."""
    standing = [each for each in foresight.candidates if each.state in _ASKED]
    dear = {each.deployment for each in standing if not all(pot.pays(each) for pot in pots)}
    if not dear:
        return foresight
    replace = msgspec.structs.replace
    left = [each for each in standing if each.deployment not in dear]
    candidates = [
        *(
            replace(each, state=State.NEXT if place else State.CHOSEN)
            for place, each in enumerate(left)
        ),
        *(
            replace(each, state=State.LEFT_OUT, reason=_MONEY)
            for each in standing
            if each.deployment in dear
        ),
        *(each for each in foresight.candidates if each.state not in _ASKED),
    ]
    decision, refusal = foresight.decision, foresight.refusal
    if decision is not None:
        fates = [Fate(each.deployment, each.state, each.reason, each.scores) for each in candidates]
        decision = replace(decision, candidates=fates)
    if not left and refusal is None:
        refusal = BudgetExceeded("A budget does not suffice for what this request may cost.")
    return replace(
        foresight,
        candidates=candidates,
        decision=decision,
        refusal=refusal,
        choice=left[0].deployment if left and refusal is None else "",
        then=[each.deployment for each in left[1:]],
    )


def for_caller(explanation: Explanation) -> Explanation:
    """What a key is told of itself.

    Not: how busy, how fast and how dear others are, what a rule asks of others, and what is left
    to a team, an organisation or a provider. What stands in the way is named all the same.
    """
    seen = explanation.foresight
    decision = seen.decision
    return msgspec.structs.replace(
        explanation,
        foresight=msgspec.structs.replace(
            seen,
            decision=None if decision is None else _bare(decision),
            candidates=[_plain(each) for each in seen.candidates],
            limits=[each for each in seen.limits if each.is_own],
            steps=[each for each in seen.steps if not each.startswith(POOL)],
        ),
        budgets=[each for each in explanation.budgets if each.is_own],
    )


def _bare(decision: Decision) -> Decision:
    replace = msgspec.structs.replace
    return replace(
        decision,
        rules=[replace(each, reason="") for each in decision.rules],
        candidates=[replace(each, scores=()) for each in decision.candidates],
    )


def _plain(each: Prospect) -> Prospect:
    return msgspec.structs.replace(each, scores=(), clearance="", limits=(), price="")


def _exchange(gateway: Explains, asked: Asked, principal: Principal) -> Exchange:
    headers = [
        (name.lower().encode("latin-1", "replace"), value.encode("latin-1", "replace"))
        for name, value in asked.headers.items()
    ]
    found = dict(headers)
    return Exchange(
        id="",
        started=gateway.clock.monotonic(),
        payload=_payload(asked),
        snapshot=gateway.snapshot,
        principal=principal,
        interrupt=_nobody,
        headers=headers,
        sensitivity=found.get(SENSITIVITY),
        priority=found.get(_PRIORITY, b""),
        cache_control=found.get(b"cache-control"),
        wishful=True,
        foreseen=True,
    )


def _payload(asked: Asked) -> Payload:
    dialect = DIALECTS.get(asked.dialect)
    if dialect is not None:
        return Payload(dialect, Members.parse(asked.request))
    vectors = EMBEDDINGS.get(asked.dialect)
    if vectors is None:
        known = ", ".join((*DIALECTS, *EMBEDDINGS))
        raise InvalidRequest(f"'dialect' is one of {known}.", param="dialect")
    return EmbedPayload(vectors, Members.parse(asked.request))


async def _pots(gateway: Explains, books: Books, principal: Principal) -> list[Pot]:
    """The caller's budgets: what all processes have spent of them, and hold."""
    treasury = books.treasury
    now = int(gateway.clock.now() * 1e6)
    seen = treasury.budgets.seen(principal, now)
    if not seen:
        return []

    def read() -> list[Pot]:
        uses = BudgetUses(
            treasury.leases,
            clock=gateway.clock,
            purses=treasury.budgets.purses,
            owner=books.journal.owner,
        )
        return [_pot(uses, budget, label, principal) for budget, label, _, _ in seen]

    return await asyncio.to_thread(read)


def _pot(uses: BudgetUses, budget: Budget, label: str, principal: Principal) -> Pot:
    _, name = named(budget.scope, principal)
    found = uses.of(budget, principal.tenant, [name])
    return Pot(
        budget,
        "" if budget.scope is Scope.ORGANISATION else label,
        found[0].period if found else budget.per,
        sum(each.spent + each.reserved for each in found),
    )


def _nobody() -> None:
    """Nobody waits for it, so nobody is interrupted."""
