"""Looking again and again for what was changed, as a service on a thread of its own."""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from typing import ClassVar

from antiphon.errors import StorageFailed

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
