"""Proving the ledger: rows against manifests, manifests against each other, all against journals.

What is looked for: a manifest that was changed, taken away or put in; a row that was changed,
doubled, invented or lost; a segment that was begun and is neither in the ledger nor on the disk;
sums by day and hour that are not those of the rows. The first difference is told, with its place.

It runs beside a living gateway. Journals are read before the ledger, so whatever is shipped
meanwhile is there; what a segment gained after it was read shows at the second look, and only a
difference that stays is one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from sqlalchemy import Connection, select

from antiphon.storage.database import Readable
from antiphon.usage.journal.scan import Scan, scans_of
from antiphon.usage.ledger.manifests import FIRST_HASH, RETIRED, SHIPPED, Manifest, manifest_of
from antiphon.usage.ledger.rollups import Group, by_day, of_rows, of_sums
from antiphon.usage.ledger.rows import AT, Row, checksum_of, content_of, kept_rows, rows_of
from antiphon.usage.ledger.tables import (
    KEYS,
    MEASURES,
    SUMMED,
    attempts,
    ledger,
    manifests,
    segments,
    usage_daily,
    usage_hourly,
)
from antiphon.usage.ledger.tally import Tally

_LOOKS = 4
"""A living gateway moves; what it did between two reads is gone at the next look."""
_NONE = (0,) * len(MEASURES)
Place = tuple[str, int]
"""A journal and the number of one of its segments."""


class Proof(msgspec.Struct, frozen=True):
    """What a proof found.

    Attributes:
        difference: The first thing that is not as it should be; empty where all is.
        head: The hash of the last manifest: keep it elsewhere, and nobody can change what lies
            before it unseen. Empty where there is none yet.
        manifests: Links of the chain.
        rows: Rows that were read.
        pending: Attempts that are in journals only, and will be shipped.
        open: Attempts under way, or of processes that died and were not adopted yet.
        damage: Stretches of journals that cannot be read.
        lost: Segments that are gone, of journals about whose money a person has decided.
    """

    difference: str
    head: str
    manifests: int
    rows: int
    pending: int
    open: int
    damage: int
    lost: int = 0


class _Differs(Exception):
    """The first difference."""


def prove(
    database: Readable, folder: Path, *, head: str = "", given_up: Collection[str] = ()
) -> Proof:
    """Check everything.

    Args:
        database: Of the ledger.
        folder: Of the journals.
        head: The hash of a manifest that has to be in the chain, as an earlier proof told it.
        given_up: Journals about whose money a person has decided: what is gone of them is counted.

    Raises:
        StorageFailed: The database cannot be read.
        OSError: The folder cannot be read.
    """
    proof, before, looks = _look(database, folder, head, given_up), "", 1
    while proof.difference and proof.difference != before and looks < _LOOKS:
        before, looks = proof.difference, looks + 1
        proof = _look(database, folder, head, given_up)
    return proof


def _look(database: Readable, folder: Path, head: str, given_up: Collection[str]) -> Proof:
    scans = _scans(folder)
    with database.reading() as connection:
        name = connection.execute(select(ledger.c.id)).scalar()
        mine = {place: scan for place, scan in scans.items() if scan.head.ledger == name}
        return _Look(connection, mine, given_up).run(head)


def _scans(folder: Path) -> dict[Place, Scan]:
    """Every segment that can be read, by its place."""
    return {(scan.head.owner, scan.head.number): scan for scan in scans_of(folder)}


class _Look:
    """One look at everything, in one transaction."""

    def __init__(
        self, connection: Connection, scans: Mapping[Place, Scan], given_up: Collection[str]
    ) -> None:
        self._connection = connection
        self._scans = scans
        self._shipped: dict[Place, Manifest] = {}
        self._retired: dict[Place, Manifest] = {}
        self._begun: dict[Place, int] = {}
        self._given_up = given_up
        self._lost: set[Place] = set()
        self._head = FIRST_HASH
        self._links = 0
        self._rows = 0
        self._pending = 0

    def run(self, head: str) -> Proof:
        difference = ""
        try:
            self._chain(head)
            self._registered()
            self._gaps()
            for place, manifest in self._shipped.items():
                self._segment(place, manifest)
            self._strays()
            for place, scan in self._scans.items():
                self._journal(place, scan)
            self._sums()
        except _Differs as found:
            difference = str(found)
        return Proof(
            difference=difference,
            head=self._head if self._links else "",
            manifests=self._links,
            rows=self._rows,
            pending=self._pending,
            open=sum(len(scan.open) for scan in self._scans.values()),
            damage=sum(len(scan.damage) for scan in self._scans.values()),
            lost=len(self._lost),
        )

    def _chain(self, head: str) -> None:
        """Every link holds the hash of the one before, and no number is left out."""
        known = {FIRST_HASH}
        found = self._connection.execute(select(manifests).order_by(manifests.c.number))
        for row in found.mappings():
            manifest, kept = manifest_of(row)
            where = f"manifest {manifest.number} (segment {_named(_place(manifest))})"
            if manifest.number != self._links + 1:
                raise _Differs(f"manifest {self._links + 1} is missing")
            if manifest.previous != self._head:
                raise _Differs(f"{where} does not follow the one before it")
            if manifest.hash != kept:
                raise _Differs(f"{where} was changed")
            self._links += 1
            self._head = kept
            known.add(kept)
            self._know(manifest, where)
        if head and head not in known:
            raise _Differs(f"no manifest has the hash {head}: the chain was written anew")

    def _know(self, manifest: Manifest, where: str) -> None:
        place = _place(manifest)
        if manifest.kind == SHIPPED:
            self._shipped[place] = manifest
        elif manifest.kind == RETIRED:
            shipped = self._shipped.pop(place, None)
            if shipped is None or shipped.held != manifest.held:
                raise _Differs(f"{where} retires what was never shipped")
            self._retired[place] = manifest
        else:
            raise _Differs(f"{where} is of a kind that is not known: {manifest.kind!r}")

    def _registered(self) -> None:
        """What was begun is in the ledger, or still on the disk."""
        found = self._connection.execute(select(segments))
        self._begun = {(row.owner, row.segment): row.shipped for row in found}
        for place in self._begun:
            if place not in self._scans and place not in self._shipped:
                if place[0] not in self._given_up:
                    raise _Differs(f"segment {_named(place)} was begun, and is nowhere")
                self._lost.add(place)

    def _gaps(self) -> None:
        """No segment of a journal is left out between two others."""
        numbers: dict[str, set[int]] = {}
        for owner, number in (*self._shipped, *self._retired, *self._scans):
            numbers.setdefault(owner, set()).add(number)
        for owner, found in numbers.items():
            for number in range(1, max(found)):
                if number not in found:
                    raise _Differs(f"segment {_named((owner, number))} is missing")

    def _segment(self, place: Place, manifest: Manifest) -> None:
        """The rows of a segment are those of its manifest."""
        tally = Tally()
        where = f"segment {_named(place)}"
        for row in self._rows_of(place):
            content = content_of(row[:-1])
            if checksum_of(content) != row[-1]:
                raise _Differs(f"{_row_named(row)} of {where} was changed")
            tally.add([row], [content])
        if tally.rows != manifest.rows:
            raise _Differs(f"{where} has {tally.rows} rows, and its manifest says {manifest.rows}")
        for word, here, there in zip(SUMMED, tally.sums, manifest.sums, strict=True):
            if here != there:
                raise _Differs(f"{where}: the rows have {here} {word}, its manifest says {there}")
        if tally.digest != manifest.digest:
            raise _Differs(f"the rows of {where} are not those that its manifest was made of")

    def _strays(self) -> None:
        """Every row belongs to a segment that is known, and not to one whose rows are retired."""
        chosen = select(attempts.c.owner, attempts.c.segment).distinct()
        for owner, number in self._connection.execute(chosen):
            place = (owner, number)
            if place in self._retired:
                raise _Differs(f"segment {_named(place)} is retired, and has rows")
            if place not in self._shipped and place not in self._scans and place not in self._lost:
                raise _Differs(f"segment {_named(place)} has rows, but no manifest and no journal")

    def _journal(self, place: Place, scan: Scan) -> None:
        """What stands in a journal is in the ledger, as far as it was shipped."""
        if place in self._shipped or place in self._retired:
            return
        expected = dict(rows_of(scan))
        where = f"segment {_named(place)}"
        shipped = self._begun.get(place, 0)
        seen: set[int] = set()
        for row in self._rows_of(place):
            position = int(row[AT["position"]])
            if position >= scan.end:
                raise _Differs(f"{_row_named(row)} of {where} is not in the journal")
            if expected.get(position) != row[:-1]:
                raise _Differs(f"{_row_named(row)} is not what the journal of {where} says")
            seen.add(position)
        for position, row in expected.items():
            if position in seen or position in scan.open:
                continue
            if position < shipped:
                raise _Differs(f"the row of {_row_named(row)} of {where} is missing")
            self._pending += 1

    def _sums(self) -> None:
        """The sums by day and by hour are those of the rows, group by group.

        Where rows were retired, what is left of a group is theirs: of all groups together it has
        to be what their manifests say. Of hours, those before the oldest that is kept are over.
        """
        every = [_counted(each) for each in self._retired.values()]
        gone = [sum(numbers) for numbers in zip(*every, strict=True)]
        hours = of_rows(self._connection)
        for table, rows, name in (
            (usage_daily, by_day(hours), "days"),
            (usage_hourly, hours, "hours"),
        ):
            sums = of_sums(self._connection, table)
            begun = min((int(group[0]) for group in sums), default=0)
            rest = [0] * len(MEASURES)
            for group in sums.keys() | rows.keys():
                if table is usage_hourly and int(group[0]) < begun:
                    continue
                here, there = sums.get(group, _NONE), rows.get(group, _NONE)
                left = [a - b for a, b in zip(here, there, strict=True)]
                if any(left) if not self._retired else min(left) < 0:
                    raise _Differs(f"the {name} of {_group_named(group)} are not what the rows say")
                rest = [a + b for a, b in zip(rest, left, strict=True)]
            told = [rest[MEASURES.index(each)] for each in ("attempts", *SUMMED)]
            if gone and told != gone and table is usage_daily:
                raise _Differs(f"the {name} do not add up to rows and what was retired")

    def _rows_of(self, place: Place) -> Iterator[Row]:
        for row in kept_rows(self._connection, *place):
            self._rows += 1
            yield row


def _counted(manifest: Manifest) -> tuple[int, ...]:
    return (manifest.rows, *manifest.sums)


def _group_named(group: Group) -> str:
    begins = datetime.fromtimestamp(int(group[0]) / 1e6, UTC).isoformat(timespec="minutes")
    return f"{begins} " + " ".join(f"{k}={v!r}" for k, v in zip(KEYS, group[1:], strict=True))


def _place(manifest: Manifest) -> Place:
    return manifest.owner, manifest.segment


def _named(place: Place) -> str:
    return f"{place[0]}/{place[1]}"


def _row_named(row: Row) -> str:
    return f"attempt {row[1]} of request {row[0]}"
