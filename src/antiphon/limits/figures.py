"""What is counted of limits at a moment, for whoever asks.

Nothing is moved on by looking, so another thread than the road's may ask.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from typing import NamedTuple

from antiphon.limits.limit import CALLERS, Limit, Scope
from antiphon.limits.meter import Meter
from antiphon.limits.meters import Meters
from antiphon.limits.path import counts, key_of

_EACH = "\0each"
"""Stands for a name where a key is looked at for what comes before it."""


class Figure(NamedTuple):
    """What is counted of one limit, for one of those whose it is.

    Attributes:
        name: Whose it is; empty where all share it.
        counted: In the window that ends now.
        empties_at: Microseconds of the meters' clock when nothing is left of it; 0 for now.
    """

    name: str
    counted: int
    empties_at: int


def figures(
    meters: Meters, limit: Limit, organisation: str, now: int, *, most: int = 100
) -> list[Figure]:
    """What is counted of a limit in one organisation, the largest counts first.

    Args:
        meters: Where it is counted.
        limit: As the road has it; of what it does not count there is nothing.
        organisation: The id of the tenant.
        now: Microseconds of the meters' clock.
        most: How many are told, where each has its own.
    """
    if not counts(limit):
        return []
    tenant, name = organisation, limit.name
    if limit.scope not in CALLERS:
        tenant = ""
    elif limit.scope is Scope.ORGANISATION:
        tenant, name = "", organisation
    if name or limit.total:
        meter = meters.get(key_of(limit, tenant, name))
        found = (
            Figure(name, 0, 0)
            if meter is None
            else _figure(meter, "" if limit.total else name, now)
        )
        return [found]
    return heapq.nlargest(most, _of_each(meters, limit, tenant, now), key=lambda each: each.counted)


def _of_each(meters: Meters, limit: Limit, tenant: str, now: int) -> Iterable[Figure]:
    scope, _, _, amount, seconds = key_of(limit, tenant, _EACH)
    for meter in meters.all():
        kind, whose, name, what, window = meter.key
        if (kind, whose, what, window) == (scope, tenant, amount, seconds) and name[:1] != "\0":
            yield _figure(meter, name, now)


def _figure(meter: Meter, name: str, now: int) -> Figure:
    last, part = meter.last, now // meter.grain
    gone = range(last + 1, min(part, last + meter.size) + 1)
    count = meter.total - sum(meter.slots[each % meter.size] for each in gone)
    return Figure(name, max(count, 0), meter.empties_at() if count else 0)
