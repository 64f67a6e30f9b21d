"""Adding up, by hour and by day: done once for each segment, with its manifest.

The manifest of a segment can be written only once, and what it covers is added in the same
transaction; so nothing is added twice, however often a segment is shipped.
"""

from __future__ import annotations

from functools import cache

from sqlalchemy import Connection, text

from antiphon.usage.ledger.tables import WORDS, usage_daily, usage_hourly

HOUR = 3_600_000_000
DAY = 24 * HOUR
KEYS = ("alias", "provider", "model", "key_id", "team", "department", "subject_id")
MEASURES = ("attempts", "failures", "estimates", *WORDS, "cost", "duration")
Group = tuple[int | str, ...]
"""When an hour or a day begins, and the keys."""
Measures = tuple[int, ...]
_OF_ATTEMPTS = {
    "attempts": "COUNT(*)",
    "failures": "SUM(CASE WHEN outcome = 'ok' THEN 0 ELSE 1 END)",
    "estimates": "SUM(CASE WHEN charge IN ('estimated', 'assumed') THEN 1 ELSE 0 END)",
    "duration": "SUM(total)",
}


def measured(measure: str) -> str:
    """How a measure is made of attempts, in SQL."""
    return _OF_ATTEMPTS.get(measure, f"SUM({measure})")


def add_up(connection: Connection, owner: str, segment: int) -> None:
    """Add a segment's rows to the hours and days; they are read once for both."""
    found = connection.execute(text(_grouped()), {"owner": owner, "segment": segment})
    hours = [dict(row) for row in found.mappings()]
    if not hours:
        return
    connection.execute(text(_added(usage_hourly.name)), hours)
    days = [{**row, "begins": row["begins"] // DAY * DAY} for row in hours]
    connection.execute(text(_added(usage_daily.name)), days)


def of_rows(connection: Connection, width: int) -> dict[Group, Measures]:
    """What the rows of all segments that have a manifest add up to, by hour or by day."""
    manifested = (
        "EXISTS (SELECT 1 FROM manifests m WHERE m.kind = 'shipped' "
        "AND m.owner = attempts.owner AND m.segment = attempts.segment)"
    )
    return _groups(connection, _grouped(width, manifested))


def of_sums(connection: Connection, table: str) -> dict[Group, Measures]:
    """What stands in a table of sums."""
    columns = ", ".join(("begins", *KEYS, *MEASURES))
    return _groups(connection, f"SELECT {columns} FROM {table}")  # noqa: S608  our own names


def _groups(connection: Connection, statement: str) -> dict[Group, Measures]:
    keys = len(KEYS) + 1
    found = connection.execute(text(statement))
    return {tuple(row[:keys]): tuple(row[keys:]) for row in found}


@cache
def _grouped(width: int = HOUR, where: str = "owner = :owner AND segment = :segment") -> str:
    begins = f"(ended_at / {width}) * {width}"
    measures = ", ".join(f"{measured(each)} AS {each}" for each in MEASURES)
    return (
        f"SELECT {begins} AS begins, {', '.join(KEYS)}, {measures} FROM attempts "  # noqa: S608
        f"WHERE {where} GROUP BY {begins}, {', '.join(KEYS)}"
    )


@cache
def _added(table: str) -> str:
    columns = ("begins", *KEYS, *MEASURES)
    added = ", ".join(f"{each} = {table}.{each} + excluded.{each}" for each in MEASURES)
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) "  # noqa: S608  our own names
        f"VALUES ({', '.join(f':{each}' for each in columns)}) "
        f"ON CONFLICT (begins, {', '.join(KEYS)}) DO UPDATE SET {added}"
    )
