"""Adding up, by hour and by day: done once for each segment, with its manifest.

The manifest of a segment can be written only once, and what it covers is added in the same
transaction; so nothing is added twice, however often a segment is shipped.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from sqlalchemy import (
    ColumnElement,
    Connection,
    Executable,
    Select,
    Table,
    bindparam,
    case,
    func,
    literal,
    select,
    text,
)

from antiphon.usage.journal.record import Charge, Outcome
from antiphon.usage.ledger.manifests import COVERED
from antiphon.usage.ledger.tables import KEYS, MEASURES, attempts, usage_daily, usage_hourly

HOUR = 3_600_000_000
DAY = 24 * HOUR
Group = tuple[int | str, ...]
"""When an hour or a day begins, and the keys."""
Measures = tuple[int, ...]
_ESTIMATED = (Charge.ESTIMATED.value, Charge.ASSUMED.value)


def of_attempt(measure: str) -> ColumnElement[int]:
    """What one attempt adds to a measure."""
    match measure:
        case "attempts":
            return literal(1)
        case "failures":
            return case((attempts.c.outcome == Outcome.OK.value, 0), else_=1)
        case "estimates":
            return case((attempts.c.charge.in_(_ESTIMATED), 1), else_=0)
        case "duration":
            return attempts.c.total
        case _:
            return attempts.c[measure]


def add_up(connection: Connection, owner: str, segment: int) -> None:
    """Add a segment's rows to the hours and days; they are read once for both."""
    found = connection.execute(_of_segment(), {"own": owner, "number": segment})
    hours = [dict(row) for row in found.mappings()]
    if not hours:
        return
    connection.execute(_added(usage_hourly.name), hours)
    days = [{**row, "begins": _day_of(row["begins"])} for row in hours]
    connection.execute(_added(usage_daily.name), days)


def of_rows(connection: Connection) -> dict[Group, Measures]:
    """What the rows of all segments that have a manifest add up to, by hour."""
    return _groups(connection, _hours().where(COVERED))


def by_day(hours: Mapping[Group, Measures]) -> dict[Group, Measures]:
    """Sums by hour, added up by day."""
    days: dict[Group, Measures] = {}
    for (begins, *keys), more in hours.items():
        day = (_day_of(int(begins)), *keys)
        known = days.get(day)
        days[day] = more if known is None else tuple(map(sum, zip(known, more, strict=True)))
    return days


def of_sums(connection: Connection, table: Table) -> dict[Group, Measures]:
    """What stands in a table of sums."""
    return _groups(connection, select(*(table.c[name] for name in ("begins", *KEYS, *MEASURES))))


def _day_of(begins: int) -> int:
    return begins // DAY * DAY


def _groups(connection: Connection, statement: Executable) -> dict[Group, Measures]:
    keys = len(KEYS) + 1
    return {tuple(row[:keys]): tuple(row[keys:]) for row in connection.execute(statement)}


def _hours() -> Select[*tuple[object, ...]]:
    """Attempts by hour and keys, with their measures."""
    begins = (attempts.c.ended_at // HOUR * HOUR).label("begins")
    keys = [attempts.c[name] for name in KEYS]
    measures = [func.sum(of_attempt(each)).label(each) for each in MEASURES]
    return select(begins, *keys, *measures).group_by(begins, *keys)


@cache
def _of_segment() -> Executable:
    mine = (attempts.c.owner == bindparam("own"), attempts.c.segment == bindparam("number"))
    return _hours().where(*mine)


@cache
def _added(table: str) -> Executable:
    columns = ("begins", *KEYS, *MEASURES)
    added = ", ".join(f"{each} = {table}.{each} + excluded.{each}" for each in MEASURES)
    return text(
        f"INSERT INTO {table} ({', '.join(columns)}) "  # noqa: S608  our own names
        f"VALUES ({', '.join(f':{each}' for each in columns)}) "
        f"ON CONFLICT (begins, {', '.join(KEYS)}) DO UPDATE SET {added}"
    )
