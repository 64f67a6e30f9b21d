"""Adopting what dead processes left behind: shipped as they would have shipped it.

Nothing is written into the files of the dead, so it can be done again and again: by whoever gets
the lock, from the beginning, with the same rows. An attempt that nobody closed is charged its
bound. A file with damage is shipped as far as it can be read and kept for people to look at.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from antiphon.usage.journal.folder import DeadFolder, dead, keep
from antiphon.usage.journal.journal import Seam
from antiphon.usage.journal.record import Decided, Unanswered
from antiphon.usage.journal.scan import Scan, scan_file
from antiphon.usage.journal.segment import FIRST, NotASegment
from antiphon.usage.ledger.ledger import MOST_ROWS, Ledger, LedgerDiffers
from antiphon.usage.ledger.rows import (
    Row,
    checksum_of,
    content_of,
    decision_row,
    rows_of,
    unanswered_row,
)
from antiphon.usage.ledger.tally import Tally

_log = logging.getLogger("antiphon.ledger")


class Heir(Protocol):
    """Somebody with a claim on a journal before it is shipped and goes."""

    def settle(self, found: DeadFolder) -> None:
        """Take from it what is needed.

        Raises:
            StorageFailed: That could not be done; the journal is left as it is.
        """
        ...

    def look(self) -> None:
        """Look for what is missing, when every journal that is there was seen to.

        Raises:
            StorageFailed: That could not be done; it is done later.
        """
        ...


class Adoption:
    """Ships the journals of dead processes.

    Args:
        folder: Where the journals are.
        ledger: Where to.
        heirs: Who reads each journal before it is shipped.
        seam: Where tests let the process die.

    Attributes:
        adopted: Journals that were shipped to their end.
        lost: Attempts that nobody closed.
        damaged: Stretches that could not be read.
        strangers: Journals that were left alone at the last look, with the reason.
    """

    def __init__(
        self, folder: Path, ledger: Ledger, *, heirs: Sequence[Heir] = (), seam: Seam
    ) -> None:
        self.adopted = 0
        self.lost = 0
        self.damaged = 0
        self.strangers: Mapping[str, str] = {}
        self._strangers: dict[str, str] = {}
        self._folder = folder
        self._ledger = ledger
        self._heirs = heirs
        self._seam = seam

    def adopt(self) -> int:
        """Ship what there is; gives how many rows.

        Raises:
            StorageFailed: The database did not do what it was asked; the rest is done later.
        """
        rows = 0
        self._strangers = {}
        for found in dead(self._folder):
            try:
                for heir in self._heirs:
                    heir.settle(found)
                    self._seam("settled")
                rows += sum(map(self.ship, found.segments()))
            finally:
                found.leave()
                self._seam("left")
            if not found.path.exists():
                self.adopted += 1
                _log.warning("Adopted the journal of a process that died: %s", found.owner)
        for heir in self._heirs:
            heir.look()
        self.strangers = self._strangers
        return rows

    def ship(self, path: Path) -> int:
        """Ship a segment in which nothing opens or closes any more, and take it off the disk.

        Raises:
            StorageFailed: The database did not do what it was asked; the rest is done later.
        """
        name = f"{path.parent.name}/{path.name}"
        try:
            scan = scan_file(path)
        except NotASegment as error:
            self._strangers[name] = str(error)
            return 0
        except OSError as error:
            self._strangers[name] = f"it cannot be read: {error.strerror}"
            return 0
        head = scan.head
        if head.ledger != self._ledger.name:
            self._strangers[name] = "it belongs to another ledger"
            return 0
        rows = 0
        if not self._ledger.is_finished(head.owner, head.number):
            written = self._write(scan)
            rows = written.rows
            if not self._finish(scan, written):
                return rows
        if scan.damage:
            _log.error(
                "%d stretches of a journal cannot be read; it is kept: %s",
                len(scan.damage),
                keep(path),
            )
        else:
            path.unlink()
        self._seam("unlinked")
        return rows

    def _write(self, scan: Scan) -> Tally:
        head, tally = scan.head, Tally()
        rows: list[Row] = []
        contents: list[bytes] = []
        others = [
            unanswered_row(head.owner, head.number, record)
            for _, record in scan.records
            if isinstance(record, Unanswered)
        ]
        decided = [
            decision_row(record) for _, record in scan.records if isinstance(record, Decided)
        ]
        for _, row in rows_of(scan):
            content = content_of(row)
            contents.append(content)
            rows.append((*row, checksum_of(content)))
        tally.add(rows, contents)
        count = max(len(rows), len(others), len(decided))
        for begin in range(0, count, MOST_ROWS):
            end = begin + MOST_ROWS
            self._seam("adopt")
            self._ledger.write(
                head.owner,
                head.number,
                rows=rows[begin:end],
                unanswered_rows=others[begin:end],
                decision_rows=decided[begin:end],
                # Not before all of it is there: whoever dies in between leaves rows to come.
                shipped=scan.end if end >= count else 0,
            )
            self._seam("adopted")
        return tally

    def _finish(self, scan: Scan, tally: Tally) -> bool:
        head = scan.head
        if scan.end > FIRST or scan.damage:
            try:
                self._ledger.finish(head.owner, head.number, tally, damaged=scan.damage)
            except LedgerDiffers as error:
                _log.critical("%s", error.message)
                self._strangers[f"{head.owner}/{head.number}"] = error.message
                return False
        self.lost += len(scan.open)
        self.damaged += len(scan.damage)
        return True
