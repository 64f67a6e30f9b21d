"""Reading a segment from its begin to its end, whatever has become of it.

A record that is torn or changed is found by its checksum; reading goes on at the next one that is
whole, wherever that is, since a disk that lost power may hold later pages and not earlier ones.
Behind the last record of a process that died there may be the begin of one that was never
finished: that is no damage, since what it would have said was not yet promised to anybody.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from antiphon.usage.journal.folder import owners, segments_of
from antiphon.usage.journal.record import ALIGN, Closed, Opened, Record, read
from antiphon.usage.journal.segment import FIRST, Head, NotASegment


class Damage(NamedTuple):
    """A stretch of a segment that holds no record and should."""

    at: int
    length: int


class Scan(NamedTuple):
    """What stands in a segment.

    Attributes:
        records: In the order in which they were written, each with its place.
        open: The attempts that are not closed, by the places of their records.
        damage: Stretches between records that cannot be read.
        end: Behind the last record.
        torn: Bytes behind the end that are the begin of a record which was never finished.
    """

    head: Head
    records: list[tuple[int, Record]]
    open: dict[int, Opened]
    damage: list[Damage]
    end: int
    torn: int


def scan(data: bytes) -> Scan:
    """Read a segment.

    Raises:
        NotASegment: It is none, or one of another version.
    """
    head, damage = _head(data)
    if data.endswith(head.encode().ljust(FIRST, b"\0")):
        data = data[:-FIRST]
    last = len(data.rstrip(b"\0"))
    records: list[tuple[int, Record]] = []
    live: dict[int, Opened] = {}
    at, behind = FIRST, FIRST
    while at < last:
        found = read(data, at, salt=head.salt)
        if found is None:
            at += ALIGN
            continue
        if at > behind:
            damage.append(Damage(behind, at - behind))
        record, after = found
        records.append((at, record))
        if isinstance(record, Opened):
            live[at] = record
        elif isinstance(record, Closed):
            live.pop(record.opened, None)
        at = behind = after
    return Scan(head, records, live, damage, behind, max(last - behind, 0))


def _head(data: bytes) -> tuple[Head, list[Damage]]:
    """What a segment says of itself, at its begin or, where that is damaged, at its end."""
    try:
        return Head.decode(data), []
    except NotASegment:
        try:
            return Head.decode(data[-FIRST:]), [Damage(0, FIRST)]
        except NotASegment:
            pass
        raise


def scan_file(path: Path) -> Scan:
    """Read a segment's file.

    Raises:
        NotASegment: It is none, or one of another version.
        OSError: It cannot be read.
    """
    return scan(path.read_bytes())


def scans_of(folder: Path) -> Iterator[Scan]:
    """Every segment of a folder that can be read; what goes away meanwhile was shipped.

    Raises:
        OSError: The folder cannot be read.
    """
    for owner in owners(folder):
        try:
            paths = segments_of(owner)
        except FileNotFoundError:  # it was adopted, or its owner has ended
            continue
        for path in paths:
            try:
                yield scan_file(path)
            except (FileNotFoundError, NotASegment):
                continue
