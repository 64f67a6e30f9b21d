"""Looking again and again for what was changed, as a service on a thread of its own."""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar, Generic, TypeVar

from sqlalchemy import Connection
from typing_extensions import override

from antiphon.errors import StorageFailed
from antiphon.storage.database import Readable

Found = TypeVar("Found")

EVERY = 0.2
"""Seconds between two looks."""
_log = logging.getLogger("antiphon.access")


class Looking(ABC):
    """Looks for changes; while the database is away, what is known holds on.

    Args:
        every: Seconds between two looks.

    Attributes:
        trouble: Why the last look failed; empty where it did not.
    """

    name: ClassVar[str]
    _what: ClassVar[str]
    """What changes, for people."""

    def __init__(self, *, every: float = EVERY) -> None:
        self.trouble = ""
        self._every = every
        self._wake = threading.Event()

    @abstractmethod
    def look(self) -> None:
        """Look once.

        Raises:
            StorageFailed: The database did not do what it was asked; the next look makes up for it.
        """

    def run(self, stop: threading.Event) -> None:
        """Look, until `stop` is set."""
        while not stop.is_set():
            try:
                self.look()
            except StorageFailed as error:
                if not self.trouble:
                    _log.warning("changes of %s cannot be seen: %s", self._what, error.message)
                self.trouble = error.message
            self._wake.wait(self._every)
            self._wake.clear()

    def stop(self) -> None:
        """Have `run` look at `stop` now."""
        self._wake.set()


class Latest(Looking, Generic[Found]):
    """Looks whether rows were changed, by the newest entry of any, and tells what stands then.

    Args:
        database: With the tables of access.
        tell: Takes what stands, on the thread of this service: hand it to the loop.
        told: The number that is known already.
        every: Seconds between two looks.
    """

    def __init__(
        self,
        database: Readable,
        tell: Callable[[Found], object],
        *,
        told: int | None = None,
        every: float = EVERY,
    ) -> None:
        super().__init__(every=every)
        self._database = database
        self._tell = tell
        self._told = told

    @override
    def look(self) -> None:
        with self._database.reading() as connection:
            newest = self.newest(connection)
            found = None if newest == self._told else self.found(connection, newest)
        self.trouble = ""
        if found is not None:
            self._tell(found)
            self._told = newest

    @abstractmethod
    def newest(self, connection: Connection) -> int:
        """The number of the newest entry; 0 where there never was one."""

    @abstractmethod
    def found(self, connection: Connection, newest: int) -> Found:
        """What stands, by the entry of this number."""
