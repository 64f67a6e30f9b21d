"""Writes that were done, so that the same request does not do them again.

A record is made in the transaction of the write itself: one is never there without the other,
whenever the process dies. The answer follows in a transaction of its own, since it is told only
when the write is sure. A write whose answer did not follow is never done twice: its caller is told
that it was done.
"""

from __future__ import annotations

import secrets
from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, delete, select, update
from sqlalchemy.dialects.sqlite import insert

from antiphon.clock import Clock
from antiphon.idempotency.errors import AnswerLost, KeyReused, StillRunning
from antiphon.idempotency.keys import Asked
from antiphon.idempotency.tables import repeats
from antiphon.storage.database import Database

_MICROSECONDS: Final = 1_000_000
_HOUR: Final = 3600
_ON_ITS_WAY: Final = 30.0
"""Seconds for which an answer may still follow its write."""


class Claim:
    """A write that is about to be done, with this key.

    Called with the connection of the transaction that does it, and more than once where it is done
    in several.

    Raises:
        StillRunning: Another process did it meanwhile; the transaction does nothing.
    """

    __slots__ = ("asked", "at", "organisation", "owner", "since")

    def __init__(self, asked: Asked, organisation: str, *, at: int, since: int) -> None:
        self.asked = asked
        self.organisation = organisation
        self.at = at
        self.since = since
        self.owner = secrets.token_bytes(16)

    def __call__(self, connection: Connection) -> None:
        connection.execute(delete(repeats).where(repeats.c.made_at < self.since))
        row = {
            "organisation": self.organisation,
            "place": self.asked.place,
            "fingerprint": self.asked.fingerprint,
            "owner": self.owner,
            "made_at": self.at,
        }
        if connection.execute(insert(repeats).values(row).on_conflict_do_nothing()).rowcount:
            return
        if connection.execute(select(repeats.c.owner).where(*self.here)).scalar() != self.owner:
            raise StillRunning

    @property
    def here(self) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
        """The conditions on its row, within the walls of its tenant."""
        return (repeats.c.organisation == self.organisation, repeats.c.place == self.asked.place)


class Done(NamedTuple):
    """A write that was done.

    Attributes:
        answer: What its caller was told, sealed.
    """

    answer: bytes


class Records:
    """What was done with which key.

    Args:
        database: With the table.
        hours: For how long it is known.
        clock: Where time comes from.
    """

    def __init__(self, database: Database, *, hours: float, clock: Clock) -> None:
        self._database = database
        self._hours = hours
        self._clock = clock

    def claim(self, asked: Asked, organisation: str) -> Claim:
        """What the write's own transaction is to take along."""
        now = self._now()
        since = now - round(self._hours * _HOUR * _MICROSECONDS)
        return Claim(asked, organisation, at=now, since=since)

    def find(self, claim: Claim) -> Done | None:
        """What was done with this key; None where nothing was.

        Raises:
            KeyReused: Something else was.
            StillRunning: It was done just now, and its answer may still follow.
            AnswerLost: It was done, and nobody knows any more what its caller was told.
            StorageFailed: The database did not do what it was asked.
        """
        query = select(repeats).where(*claim.here, repeats.c.made_at >= claim.since)
        with self._database.reading() as connection:
            row = connection.execute(query).mappings().first()
        if row is None:
            return None
        if row["fingerprint"] != claim.asked.fingerprint:
            raise KeyReused
        if row["answer"] is not None:
            return Done(row["answer"])
        if self._now() - row["made_at"] < _ON_ITS_WAY * _MICROSECONDS:
            raise StillRunning
        raise AnswerLost

    def keep(self, claim: Claim, answer: bytes) -> None:
        """Add what the caller was told; also of what no transaction has taken along.

        Raises:
            StorageFailed: The database did not do what it was asked.
        """
        with self._database.writing() as connection:
            claim(connection)
            connection.execute(update(repeats).where(*claim.here).values(answer=answer))

    def _now(self) -> int:
        return round(self._clock.now() * _MICROSECONDS)
