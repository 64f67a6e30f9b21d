"""The limits of this process: taken before a request or an attempt, settled after it.

All of a path is taken, or nothing of it. What is taken is an estimate; `settle` corrects it by
what was really used: what was too much is given back where it was counted, what was too little is
counted when it is known. So whatever an estimate was, every token and every billionth is in the
window for its length.

Hot path: a few integers for each limit; no lock, since one event loop does all of it.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable

from antiphon.clock import Clock
from antiphon.limits.config import LimitsSettings
from antiphon.limits.limit import Limit, Measure, Scope, name_of
from antiphon.limits.meter import Meter
from antiphon.limits.meters import Meters
from antiphon.limits.path import MOST_TOKENS, Book, Demand, Gate, Path
from antiphon.limits.taken import Taken
from antiphon.limits.waiting import Queue, Waiter
from antiphon.model.principal import HOME, Principal

_MICRO = 1_000_000
_MOST_PATHS = 20_000
"""Paths that are kept; what they lead to is kept elsewhere, so all may be dropped."""
_REQUESTS, _CONCURRENCY = int(Measure.REQUESTS), int(Measure.CONCURRENCY)
_TOKENS = (int(Measure.TOKENS), MOST_TOKENS)
_STEPS = {"low": -1, "normal": 0, "high": 1}


class Limits:
    """The limits in force, and what was taken of them.

    Args:
        settings: The section: bounds, and whose requests are urgent.
        fixed: The limits of the configuration.
        clock: For windows; only durations count, so the time of day may jump.

    Attributes:
        meters: What is counted.
        queue: Who waits.
        on_change: Called when other limits are in force.
    """

    __slots__ = (
        *("_clock", "_fixed", "_last", "_lag", "_managed", "_paths", "_places"),
        *("_priorities", "book", "meters", "on_change", "queue"),
    )

    def __init__(self, settings: LimitsSettings, fixed: Iterable[Limit], *, clock: Clock) -> None:
        self._clock = clock
        self._priorities = settings.priorities
        self._fixed = tuple(fixed)
        self._managed: tuple[Limit, ...] = ()
        self.meters = Meters(settings.most_counts)
        self._paths: dict[tuple[int, str], Path] = {}
        self._places: dict[tuple[str, str], Path] = {}
        self._last = 0
        self._lag = 0
        self.book = Book(self._fixed)
        self.queue = Queue(self.take)
        self.on_change: Callable[[], None] = _nobody

    def __len__(self) -> int:
        """How many limits are in force."""
        return len(self.book.limits)

    def replace(self, managed: Iterable[Limit]) -> None:
        """Have other limits beside those of the configuration from now on.

        What was counted stays counted. Who waits asks anew.
        """
        self._managed = tuple(managed)
        self.book = Book((*self._fixed, *self._managed))
        self.meters.version += 1
        self._paths.clear()
        self._places.clear()
        self.queue.dissolve()
        self.on_change()

    def adopt(self, settings: LimitsSettings, fixed: Iterable[Limit]) -> None:
        """Go by another configuration from now on, with those limits of the database that are.

        What was counted stays counted. Who waits asks anew where anything changed.
        """
        fixed = tuple(fixed)
        changed = (fixed, settings.priorities) != (self._fixed, self._priorities)
        self._fixed, self._priorities = fixed, settings.priorities
        self.meters.bound(settings.most_counts)
        # Whose they are may be gone.
        self._paths.clear()
        self._places.clear()
        if changed:
            self.replace(self._managed)

    def now(self) -> int:
        """Microseconds that never go back, whatever the clock does."""
        now = int(self._clock.monotonic() * _MICRO) + self._lag
        if now < self._last:
            self._lag += self._last - now
            return self._last
        self._last = now
        return now

    # finding

    def path(self, principal: Principal, alias: str, now: int) -> Path:
        """What a caller meets who asks for a name."""
        key = (id(principal), alias)
        path = self._paths.get(key)
        if path is not None and path.version == self.meters.version:
            # It keeps its owner, so no other principal has that id.
            return path
        found = self.book.of_caller(principal, alias, self.meters, now)
        path = Path(found, version=self.meters.version)
        path.owner = principal
        path.usual, path.most = self._priority(principal)
        if len(self._paths) >= _MOST_PATHS:
            self._paths.clear()
        self._paths[key] = path
        return path

    def place(
        self, provider: str, deployment: str, key: str, holders: Callable[[str], Container[str]]
    ) -> Path:
        """What an attempt meets.

        Args:
            provider: Who is asked.
            deployment: Its name.
            key: The fingerprint of the key; empty where `book.keyed` is false.
            holders: Finds the providers that use the same key.
        """
        found = self._places.get((deployment, key))
        if found is not None and found.version == self.meters.version:
            return found
        held = holders(key) if key else ()
        limits = self.book.of_deployment(provider, deployment, key, held, self.meters, self._last)
        path = Path(limits, version=self.meters.version)
        if len(self._places) >= _MOST_PATHS:
            self._places.clear()
        self._places[deployment, key] = path
        return path

    def _priority(self, principal: Principal) -> tuple[int, int]:
        for each in self._priorities:
            scope, tenant = Scope(each.scope), principal.tenant
            if each.name != name_of(scope, principal):
                continue
            if scope is Scope.ORGANISATION or tenant == (each.organisation or HOME):
                usual, most = _STEPS[each.usual], _STEPS[each.most]
                return min(usual, most), most
        return 0, 0

    # taking

    def take(
        self, path: Path, demand: Demand, now: int, waiter: Waiter | None = None
    ) -> Taken | Gate:
        """Take all of a demand; gives the gate that is full, where one is.

        Args:
            path: Whose limits.
            demand: How much.
            now: Microseconds.
            waiter: Who has waited for it; others who wait do not stand before it by that.
        """
        for gate in path.gates:
            meter = gate.meter
            part = now // meter.grain
            if part > meter.last:
                meter.advance(part)
            total, bound = meter.total, gate.bound
            if gate.shadow:
                continue
            if total + demand[gate.amount] > bound and (total > 0 or not bound):
                return gate
            if meter.waiting and gate.queues and self.queue.is_behind(waiter, gate):
                return gate
        for meter in path.meters:
            need = demand[meter.amount]
            meter.total += need
            meter.slots[meter.last % meter.size] += need
        return Taken(path.meters, demand, now)

    def settle(
        self, taken: Taken, tokens: int, dollars: int, now: int, *, counts: bool = True
    ) -> None:
        """Correct what was taken; once, whoever calls it how often.

        Args:
            taken: What was taken.
            tokens: That were really used.
            dollars: Billionths that it really cost.
            now: Microseconds.
            counts: It counts as a request; else that is given back too.
        """
        if not taken.is_open:
            return
        taken.is_open = False
        full: list[Meter] | None = None
        for meter in taken.meters:
            if not meter.kept:
                # It was empty, so it went; what is settled here is counted where that one is now.
                meter = self.meters.of(meter.key, now)  # noqa: PLW2901
            amount = meter.amount
            if amount == _CONCURRENCY:
                meter.total -= 1
                meter.slots[0] -= 1
            elif amount == _REQUESTS:
                if not counts:
                    meter.lower(taken.at, 1)
            else:
                used = tokens if amount in _TOKENS else dollars
                more = used - taken.demand[amount]
                if more < 0:
                    meter.lower(taken.at, -more)
                elif more:
                    meter.add(now, more)
            if meter.waiting:
                full = [meter] if full is None else [*full, meter]
        if full is not None:
            self.queue.serve(*full, now=now)
            self.queue.changed()


def overrun(path: Path, demand: Demand, now: int) -> list[Limit]:
    """The shadow limits that have no room for a demand."""
    return [gate.limit for gate in path.gates if gate.shadow and gate.is_full(demand, now)]


def _nobody() -> None:
    """Whom to tell where nobody asked."""
