"""What an exchange has taken of limits, and what its caller is told of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from antiphon.limits.limits import Limits
from antiphon.limits.path import Demand, Gate, Path
from antiphon.limits.taken import Taken
from antiphon.pipeline.estimating import Answers, Estimate

_MICRO = 1_000_000
STEPS: Mapping[bytes, int] = {b"low": -1, b"normal": 0, b"high": 1}
"""How urgent an exchange is, by the word of its caller."""
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
        estimate: What its tokens are likely to be, once somebody has asked.
        priority: How urgent it is: -1, 0 or 1.
        taken: What was taken, once it was.
    """

    __slots__ = ("answers", "demand", "estimate", "limits", "path", "priority", "taken")

    def __init__(self, limits: Limits, answers: Answers, path: Path) -> None:
        self.limits = limits
        self.answers = answers
        self.path = path
        self.demand = ONE
        self.estimate: Estimate | None = None
        self.priority = 0
        self.taken: Taken | None = None


def figures(gates: tuple[Gate, ...], now: int) -> Figures | None:
    """Of the gate of which the least is left; None where there is none."""
    found, least = None, 0
    for gate in gates:
        left = max(gate.bound - gate.meter.see(now), 0)
        if found is None or left < least:
            found, least = gate, left
    if found is None:
        return None
    reset = found.meter.empties_at() - now
    return Figures(found.bound, least, reset / _MICRO if reset > 0 else 0.0)
