"""Deliveries as they are shown: within the walls of their organisation, the newest first."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, select, tuple_

from antiphon.egress.webhooks.delivery import State
from antiphon.errors import InvalidRequest, PathNotFound
from antiphon.notices.tables import deliveries

USUAL, MOST = 50, 500
_LONGEST_ID = 100
Walls = list[ColumnElement[bool]]


class DeliveryFacts(NamedTuple):
    """What is known of a delivery.

    Attributes:
        id: Of the delivery.
        event: The id that the receiver sees.
        type: Of the event.
        webhook: The name.
        organisation: Whose webhook it is; empty for the gateway's own.
        state: `pending`, `delivered`, `failed` or `gone`.
        attempts: How many were made.
        status: What the receiver answered with last, if it did.
        message: Why the last attempt failed.
        created_at: Microseconds since 1970, as the next two.
        due_at: When it is tried next; None where it is over.
        ended_at: When it was over; None where it is not.
    """

    id: str
    event: str
    type: str
    webhook: str
    organisation: str
    state: str
    attempts: int
    status: int | None
    message: str
    created_at: int
    due_at: int | None
    ended_at: int | None


class Wanted(NamedTuple):
    """Which deliveries are meant.

    Attributes:
        organisation: Only those of its webhooks; None for all.
        state: Only in this state.
        webhook: Only of this name.
        limit: The most rows, 1 to `MOST`.
        cursor: The id of the last delivery of the page before.
    """

    organisation: str | None
    state: State | None = None
    webhook: str | None = None
    limit: int = USUAL
    cursor: str | None = None


def page_of(connection: Connection, wanted: Wanted) -> tuple[list[DeliveryFacts], str | None]:
    """A page, and the cursor of the next one.

    Raises:
        InvalidRequest: The limit or the cursor is none.
    """
    if not 1 <= wanted.limit <= MOST:
        raise InvalidRequest(f"limit must be a whole number from 1 to {MOST}.", param="limit")
    walls = _walls(wanted.organisation)
    place = deliveries.c.created_at, deliveries.c.id
    query = _chosen(wanted).where(*walls).order_by(*(each.desc() for each in place))
    if wanted.cursor is not None:
        begin = select(*place).where(*walls, deliveries.c.id == _id(wanted.cursor))
        at = connection.execute(begin).first()
        if at is None:
            raise InvalidRequest("cursor was not given for this list.", param="cursor")
        query = query.where(tuple_(*place) < tuple_(*at))
    rows = connection.execute(query.limit(wanted.limit + 1)).mappings().all()
    shown = [_facts(row) for row in rows[: wanted.limit]]
    return shown, shown[-1].id if len(rows) > wanted.limit else None


def shown(connection: Connection, delivery: str, organisation: str | None) -> DeliveryFacts:
    """One delivery.

    Args:
        connection: Inside a transaction.
        delivery: Its id.
        organisation: Whose it must be; None for anybody's.

    Raises:
        PathNotFound: There is none, or it is another's.
    """
    query = select(deliveries).where(*_walls(organisation), deliveries.c.id == _id(delivery))
    row = connection.execute(query).mappings().first()
    if row is None:
        raise PathNotFound("There is no such notice.")
    return _facts(row)


def _chosen(wanted: Wanted) -> Select[tuple[object, ...]]:
    query = select(deliveries)
    if wanted.state is not None:
        query = query.where(deliveries.c.state == wanted.state.value)
    if wanted.webhook is not None:
        query = query.where(deliveries.c.webhook == wanted.webhook)
    return query


def _walls(organisation: str | None) -> Walls:
    return [] if organisation is None else [deliveries.c.organisation == organisation]


def _id(text: str) -> str:
    """An id that can be asked of a database; else one that nothing has."""
    return text if len(text) <= _LONGEST_ID and text.isascii() and "\0" not in text else ""


def _facts(row: RowMapping) -> DeliveryFacts:
    is_pending = row["state"] == State.PENDING.value
    return DeliveryFacts(
        id=row["id"],
        event=row["event"],
        type=row["type"],
        webhook=row["webhook"],
        organisation=row["organisation"],
        state=row["state"],
        attempts=row["attempts"],
        status=row["status"],
        message=row["message"],
        created_at=row["created_at"],
        due_at=row["due_at"] if is_pending else None,
        ended_at=row["ended_at"],
    )
