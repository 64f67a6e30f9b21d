"""The periods of budgets: days and months of a time zone, or all time."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Literal, NamedTuple, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

Per: TypeAlias = Literal["day", "month", "total"]

ALWAYS = 1 << 62
"""Microseconds since 1970: later than any clock says."""
_SECOND = 1_000_000
_LAST = 253_370_764_800 * _SECOND
"""The first of January 9999: a clock that says more is wrong, and no reason to fail."""


class Period(NamedTuple):
    """A stretch of time for which a budget holds.

    Attributes:
        name: `2026-11-26`, `2026-11` or `total`; such names sort as the periods do.
        begins: Microseconds since 1970.
        ends: The first microsecond that is not in it.
    """

    name: str
    begins: int
    ends: int


TOTAL = Period("total", -ALWAYS, ALWAYS)


def zone_of(name: str) -> tzinfo:
    """A time zone by its name, such as `Europe/Berlin`.

    Raises:
        ValueError: This machine knows none of that name.
    """
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"no time zone is called {name!r} on this machine") from error


def period_of(per: Per, at: int, zone: tzinfo) -> Period:
    """The period that a moment lies in.

    Args:
        per: How long periods are.
        at: Microseconds since 1970.
        zone: Whose midnights count.
    """
    if per == "total":
        return TOTAL
    day = datetime.fromtimestamp(min(max(at, 0), _LAST) // _SECOND, zone).date()
    if per == "day":
        return _between(day.isoformat(), day, day + timedelta(days=1), zone)
    first = day.replace(day=1)
    following = (first + timedelta(days=32)).replace(day=1)
    return _between(first.isoformat()[:7], first, following, zone)


def _between(name: str, begins: date, ends: date, zone: tzinfo) -> Period:
    return Period(name, _midnight(begins, zone), _midnight(ends, zone))


def _midnight(day: date, zone: tzinfo) -> int:
    """When a day begins; where the clocks skip midnight, the moment at which they do."""
    return int(datetime.combine(day, time(), zone).timestamp()) * _SECOND
