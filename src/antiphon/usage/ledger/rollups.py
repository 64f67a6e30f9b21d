"""Adding up, by hour and by day: done once for each segment, with its manifest.

The manifest of a segment can be written only once, and what it covers is added in the same
transaction; so nothing is added twice, however often a segment is shipped.
"""

from __future__ import annotations

from sqlalchemy import Connection, Table, text

from antiphon.usage.ledger.tables import WORDS, usage_daily, usage_hourly

HOUR = 3_600_000_000
DAY = 24 * HOUR
KEYS = ("alias", "provider", "model", "key_id", "team", "department", "subject_id")
MEASURES = ("attempts", "failures", "estimates", *WORDS, "cost", "duration")
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
    """Add a segment's rows to the hours and days."""
    for table, width in ((usage_hourly, HOUR), (usage_daily, DAY)):
        connection.execute(text(_statement(table, width)), {"owner": owner, "segment": segment})


def _statement(table: Table, width: int) -> str:
    name = table.name
    columns = ", ".join(("begins", *KEYS, *MEASURES))
    begins = f"(ended_at / {width}) * {width}"
    chosen = ", ".join((begins, *KEYS, *map(measured, MEASURES)))
    added = ", ".join(f"{each} = {name}.{each} + excluded.{each}" for each in MEASURES)
    return (
        f"INSERT INTO {name} ({columns}) SELECT {chosen} FROM attempts "  # noqa: S608  our own names
        f"WHERE owner = :owner AND segment = :segment GROUP BY {begins}, {', '.join(KEYS)} "
        f"ON CONFLICT (begins, {', '.join(KEYS)}) DO UPDATE SET {added}"
    )
