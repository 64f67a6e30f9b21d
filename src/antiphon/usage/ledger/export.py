"""Every attempt as CSV, in the order of time: for spreadsheets, auditors and other databases.

Read in pages by the key of the last row, each in a transaction of its own: what is held at once
is one page, however much there is, and a reader that is slow keeps nobody from writing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import RowMapping, func, select, tuple_

from antiphon.storage.database import Readable
from antiphon.usage.ledger.sheet import Cell, written
from antiphon.usage.ledger.shown import dollars
from antiphon.usage.ledger.stretches import within
from antiphon.usage.ledger.tables import attempts, people
from antiphon.usage.ledger.times import told_exactly

PAGE = 1000
COLUMNS = (*(column.name for column in attempts.columns), "user", "cost_usd")
"""Every column of `attempts`, then the name behind the subject id, and the cost in dollars."""
_TIMES = ("started_at", "ended_at")


def export_csv(
    database: Readable, start: int | None = None, end: int | None = None, *, size: int = PAGE
) -> Iterator[str]:
    """Attempts as CSV, a piece for each page; the names of the columns come first.

    Args:
        database: Where the ledger is.
        start: Microseconds since 1970 at which the first one ended, at the earliest.
        end: The first moment at which none may have ended.
        size: The most rows that are held at once.

    Raises:
        StorageFailed: The database did not do what it was asked.
    """
    head: list[Sequence[Cell]] = [COLUMNS]
    for page in _pages(database, start, end, size):
        yield written([*head, *map(_cells, page)])
        head = []
    if head:
        yield written(head)


def _pages(
    database: Readable, start: int | None, end: int | None, size: int
) -> Iterator[Sequence[RowMapping]]:
    place = attempts.c.ended_at, attempts.c.number
    named = func.coalesce(people.c.name, attempts.c.subject_id).label("user")
    chosen = (
        select(attempts, named)
        .outerjoin_from(attempts, people, people.c.id == attempts.c.subject_id)
        .where(*within(attempts.c.ended_at, start, end))
        .order_by(*place)
        .limit(size)
    )
    page = chosen
    while True:
        with database.reading() as connection:
            rows = connection.execute(page).mappings().all()
        if rows:
            yield rows
        if len(rows) < size:
            return
        last = rows[-1]
        page = chosen.where(tuple_(*place) > tuple_(last["ended_at"], last["number"]))


def _cells(row: RowMapping) -> list[Cell]:
    times = {name: told_exactly(row[name]) for name in _TIMES}
    values = {**row, **times, "cost_usd": dollars(row["cost"])}
    cells: list[Cell] = [values[name] for name in COLUMNS]
    return [int(cell) if isinstance(cell, bool) else cell for cell in cells]
