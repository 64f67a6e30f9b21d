"""The ledger: what the shipper writes into it, and who stands behind a subject id.

Every write is a transaction of its own and can be repeated: an attempt that is there already is
left as it is, and a segment that has its manifest is not added up again.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import chain

from sqlalchemy import Connection, delete, func, select
from sqlalchemy.dialects.sqlite import insert

from antiphon.clock import Clock
from antiphon.errors import AntiphonError
from antiphon.storage.database import Database, Readable
from antiphon.usage.journal.scan import Damage
from antiphon.usage.ledger.manifests import SHIPPED, Manifest, has_manifest, last_link
from antiphon.usage.ledger.rollups import add_up
from antiphon.usage.ledger.rows import (
    COLUMNS,
    DECISION_COLUMNS,
    UNANSWERED_COLUMNS,
    DecisionRow,
    Row,
)
from antiphon.usage.ledger.tables import (
    SUMMED,
    attempts,
    damage,
    decisions,
    ledger,
    manifests,
    segments,
    subjects,
    unanswered,
)
from antiphon.usage.ledger.tally import Tally

MOST_ROWS = 64
"""Rows in one statement, and in one transaction."""


class LedgerDiffers(AntiphonError):
    """What stands in the ledger is not what the journal says."""


class Ledger:
    """Writes into the ledger.

    Args:
        database: Where it stands.
        clock: For the times of manifests.

    Attributes:
        name: The name by which journals know this ledger.
        database: As given.

    Raises:
        StorageFailed: The database did not do what it was asked.
    """

    def __init__(self, database: Database, *, clock: Clock) -> None:
        self.database = database
        self._clock = clock
        with database.writing() as connection:
            found = connection.execute(select(ledger.c.id)).scalar()
            self.name = found or secrets.token_hex(8)
            if found is None:
                row = {"id": self.name, "created_at": self._now()}
                connection.execute(ledger.insert().values(row))

    def write(
        self,
        owner: str,
        segment: int,
        *,
        rows: Sequence[Row],
        unanswered_rows: Sequence[Row],
        decision_rows: Sequence[DecisionRow] = (),
        shipped: int,
    ) -> None:
        """Take rows of a segment; those that are there already are left as they are.

        Args:
            owner: The journal.
            segment: The number of its segment.
            rows: At most `MOST_ROWS`, each with its checksum.
            unanswered_rows: At most `MOST_ROWS`.
            decision_rows: At most `MOST_ROWS`.
            shipped: How far the segment was read for them.

        Raises:
            StorageFailed: Nothing was written.
        """
        with self.database.writing() as connection:
            if rows:
                _insert(connection, attempts.name, COLUMNS, rows)
            if unanswered_rows:
                _insert(connection, unanswered.name, UNANSWERED_COLUMNS, unanswered_rows)
            if decision_rows:
                _insert(connection, decisions.name, DECISION_COLUMNS, decision_rows)
            connection.exec_driver_sql(
                f"INSERT INTO {segments.name} (owner, segment, shipped) VALUES (?, ?, ?) "  # noqa: S608
                "ON CONFLICT (owner, segment) DO UPDATE SET shipped = excluded.shipped",
                (owner, segment, shipped),
            )

    def is_finished(self, owner: str, segment: int) -> bool:
        """Whether a segment was shipped whole.

        Raises:
            StorageFailed: The database did not do what it was asked.
        """
        with self.database.reading() as connection:
            return has_manifest(connection, owner, segment)

    def finish(
        self, owner: str, segment: int, tally: Tally, *, damaged: Iterable[Damage] = ()
    ) -> None:
        """Write the manifest of a segment of which every row is there, and add it up.

        When this returns the disk holds it, and the segment may be deleted.

        Args:
            owner: The journal.
            segment: The number of its segment.
            tally: What the segment held.
            damaged: What of it could not be read.

        Raises:
            LedgerDiffers: The rows that stand there are not those of the segment.
            StorageFailed: Nothing was written.
        """
        with self.database.writing_through() as connection:
            if has_manifest(connection, owner, segment):
                return
            self._compare(connection, owner, segment, tally)
            number, previous = last_link(connection)
            link = Manifest(
                number + 1,
                SHIPPED,
                owner,
                segment,
                self._now(),
                tally.rows,
                tuple(tally.sums),
                tally.digest,
                previous,
            )
            connection.execute(manifests.insert().values(link.values()))
            add_up(connection, owner, segment)
            for stretch in damaged:
                self._note(connection, owner, segment, stretch)
            mine = (segments.c.owner == owner) & (segments.c.segment == segment)
            connection.execute(delete(segments).where(mine))

    def subject_ids(self, names: Iterable[str]) -> Mapping[str, str]:
        """The ids of people and applications, made for those that have none.

        Raises:
            StorageFailed: The database did not do what it was asked.
        """
        wanted = sorted({name for name in names if name})
        if not wanted:
            return {}
        with self.database.writing() as connection:
            known = _subjects(connection, wanted)
            made = [
                {"id": f"sub_{secrets.token_hex(8)}", "name": name, "created_at": self._now()}
                for name in wanted
                if name not in known
            ]
            if made:
                connection.execute(subjects.insert(), made)
            return {**known, **{str(each["name"]): str(each["id"]) for each in made}}

    def _compare(self, connection: Connection, owner: str, segment: int, tally: Tally) -> None:
        """Hold the rows of a segment against what its journal says."""
        sums = [func.coalesce(func.sum(attempts.c[name]), 0) for name in SUMMED]
        checksums = func.coalesce(func.sum(attempts.c.checksum), 0)
        found = connection.execute(
            select(func.count(), checksums, *sums)
            .select_from(attempts)
            .where(attempts.c.owner == owner, attempts.c.segment == segment)
        ).one()
        if tuple(found) != (tally.rows, tally.checksums, *tally.sums):
            raise LedgerDiffers(
                f"the rows of segment {segment} of journal {owner} are not what the journal says: "
                f"{found[0]} rows of {tally.rows}"
            )

    def _note(self, connection: Connection, owner: str, segment: int, stretch: Damage) -> None:
        connection.execute(
            insert(damage)
            .values(
                owner=owner,
                segment=segment,
                position=stretch.at,
                length=stretch.length,
                reason="no whole record stands here",
                found_at=self._now(),
            )
            .on_conflict_do_nothing()
        )

    def _now(self) -> int:
        return int(self._clock.now() * 1e6)


def _subjects(connection: Connection, names: Sequence[str]) -> dict[str, str]:
    found = connection.execute(
        select(subjects.c.name, subjects.c.id).where(subjects.c.name.in_(names))
    )
    return {row.name: row.id for row in found}


def _insert(
    connection: Connection,
    table: str,
    columns: tuple[str, ...],
    rows: Sequence[tuple[str | int | bytes, ...]],
) -> None:
    """All rows in one statement, so that the interpreter waits for the database once."""
    values = tuple(chain.from_iterable(rows))
    connection.exec_driver_sql(_statement(table, columns, len(rows)), values)


@cache
def _statement(table: str, columns: tuple[str, ...], count: int) -> str:
    row = f"({', '.join('?' * len(columns))})"
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([row] * count)} "  # noqa: S608
        "ON CONFLICT DO NOTHING"
    )


def name_of_ledger(database: Readable) -> str:
    """The name of the ledger in a database; empty where none was opened there yet.

    Raises:
        StorageFailed: The database did not do what it was asked.
    """
    with database.reading() as connection:
        return connection.execute(select(ledger.c.id)).scalar() or ""
