"""Which source answers for which stretch of time.

Whole days stand in the sums by day, whole hours in those by hour, and what is left at both ends
in the rows. Sums outlive rows: where the rows of a border are no longer all there, the border
goes outward to the next hour, and where the hours are gone too, to the next day. Whether they are
all there is not remembered but counted, since every row of a segment that is whole stands in both
sums from the same transaction on.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

from sqlalchemy import ColumnElement, Connection, Table, func, select, true

from antiphon.usage.ledger.manifests import COVERED
from antiphon.usage.ledger.rollups import DAY, HOUR
from antiphon.usage.ledger.tables import attempts, usage_daily, usage_hourly
from antiphon.usage.ledger.times import told

Source: TypeAlias = Literal["days", "hours", "rows"]


class Stretch(NamedTuple):
    """A stretch of time, and what answers for it.

    Attributes:
        source: `days`, `hours` or `rows`.
        begin: Microseconds since 1970; None is the beginning.
        end: The first moment behind it; None is the end.
    """

    source: Source
    begin: int | None
    end: int | None


class Period(NamedTuple):
    """What a question is answered for.

    Attributes:
        begin: Microseconds since 1970; None is the beginning.
        end: The first moment behind it; None is the end.
        stretches: What answers for which part of it; they do not overlap.
        notes: How it differs from what was asked, in sentences.
    """

    begin: int | None
    end: int | None
    stretches: tuple[Stretch, ...]
    notes: tuple[str, ...]


def within(
    column: ColumnElement[int], begin: int | None, end: int | None
) -> tuple[ColumnElement[bool], ...]:
    """The conditions that a column lies in a stretch."""
    lower = () if begin is None else (column >= begin,)
    upper = () if end is None else (column < end,)
    return (*lower, *upper) or (true(),)


def period(connection: Connection, begin: int | None, end: int | None) -> Period:
    """What answers for a stretch of time, of all that segments which are whole hold."""
    if begin is not None and begin == end:
        return Period(begin, end, (), ())
    first = None if begin is None else _upward(begin, DAY)
    last = None if end is None else _downward(end, DAY)
    parts: list[Stretch] = []
    if begin is not None and end is not None and _downward(begin, DAY) == _downward(end, DAY):
        parts = _of_a_day(connection, begin, end)
    else:
        if begin is not None and first is not None and begin < first:
            parts += _of_a_day(connection, begin, first)
        if first is None or last is None or first < last:
            parts.append(Stretch("days", first, last))
        if end is not None and last is not None and last < end:
            parts += _of_a_day(connection, last, end)
    covered = parts[0].begin, parts[-1].end
    notes = [
        f"{name} is {told(now)} instead of {told(asked)}: what lies between is no longer kept "
        f"row by row."
        for name, asked, now in zip(("from", "to"), (begin, end), covered, strict=True)
        if asked is not None and now is not None and asked != now
    ]
    return Period(*covered, tuple(parts), tuple(notes))


def _of_a_day(connection: Connection, begin: int, end: int) -> list[Stretch]:
    """A part of one day."""
    day = _downward(begin, DAY)
    whole = _counted(connection, usage_daily, day, day + DAY)
    if _counted(connection, usage_hourly, day, day + DAY) != whole:
        if _rows(connection, day, day + DAY) == whole:
            return [Stretch("rows", begin, end)]
        return [Stretch("days", day, day + DAY)]
    if _downward(begin, HOUR) == _downward(end, HOUR):
        return _of_an_hour(connection, begin, end)
    parts: list[Stretch] = []
    first, last = _upward(begin, HOUR), _downward(end, HOUR)
    if begin < first:
        parts += _of_an_hour(connection, begin, first)
    if first < last:
        parts.append(Stretch("hours", first, last))
    if last < end:
        parts += _of_an_hour(connection, last, end)
    return parts


def _of_an_hour(connection: Connection, begin: int, end: int) -> list[Stretch]:
    """A part of one hour."""
    hour = _downward(begin, HOUR)
    if _rows(connection, hour, hour + HOUR) == _counted(connection, usage_hourly, hour, hour + 1):
        return [Stretch("rows", begin, end)]
    return [Stretch("hours", hour, hour + HOUR)]


def _counted(connection: Connection, table: Table, begin: int, end: int) -> int:
    """Attempts that the sums of a stretch hold."""
    found = select(func.coalesce(func.sum(table.c.attempts), 0))
    return connection.execute(found.where(*within(table.c.begins, begin, end))).scalar_one()


def _rows(connection: Connection, begin: int, end: int) -> int:
    """Rows of a stretch that stand in the sums."""
    found = select(func.count()).select_from(attempts)
    where = (*within(attempts.c.ended_at, begin, end), COVERED)
    return connection.execute(found.where(*where)).scalar_one()


def _downward(at: int, width: int) -> int:
    return at - at % width


def _upward(at: int, width: int) -> int:
    return at + -at % width
