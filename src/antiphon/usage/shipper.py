"""Ships what the journal holds into the ledger, beside the road, on a thread of its own.

It reads the mapped segments as they are written and keeps nothing but a place in each: a database
that is gone for an hour costs disk, not memory, and a crash costs nothing at all, since whoever
adopts the journal does the same from the beginning. Where a segment is whole in the ledger, its
manifest is written and the file goes.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from antiphon.clock import Clock
from antiphon.errors import StorageFailed
from antiphon.usage.adoption import Adoption, Heir
from antiphon.usage.journal.journal import Journal, Seam, nowhere
from antiphon.usage.journal.record import Closed, Decided, Opened, read
from antiphon.usage.journal.segment import FIRST, Segment
from antiphon.usage.ledger.ledger import MOST_ROWS, Ledger, LedgerDiffers
from antiphon.usage.ledger.rows import (
    DecisionRow,
    Row,
    checksum_of,
    closed_row,
    content_of,
    decision_row,
    unanswered_row,
)
from antiphon.usage.ledger.tally import Tally

_log = logging.getLogger("antiphon.ledger")
_EAGER, _IDLE = 0.02, 0.2
"""Seconds between two looks at the journal, while there is something to ship and while not."""
_LONGEST_PAUSE = 10.0
"""Seconds between two tries of a database that fails."""
_ADOPT_EVERY = 10.0
"""Seconds between two looks for journals of dead processes."""
_WEAR_AFTER = 3600.0
"""Seconds after which a segment is sealed though it is not full."""


class Lag(NamedTuple):
    """What is written and not yet in the ledger.

    Attributes:
        attempts: That have ended.
        bytes: Of the journal.
        seconds: Since when it waits, at most; 0 where nothing does.
    """

    attempts: int
    bytes: int
    seconds: float


class Shipper:
    """Ships until it is stopped.

    Args:
        journal: Of this process.
        ledger: Where to.
        clock: Paces what is done now and then.
        chores: Called at each turn: what else is done beside the road.
        heirs: Who reads the journals of dead processes before they are shipped.
        may_go: Asked whether a segment that is shipped may be taken off the disk.
        seam: Where tests let the process die.

    Attributes:
        shipped: Rows that were written, from the start of the process.
        trouble: Why nothing can be shipped, or empty.
        differing: Segments that the ledger holds otherwise than the journal.
    """

    name = "shipper"

    def __init__(
        self,
        journal: Journal,
        ledger: Ledger,
        *,
        clock: Clock,
        chores: Sequence[Callable[[], None]] = (),
        heirs: Sequence[Heir] = (),
        may_go: Callable[[Segment], bool] = lambda _segment: True,
        seam: Seam = nowhere,
    ) -> None:
        self.shipped = 0
        self.trouble = ""
        self.differing = 0
        self._journal = journal
        self._ledger = ledger
        self._clock = clock
        self._chores = chores
        self._may_go = may_go
        self._seam = seam
        self._adoption = Adoption(journal.folder, ledger, heirs=heirs, seam=seam)
        self._cursors: dict[Segment, _Cursor] = {}
        self._wake = threading.Event()
        self._turn = threading.Condition()
        self._turns = 0
        self._adopt_at = 0.0
        self._caught_up_at = clock.monotonic()
        self._wear_at = self._caught_up_at + _WEAR_AFTER

    @property
    def adoption(self) -> Adoption:
        """What was found of dead processes."""
        return self._adoption

    def lag(self) -> Lag:
        """What waits now; for another thread to ask."""
        attempts = waiting = 0
        for segment in list(self._journal.segments):
            cursor = self._cursors.get(segment)
            attempts += segment.ended - (cursor.tally.rows if cursor else 0)
            waiting += segment.at - (cursor.at if cursor else FIRST)
        if waiting <= 0:
            return Lag(0, 0, 0.0)
        return Lag(max(attempts, 0), waiting, self._clock.monotonic() - self._caught_up_at)

    def run(self, stop: threading.Event) -> None:
        """Ship until `stop` is set, and then what is left."""
        pause = _EAGER
        while not stop.is_set():
            pause = self._pace(pause, busy=self._try())
            self._wake.wait(pause)
            self._wake.clear()
        self._try()

    def stop(self) -> None:
        """Have `run` look at `stop` now."""
        self._wake.set()

    def flush(self, seconds: float) -> bool:
        """Wait until all that was written before this call is shipped; False if it takes longer."""
        with self._turn:
            # The turn under way may have passed what was written just now; the next one has not.
            goal = self._turns + 2
            self._wake.set()
            return self._turn.wait_for(lambda: self._flushed(goal), seconds) and not self.trouble

    def _flushed(self, goal: int) -> bool:
        self._wake.set()
        return self._turns >= goal

    def _pace(self, pause: float, *, busy: bool) -> float:
        if self.trouble:
            return min(pause * 2, _LONGEST_PAUSE)
        return _EAGER if busy else _IDLE

    def _try(self) -> bool:
        """One turn; whether there was something to ship."""
        begun = self._clock.monotonic()
        try:
            busy = self._ship()
            self.trouble, self._caught_up_at = "", begun
        except StorageFailed as error:
            if not self.trouble:
                _log.error("The ledger cannot be written: %s", error.message)
            self.trouble, busy = error.message, True
        for chore in self._chores:
            chore()
        with self._turn:
            self._turns += 1
            self._turn.notify_all()
        return busy

    def _ship(self) -> bool:
        now = self._clock.monotonic()
        if now >= self._wear_at:
            self._wear_at = now + _WEAR_AFTER
            self._journal.wear()
        before = self.shipped
        for segment in list(self._journal.segments):
            self._ship_segment(segment)
        if now >= self._adopt_at:
            self._adopt_at = now + _ADOPT_EVERY
            self.shipped += self._adoption.adopt()
        return self.shipped > before

    def _ship_segment(self, segment: Segment) -> None:
        cursor = self._cursors.get(segment)
        if cursor is None:
            cursor = self._cursors[segment] = _Cursor(segment)
        # Asked before reading: where nothing more comes, what is read now is all.
        complete = segment.sealed and not segment.live and self._may_go(segment)
        if cursor.damaged:
            if complete:
                # Now it can be read to its end, as that of a dead process would be.
                segment.close()
                self.shipped += self._adoption.ship(segment.path)
                self._forget(segment)
            return
        for batch in cursor.batches():
            self._seam("batch")
            self._ledger.write(
                segment.head.owner,
                segment.head.number,
                rows=batch.rows,
                unanswered_rows=batch.unanswered,
                decision_rows=batch.decisions,
                shipped=batch.end,
            )
            cursor.done(batch)
            self.shipped += len(batch.rows)
            self._seam("batched")
        if cursor.damaged:
            _log.error("A record of %r cannot be read: the rest of it is shipped later", segment)
            self._journal.wear()
        elif complete:
            self._finish(segment, cursor)

    def _finish(self, segment: Segment, cursor: _Cursor) -> None:
        head = segment.head
        if cursor.at > FIRST:
            self._seam("manifest")
            try:
                self._ledger.finish(head.owner, head.number, cursor.tally)
            except LedgerDiffers as error:
                # The file is what proves it: it stays, for people and for `ledger prove`.
                _log.critical("%s", error.message)
                self.differing += 1
                segment.close()
                self._forget(segment)
                return
            self._seam("manifested")
        segment.remove()
        self._forget(segment)
        self._seam("removed")

    def _forget(self, segment: Segment) -> None:
        self._journal.segments.remove(segment)
        del self._cursors[segment]


class _Batch:
    """Rows for one transaction, and how far the segment was read for them."""

    __slots__ = ("contents", "decisions", "end", "rows", "unanswered")

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.contents: list[bytes] = []
        self.unanswered: list[Row] = []
        self.decisions: list[DecisionRow] = []
        self.end = 0


class _Cursor:
    """A place in a segment that is being written: what lies before it is in the ledger.

    Attributes:
        at: The place.
        damaged: A record at it cannot be read: somebody has changed the file.
        tally: Of the rows before it.
    """

    __slots__ = ("_live", "_read", "_segment", "_waiting", "at", "damaged", "tally")

    def __init__(self, segment: Segment) -> None:
        self.at = FIRST
        self.damaged = False
        self.tally = Tally()
        self._segment = segment
        self._read = FIRST
        self._live: dict[int, Opened] = {}
        self._waiting: _Batch | None = None

    def batches(self) -> Iterator[_Batch]:
        """What is written and not yet shipped; a batch that was not `done` comes again."""
        if self._waiting is not None:
            yield self._waiting
        head, live = self._segment.head, self._live
        owner, number, salt = head.owner, head.number, head.salt
        end, base = self._segment.at, self._read
        data = self._segment.bytes_from(base, end)
        batch, room = _Batch(), MOST_ROWS
        while self._read < end:
            position = self._read
            found = read(data, position - base, salt=salt)
            if found is None:
                self.damaged = True
                break
            record, after = found
            self._read = base + after
            if isinstance(record, Opened):
                live[position] = record
                continue
            if isinstance(record, Closed):
                row = closed_row(owner, number, position, live.pop(record.opened, None), record)
                content = content_of(row)
                batch.rows.append((*row, checksum_of(content)))
                batch.contents.append(content)
            elif isinstance(record, Decided):
                batch.decisions.append(decision_row(record))
            else:
                batch.unanswered.append(unanswered_row(owner, number, record))
            room -= 1
            if not room:
                yield self._handed(batch)
                batch, room = _Batch(), MOST_ROWS
        if room < MOST_ROWS:
            yield self._handed(batch)
        elif self._waiting is None:
            self.at = self._read

    def done(self, batch: _Batch) -> None:
        """The batch is in the ledger."""
        self.tally.add(batch.rows, batch.contents)
        self.at = batch.end
        self._waiting = None

    def _handed(self, batch: _Batch) -> _Batch:
        batch.end = self._read
        self._waiting = batch
        return batch
