"""What an exchange has taken of limits, and what its caller is told of them."""

from __future__ import annotations

from typing import NamedTuple

from antiphon.limits.limit import Measure
from antiphon.limits.limits import Limits
from antiphon.limits.path import Demand, Path
from antiphon.limits.taken import Taken
from antiphon.pipeline.estimating import Answers

_MICRO = 1_000_000
ONE = Demand(1, 0, 0, 1, 0, 0)
"""What a request takes where nobody counts its tokens."""


class Figures(NamedTuple):
    """How much of one measure is left of the strictest limit.

    Attributes:
        limit: Of a window.
        remaining: In the window that ends now.
        reset: Seconds until all of it is there again, if nothing else happens.
    """

    limit: int
    remaining: int
    reset: float


class Limited:
    """An exchange, as its caller's limits see it.

    Attributes:
        limits: Where it was taken.
        path: What the caller meets.
        answers: How long answers are, as far as it was seen.
        demand: What was asked for.
        priority: How urgent it is: -1, 0 or 1.
        taken: What was taken, once it was.
    """

    __slots__ = ("answers", "demand", "limits", "path", "priority", "taken")

    def __init__(self, limits: Limits, answers: Answers, path: Path) -> None:
        self.limits = limits
        self.answers = answers
        self.path = path
        self.demand = ONE
        self.priority = 0
        self.taken: Taken | None = None

    def figures(self, measure: Measure) -> Figures | None:
        """Of the limit of which the least is left; None where there is none of this measure."""
        now = self.limits.now()
        found: Figures | None = None
        for gate in self.path.gates:
            if gate.limit.measure is not measure or gate.shadow:
                continue
            remaining = max(gate.bound - gate.meter.see(now), 0)
            if found is None or remaining < found.remaining:
                reset = max(gate.meter.empties_at() - now, 0) / _MICRO
                found = Figures(gate.bound, remaining, reset)
        return found
