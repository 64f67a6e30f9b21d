"""The books of a gateway: its database, ledger and journal, and who keeps them, as one thing."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Mapping, Sequence

from antiphon.access.desk import Access
from antiphon.access.tables import SCHEMA as ACCESS
from antiphon.clock import Clock
from antiphon.config.settings import Settings
from antiphon.errors import AccountingUnavailable, ConfigurationError, Mistake, StorageFailed
from antiphon.gateway.background import Background, Service
from antiphon.gateway.noticing import Noticing
from antiphon.gateway.treasury import Treasury
from antiphon.idempotency.tables import SCHEMA as IDEMPOTENCY
from antiphon.notices.tables import SCHEMA as NOTICES
from antiphon.storage.database import Database
from antiphon.usage.captures.store import CaptureStore
from antiphon.usage.captures.taking import Captures
from antiphon.usage.captures.writer import CaptureWriter
from antiphon.usage.journal.journal import SEGMENT_BYTES, Journal, Seam, nowhere
from antiphon.usage.ledger.ledger import Ledger
from antiphon.usage.ledger.retention import Retention
from antiphon.usage.ledger.tables import SCHEMA as LEDGER
from antiphon.usage.shipper import Shipper

_ASK_AGAIN = 1.0
"""Seconds after which a disk that did not take the journal is asked again."""
SCHEMAS = (LEDGER, ACCESS, NOTICES, IDEMPOTENCY)
"""The tables of every domain, in one database."""
_log = logging.getLogger("antiphon.books")


class Books:
    """Opened when a gateway starts, closed when it ends.

    Args:
        settings: Where they are.
        clock: Where time comes from.
        captures: What is to be kept of the content of requests.
        chores: What the shipper does besides, at each of its turns.
        segment_bytes: Bytes of a segment of the journal.
        seam: Where tests let the process die (`usage.journal.journal.Seam`).

    Attributes:
        database: Of ledger and access.
        access: The administration of keys, teams and users.
        journal: Of this process.
        ledger: What the journal is shipped into.
        shipper: Who ships it.
        retention: Who deletes what is too old.
        treasury: Where its money is shared with other processes.
        background: What runs beside the road.
        captures: The file with what is kept of content; None where nothing is and was.
        noticing: Who tells others what happens.

    Raises:
        ConfigurationError: The database, the captures or the folder cannot be used.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock,
        captures: Captures,
        chores: Sequence[Callable[[], None]] = (),
        segment_bytes: int = SEGMENT_BYTES,
        seam: Seam = nowhere,
    ) -> None:
        storage = settings.storage
        self.captures = _open_captures(settings)
        self.capture_writer: CaptureWriter | None = None
        try:
            self.database = Database(storage.database_url, SCHEMAS)
        except StorageFailed as error:
            self._close_captures()
            raise _mistake("storage.database", error.message) from error
        try:
            self.access = Access.open(self.database, clock=clock)
            self.ledger = Ledger(self.database, clock=clock)
            self.subjects = self.ledger.subject_ids(key.user for key in settings.auth.keys)
            self.journal = Journal(
                storage.journal_dir,
                ledger=self.ledger.name,
                clock=clock,
                durability=storage.durability,
                segment_bytes=segment_bytes,
                seam=seam,
            )
        except (AccountingUnavailable, StorageFailed) as error:
            self.database.close()
            self._close_captures()
            path = (
                "storage.journal"
                if isinstance(error, AccountingUnavailable)
                else "storage.database"
            )
            raise _mistake(path, error.message) from error
        self._wanted_captures = captures
        self._clock = clock
        self._write_captures()
        self.treasury = treasury = Treasury(
            settings.budgets,
            storage.leases_file,
            self.journal,
            clock=clock,
            post=asyncio.get_running_loop().call_soon_threadsafe,
            seam=seam,
        )
        self.noticing = Noticing(settings, self.database, clock=clock)
        treasury.on_crossing = self.noticing.crossed
        treasury.desk.on_refusal = self.noticing.refused
        try:
            treasury.begin()
        except StorageFailed as error:
            self.journal.dispose()
            self.database.close()
            self._close_captures()
            raise _mistake(
                "storage.database", f"{storage.leases_file.name}: {error.message}"
            ) from error
        self.shipper = Shipper(
            self.journal,
            self.ledger,
            clock=clock,
            chores=[*chores, self._look_after_captures],
            heirs=[treasury],
            may_go=treasury.may_go,
            seam=seam,
        )
        self.retention = Retention(self.database, settings.ledger, clock=clock)
        self.background = Background(clock=clock)

    def start(self, services: Sequence[Service] = ()) -> None:
        """Start what keeps the books, and what else runs beside the road."""
        own = (self.shipper, _Maker(self.journal), self.retention)
        self.background.start(*own, *services, *self.noticing.services)

    def ready(self, settings: Settings) -> None:
        """Open what another configuration needs; on a thread, and nothing is in force by that.

        Raises:
            ConfigurationError: The file of the captures cannot be used.
        """
        if self.captures is None:
            self.captures = _open_captures(settings)
            self._write_captures()

    def adopt(self, settings: Settings, subjects: Mapping[str, str]) -> None:
        """Go by other settings from now on, with the ids of the users of their keys."""
        self.subjects = subjects
        self._wanted_captures.settings = settings.capture
        self.retention.settings = settings.ledger
        self.treasury.desk.wait = settings.budgets.wait
        self.noticing.adopt(settings)
        self.run_also(*self.noticing.services)

    def run_also(self, *services: Service) -> None:
        """Start those of these services that do not run yet."""
        names = self.background.states
        self.background.start(*(each for each in services if each.name not in names))

    def close(self) -> None:
        """Ship what is left and let go; what could not be shipped is adopted by the next start."""
        self.journal.seal()
        # First: what it has said to be spent may go from the disk, and its journal is there still.
        self.treasury.end()
        self.background.stop()
        self.treasury.close()
        self.noticing.close()
        self.journal.dispose()
        self.database.close()
        self._close_captures()

    def _write_captures(self) -> None:
        if self.captures is not None:
            waiting = self._wanted_captures
            self.capture_writer = CaptureWriter(waiting, self.captures, clock=self._clock)

    def _look_after_captures(self) -> None:
        if self.capture_writer is not None:
            self.capture_writer()

    def _close_captures(self) -> None:
        if self.capture_writer is not None:
            self.capture_writer.finish()
        if self.captures is not None:
            self.captures.close()


class _Maker:
    """Makes the journal's segments ahead of their need."""

    name = "journal"

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def run(self, stop: threading.Event) -> None:
        """Make one whenever one is wanted; while there is trouble, ask the disk again."""
        journal = self._journal
        journal.prepare()
        # Looked at between the two: `prepare` forgets that it was wanted.
        while not stop.is_set():
            journal.wanted.wait(_ASK_AGAIN if journal.trouble else None)
            journal.prepare()

    def stop(self) -> None:
        """Have `run` look at `stop` now."""
        self._journal.wanted.set()


def _open_captures(settings: Settings) -> CaptureStore | None:
    """The file with the captures; also where none are made any more, so that they grow old."""
    file = settings.storage.captures_file
    wanted = any(route.capture != "none" for route in settings.models.values())
    if not wanted and not file.exists():
        return None
    try:
        return CaptureStore(file)
    except StorageFailed as error:
        if wanted:
            raise _mistake("storage.database", f"{file.name}: {error.message}") from error
        _log.error("Captures of former days cannot be looked after: %s", error.message)
        return None


def _mistake(path: str, message: str) -> ConfigurationError:
    return ConfigurationError([Mistake("storage", path, message)])
