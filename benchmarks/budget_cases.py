"""What budgets cost on the road: setups as in `hot_cases`."""

from __future__ import annotations

from collections.abc import Callable

from antiphon.clock import SystemClock
from antiphon.model.principal import Principal
from antiphon.pipeline.spending import Spending
from antiphon.providers.rates import flat
from antiphon.usage.budgets.budget import Budget, Scope
from antiphon.usage.budgets.budgets import Budgets
from antiphon.usage.budgets.desk import Desk
from antiphon.usage.budgets.price import Price

Timed = Callable[[], object]
Setup = Callable[[], Timed]

_PLENTY = 1 << 60
_BUDGETS = (
    Budget(Scope.ORGANISATION, "", _PLENTY),
    Budget(Scope.TEAM, "web", _PLENTY, steps=(800, 950)),
    Budget(Scope.USER, "", _PLENTY, per="day"),
    Budget(Scope.KEY, "", _PLENTY, per="total"),
)
BOB = Principal(key_id="key-b", team="web", user="bob", subject="sub_b")
CARD = flat({"input": 2_500_000_000, "output": 10_000_000_000}, version="bench")
_NOW = 1_790_164_800_000_000


def _attempt() -> Timed:
    """`usage.budgets`: an attempt reserved in a tree of four levels, and settled."""
    budgets = Budgets(_BUDGETS, clock=SystemClock())
    desk = Desk(budgets, clock=SystemClock(), wait=5.0)
    budgets.renew(budgets.path(BOB), _NOW)
    for number, purse in enumerate(budgets.purses.values(), 1):
        purse.number, purse.taken, purse.free = number, _PLENTY, _PLENTY

    def attempt() -> None:
        path = budgets.path(BOB)
        made = desk.at_once(path, Price.of(CARD, 1000, 4096), _NOW)
        if made is not None:
            budgets.settle(made, 12_345)

    return attempt


def spending_of_four_levels(principal: Principal) -> Spending:
    """The money of a caller who has plenty, in four budgets."""
    clock = SystemClock()
    budgets = Budgets(_BUDGETS, clock=clock)
    budgets.renew(budgets.path(principal), int(clock.now() * 1e6))
    for number, purse in enumerate(budgets.purses.values(), 1):
        purse.number, purse.taken, purse.free = number, _PLENTY, _PLENTY
    return Spending(budgets, Desk(budgets, clock=clock, wait=5.0), clock=clock)


def _share() -> Timed:
    """`usage.budgets`: the share used of four budgets, as a fact that rules see."""
    budgets = Budgets(_BUDGETS, clock=SystemClock())
    path = budgets.path(BOB)
    budgets.renew(path, _NOW)
    return lambda: budgets.share(path)


def budget_cases() -> dict[str, Setup]:
    return {"usage.budgets_of_four_levels": _attempt, "usage.budget_share": _share}
