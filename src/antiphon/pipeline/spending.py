"""The money of attempts: reserved before each is sent, settled when it is closed.

Where it is at hand nothing waits. Where it is not, a budget is spent or reserved: then one waits,
or the answer is made shorter, or the candidate is passed over for one that costs less.

Hot path: `at_once` is a look-up and a few integers a budget.
"""

from __future__ import annotations

from asyncio import get_running_loop

from antiphon.clock import Clock
from antiphon.dialects.passed import PassedBytes
from antiphon.errors import BudgetExceeded, BudgetReserved, Forbidden
from antiphon.model.principal import Principal
from antiphon.pipeline.exchange import Attempt, Exchange
from antiphon.pipeline.rooms import share_used
from antiphon.providers.estimate import UNKNOWN_OUTPUT
from antiphon.usage.budgets.budgets import Budgets, Path, Reservation
from antiphon.usage.budgets.desk import Desk
from antiphon.usage.budgets.price import Price

Short = BudgetExceeded | BudgetReserved
"""Why a candidate cannot be paid for."""
_MOST_CONTEXT = 1 << 20
"""Tokens that sound or pictures are taken to be at most, where the model is not known."""


class Spending:
    """Reserves and settles for the attempts of one process.

    Args:
        budgets: Of the process.
        desk: Where attempts wait for money.
        clock: For periods.
    """

    __slots__ = ("_clock", "_desk", "budgets")

    def __init__(self, budgets: Budgets, desk: Desk, *, clock: Clock) -> None:
        self.budgets = budgets
        self._desk = desk
        self._clock = clock

    def at_once(self, exchange: Exchange, attempt: Attempt) -> bool:
        """Reserve what an attempt may cost; False where that has to be waited for."""
        payload = exchange.payload
        if payload.opaque:
            return False
        now = attempt.started_at
        path = self.budgets.present(exchange.principal, now)
        bound = likely = attempt.cost_bound
        if path.soft:
            likely = attempt.deployment.rates.bound(
                _likely_input(exchange, attempt), attempt.output_bound
            )
        if path.hard and payload.refers:
            return False
        made = self.budgets.reserve(path, bound, likely, now)
        if made is None:
            return False
        attempt.reservation = made
        if path.purses:
            self._note(exchange, path)
        return True

    async def obtain(self, exchange: Exchange, attempt: Attempt) -> int:
        """The same after a while; gives the tokens that each answer is capped at, 0 for no cap.

        All attempts of an exchange together wait no longer than one. An attempt that cannot be
        paid for is none: it is taken off the exchange.

        Args:
            exchange: Whose attempt it is.
            attempt: What is to be paid for; its bounds are those of a shorter answer afterwards.

        Raises:
            BudgetExceeded: A budget is spent so far that the attempt might exceed it.
            BudgetReserved: What is left is reserved by attempts under way, and stayed so.
            AccountingUnavailable: The store of leases cannot be asked.
            Forbidden: What it costs is known only later, and a hard budget is to hold.
        """
        if not exchange.pays_until:
            left = exchange.deadline - self._clock.monotonic()
            exchange.pays_until = get_running_loop().time() + min(self._desk.wait, max(left, 0.0))
        try:
            capped = await self._granted(exchange, attempt)
        except BaseException:
            exchange.attempts.remove(attempt)
            raise
        # Nobody was asked yet: what was waited for is no time of a provider's.
        attempt.sent_at = self._clock.monotonic()
        attempt.started_at = int(self._clock.now() * 1e6)
        return capped

    async def _granted(self, exchange: Exchange, attempt: Attempt) -> int:
        path = self.budgets.present(exchange.principal, attempt.started_at)
        payload = exchange.payload
        if path.hard and (payload.opaque or payload.refers):
            _widen(exchange, attempt)
        price = _price(exchange, attempt)
        granted = await self._desk.obtain(path, price, until=exchange.pays_until)
        attempt.reservation = granted.reservation
        self._note(exchange, path)
        if not granted.capped:
            return 0
        attempt.capped = True
        attempt.output_bound = granted.price.output_bound
        attempt.cost_bound = granted.price.bound
        exchange.warnings.append(granted.capped)
        return granted.price.output_bound // price.answers

    def settle(self, reservation: Reservation, cost: int) -> None:
        """Take what an attempt cost; right after the journal's `close`, with no `await` between."""
        self.budgets.settle(reservation, cost)

    def share(self, principal: Principal) -> float:
        """The largest share used of a budget that a principal spends from, as far as is known."""
        return self.budgets.share(self.budgets.present(principal, int(self._clock.now() * 1e6)))

    def share_seen(self, principal: Principal) -> float:
        """The same for whoever only wants to know; nothing changes by it."""
        return share_used(self.budgets, principal, int(self._clock.now() * 1e6))

    def _note(self, exchange: Exchange, path: Path) -> None:
        for purse in path.purses:
            if purse.others + purse.spent >= purse.warn_from:
                exchange.notes = self.budgets.warnings(path)
                return


def _widen(exchange: Exchange, attempt: Attempt) -> None:
    """Bound what size does not tell, as sound, and what lies elsewhere: by all that it can take."""
    payload, facts, rates = exchange.payload, attempt.deployment.facts, attempt.deployment.rates
    if isinstance(payload, PassedBytes):
        raise Forbidden(
            "What a batch costs is known only when it has run: whoever spends from a hard budget "
            "may not create one."
        )
    if not payload.opaque:
        attempt.input_bound = facts.context or _MOST_CONTEXT
        attempt.cost_bound = rates.bound(attempt.input_bound, attempt.output_bound)
        return
    if rates.has_fee:
        # What a request of it costs is said; so it is the whole of it.
        return
    attempt.input_bound = min(attempt.size, facts.context or _MOST_CONTEXT)
    attempt.output_bound = (facts.max_output or UNKNOWN_OUTPUT) * attempt.answers
    attempt.cost_bound = rates.bound(attempt.input_bound, attempt.output_bound)


def _likely_input(exchange: Exchange, attempt: Attempt) -> int:
    """Tokens that the prompt hardly exceeds, by what this model's prompts usually are."""
    bound = attempt.input_bound
    estimate = exchange.payload.input_estimate or attempt.deployment.calibration.tokens(bound)
    return min(estimate, bound)


def _price(exchange: Exchange, attempt: Attempt) -> Price:
    translation = attempt.translation
    least = exchange.payload.least_answer if translation is None else translation.least_answer
    return Price.of(
        attempt.deployment.rates,
        attempt.input_bound,
        attempt.output_bound,
        answers=attempt.answers,
        least=least,
        likely_input=_likely_input(exchange, attempt),
    )
