"""All budgets of this process: who spends whose money, and the reservations of its attempts.

An attempt reserves in every budget on its path (organisation, department, team, user, key), or in
none. What is reserved is free money of this process's portions: no store is asked, nothing waits.
Where a portion is too small, `desk` waits for more.

Hot path: `path` is a look-up, `reserve` and `settle` are a few integers a budget. All of it runs on
one thread, that of the event loop.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable

from antiphon.clock import Clock
from antiphon.leases.terms import Pot
from antiphon.model.principal import Principal
from antiphon.usage.budgets.budget import EVERY, Budget, Scope, named, pot_name
from antiphon.usage.budgets.periods import ALWAYS, Per, period_of
from antiphon.usage.budgets.purse import NEVER, Purse

_MOST_PATHS = 8192
"""Paths that are kept; those of the longest unused keys are made again."""
_MILLE = 1000


class Path:
    """The budgets that a principal spends from, in the present periods.

    Attributes:
        principal: Who spends.
        purses: From the root to the leaf.
        hard: Those that reserve the most that is possible.
        soft: Those that reserve what is likely.
        numbers: Of the pots, as the journal keeps them.
        begins: From then on the purses are right, in microseconds since 1970.
        ends: From then on they are not.
    """

    __slots__ = ("begins", "ends", "hard", "numbers", "principal", "purses", "soft")

    def __init__(self, principal: Principal) -> None:
        self.principal = principal
        self.purses: tuple[Purse[Waiting], ...] = ()
        self.hard: tuple[Purse[Waiting], ...] = ()
        self.soft: tuple[Purse[Waiting], ...] = ()
        self.numbers: tuple[int, ...] = ()
        self.begins = 0
        self.ends = 0


class Reservation:
    """What an attempt may cost, set aside until it is settled.

    Attributes:
        path: Where the money was taken from; the numbers of its pots stand in the journal.
        hard: As the path had them.
        soft: As the path had them.
        numbers: Of the pots.
        bound: What was set aside in hard budgets.
        likely: What was set aside in soft ones.
        is_open: It was not settled yet.
    """

    __slots__ = ("bound", "hard", "is_open", "likely", "numbers", "soft")

    def __init__(self, path: Path, bound: int, likely: int) -> None:
        self.hard = path.hard
        self.soft = path.soft
        self.numbers = path.numbers
        self.bound = bound
        self.likely = likely
        self.is_open = True


class Waiting:
    """Somebody who waits for money; told by `future` that he has it, or is to look again."""

    __slots__ = ("bound", "future", "likely", "path")

    def __init__(
        self, path: Path, bound: int, likely: int, future: asyncio.Future[Reservation | None]
    ) -> None:
        self.path = path
        self.bound = bound
        self.likely = likely
        self.future = future

    @property
    def handed(self) -> Reservation | None:
        """What was handed over."""
        future = self.future
        return future.result() if future.done() and not future.cancelled() else None

    def need(self, purse: Purse[Waiting]) -> int:
        """What is to be set aside in a purse."""
        return self.likely if purse.budget.is_soft else self.bound


class Budgets:
    """The budgets and purses of this process.

    Args:
        budgets: What is configured.
        clock: Tells which period it is.

    Attributes:
        nudge: Called, on the event loop, when more money is to be taken; set by `Sharing`.
        purses: Of pots that are in use, by scope, name and period.
        trouble: Why no more money can be taken, or empty.
        any: There are some.
        shares: What was used, as it was known last, of budgets whose names are configured: by
            scope, name and length of the period, each with the end of its period.
    """

    def __init__(self, budgets: Iterable[Budget], *, clock: Clock) -> None:
        self.nudge: Callable[[], None] = _alone
        self.purses: dict[tuple[str, str, str], Purse[Waiting]] = {}
        self.trouble = ""
        self._clock = clock
        self._paths: dict[tuple[str, ...], Path] = {}
        self._own: dict[tuple[str, Scope, str], list[Budget]] = {}
        self.any = False
        self.shares: dict[str, tuple[int, float]] = {}
        self.replace(budgets)

    # on the road

    def path(self, principal: Principal) -> Path:
        """The budgets that a principal spends from."""
        key = (
            principal.key_id,
            principal.user,
            principal.team,
            principal.department,
            principal.organisation,
        )
        found = self._paths.get(key)
        if found is None:
            found = Path(principal)
            if len(self._paths) >= _MOST_PATHS:
                del self._paths[next(iter(self._paths))]
            self._paths[key] = found
        return found

    def present(self, principal: Principal, now: int) -> Path:
        """The same, with the purses of the periods that a moment lies in."""
        path = self.path(principal)
        if now >= path.ends or now < path.begins:
            self.renew(path, now)
        return path

    def reserve(self, path: Path, bound: int, likely: int, now: int) -> Reservation | None:
        """Set the money of an attempt aside, in all budgets or in none; None where one is short.

        Args:
            path: Of whoever spends.
            bound: What the attempt cannot exceed.
            likely: What it hardly exceeds.
            now: Microseconds since 1970.
        """
        if now >= path.ends or now < path.begins:
            self.renew(path, now)
        if not bound:
            return Reservation(_NO_PATH, 0, 0)
        for purse in path.hard:
            if purse.free < bound:
                return None
        for purse in path.soft:
            if purse.free < likely:
                return None
        for purse in path.hard:
            free = purse.free = purse.free - bound
            if free < purse.low:
                self._hungry(purse)
        for purse in path.soft:
            free = purse.free = purse.free - likely
            if free < purse.low:
                self._hungry(purse)
        if not path.numbers:
            path.numbers = tuple(purse.number for purse in path.purses)
        return Reservation(path, bound, likely)

    def settle(self, reservation: Reservation, cost: int) -> None:
        """Take what an attempt cost, and let go of the rest; once, whoever calls it how often.

        Right after the journal's `close`, with no `await` between: what is reported to be spent and
        how far the journal was written are read together.
        """
        if not reservation.is_open:
            return
        reservation.is_open = waits = False
        left = reservation.bound - cost
        for purse in reservation.hard:
            purse.free += left
            purse.spent += cost
            if purse.waiting:
                waits = True
        if reservation.soft:
            left = reservation.likely - cost
            for purse in reservation.soft:
                purse.free += left
                purse.spent += cost
                if purse.waiting:
                    waits = True
        if waits:
            for purse in (*reservation.hard, *reservation.soft):
                self.serve(purse)

    def share(self, path: Path) -> float:
        """The largest share used of a budget on the path, as far as it is known; 0 without any."""
        most = 0.0
        for purse in path.purses:
            limit = purse.budget.limit
            share = purse.used / limit if limit else 1.0
            most = max(most, share)
        return most

    # beside it

    def seen(
        self, principal: Principal, now: int
    ) -> list[tuple[Budget, str, str, Purse[Waiting] | None]]:
        """The budgets of a principal at a moment, for whoever only looks: no purse is made.

        Gives of each what it goes by there, its period, and its purse if there is one.
        """
        found: list[tuple[Budget, str, str, Purse[Waiting] | None]] = []
        for budget, label in self._along(principal):
            period = period_of(budget.per, now, budget.zone).name
            key = (budget.scope.value, pot_name(budget.scope, principal), period)
            found.append((budget, label, period, self.purses.get(key)))
        return found

    def warnings(self, path: Path) -> list[str]:
        """A sentence for each budget of which a share was used that is to be warned of."""
        return [
            f"{purse.used * 100 // max(purse.budget.limit, 1)} % of the {told(purse)} is used."
            for purse in path.purses
            if any(purse.used * _MILLE >= step * purse.budget.limit for step in purse.budget.steps)
        ]

    def replace(self, budgets: Iterable[Budget]) -> None:
        """Have other budgets from now on; what is under way is settled where it was reserved."""
        self._own = {}
        for budget in budgets:
            key = (budget.organisation, budget.scope, budget.name)
            self._own.setdefault(key, []).append(budget)
        self.any = bool(self._own)
        for path in self._paths.values():
            path.ends = -ALWAYS
        self._paths = {}
        self.shares = {}
        for purse in self.purses.values():
            purse.parting = True
            look_again(purse)

    def renew(self, path: Path, now: int) -> None:
        """Give a path the purses of the periods that a moment lies in."""
        purses: list[Purse[Waiting]] = []
        path.begins, path.ends = -ALWAYS, ALWAYS
        principal = path.principal
        for budget, label in self._along(principal):
            name = pot_name(budget.scope, principal)
            period = period_of(budget.per, now, budget.zone)
            path.begins = max(path.begins, period.begins)
            path.ends = min(path.ends, period.ends)
            key = (budget.scope.value, name, period.name)
            purse = self.purses.get(key)
            if purse is None:
                pot = Pot(*key, period.ends)
                now_here = self._clock.monotonic()
                purse = Purse[Waiting](pot, budget, period, now=now_here, label=label)
                self.purses[key] = purse
            purse.follow(budget)
            purse.parting = False
            purses.append(purse)
        path.purses = tuple(purses)
        path.hard = tuple(purse for purse in purses if not purse.budget.is_soft)
        path.soft = tuple(purse for purse in purses if purse.budget.is_soft)
        path.numbers = ()

    def wait(self, waiting: Waiting) -> tuple[Purse[Waiting], ...]:
        """Have somebody wait in every purse that has too little for him; gives which."""
        short = tuple(purse for purse in waiting.path.purses if purse.free < waiting.need(purse))
        for purse in short:
            purse.waiting.append(waiting)
        if short:
            self.nudge()
        return short

    def serve(self, purse: Purse[Waiting]) -> None:
        """Give those who wait for a purse what they wait for, as far as it goes, in their order.

        Where it is short for somebody, nobody behind him gets anything. Whoever finds another one
        short is told to look again, and waits there.
        """
        served = False
        for waiting in purse.waiting:
            if waiting.future.done():
                served = True
                continue
            path, now = waiting.path, int(self._clock.now() * 1e6)
            made = self.reserve(path, waiting.bound, waiting.likely, now)
            need = waiting.need(purse)
            if made is None and purse.free < need <= purse.best and purse in path.purses:
                break
            # He has it, or nothing more comes here, or it is elsewhere that it is short.
            waiting.future.set_result(made)
            served = True
        if served:
            purse.waiting = deque(each for each in purse.waiting if not each.future.done())

    def remember(self, purse: Purse[Waiting]) -> None:
        """Keep what share of a budget is used, also when nobody spends from it any more."""
        budget = purse.budget
        if budget.organisation == EVERY or not (budget.name or budget.scope is Scope.ORGANISATION):
            return
        known = f"{budget.scope}/{budget.name or budget.organisation}/{budget.per}"
        share = purse.used / budget.limit if budget.limit else 1.0
        if purse.pot.ends >= self.shares.get(known, (0, 0.0))[0]:
            self.shares[known] = (purse.pot.ends, share)

    def shut(self, reason: str) -> None:
        """Spend nothing any more: what is held is not this process's."""
        self.trouble = reason
        for purse in self.purses.values():
            purse.free = NEVER
            look_again(purse)

    def _along(self, principal: Principal) -> list[tuple[Budget, str]]:
        """The budgets of a principal, each with what it goes by there; the root first."""
        tenant = principal.tenant
        found: list[tuple[Budget, str]] = []
        for scope in Scope:
            label, _ = named(scope, principal)
            if not label:
                continue
            chosen: dict[tuple[Per, bool], Budget] = {}
            # One's own comes before that of each.
            for organisation in (EVERY, tenant):
                for name in ("", label):
                    for budget in self._own.get((organisation, scope, name), ()):
                        chosen[budget.per, budget.kept] = budget
            found.extend((budget, label) for budget in _least(chosen.values()))
        return found

    def _hungry(self, purse: Purse[Waiting]) -> None:
        purse.low = NEVER
        purse.hungry = True
        self.nudge()


def _least(budgets: Iterable[Budget]) -> Iterable[Budget]:
    """Of those of the configuration and of the database the lower one: so both hold."""
    least: dict[Per, Budget] = {}
    for budget in budgets:
        known = least.get(budget.per)
        if known is None or budget.limit < known.limit:
            least[budget.per] = budget
    return least.values()


def _alone() -> None:
    """Whom to ask for money where nothing is shared yet."""


def told(purse: Purse[Waiting]) -> str:
    """What a budget is called, such as `budget of team web for 2026-11`; without any figure."""
    pot, budget = purse.pot, purse.budget
    whose = "the organisation" if budget.scope is Scope.ORGANISATION else f"this {budget.scope}"
    if budget.scope in {Scope.TEAM, Scope.DEPARTMENT}:
        whose = f"{budget.scope} {purse.label}"
    return f"budget of {whose} for {pot.period}" if budget.per != "total" else f"budget of {whose}"


def look_again(purse: Purse[Waiting]) -> None:
    """Have those who wait for a purse find out anew what they wait for."""
    for each in purse.waiting:
        if not each.future.done():
            each.future.set_result(None)
    purse.waiting.clear()


_NO_PATH = Path(Principal(key_id=""))
"""Where what costs nothing is reserved."""
