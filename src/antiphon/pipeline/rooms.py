"""The room that a request would find at limits and in budgets: looked at, and nothing taken."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from antiphon.limits.limit import Limit, Scope
from antiphon.limits.path import Demand, Path
from antiphon.model.principal import Principal
from antiphon.pipeline.estimating import Estimate
from antiphon.pipeline.exchange import Exchange
from antiphon.pipeline.limited import ONE
from antiphon.pipeline.limiting import Limiting
from antiphon.providers.deployment import Deployment
from antiphon.usage.budgets.budgets import Budgets

_OWN = frozenset({Scope.KEY.value, Scope.USER.value})


class Room(msgspec.Struct, frozen=True):
    """One limit or budget, and what is left of it. Dollars are in billionths.

    Attributes:
        scope: Whose it is: `key`, `team`, `deployment`...
        name: Of whose it is; empty where all share it.
        measure: What is counted: `requests`, `tokens`, `dollars`, `concurrency`, `prompt`, `body`.
        per: In which time: seconds, or the period of a budget; empty for what is under way.
        bound: The most.
        used: Now.
        needs: What this request would take.
        room: Whether it would get it.
        waits: Whether it would wait where it does not.
        shadow: It is told where it does not, and refused nothing.
    """

    scope: str
    name: str
    measure: str
    per: str
    bound: int
    used: int
    needs: int
    room: bool
    waits: bool = False
    shadow: bool = False

    @property
    def is_own(self) -> bool:
        """Whether it belongs to whoever asks, and to nobody else."""
        return self.scope in _OWN

    @property
    def is_full(self) -> bool:
        """Whether it stops the request."""
        return not self.room and not self.shadow


def callers_limits(
    limiting: Limiting, exchange: Exchange, alias: str, estimate: Estimate, first: Deployment
) -> list[Room]:
    """What the caller would meet."""
    limits = limiting.limits
    now = limits.now()
    path = limits.path(exchange.principal, alias, now)
    demand = estimate.demand(first, priced=path.priced) if path.estimates else ONE
    found = list(_gates(path, demand, now))
    found += [_single(each, estimate.prompt) for each in path.prompt]
    found += [_single(each, exchange.payload.size) for each in path.body]
    return found


def deployments_limits(
    limiting: Limiting, deployment: Deployment, estimate: Estimate
) -> list[list[Room]]:
    """What an attempt would meet, with each key that it may be made with."""
    limits = limiting.limits
    book, now = limits.book, limits.now()
    if not book.attempted:
        return []
    names = [""]
    if book.keyed:
        names = [each.fingerprint for each in deployment.keys.status() if each.live]
    found: list[list[Room]] = []
    for name in names:
        path = limits.place(deployment.provider, deployment.name, name, limiting.holders)
        demand = estimate.demand(deployment, priced=path.priced) if path.estimates else ONE
        found.append(list(_gates(path, demand, now)))
    return found


def share_used(budgets: Budgets, principal: Principal, now: int) -> float:
    """The largest share used of a budget of a principal; 0 where nothing was spent yet."""
    return max(
        (
            (purse.used / budget.limit if budget.limit else 1.0)
            for budget, _, _, purse in budgets.seen(principal, now)
            if purse is not None
        ),
        default=0.0,
    )


def _gates(path: Path, demand: Demand, now: int) -> Iterator[Room]:
    for gate in path.gates:
        limit = gate.limit
        yield Room(
            limit.scope.value,
            _name(limit, gate.meter.key[2]),
            limit.measure.name.lower(),
            f"{limit.seconds:g} s" if limit.seconds else "",
            limit.bound,
            gate.meter.see(now),
            demand[gate.amount],
            not gate.is_full(demand, now),
            limit.queue is not None and limit.bound > 0,
            limit.shadow,
        )


def _single(limit: Limit, needs: int) -> Room:
    return Room(
        limit.scope.value,
        limit.name,
        limit.measure.name.lower(),
        "",
        limit.bound,
        0,
        needs,
        needs <= limit.bound,
        shadow=limit.shadow,
    )


def _name(limit: Limit, counted: str) -> str:
    return "" if limit.total else counted
