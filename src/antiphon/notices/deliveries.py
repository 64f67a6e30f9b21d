"""Deliveries on their way: entered once, claimed by one process at a time, and brought to an end.

An event has one id whoever tells it, and a row for each webhook; a row that is there already is
left as it is. To send a row, a process claims it for a while by a token of its own. If it dies, the
claim runs out and another process takes the row. Whoever comes too late with an outcome changes
nothing, unless the receiver took the notice: that is true whoever else is at it.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Column, ColumnElement, Connection, delete, or_, select, update
from sqlalchemy.dialects.sqlite import insert

from antiphon.clock import Clock
from antiphon.egress.webhooks.delivery import Delivery, State
from antiphon.egress.webhooks.message import Message
from antiphon.notices.tables import deliveries
from antiphon.storage.database import Database

_SECOND = 1_000_000
_DAY = 24 * 3600 * _SECOND
_LONGEST_CLAIM = 2 * 3600 * _SECOND
_LONGEST_WAIT = 2 * _DAY
"""Beyond what any claim and any wait can be: the clock was put back since."""
_FORSAKEN = 7 * _DAY
"""Age at which what no webhook of the configuration waits for is given up; longer than any other
delivery lives, since another process may still have a configuration with the webhook."""
_NO_WEBHOOK = "The configuration has no such webhook any more."


class Entry(NamedTuple):
    """An event for one webhook.

    Attributes:
        webhook: Its name.
        organisation: Whose it is; empty for the gateway's own.
        type: Of the event.
        message: What is sent.
    """

    webhook: str
    organisation: str
    type: str
    message: Message


class Claim(NamedTuple):
    """A delivery that this process alone may try now.

    Attributes:
        id: Of the delivery.
        token: Of the claim.
        webhook: The name.
        type: Of the event.
        message: What is sent.
        delivery: How far it is.
    """

    id: str
    token: str
    webhook: str
    type: str
    message: Message
    delivery: Delivery


class Deliveries:
    """The rows of deliveries, for whoever enters and sends them.

    Args:
        database: With the table.
        clock: Of the machine, which all processes on the database share.
    """

    def __init__(self, database: Database, *, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def enter(self, entries: Iterable[Entry]) -> list[str]:
        """Keep events to be sent at once; those that are there already stay as they are.

        Returns:
            The ids of the deliveries that are new.

        Raises:
            StorageFailed: Nothing was done.
        """
        with self._database.writing() as connection:
            return enter(connection, entries, at=self._now())

    def waiting(self) -> dict[str, int]:
        """How many deliveries of each webhook are due and nobody's, by its name.

        Raises:
            StorageFailed: The database did not do what it was asked.
        """
        with self._database.reading() as connection:
            found = connection.execute(select(deliveries.c.webhook).where(*_due(self._now())))
            names = list(found.scalars())
        return {name: names.count(name) for name in set(names)}

    def claim(self, webhook: str, most: int, *, seconds: float) -> list[Claim]:
        """Take deliveries that are due, the most pressing first.

        Args:
            webhook: The name.
            most: How many.
            seconds: For how long they are this process's.

        Raises:
            StorageFailed: Nothing was done.
        """
        now, token = self._now(), secrets.token_hex(8)
        with self._database.writing() as connection:
            due = select(deliveries).where(*_due(now), deliveries.c.webhook == webhook)
            rows = connection.execute(due.order_by(deliveries.c.due_at).limit(most)).all()
            if rows:
                connection.execute(
                    update(deliveries)
                    .where(deliveries.c.id.in_([row.id for row in rows]))
                    .values(claim=token, claimed_until=now + int(seconds * _SECOND))
                )
        return [
            Claim(
                row.id,
                token,
                row.webhook,
                row.type,
                Message(row.event, row.body.encode()),
                Delivery(row.due_at / _SECOND, row.attempts, State(row.state), row.message),
            )
            for row in rows
        ]

    def settle(self, claim: Claim, after: Delivery, *, status: int | None) -> bool:
        """Keep what became of a delivery, and let go of it.

        Args:
            claim: As it was taken.
            after: What the delivery is now.
            status: The receiver's, where it answered.

        Returns:
            Whether it was still this process's, or was taken by its receiver all the same.

        Raises:
            StorageFailed: Nothing was done; the claim runs out by itself.
        """
        now, is_over = self._now(), after.state is not State.PENDING
        mine = (deliveries.c.id == claim.id) & (deliveries.c.state == State.PENDING.value)
        if after.state is not State.DELIVERED:
            mine &= deliveries.c.claim == claim.token
        values = {
            "due_at": int(after.due * _SECOND),
            "attempts": after.attempts,
            "state": after.state.value,
            "status": status,
            "message": after.message,
            "ended_at": now if is_over else None,
            **_FREE,
        }
        with self._database.writing() as connection:
            done = connection.execute(update(deliveries).where(mine).values(values)).rowcount
            if done and after.state is State.GONE:
                _end(
                    connection,
                    deliveries.c.webhook == claim.webhook,
                    State.GONE,
                    after.message,
                    now,
                )
        return bool(done)

    def release(self, claims: Collection[Claim]) -> None:
        """Let go of deliveries whose attempt was broken off: they are due as they were.

        Raises:
            StorageFailed: Nothing was done; the claims run out by themselves.
        """
        with self._database.writing() as connection:
            for token in {each.token for each in claims}:
                ids = [each.id for each in claims if each.token == token]
                connection.execute(
                    update(deliveries)
                    .where(deliveries.c.claim == token, deliveries.c.id.in_(ids))
                    .values(_FREE)
                )

    def sweep(self, *, keep_days: int, webhooks: Sequence[str]) -> tuple[int, int]:
        """Delete what is over for long, and give up what no webhook waits for.

        Args:
            keep_days: How long what is over is kept.
            webhooks: The names in the configuration.

        Returns:
            How many were given up, and how many deleted.

        Raises:
            StorageFailed: Nothing was done.
        """
        now = self._now()
        with self._database.writing() as connection:
            forsaken = deliveries.c.webhook.not_in(webhooks)
            forsaken &= deliveries.c.created_at < now - _FORSAKEN
            ended = _end(connection, forsaken, State.FAILED, _NO_WEBHOOK, now)
            old = deliveries.c.ended_at < now - keep_days * _DAY
            return ended, connection.execute(delete(deliveries).where(old)).rowcount

    def _now(self) -> int:
        return int(self._clock.now() * _SECOND)


_FREE = {"claim": "", "claimed_until": 0}


def enter(connection: Connection, entries: Iterable[Entry], *, at: int) -> list[str]:
    """Keep events to be sent at once, inside a transaction; gives the ids of what is new.

    Args:
        connection: A transaction that writes.
        entries: What is to be sent; what is there already stays as it is.
        at: Microseconds since 1970.
    """
    made: list[str] = []
    for entry in entries:
        row = {
            "id": f"dlv_{secrets.token_hex(8)}",
            "organisation": entry.organisation,
            "webhook": entry.webhook,
            "event": entry.message.id,
            "type": entry.type,
            "body": entry.message.body.decode(),
            "created_at": at,
            "due_at": at,
            "attempts": 0,
            "state": State.PENDING.value,
            "message": "",
            **_FREE,
        }
        if connection.execute(insert(deliveries).values(row).on_conflict_do_nothing()).rowcount:
            made.append(str(row["id"]))
    return made


def begin_anew(connection: Connection, delivery: str, *, at: int) -> bool:
    """Have a delivery sent again as if it were new; False while somebody is at it.

    Args:
        connection: A transaction that writes.
        delivery: Its id.
        at: Microseconds since 1970.
    """
    idle = (deliveries.c.id == delivery) & _past(deliveries.c.claimed_until, at, _LONGEST_CLAIM)
    values = {
        "due_at": at,
        "attempts": 0,
        "state": State.PENDING.value,
        "ended_at": None,
        **_FREE,
    }
    return bool(connection.execute(update(deliveries).where(idle).values(values)).rowcount)


def _due(now: int) -> list[ColumnElement[bool]]:
    return [
        deliveries.c.state == State.PENDING.value,
        _past(deliveries.c.due_at, now, _LONGEST_WAIT),
        _past(deliveries.c.claimed_until, now, _LONGEST_CLAIM),
    ]


def _past(column: Column[int], now: int, longest: int) -> ColumnElement[bool]:
    """A time is over, or lies further ahead than it can have been meant."""
    return or_(column <= now, column > now + longest)


def _end(
    connection: Connection, which: ColumnElement[bool], state: State, message: str, now: int
) -> int:
    """Bring deliveries that wait and are nobody's to an end; gives how many."""
    idle = which & (deliveries.c.state == State.PENDING.value)
    idle &= _past(deliveries.c.claimed_until, now, _LONGEST_CLAIM)
    values = {"state": state.value, "message": message, "ended_at": now, **_FREE}
    return connection.execute(update(deliveries).where(idle).values(values)).rowcount
