"""What is older than it is to be kept goes: rows by whole segments, sums by hour by whole days.

The rows of a segment go in one transaction with a manifest that says so, and only after they were
held against the manifest that says what they were: so `antiphon ledger prove` tells deletion from
tampering, and nothing that was tampered with is swept away. Sums by day stay.

How old a row is, a clock says that may be wrong. It is believed as far as the ledger has rows,
and from one look to the next by a day more than really passed: a clock that jumps ahead by a year
deletes nothing of that year before somebody can have noticed.
"""

from __future__ import annotations

import logging
import threading

from sqlalchemy import Connection, Table, delete, exists, func, select

from antiphon.clock import Clock
from antiphon.errors import StorageFailed
from antiphon.storage.database import Database
from antiphon.usage.config import LedgerSettings
from antiphon.usage.ledger.manifests import RETIRED, SHIPPED, Manifest, last_link, manifest_of
from antiphon.usage.ledger.rollups import DAY
from antiphon.usage.ledger.rows import content_of, kept_rows
from antiphon.usage.ledger.tables import (
    attempts,
    damage,
    decisions,
    manifests,
    unanswered,
    usage_daily,
    usage_hourly,
)
from antiphon.usage.ledger.tally import Tally

_log = logging.getLogger("antiphon.ledger")
_AT_START, _EVERY, _MORE = 60.0, 3600.0, 1.0
"""Seconds before the first look, between two, and where there is more to do."""
_SEGMENTS = 8
"""Segments that go at one look."""
_ROWS = 5_000
"""Rows of other tables that go in one transaction."""
_PLACES = {unanswered: "ended_at", damage: "found_at", decisions: "made_at"}
"""The columns that say how old a row is."""


class Retention:
    """Sweeps until it is stopped.

    Args:
        database: Where the ledger is.
        settings: How long what is kept.
        clock: How late it is.

    Attributes:
        retired: Segments whose rows went, from the start of the process.
        settings: As they were said; others hold from the next look on.
    """

    name = "retention"

    def __init__(self, database: Database, settings: LedgerSettings, *, clock: Clock) -> None:
        self.retired = 0
        self._database = database
        self.settings = settings
        self._clock = clock
        self._differing: set[tuple[str, int]] = set()
        self._believed: tuple[int, float] | None = None

    def run(self, stop: threading.Event) -> None:
        """Sweep now and then until `stop` is set."""
        pause = _AT_START
        while not stop.wait(pause):
            try:
                pause = _MORE if self.sweep() else _EVERY
            except StorageFailed as error:
                _log.warning("What is old cannot be deleted now: %s", error.message)
                pause = _EVERY

    def stop(self) -> None:
        """Nothing to do: `stop` itself ends the wait."""

    def sweep(self) -> bool:
        """Delete some of what is too old; whether there may be more.

        Raises:
            StorageFailed: The database did not do what it was asked.
        """
        with self._database.reading() as connection:
            now = self._now(connection)
        more = False
        if self.settings.keep_days:
            before = now - self.settings.keep_days * DAY
            more |= self._retire_segments(before)
            more |= self._delete(unanswered, before)
            more |= self._delete(damage, before)
            more |= self._delete(decisions, before)
        if self.settings.keep_hours_days:
            before = now - self.settings.keep_hours_days * DAY
            more |= self._delete(usage_hourly, before - before % DAY)
        return more

    def _now(self, connection: Connection) -> int:
        """How late it is, as far as that is to be believed; microseconds since 1970."""
        wall, running = int(self._clock.now() * 1e6), self._clock.monotonic()
        newest = _newest(connection)
        now = wall if wall <= newest + DAY else newest
        if self._believed is not None:
            last, then = self._believed
            most = last + int((running - then) * 1e6) + DAY
            if now > most:
                _log.warning("The clock jumped ahead: what became old by that is kept for now")
            now, newest = min(now, most), min(newest, most)
        # A clock that was put back is believed, and again when it is put right.
        self._believed = max(now, newest), running
        return now

    def _retire_segments(self, before: int) -> bool:
        with self._database.reading() as connection:
            found = _too_old(connection, before, _SEGMENTS + len(self._differing))
        old = [each for each in found if each not in self._differing]
        for owner, segment in old[:_SEGMENTS]:
            self._retire(owner, segment)
        return len(old) >= _SEGMENTS

    def _retire(self, owner: str, segment: int) -> None:
        """Delete the rows of a segment, if they are what its manifest says."""
        mine = (attempts.c.owner == owner) & (attempts.c.segment == segment)
        with self._database.writing_through() as connection:
            held = _shipped(connection, owner, segment)
            if not _is_what_stands(connection, held):
                self._differing.add((owner, segment))
                _log.critical(
                    "The rows of segment %d of journal %s are too old, but not what its manifest "
                    "says: they stay; see `antiphon ledger prove`",
                    segment,
                    owner,
                )
                return
            number, previous = last_link(connection)
            link = held._replace(
                number=number + 1,
                kind=RETIRED,
                made_at=int(self._clock.now() * 1e6),
                previous=previous,
            )
            connection.execute(manifests.insert().values(link.values()))
            connection.execute(delete(attempts).where(mine))
        self.retired += 1

    def _delete(self, table: Table, before: int) -> bool:
        """Delete what is older from a table, up to a bound; whether there may be more."""
        place = _PLACES.get(table, "begins")
        with self._database.writing() as connection:
            done = connection.exec_driver_sql(
                f"DELETE FROM {table.name} WHERE rowid IN "  # noqa: S608  our own names
                f"(SELECT rowid FROM {table.name} WHERE {place} < ? LIMIT {_ROWS})",
                (before,),
            )
        return done.rowcount >= _ROWS


def _newest(connection: Connection) -> int:
    """When the newest thing happened that the ledger knows of; 0 where it knows nothing."""
    columns = (attempts.c.ended_at, unanswered.c.ended_at, usage_daily.c.begins)
    found = (connection.execute(select(func.max(column))).scalar() for column in columns)
    return max(each or 0 for each in found)


def _too_old(connection: Connection, before: int, most: int) -> list[tuple[str, int]]:
    """Segments that hold rows, all of them older; those that were shipped first come first."""
    retired = manifests.alias()
    gone = exists().where(
        retired.c.kind == RETIRED,
        retired.c.owner == manifests.c.owner,
        retired.c.segment == manifests.c.segment,
    )
    newer = exists().where(
        attempts.c.owner == manifests.c.owner,
        attempts.c.segment == manifests.c.segment,
        attempts.c.ended_at >= before,
    )
    found = connection.execute(
        select(manifests.c.owner, manifests.c.segment)
        .where(manifests.c.kind == SHIPPED, manifests.c.rows > 0, ~gone, ~newer)
        .order_by(manifests.c.number)
        .limit(most)
    )
    return [(row.owner, row.segment) for row in found]


def _shipped(connection: Connection, owner: str, segment: int) -> Manifest:
    mine = (manifests.c.owner == owner) & (manifests.c.segment == segment)
    found = connection.execute(select(manifests).where(manifests.c.kind == SHIPPED, mine))
    return manifest_of(found.mappings().one())[0]


def _is_what_stands(connection: Connection, held: Manifest) -> bool:
    """Whether the rows of a segment are still what its manifest says."""
    tally = Tally()
    rows = list(kept_rows(connection, held.owner, held.segment))
    tally.add(rows, (content_of(row[:-1]) for row in rows))
    return (tally.rows, tuple(tally.sums), tally.digest) == held.held
