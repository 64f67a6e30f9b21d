"""The journal of one process: what it does for callers, kept before it counts as done.

An attempt is written when it opens, with room kept for its close in the same segment: a full
disk can refuse what is new, never what is under way. Nothing here waits, unless the configuration
asks for power to be able to fail (`durability: power`): then `settled` is awaited before a request
goes out and before an answer's last byte does.

Hot path: `open` and `close` are an encoding, a checksum and a copy; see `benchmarks/hot_path.py`.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import secrets
import threading
import weakref
from collections.abc import Callable
from pathlib import Path

from antiphon.clock import Clock
from antiphon.errors import AccountingUnavailable
from antiphon.usage.journal.folder import OwnFolder
from antiphon.usage.journal.power import Group
from antiphon.usage.journal.record import (
    CLOSE_ROOM,
    DECISION_ROOM,
    OPEN_ROOM,
    Closed,
    Decided,
    Kind,
    Opened,
    Unanswered,
    written,
)
from antiphon.usage.journal.segment import FIRST, Segment

SEGMENT_BYTES = 1 << 20
_log = logging.getLogger("antiphon.journal")
_LEAST = 2 * FIRST + OPEN_ROOM + CLOSE_ROOM
_OPENED, _CLOSED = int(Kind.OPENED), int(Kind.CLOSED)
_UNANSWERED, _DECIDED = int(Kind.UNANSWERED), int(Kind.DECIDED)
_RETRY = 1.0
"""Seconds after which a disk that was full is tried again."""
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

Seam = Callable[[str], None]
"""Called with the name of each point at which a process may die; tests die there.

The journal: `open`, `opened`, `close`, `closed`. The shipper: `batch`, `batched`, `manifest`,
`manifested`, `removed`. Whoever adopts: `adopt`, `adopted`, `unlinked`, `left`.
"""


def nowhere(_point: str) -> None:
    """The seam of everybody who is not tested."""


Entry = tuple[Segment, int]
"""An open attempt: the segment that it stands in, and where. A plain tuple, which C makes."""


class Journal:
    """Writes what happens; one event loop writes, other threads make and take away segments.

    Args:
        folder: Holds a directory for each process.
        ledger: The name of the ledger that it is shipped into.
        clock: For the times of segments, and the wait after a full disk.
        durability: `process` outlives the process; `power` outlives the machine.
        segment_bytes: Bytes of a segment.
        seam: Where tests let the process die: called around each record.

    Attributes:
        owner: The journal's name.
        folder: As given.
        ledger: As given.
        segments: Those that are not yet in the ledger, the oldest first. The road appends, the
            shipper takes away.
        trouble: Why no segment can be made or kept, or empty; see `takes_new`.
        wanted: Set when a segment is to be made ahead of its need.

    Raises:
        AccountingUnavailable: The folder cannot be written. A full one is no reason not to
            start, since what dead processes have left there can be shipped: it stands in `trouble`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        ledger: str,
        clock: Clock,
        durability: str = "process",
        segment_bytes: int = SEGMENT_BYTES,
        seam: Seam = nowhere,
    ) -> None:
        if segment_bytes < _LEAST:
            raise ValueError(f"a segment has at least {_LEAST} bytes")
        self.owner = secrets.token_hex(8)
        self.folder = folder
        self.ledger = ledger
        self.trouble = ""
        self.segments: list[Segment] = []
        self.wanted = threading.Event()
        self._clock = clock
        self._size = segment_bytes
        self._seam = seam
        self._next = 1
        self._own: OwnFolder | None = None
        self._segment: Segment | None = None
        self._spare: Segment | None = None
        self._retry_at = 0.0
        self._worn = False
        self._shut = False
        self._making = threading.Lock()
        self._group = Group() if durability == "power" else None
        try:
            self._use(self._create())
        except OSError as error:
            if error.errno not in _FULL:
                raise AccountingUnavailable(
                    f"the journal cannot be kept in {folder}: {error.strerror}"
                ) from error
            self._is_full(error)
        _forget_in_children(self)

    # on the road

    @property
    def waits(self) -> bool:
        """Whether `settled` is to be awaited."""
        return self._group is not None

    def open(self, record: Opened) -> Entry:
        """Write that an attempt is about to be made.

        Raises:
            AccountingUnavailable: There is no room for it and its close.
        """
        segment = self._segment
        if segment is None:
            segment = self._turn()
        data = written(_OPENED, record, OPEN_ROOM, segment.head.salt)
        if self._worn or segment.at + len(data) + CLOSE_ROOM + segment.promised > segment.size:
            segment = self._turn()
            data = written(_OPENED, record, OPEN_ROOM, segment.head.salt)
        seam = self._seam
        if seam is not nowhere:
            seam("open")
        at = segment.put(data)
        segment.promised += CLOSE_ROOM
        segment.live += 1
        if seam is not nowhere:
            seam("opened")
        return segment, at

    def close(self, entry: Entry, record: Closed) -> None:
        """Write that it has ended; there is room for it. Never fails.

        Where the journal was let go of meanwhile, whoever adopts it charges the bound.
        """
        segment = entry[0]
        if segment.gone:
            return
        data = written(_CLOSED, record, CLOSE_ROOM, segment.head.salt)
        seam = self._seam
        if seam is not nowhere:
            seam("close")
        segment.put(data)
        segment.promised -= CLOSE_ROOM
        segment.live -= 1
        segment.ended += 1
        if seam is not nowhere:
            seam("closed")

    def unanswered(self, record: Unanswered) -> bool:
        """Write that a request ended without an attempt that says why; False without room."""
        return self._note(_UNANSWERED, record)

    def decided(self, record: Decided) -> bool:
        """Write why a request went where it went; False without room."""
        return len(record.decision) <= DECISION_ROOM and self._note(_DECIDED, record)

    def _note(self, kind: int, record: Unanswered | Decided) -> bool:
        """Write what has no end of its own to come."""
        try:
            segment = self._segment or self._turn()
            data = written(kind, record, OPEN_ROOM, segment.head.salt)
            if self._worn or segment.at + len(data) + segment.promised > segment.size:
                segment = self._turn()
                data = written(kind, record, OPEN_ROOM, segment.head.salt)
        except AccountingUnavailable:
            return False
        segment.put(data)
        return True

    async def settled(self) -> None:
        """Wait until the disk holds what was written so far.

        Raises:
            AccountingUnavailable: It does not take it.
        """
        if self._group is None:
            return
        try:
            await self._group.wait(self.segments)
        except OSError as error:
            # What the disk did not take once, it may never say again: write elsewhere.
            self._worn = True
            self.trouble = f"the disk does not take the journal: {error.strerror}"
            raise AccountingUnavailable("The accounting is unavailable.") from error

    # beside the road

    @property
    def takes_new(self) -> bool:
        """Whether an attempt that came now would find room: in trouble, only what is left here."""
        if self._shut or not self.trouble:
            return not self._shut
        segment = self._segment
        if segment is None or self._worn:
            return False
        return segment.at + OPEN_ROOM + CLOSE_ROOM + segment.promised <= segment.size

    @property
    def open_attempts(self) -> int:
        """Attempts under way."""
        return sum(segment.live for segment in list(self.segments))

    @property
    def bytes_used(self) -> int:
        """Bytes of all segments that are not yet in the ledger."""
        return sum(segment.size for segment in list(self.segments))

    def prepare(self) -> None:
        """Make the next segment ahead of its need; not called on the road.

        In trouble the disk is asked again, so that it ends though no request comes to find out.
        """
        self.wanted.clear()
        with self._making:
            if self._shut:
                return
            spare = self._spare
            if spare is None:
                try:
                    self._spare = self._create()
                except OSError as error:
                    self._is_full(error)
                return
        # Not inside the lock: a disk that hangs must not hold up the road.
        if self.trouble:
            with contextlib.suppress(OSError):
                spare.sync()
                self.trouble = ""

    def wear(self) -> None:
        """Have the next attempt begin a new segment, so that this one can be shipped whole."""
        segment = self._segment
        if segment is not None and segment.at > FIRST:
            self._worn = True

    def seal(self) -> None:
        """Open nothing any more; what is open may still close."""
        self._shut = self._worn = True
        if self._segment is not None:
            self._segment.sealed = True

    def dispose(self) -> None:
        """Let go of the folder; what is not in the ledger yet is adopted later."""
        with self._making:
            spare, self._spare = self._spare, None
        if spare is not None:
            spare.remove()
        for segment in self.segments:
            if segment.at == FIRST:
                segment.remove()
            else:
                segment.close()
        if self._own is not None:
            self._own.leave()
        if self._group is not None:
            self._group.close()

    def forget(self) -> None:
        """In a forked child: the journal is its parent's."""
        self._shut = self._worn = True
        if self._own is not None:
            self._own.forget()

    def _turn(self) -> Segment:
        """The next segment; the present one takes no more opens."""
        if self._shut:
            raise AccountingUnavailable("The gateway is shutting down.", retry_after=_RETRY)
        # It was made ahead, or is just being made: to wait for that is to make it once.
        with self._making:
            spare, self._spare = self._spare or self._made(), None
        if self._segment is not None:
            self._segment.sealed = True
        self._worn = False
        self._use(spare)
        self.wanted.set()
        return spare

    def _use(self, segment: Segment) -> None:
        self._segment = segment
        self.segments.append(segment)

    def _made(self) -> Segment:
        if not self.trouble or self._clock.monotonic() >= self._retry_at:
            try:
                return self._create()
            except OSError as error:
                self._is_full(error)
        raise AccountingUnavailable("The accounting is unavailable.", retry_after=_RETRY)

    def _is_full(self, error: OSError) -> None:
        if not self.trouble:
            _log.error("There is no room for the journal in %s: %s", self.folder, error.strerror)
        self._retry_at = self._clock.monotonic() + _RETRY
        self.trouble = f"there is no room for the journal in {self.folder}: {error.strerror}"

    def _create(self) -> Segment:
        if self._own is None:
            self._own = OwnFolder(self.folder, self.owner)
        now = int(self._clock.now() * 1e6)
        made = Segment(
            self._own.path,
            owner=self.owner,
            ledger=self.ledger,
            number=self._next,
            size=self._size,
            now=now,
        )
        if self._group is not None:
            self._own.sync()
        self._next += 1
        if self.trouble:
            _log.warning("There is room for the journal again in %s", self.folder)
        self.trouble = ""
        return made


def _forget_in_children(journal: Journal) -> None:
    """A forked child has the parent's mapping and its lock, and must use neither."""
    known = weakref.ref(journal)

    def forked() -> None:
        found = known()
        if found is not None:
            found.forget()

    os.register_at_fork(after_in_child=forked)
