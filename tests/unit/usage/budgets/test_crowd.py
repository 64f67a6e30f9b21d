"""A thousand callers and a budget of a hundred answers."""

from __future__ import annotations

import asyncio
from random import Random

from antiphon.errors import BudgetExceeded, BudgetReserved
from antiphon.usage.budgets.budget import Budget, Scope
from tests.unit.usage.budgets.bank import ALICE, BOB, Bank
from tests.unit.usage.budgets.test_desk import ASKED, Serving, serving

LIMIT = 100 * ASKED.bound + 123
BUDGETS = (
    Budget(Scope.ORGANISATION, "", 100 * LIMIT),
    Budget(Scope.TEAM, "web", LIMIT),
    Budget(Scope.USER, "", LIMIT),
    Budget(Scope.KEY, "", LIMIT),
)


async def caller(here: Serving, random: Random, number: int) -> int:
    """Ask until a 402 comes; how often one was told to come back."""
    later = 0
    while True:
        try:
            granted = await here.ask(ALICE if number % 2 else BOB)
        except BudgetReserved:
            later += 1
            continue
        except BudgetExceeded:
            return later
        for _ in range(random.randrange(4)):
            await asyncio.sleep(0)
        here.budgets.settle(granted.reservation, random.randint(0, ASKED.bound))


async def test_it_is_spent_to_less_than_one_answer_and_never_exceeded(bank: Bank):
    random = Random(7)
    async with serving(bank, *BUDGETS) as first, serving(bank, *BUDGETS) as second:
        await asyncio.gather(
            *(caller(first if each % 3 else second, random, each) for each in range(1000))
        )
        for here in (first, second):
            assert all(purse.reserved == 0 for purse in here.budgets.purses.values())
    spent, held, written_off = bank.sums(Scope.TEAM, "web")
    assert (held, written_off) == (0, 0)
    assert LIMIT - ASKED.bound < spent <= LIMIT
