"""How an attempt gets its money, with the turns taken by a thread, as in a gateway."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator

import pytest

from antiphon.dialects.registry import DIALECTS
from antiphon.errors import AccountingUnavailable, BudgetExceeded, BudgetReserved
from antiphon.model.principal import Principal
from antiphon.providers.rates import FREE, flat
from antiphon.usage.budgets.budget import Budget, Scope
from antiphon.usage.budgets.desk import Desk, Granted
from antiphon.usage.budgets.price import Price
from tests.unit.usage.budgets.bank import ALICE, BOB, Bank, Owner

CARD = flat({"input": 1_000_000, "output": 1_000_000}, version="one")
"""A billionth for each token, and nine for rounding."""
ASKED = Price.of(CARD, 91, 100)
assert ASKED.bound == 200


class Serving:
    """An owner whose turns are taken beside the road."""

    def __init__(self, bank: Bank, *budgets: Budget, wait: float = 5.0) -> None:
        self.owner = Owner(bank, budgets, asyncio.get_running_loop().call_soon_threadsafe)
        self.budgets = self.owner.budgets
        self.desk = Desk(self.budgets, clock=bank.times, wait=wait)

    async def ask(self, who: Principal = ALICE, price: Price = ASKED) -> Granted:
        return await self.desk.obtain(self.budgets.path(who), price)

    async def until_one_waits(self) -> None:
        while not any(purse.waiting for purse in self.budgets.purses.values()):  # noqa: ASYNC110
            await asyncio.sleep(0)

    async def ask_for_all(self) -> None:
        for _ in range(100):
            await self.ask()


@contextlib.asynccontextmanager
async def serving(bank: Bank, *budgets: Budget, wait: float = 5.0) -> AsyncIterator[Serving]:
    made = Serving(bank, *budgets, wait=wait)
    stop = threading.Event()
    thread = threading.Thread(target=made.owner.sharing.run, args=(stop,))
    thread.start()
    try:
        yield made
    finally:
        stop.set()
        made.owner.sharing.stop()
        await asyncio.to_thread(thread.join)


def team(limit: int, **more: object) -> Budget:
    return Budget(Scope.TEAM, "web", limit, **more)


async def test_a_first_attempt_gets_its_money_and_the_next_one_at_once(bank):
    async with serving(bank, Budget(Scope.ORGANISATION, "", 9000), team(8000)) as here:
        first = await here.ask()
        assert (first.price, first.capped) == (ASKED, "")
        assert len(first.reservation.numbers) == 2
        here.budgets.settle(first.reservation, 150)
        path = here.budgets.path(ALICE)
        assert here.desk.at_once(path, ASKED, bank.now()) is not None


async def test_whoever_has_no_budget_is_not_asked(bank):
    async with serving(bank, team(1000)) as here:
        granted = await here.ask(Principal(key_id="key-c", team="ops"))
        assert granted.reservation.numbers == ()


async def test_what_is_free_needs_no_money(bank):
    async with serving(bank, team(0)) as here:
        granted = await here.ask(price=Price.of(FREE, 1000, 1000))
        here.budgets.settle(granted.reservation, 0)
        with pytest.raises(BudgetExceeded):
            await here.ask()


async def test_a_budget_that_is_spent_refuses_and_says_whom_to_ask(bank):
    async with serving(bank, team(500, ask="ann@example.com")) as here:
        for _ in range(2):
            here.budgets.settle((await here.ask()).reservation, 200)
        with pytest.raises(BudgetExceeded) as caught:
            await here.ask()
    error = caught.value
    assert (error.status, error.should_retry) == (402, False)
    assert error.message == (
        "Budget exceeded, please contact ann@example.com. The budget of team web for 2026-09 "
        "does not suffice for what this request may cost. It begins anew at 2026-10-01T00:00:00Z."
    )
    for dialect in DIALECTS.values():
        assert b"please contact ann@example.com" in dialect.encode_error(error, request_id="req_1")


async def test_money_that_is_only_reserved_is_never_402(bank):
    async with serving(bank, team(300), wait=0.05) as here:
        first = await here.ask()
        with pytest.raises(BudgetReserved) as caught:
            await here.ask()
        assert (caught.value.status, caught.value.retry_after) == (429, 1.0)
        # It was cheap: then there is enough.
        here.budgets.settle(first.reservation, 100)
        assert await here.ask()


async def test_whoever_waits_gets_what_another_leaves(bank):
    async with serving(bank, team(300)) as here:
        first = await here.ask()
        waiting = asyncio.ensure_future(here.ask())
        await here.until_one_waits()
        here.budgets.settle(first.reservation, 50)
        assert (await waiting).reservation.is_open


async def test_whoever_waits_is_refused_as_soon_as_it_is_sure(bank):
    async with serving(bank, team(300), wait=60.0) as here:
        first = await here.ask()
        waiting = asyncio.ensure_future(here.ask())
        await here.until_one_waits()
        here.budgets.settle(first.reservation, 150)
        with pytest.raises(BudgetExceeded):
            await waiting


async def test_whoever_leaves_while_he_is_served_leaves_his_money(bank):
    async with serving(bank, team(300)) as here:
        first = await here.ask()
        waiting = asyncio.ensure_future(here.ask())
        purse = here.budgets.purses["team", "org_default/web", "2026-09"]
        await here.until_one_waits()
        here.budgets.settle(first.reservation, 0)
        assert purse.reserved == 200
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert purse.reserved == 0


async def test_one_who_waits_does_not_hold_up_those_who_wait_for_other_money(bank):
    small = Budget(Scope.KEY, "key-a", 200)
    async with serving(bank, team(10_000), small, wait=60.0) as here:
        await here.ask(ALICE)
        stuck = asyncio.ensure_future(here.ask(ALICE))
        for _ in range(5):
            assert await here.ask(BOB)
        assert not stuck.done()
        stuck.cancel()


async def test_a_budget_that_caps_makes_the_answer_shorter(bank):
    capping = team(350, caps=True)
    async with serving(bank, Budget(Scope.ORGANISATION, "", 10_000), capping) as here:
        here.budgets.settle((await here.ask()).reservation, 200)
        granted = await here.ask()
        assert (granted.price.output_bound, granted.price.bound) == (50, 150)
        assert granted.capped == (
            "The answer was capped at 50 tokens, since the budget of team web for 2026-09 is "
            "nearly spent."
        )
        here.budgets.settle(granted.reservation, 140)
        with pytest.raises(BudgetExceeded):
            await here.ask()


async def test_a_request_that_costs_more_than_the_whole_budget(bank):
    async with serving(bank, team(199)) as here:
        with pytest.raises(BudgetExceeded):
            await here.ask()
    assert bank.sums(Scope.TEAM, "web") == (0, 0, 0)


async def test_a_soft_budget_reserves_what_is_likely(bank):
    likely = Price.of(CARD, 91, 100, likely_input=11)
    assert likely.likely == 120
    async with serving(bank, team(250, is_soft=True)) as here:
        first, second = await here.ask(price=likely), await here.ask(price=likely)
        for each in (first, second):
            here.budgets.settle(each.reservation, 180)
        with pytest.raises(BudgetExceeded):
            await here.ask(price=likely)
    assert bank.sums(Scope.TEAM, "web") == (360, 0, 0)


async def test_without_a_store_nothing_is_spent_but_what_is_at_hand(bank):
    async with serving(bank, team(10_000), wait=0.05) as here:
        first = await here.ask()
        bank.store.close()
        (bank.folder.parent / "leases.db").chmod(0)
        (bank.folder.parent / "leases.db").unlink()
        (bank.folder.parent / "leases.db").mkdir()
        with pytest.raises(AccountingUnavailable):
            await here.ask_for_all()
        here.budgets.settle(first.reservation, 10)


async def test_after_a_write_off_nothing_is_spent_any_more(bank):
    async with serving(bank, team(10_000), wait=0.05) as here:
        await here.ask()
        bank.estates.adopt(here.owner.journal.owner, {})
        with pytest.raises(AccountingUnavailable):
            await here.ask_for_all()
