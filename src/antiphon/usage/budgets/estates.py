"""Settling for the dead: what a journal says that its owner spent, beyond what it had reported.

Whoever adopts a journal does this first, while nothing of it is gone: read it from the places on up
to which the owner had reported, add up what was closed there, and charge its bound for what nobody
closed. Where the journal does not tell, its owner's money is an orphan.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path

from antiphon.leases.estates import Estates
from antiphon.leases.terms import Estate
from antiphon.usage.journal.folder import DeadFolder
from antiphon.usage.journal.record import Closed, Opened, is_unfinished
from antiphon.usage.journal.scan import Scan, scan_file
from antiphon.usage.journal.segment import FIRST, NotASegment

_log = logging.getLogger("antiphon.budgets")


class Unreadable(Exception):
    """A journal does not tell what its owner spent."""


class Heirs:
    """Settles the portions of dead owners by their journals.

    Args:
        estates: Where the portions are.
        folder: Of the journals.

    Attributes:
        settled: Owners that were settled.
        orphaned: Owners of which nobody can say what they spent.
    """

    def __init__(self, estates: Estates, folder: Path) -> None:
        self.settled = 0
        self.orphaned = 0
        self._estates = estates
        self._folder = folder

    def settle(self, found: DeadFolder) -> None:
        """Settle for the owner of a journal whose lock is held; before anything of it goes.

        Raises:
            StorageFailed: Nothing was done; the journal is to be left as it is.
        """
        reported = self._estates.reported(found.owner)
        if reported is None:
            return
        try:
            spent = unreported(found.segments(), reported)
        except Unreadable as error:
            self._orphan(found.owner, str(error))
        else:
            self._estates.adopt(found.owner, spent)
            self.settled += 1

    def look(self) -> None:
        """Find owners whose journals are gone, so that nobody can say what they spent.

        Raises:
            StorageFailed: The database did not do what it was asked.
        """
        for owner in self._estates.known(self._folder):
            if not (self._folder / owner).is_dir():
                self._orphan(owner, "its journal is gone")

    def _orphan(self, owner: str, reason: str) -> None:
        if self._estates.orphan(owner, reason):
            self.orphaned += 1
            _log.critical(
                "Nobody can say what the process %s spent of its leases (%s): it counts as spent "
                "until somebody writes it off",
                owner,
                reason,
            )


def unreported(paths: Iterable[Path], reported: Estate) -> Mapping[int, int]:
    """What a dead owner spent beyond what it had reported, by the numbers of pots.

    Args:
        paths: The segments of its journal that are there.
        reported: How far it had reported them.

    Raises:
        Unreadable: They do not tell.
    """
    spent: dict[int, int] = {}
    there: set[int] = set()
    for path in paths:
        scan = _scan(path)
        number = scan.head.number
        there.add(number)
        mark = reported.marks.get(number)
        if number <= reported.through or (mark is not None and mark.whole):
            continue
        begin = mark.upto if mark is not None else FIRST
        tail = path.read_bytes()[scan.end : scan.end + scan.torn]
        if scan.damage or begin > scan.end or not is_unfinished(tail):
            raise Unreadable(f"segment {number} of its journal has damage")
        _add(spent, scan, begin)
    last = max((*there, *reported.marks), default=0)
    for number in range(reported.through + 1, last + 1):
        mark = reported.marks.get(number)
        if number not in there and (mark is None or not mark.whole):
            raise Unreadable(f"segment {number} of its journal is gone")
    return spent


def _scan(path: Path) -> Scan:
    try:
        return scan_file(path)
    except (NotASegment, OSError) as error:
        raise Unreadable(f"{path.name} of its journal cannot be read: {error}") from error


def _add(spent: dict[int, int], scan: Scan, begin: int) -> None:
    """Add what was closed from a place on, and the bounds of all that nobody closed."""
    begun: dict[int, Opened] = {}
    for at, record in scan.records:
        if isinstance(record, Opened):
            begun[at] = record
        elif isinstance(record, Closed) and at >= begin:
            opened = begun.get(record.opened)
            if opened is None:
                raise Unreadable(f"an attempt of segment {scan.head.number} has no begin")
            _charge(spent, opened.pots, record.cost)
    for opened in scan.open.values():
        _charge(spent, opened.pots, opened.cost_bound)


def _charge(spent: dict[int, int], pots: Iterable[int], cost: int) -> None:
    for number in pots:
        spent[number] = spent.get(number, 0) + cost
