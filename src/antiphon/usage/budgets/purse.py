"""What this process may spend of one budget in one period, in plain integers.

Three numbers: what was `taken` from the store, what of it is `spent`, what is `free`; the rest is
reserved. The road moves money between them, and nothing else does but the exchange with the store.

Hot path: one subtraction and one comparison a budget for each attempt, one addition after it.
"""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

from antiphon.leases.terms import Pot
from antiphon.usage.budgets.budget import Budget
from antiphon.usage.budgets.periods import Period

Waiter = TypeVar("Waiter")
NEVER = -(1 << 62)
_MILLE = 1000
_PACE = 1.0
"""Seconds to which what was spent in a shorter time is extended."""


class Purse(Generic[Waiter]):
    """The portion of a pot that this process holds.

    Attributes:
        pot: Which money.
        budget: Whose limit holds.
        label: Whose money it is, as callers know it.
        period: Of the pot.
        number: Of the pot; 0 until the store has told it.
        taken: What the store knows this process to hold, spent money included.
        spent: What this process spent, since it began.
        free: What may be reserved; negative where an attempt cost more than its bound.
        low: Below it the store is asked for more, ahead of need.
        full: What was free when the store answered last.
        hungry: It fell below `low` since then.
        others: What of the pot all others have spent, as far as it is known.
        best: What is left if everything comes back that is not known to be spent.
        answered: The turn of the last answer of the store; 0 for none.
        answered_at: When that was, by the clock that never goes back.
        used_at: When something was reserved or spent, by the same clock.
        asked: Another process waits for what is free here.
        parting: What is free goes back, and nothing more is taken.
        waiting: Those who wait for money, the first first.
        warn_from: What is used of the pot when callers are warned.
    """

    __slots__ = (
        "_flow",
        "_flow_at",
        "answered",
        "answered_at",
        "asked",
        "best",
        "budget",
        "free",
        "full",
        "hungry",
        "label",
        "low",
        "number",
        "others",
        "parting",
        "period",
        "pot",
        "spent",
        "taken",
        "used_at",
        "waiting",
        "warn_from",
    )

    def __init__(
        self, pot: Pot, budget: Budget, period: Period, *, now: float, label: str = ""
    ) -> None:
        self.pot = pot
        self.label = label
        self.budget = budget
        self.warn_from = _first_step(budget)
        self.period = period
        self.number = 0
        self.taken = 0
        self.spent = 0
        self.free = 0
        self.low = NEVER
        self.full = 0
        self.hungry = False
        self.others = 0
        self.best = 0
        self.answered = 0
        self.answered_at = 0.0
        self.used_at = now
        self.asked = False
        self.parting = False
        self.waiting: deque[Waiter] = deque()
        self._flow = 0
        self._flow_at = now

    def follow(self, budget: Budget) -> None:
        """Have this budget's limit hold from now on."""
        self.budget = budget
        self.warn_from = _first_step(budget)

    @property
    def reserved(self) -> int:
        """What attempts under way may still cost."""
        return self.taken - self.spent - self.free

    @property
    def used(self) -> int:
        """What of the pot is spent, as far as it is known here."""
        return self.others + self.spent

    def target(self, now: float) -> int:
        """What it should be able to spend until it asks again: some seconds at its last pace."""
        flow, self._flow = self.spent - self._flow, self.spent
        since, self._flow_at = now - self._flow_at, now
        if flow or self.reserved:
            self.used_at = now
        if 0 < since < _PACE:
            flow = int(flow * (_PACE / since))
        return max(4 * flow + 2 * self.reserved, 4 * (self.full - self.free))

    def give_back(self) -> None:
        """Hold no more than is spent and reserved."""
        if self.free > 0:
            self.taken -= self.free
            self.free = 0
            self.low = NEVER


def _first_step(budget: Budget) -> int:
    """What has to be used of a budget for its first step to be reached."""
    first = min(budget.steps, default=0)
    return -(-budget.limit * first // _MILLE) if first else -NEVER
