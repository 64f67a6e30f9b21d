"""How much was used, by whatever it is asked by.

One statement in one read transaction adds up what answers for each stretch of time, and the rows
of segments that are not whole yet: whatever the shipper does meanwhile, no row is counted twice
and none is missed. Pages are found by the key of their first row, not by counting, so what
arrives meanwhile moves none of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import (
    ColumnElement,
    Executable,
    FromClause,
    Select,
    SelectBase,
    Subquery,
    Table,
    false,
    func,
    literal,
    or_,
    select,
    tuple_,
    union_all,
)

from antiphon.storage.database import Readable
from antiphon.usage.ledger.cursors import cursor_behind, key_of
from antiphon.usage.ledger.manifests import COVERED
from antiphon.usage.ledger.question import COLUMNS, TIMES, Question
from antiphon.usage.ledger.rollups import DAY, of_attempt
from antiphon.usage.ledger.stretches import Period, Stretch, period, within
from antiphon.usage.ledger.tables import (
    MEASURES,
    attempts,
    ledger,
    people,
    segments,
    usage_daily,
    usage_hourly,
)
from antiphon.usage.ledger.times import SECOND

MOST_ROWS = 1000
"""Rows of one page."""

_TABLES = {"days": usage_daily, "hours": usage_hourly}


class UsageRow(NamedTuple):
    """One group.

    Attributes:
        names: The values of what it is grouped by; people by name, or by id where it was erased.
        sums: In the order of `MEASURES`.
    """

    names: tuple[str, ...]
    sums: tuple[int, ...]


class Answer(NamedTuple):
    """A page of usage.

    Attributes:
        question: What was asked.
        rows: In the order of their keys.
        totals: Of the whole question, not of the page.
        cursor: Of the next page; None where there is none.
        period: What it is answered for.
    """

    question: Question
    rows: tuple[UsageRow, ...]
    totals: tuple[int, ...]
    cursor: str | None
    period: Period


def usage(
    database: Readable, question: Question, *, limit: int = MOST_ROWS, cursor: str | None = None
) -> Answer:
    """A page of the answer.

    Args:
        database: Where the ledger is.
        question: What is asked, and for whom.
        limit: The most rows of the page.
        cursor: Of the page, as the one before gave it.

    Raises:
        InvalidRequest: The cursor was not given for this question.
        StorageFailed: The database did not do what it was asked.
    """
    with database.reading() as connection:
        name = connection.execute(select(ledger.c.id)).scalar() or ""
        behind = None if cursor is None else key_of(cursor, question, name)
        answered = period(connection, question.start, question.end)
        pieces = _pieces(question, answered)
        sums = select(*(func.coalesce(func.sum(pieces.c[each]), 0) for each in MEASURES))
        totals = connection.execute(sums).one()
        page = _page(pieces, question.by, behind, limit + 1)
        found = connection.execute(page).all()
    width = len(question.by)
    rows = [UsageRow(tuple(row[width : 2 * width]), tuple(row[2 * width :])) for row in found]
    more = None
    if len(rows) > limit:
        more = cursor_behind(tuple(found[limit - 1][:width]), question, name)
    return Answer(question, tuple(rows[:limit]), tuple(totals), more, answered)


def pages(database: Readable, question: Question, *, size: int = MOST_ROWS) -> Iterator[Answer]:
    """The whole answer, page by page, each of its own moment.

    Raises:
        StorageFailed: The database did not do what it was asked.
    """
    answer = usage(database, question, limit=size)
    yield answer
    while answer.cursor is not None:
        answer = usage(database, question, limit=size, cursor=answer.cursor)
        yield answer


def _page(
    pieces: Subquery, by: Sequence[str], behind: tuple[str, ...] | None, limit: int
) -> Executable:
    """Groups in the order of their keys: keys, names, sums."""
    keys = [pieces.c[word] for word in by]
    sums = [func.sum(pieces.c[each]).label(each) for each in MEASURES]
    chosen = select(*keys, *sums).group_by(*keys)
    if behind is not None:
        chosen = chosen.where(tuple_(*keys) > tuple_(*map(literal, behind)))
    grouped = chosen.subquery()
    keys = [grouped.c[word] for word in by]
    names: list[ColumnElement[str]] = [
        func.coalesce(people.c.name, key) if word == "user" else key
        for word, key in zip(by, keys, strict=True)
    ]
    page = select(*keys, *names, *(grouped.c[each] for each in MEASURES))
    page = page.order_by(*keys).limit(limit)
    if "user" not in by:
        return page.select_from(grouped)
    return page.select_from(grouped.outerjoin(people, people.c.id == grouped.c.user))


def _pieces(question: Question, answered: Period) -> Subquery:
    """All that is to be added up, as one table."""
    found = [piece for each in answered.stretches for piece in _of(question, each)]
    own = within(attempts.c.ended_at, answered.begin, answered.end)
    if not answered.stretches:
        own = (false(),)
    live = attempts.join(
        segments,
        (segments.c.owner == attempts.c.owner) & (segments.c.segment == attempts.c.segment),
    )
    found.append(_piece(attempts, attempts.c.ended_at, question, ~COVERED, *own, source=live))
    return union_all(*found).subquery()


def _of(question: Question, stretch: Stretch) -> Iterator[SelectBase]:
    """What a stretch is made of."""
    source, begin, end = stretch
    if source == "rows":
        ended = attempts.c.ended_at
        yield _piece(attempts, ended, question, *within(ended, begin, end), COVERED)
        return
    table = _TABLES[source]
    begins = table.c.begins
    own = within(begins, begin, end)
    if source == "hours" or "hour" not in question.by:
        yield _piece(table, begins, question, *own)
        return
    # Days whose hours are gone stand as one; their key says so, being a day.
    gone = _without_hours(begin, end)
    yield _piece(table, begins, question, *own, begins.in_(gone))
    hour = usage_hourly.c.begins
    own = within(hour, begin, end)
    yield _piece(usage_hourly, hour, question, *own, (hour // DAY * DAY).not_in(gone))


def _without_hours(begin: int | None, end: int | None) -> Select[int]:
    """The days whose hours do not hold all that the day holds."""
    by_day = (
        select(usage_daily.c.begins.label("day"), func.sum(usage_daily.c.attempts).label("count"))
        .where(*within(usage_daily.c.begins, begin, end))
        .group_by("day")
        .subquery()
    )
    day = usage_hourly.c.begins // DAY * DAY
    by_hour = (
        select(day.label("day"), func.sum(usage_hourly.c.attempts).label("count"))
        .where(*within(usage_hourly.c.begins, begin, end))
        .group_by("day")
        .subquery()
    )
    both = by_day.outerjoin(by_hour, by_hour.c.day == by_day.c.day)
    return (
        select(by_day.c.day)
        .select_from(both)
        .where(by_day.c.count != func.coalesce(by_hour.c.count, 0))
    )


def _piece(
    table: Table,
    moment: ColumnElement[int],
    question: Question,
    *where: ColumnElement[bool],
    source: FromClause | None = None,
) -> SelectBase:
    """Keys and measures of what was chosen of a table, or of a join with it."""
    keys = [_key(table, moment, word).label(word) for word in question.by]
    measures = [
        (of_attempt(each) if table is attempts else table.c[each]).label(each) for each in MEASURES
    ]
    chosen = select(*keys, *measures).select_from(table if source is None else source)
    return chosen.where(*where, *_conditions(table, question))


def _key(table: Table, moment: ColumnElement[int], word: str) -> ColumnElement[str]:
    if word not in TIMES:
        return table.c[COLUMNS[word]]
    written = TIMES["day" if word == "hour" and table is usage_daily else word]
    return func.strftime(written, moment // SECOND, "unixepoch")


def _conditions(table: Table, question: Question) -> Iterator[ColumnElement[bool]]:
    yield from question.scope.walls(table.c.key_id, table.c.subject_id)
    for word, values in question.chosen:
        column = table.c[COLUMNS[word]]
        match word:
            case "model":
                yield or_(column.in_(values), (table.c.provider + "/" + column).in_(values))
            case "user":
                named = select(people.c.id).where(people.c.name.in_(values))
                yield or_(column.in_(values), column.in_(named))
            case _:
                yield column.in_(values)
