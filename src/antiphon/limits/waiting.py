"""Who waits for room, and who goes next.

Each meter that is full has a line. Its order is that of arrival, but that a step of priority is
worth some seconds: so an urgent request goes before those that came a little earlier, and nobody
is overtaken for ever. Where the first one in a line does not fit, nobody behind it goes. Whoever
finds another meter full moves into that one's line and keeps its place by its arrival.

A request may wait in several lines, for what comes first: any of several deployments will do.

Plain and synchronous; whoever drives it calls `Queue.tick` when `Queue.due` says.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from heapq import heapify, heappop, heappush

from antiphon.limits.limit import Limit, QueueBounds
from antiphon.limits.meter import NEVER, Meter
from antiphon.limits.path import Demand, Gate, Path
from antiphon.limits.taken import Taken

_MICRO = 1_000_000
_SLACK = 64


class State(enum.Enum):
    """What became of somebody who waits."""

    WAITING = "waiting"
    SERVED = "served"
    REFUSED = "refused"
    """A limit that lets nobody wait was reached, or a line was full."""
    LATE = "late"
    LEFT = "left"
    AGAIN = "again"
    """The limits changed: it is to ask anew."""


class Place:
    """One thing that somebody waits for, and where.

    Attributes:
        path: What it has to pass.
        demand: What it takes.
        gate: Where it is stopped; None once it does not wait any more.
        waiter: Who waits.
    """

    __slots__ = ("demand", "gate", "path", "waiter")

    def __init__(self, path: Path, demand: Demand, gate: Gate) -> None:
        self.path = path
        self.demand = demand
        self.gate: Gate | None = gate
        self.waiter: Waiter | None = None


class Waiter:
    """Somebody who waits.

    Args:
        places: What will do; each waits at its gate.
        arrived: Microseconds.
        priority: -1, 0 or 1.
        until: When it waits no longer, at the latest.
        wake: Called once, when it waits no more, unless it left.

    Attributes:
        state: What became of it.
        taken: What it got.
        at: Which of its places got it.
        limit: What it was refused by.
        number: Of its arrival.
    """

    __slots__ = (
        *("arrived", "at", "limit", "number", "places", "priority", "state", "taken", "until"),
        "wake",
    )

    def __init__(
        self,
        places: Sequence[Place],
        *,
        arrived: int,
        priority: int,
        until: int,
        wake: Callable[[], None],
    ) -> None:
        self.places = list(places)
        self.arrived = arrived
        self.priority = priority
        self.until = until
        self.wake = wake
        self.state = State.WAITING
        self.taken: Taken | None = None
        self.at = 0
        self.limit: Limit | None = None
        self.number = 0
        for place in places:
            place.waiter = self

    def rank(self, bounds: QueueBounds) -> tuple[int, int]:
        """Its place in a line: the lower goes first."""
        return self.arrived - int(self.priority * bounds.step * _MICRO), self.number


class Queue:
    """All lines.

    Args:
        take: Takes a demand on a path, for somebody of this rank; gives the gate that is full.

    Attributes:
        changed: Called when `due` may have changed.
        waiting: How many wait.
    """

    __slots__ = ("_arrivals", "_ends", "_lines", "_pushes", "_take", "_todo", "changed", "waiting")

    def __init__(self, take: Callable[[Path, Demand, int, Waiter], Taken | Gate]) -> None:
        self._take = take
        self._lines: dict[Meter, list[tuple[int, int, int, Place]]] = {}
        self._ends: list[tuple[int, int, Waiter]] = []
        self._arrivals = 0
        self._pushes = 0
        self._todo: list[Meter] | None = None
        self.changed: Callable[[], None] = _nobody
        self.waiting = 0

    def join(self, waiter: Waiter, now: int) -> None:
        """Wait; it may be served, or refused, by the time this returns."""
        self._arrivals += 1
        waiter.number = self._arrivals
        self.waiting += 1
        for place in waiter.places:
            gate = place.gate
            assert gate is not None
            place.gate = None
            self._line_up(place, gate)
        if all(place.gate is None for place in waiter.places):
            self._end(waiter, State.REFUSED, now)
            return
        waiter.until = min(waiter.until, waiter.arrived + _longest(waiter))
        heappush(self._ends, (waiter.until, waiter.number, waiter))
        for place in waiter.places:
            if waiter.state is State.WAITING and place.gate is not None:
                self.serve(place.gate.meter, now=now)
        self.changed()

    def is_behind(self, waiter: Waiter | None, gate: Gate) -> bool:
        """Whether others stand before somebody at a gate; before a newcomer, all do who wait."""
        line, bounds = self._lines.get(gate.meter), gate.limit.queue
        if waiter is None or bounds is None:
            return True
        while line:
            rank, number, _, place = line[0]
            if _is_in(place, gate.meter):
                return place.waiter is not waiter and (rank, number) < waiter.rank(bounds)
            heappop(line)
        return False

    def leave(self, waiter: Waiter, now: int) -> None:
        """Wait no longer."""
        if waiter.state is State.WAITING:
            self._end(waiter, State.LEFT, now)
            self.changed()

    def serve(self, *meters: Meter, now: int) -> None:
        """Let go whoever can, from the front of each line."""
        if self._todo is not None:
            # Somebody who goes leaves other lines, where others may go by that: not nested, for
            # that could go deep.
            self._todo.extend(meters)
            return
        self._todo = todo = list(meters)
        try:
            while todo:
                self._serve(todo.pop(), now)
        finally:
            self._todo = None

    def _serve(self, meter: Meter, now: int) -> None:
        line = self._lines.get(meter)
        while line:
            place = line[0][3]
            waiter = place.waiter
            if waiter is None or not _is_in(place, meter):
                heappop(line)
                continue
            made = self._take(place.path, place.demand, now, waiter)
            if isinstance(made, Taken):
                heappop(line)
                waiter.taken, waiter.at = made, waiter.places.index(place)
                self._end(waiter, State.SERVED, now)
                continue
            if made.meter is meter and made.queues and made.bound:
                place.gate = made
                return
            heappop(line)
            self._step_out(place)
            self._line_up(place, made)
            if all(each.gate is None for each in waiter.places):
                self._end(waiter, State.REFUSED, now)
        self._lines.pop(meter, None)

    def tick(self, now: int) -> None:
        """Time has passed: let go whoever can, and send away whoever waited long enough."""
        ends = self._ends
        while ends and (ends[0][0] <= now or ends[0][2].state is not State.WAITING):
            waiter = heappop(ends)[2]
            if waiter.state is State.WAITING:
                self.serve(*_meters(waiter), now=now)
                if waiter.state is State.WAITING:
                    self._end(waiter, State.LATE, now)
        self.serve(*self._lines, now=now)
        self.changed()

    def due(self) -> int:
        """When `tick` is to be called; `NEVER` where nothing depends on time."""
        ends = self._ends
        while ends and ends[0][2].state is not State.WAITING:
            heappop(ends)
        soonest = ends[0][0] if ends else NEVER
        for meter, line in self._lines.items():
            for *_, place in line[:1]:
                if place.gate is not None and place.gate.meter is meter:
                    opens = meter.opens_at(place.demand[meter.amount], place.gate.bound)
                    soonest = min(soonest, opens)
        return soonest

    def dissolve(self) -> None:
        """Have everybody ask anew: the limits changed."""
        for _, _, waiter in list(self._ends):
            if waiter.state is State.WAITING:
                self._end(waiter, State.AGAIN, 0)
        self._ends.clear()
        self._lines.clear()
        self.changed()

    def _line_up(self, place: Place, gate: Gate) -> None:
        """Stand in the line of a gate; where there is none, or it is full, that place is lost."""
        bounds, waiter, meter = gate.limit.queue, place.waiter, gate.meter
        assert waiter is not None
        if bounds is None or not gate.bound or meter.waiting >= bounds.length:
            waiter.limit = waiter.limit or gate.limit
            return
        place.gate = gate
        meter.waiting += 1
        self._pushes += 1
        line = self._lines.setdefault(meter, [])
        heappush(line, (*waiter.rank(bounds), self._pushes, place))

    def _tidy(self, meters: Sequence[Meter]) -> None:
        """Forget those who left from the middle of a line, where there are many of them."""
        for meter in meters:
            line = self._lines.get(meter)
            if line is not None and len(line) > _SLACK + 2 * meter.waiting:
                line[:] = [each for each in line if _is_in(each[3], meter)]
                heapify(line)
        if len(self._ends) > _SLACK + 2 * self.waiting:
            self._ends[:] = [each for each in self._ends if each[2].state is State.WAITING]
            heapify(self._ends)

    @staticmethod
    def _step_out(place: Place) -> None:
        if place.gate is not None:
            place.gate.meter.waiting -= 1
            place.gate = None

    def _end(self, waiter: Waiter, state: State, now: int) -> None:
        waiter.state = state
        meters = _meters(waiter)
        for place in waiter.places:
            if waiter.limit is None and place.gate is not None:
                waiter.limit = place.gate.limit
            self._step_out(place)
        self.waiting -= 1
        self._tidy(meters)
        if state is not State.LEFT:
            waiter.wake()
        if state is not State.AGAIN:
            # Where it stood first, somebody else does now.
            self.serve(*meters, now=now)


def _is_in(place: Place, meter: Meter) -> bool:
    return place.gate is not None and place.gate.meter is meter


def _meters(waiter: Waiter) -> list[Meter]:
    return [place.gate.meter for place in waiter.places if place.gate is not None]


def _longest(waiter: Waiter) -> int:
    bounds = [place.gate.limit.queue for place in waiter.places if place.gate is not None]
    return int(max(each.seconds for each in bounds if each is not None) * _MICRO)


def _nobody() -> None:
    """Whom to tell where nobody drives."""
