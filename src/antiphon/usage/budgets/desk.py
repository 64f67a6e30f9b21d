"""Where an attempt gets its money: at once, or after a while, or shorter, or not at all.

A budget is short for one of two reasons, and they are never mixed up. Either it is spent: then the
answer is capped or the request refused with 402, which no retry mends. Or it is only reserved, by
attempts under way here or elsewhere: then it may come back, so one waits, and in the end is told
429.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from antiphon.clock import NEVER, Clock
from antiphon.errors import AccountingUnavailable, BudgetExceeded, BudgetReserved
from antiphon.usage.budgets.budgets import Budgets, Path, Reservation, Waiting, told
from antiphon.usage.budgets.price import Price
from antiphon.usage.budgets.purse import Purse

_FRESH = 1.0
"""Seconds for which an answer of the store about what is left is good enough to refuse by."""
_RETRY = 1.0
"""Seconds after which money that was reserved may be there again."""


class Granted(NamedTuple):
    """Money for an attempt.

    Attributes:
        reservation: To be settled when the attempt has ended.
        price: As asked, or with a smaller output bound, which the provider is to be told.
        capped: What the caller is to be warned of; empty where nothing was made shorter.
    """

    reservation: Reservation
    price: Price
    capped: str


class Desk:
    """Gets money for attempts.

    Args:
        budgets: Whose.
        clock: For periods, and how old an answer of the store is.
        wait: Seconds for which an attempt waits for money that is only reserved.

    Attributes:
        on_refusal: Told of a budget that is spent so far that a request was refused for it.
    """

    def __init__(self, budgets: Budgets, *, clock: Clock, wait: float) -> None:
        self.wait = wait
        self.on_refusal: Callable[[Purse[Waiting]], None] = _nobody
        self._budgets = budgets
        self._clock = clock

    def at_once(self, path: Path, price: Price, now: int) -> Reservation | None:
        """The money if it is at hand; None where `obtain` is to be awaited.

        Hot path: all that most attempts need.

        Args:
            path: Of whoever spends.
            price: Of the attempt.
            now: Microseconds since 1970.
        """
        return self._budgets.reserve(path, price.bound, price.likely, now)

    async def obtain(self, path: Path, price: Price, *, until: float = NEVER) -> Granted:
        """The money, after a while or for a shorter answer if need be.

        Args:
            path: Of whoever spends.
            price: Of the attempt.
            until: The event loop's time at which nobody waits any more, if that is earlier.

        Raises:
            BudgetExceeded: A budget is spent so far that the attempt might exceed it.
            BudgetReserved: What is left is reserved by attempts under way, and stayed so.
            AccountingUnavailable: The store of leases cannot be asked.
        """
        begun = self._clock.monotonic()
        loop = asyncio.get_running_loop()
        deadline = min(loop.time() + self.wait, until)
        while True:
            now = int(self._clock.now() * 1e6)
            # A purse that nobody used may have gone meanwhile, and its period may be over.
            self._budgets.renew(path, now)
            asked = self._fitted(path, price, begun)
            made = self._budgets.reserve(path, asked.bound, asked.likely, now)
            if made is not None:
                return Granted(made, asked, _warning(price, asked, path))
            waiting = Waiting(path, asked.bound, asked.likely, loop.create_future())
            made = await self._waited(waiting, deadline)
            if made is not None:
                return Granted(made, asked, _warning(price, asked, path))

    def _fitted(self, path: Path, price: Price, begun: float) -> Price:
        """The price, within what is left of budgets that cap; refused where that is not enough."""
        known = [purse for purse in path.purses if self._is_known(purse, begun)]
        asked = price
        for purse in known:
            need = asked.likely if purse.budget.is_soft else asked.bound
            if not purse.budget.caps or need <= purse.best:
                continue
            fitting = asked.within(purse.best)
            if fitting is None:
                raise self._exceeded(purse)
            asked = fitting
        for purse in known:
            if (asked.likely if purse.budget.is_soft else asked.bound) > purse.best:
                raise self._exceeded(purse)
        return asked

    def _exceeded(self, purse: Purse[Waiting]) -> BudgetExceeded:
        self.on_refusal(purse)
        return _exceeded(purse)

    def _is_known(self, purse: Purse[Waiting], begun: float) -> bool:
        """Whether the store has said lately what is left: since one waits, or just before."""
        return purse.answered > 0 and purse.answered_at >= begun - _FRESH

    async def _waited(self, waiting: Waiting, deadline: float) -> Reservation | None:
        """What was handed over, or None where one is to look again."""
        short = self._budgets.wait(waiting)
        if not short:
            return None  # the period turned over just now
        try:
            async with asyncio.timeout_at(deadline):
                return await waiting.future
        except TimeoutError:
            made = waiting.handed
            if made is None:
                raise self._late(short) from None
            return made
        except asyncio.CancelledError:
            # It was handed over in the very turn in which its caller left.
            if waiting.handed is not None:
                self._budgets.settle(waiting.handed, 0)
            raise
        finally:
            for purse in short:
                with contextlib.suppress(ValueError):  # whoever serves takes it away
                    purse.waiting.remove(waiting)

    def _late(self, short: Sequence[Purse[Waiting]]) -> AccountingUnavailable | BudgetReserved:
        purse = short[0]
        if self._budgets.trouble or not all(each.answered for each in short):
            return AccountingUnavailable("The accounting is unavailable.", retry_after=_RETRY)
        return BudgetReserved(
            f"What is left of the {told(purse)} is reserved by requests under way.",
            retry_after=_RETRY,
        )


def _nobody(purse: Purse[Waiting]) -> None:
    """Whom to tell where nobody wants to know."""


def _exceeded(purse: Purse[Waiting]) -> BudgetExceeded:
    budget, period = purse.budget, purse.period
    anew = ""
    if budget.per != "total":
        ends = datetime.fromtimestamp(period.ends // 1_000_000, UTC)
        anew = f" It begins anew at {ends.isoformat().replace('+00:00', 'Z')}."
    return BudgetExceeded(
        f"Budget exceeded, please contact {budget.ask or 'admin'}. "
        f"The {told(purse)} does not suffice for what this request may cost.{anew}"
    )


def _warning(price: Price, asked: Price, path: Path) -> str:
    if asked is price:
        return ""
    capping = next(purse for purse in path.purses if purse.budget.caps)
    tokens = asked.output_bound // asked.answers
    return f"The answer was capped at {tokens} tokens, since the {told(capping)} is nearly spent."
