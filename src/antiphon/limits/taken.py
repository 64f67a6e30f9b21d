"""What one request, or one attempt, has taken of its limits."""

from __future__ import annotations

import msgspec

from antiphon.limits.meter import Meter
from antiphon.limits.path import Demand


class Taken(msgspec.Struct, eq=False):
    """Taken, to be settled once.

    Attributes:
        meters: Where it is counted.
        demand: How much.
        at: Microseconds.
        is_open: It is not settled yet.
    """

    meters: tuple[Meter, ...]
    demand: Demand
    at: int
    is_open: bool = True
