"""The books of a gateway: its database, ledger and journal, and who keeps them, as one thing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence

from antiphon.clock import Clock
from antiphon.config.settings import Settings
from antiphon.errors import AccountingUnavailable, ConfigurationError, Mistake, StorageFailed
from antiphon.gateway.background import Background
from antiphon.storage.database import Database
from antiphon.usage.journal.journal import SEGMENT_BYTES, Journal, Seam, nowhere
from antiphon.usage.ledger.ledger import Ledger
from antiphon.usage.ledger.retention import Retention
from antiphon.usage.ledger.tables import SCHEMA
from antiphon.usage.shipper import Shipper


class Books:
    """Opened when a gateway starts, closed when it ends.

    Args:
        settings: Where they are.
        clock: Where time comes from.
        chores: What the shipper does besides, at each of its turns.
        segment_bytes: Bytes of a segment of the journal.
        seam: Where tests let the process die (`usage.journal.journal.Seam`).

    Attributes:
        database: Of the ledger.
        journal: Of this process.
        ledger: What the journal is shipped into.
        shipper: Who ships it.
        retention: Who deletes what is too old.
        background: What runs beside the road.

    Raises:
        ConfigurationError: The database or the folder cannot be used.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock,
        chores: Sequence[Callable[[], None]] = (),
        segment_bytes: int = SEGMENT_BYTES,
        seam: Seam = nowhere,
    ) -> None:
        storage = settings.storage
        try:
            self.database = Database(storage.database_url, [SCHEMA])
        except StorageFailed as error:
            raise _mistake("storage.database", error.message) from error
        try:
            self.ledger = Ledger(self.database, clock=clock)
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
            path = (
                "storage.journal"
                if isinstance(error, AccountingUnavailable)
                else "storage.database"
            )
            raise _mistake(path, error.message) from error
        self.shipper = Shipper(self.journal, self.ledger, clock=clock, chores=chores, seam=seam)
        self.retention = Retention(self.database, settings.ledger, clock=clock)
        services = [self.shipper, _Maker(self.journal), self.retention]
        self.background = Background(services, clock=clock)
        self.background.start()

    def subjects(self, names: Iterable[str]) -> Mapping[str, str]:
        """The ids under which the ledger knows these people and applications.

        Raises:
            StorageFailed: The database did not do what it was asked.
        """
        return self.ledger.subject_ids(names)

    def close(self) -> None:
        """Ship what is left and let go; what could not be shipped is adopted by the next start."""
        self.journal.seal()
        self.background.stop()
        self.journal.dispose()
        self.database.close()


class _Maker:
    """Makes the journal's segments ahead of their need."""

    name = "journal"

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def run(self, stop: threading.Event) -> None:
        """Make one whenever one is wanted."""
        while not stop.is_set():
            self._journal.prepare()
            self._journal.wanted.wait()

    def stop(self) -> None:
        """Have `run` look at `stop` now."""
        self._journal.wanted.set()


def _mistake(path: str, message: str) -> ConfigurationError:
    return ConfigurationError([Mistake("storage", path, message)])
