"""Lists, a page at a time, the newest first.

A cursor is the id of the last row of the page before. Rows are never deleted, so it holds; and it
is looked up within the same walls, so another tenant's id is as unknown as one that never was.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, NamedTuple, TypeVar

from sqlalchemy import Connection, RowMapping, Select, Table, select, tuple_

from antiphon.access.walls import Walls
from antiphon.errors import InvalidRequest

USUAL, MOST = 50, 500
_LONGEST_ID = 100
T = TypeVar("T")


class Page(NamedTuple, Generic[T]):
    """A part of a list.

    Attributes:
        items: The newest first.
        cursor: What to ask the next page with; None where this is the last.
    """

    items: tuple[T, ...]
    cursor: str | None


class Ask(NamedTuple):
    """Which page.

    Attributes:
        limit: The most rows, 1 to `MOST`.
        cursor: Of the page before, or None for the first.
        gone: Whether what was removed or revoked is listed too.
    """

    limit: int = USUAL
    cursor: str | None = None
    gone: bool = False


FIRST = Ask()


def check_limit(limit: object) -> int:
    """A number of rows.

    Raises:
        InvalidRequest: It cannot be one.
    """
    if not isinstance(limit, int) or isinstance(limit, bool) or not 1 <= limit <= MOST:
        raise InvalidRequest(f"limit must be a whole number from 1 to {MOST}.", param="limit")
    return limit


def rows_of(
    connection: Connection,
    query: Select[tuple[object, ...]],
    table: Table,
    walls: Walls,
    ask: Ask,
) -> tuple[Sequence[RowMapping], str | None]:
    """The rows of a page, and the cursor of the next.

    Args:
        connection: Inside a transaction.
        query: What is listed, from the table.
        table: Has `id` and `created_at`.
        walls: Around the table.
        ask: Which page.

    Raises:
        InvalidRequest: The limit or the cursor is none.
    """
    limit = check_limit(ask.limit)
    place = table.c.created_at, table.c.id
    query = query.where(*walls).order_by(*(column.desc() for column in place)).limit(limit + 1)
    if ask.cursor is not None:
        if not is_id(ask.cursor):
            raise _no_cursor()
        at = connection.execute(select(*place).where(*walls, table.c.id == ask.cursor)).first()
        if at is None:
            raise _no_cursor()
        query = query.where(tuple_(*place) < tuple_(*at))
    rows = connection.execute(query).mappings().all()
    return rows[:limit], rows[limit - 1]["id"] if len(rows) > limit else None


def check_number(number: object, what: str) -> int:
    """The number of an entry.

    Raises:
        InvalidRequest: It cannot be one.
    """
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < 1 << 63:
        raise InvalidRequest(f"{what} must be the number of an entry.", param=what)
    return number


def is_id(text: object) -> bool:
    """Whether it can be an id at all: not all that can be given can be asked of a database."""
    return isinstance(text, str) and len(text) <= _LONGEST_ID and text.isascii()


def _no_cursor() -> InvalidRequest:
    return InvalidRequest("cursor was not given for this list.", param="cursor")
