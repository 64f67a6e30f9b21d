"""Writing captures, and deleting them when their time or their room is over.

A chore of the shipper's thread: it does a little at each turn, and where the file cannot be
written it lets the ledger go on and tries again later. What waits meanwhile is bounded.
"""

from __future__ import annotations

import logging

from antiphon.clock import Clock
from antiphon.errors import StorageFailed
from antiphon.usage.captures.store import CaptureStore
from antiphon.usage.captures.taking import Captures

_log = logging.getLogger("antiphon.captures")
_AT_ONCE = 32
_RETRY_SECONDS = 5.0
_EVERY_SECONDS = 60.0
"""Seconds between two looks at the age of captures."""
_DAY = 86_400


class CaptureWriter:
    """Call it again and again.

    Args:
        captures: What waits.
        store: Where it goes.

    Attributes:
        written: How many were.
        trouble: Why none can be written, or empty.
    """

    def __init__(self, captures: Captures, store: CaptureStore, *, clock: Clock) -> None:
        self.written = 0
        self.trouble = ""
        self._captures = captures
        self._store = store
        self._clock = clock
        self._retry_at = 0.0
        self._look_at = 0.0
        self._total = 0
        self._shrinks = False

    def __call__(self) -> None:
        """Do what there is to do now."""
        now = self._clock.monotonic()
        if now < self._retry_at:
            return
        try:
            self._write()
            if now >= self._look_at:
                self._tidy(now)
            self.trouble = ""
        except StorageFailed as error:
            if not self.trouble:
                _log.error("Captures cannot be written: %s", error.message)
            self.trouble = error.message
            self._retry_at = now + _RETRY_SECONDS
        # A task boundary: what cannot be captured must not keep the ledger from being shipped.
        except Exception:  # noqa: BLE001
            _log.exception("Captures met a defect; those at hand are given up")
            self._captures.drop(_AT_ONCE)
            self._retry_at = now + _RETRY_SECONDS

    def finish(self) -> None:
        """Write what still waits, as far as it can be written."""
        while len(self._captures) and not self.trouble:
            self()
            if self._retry_at > self._clock.monotonic():
                return

    def _write(self) -> None:
        settings = self._captures.settings
        taken = self._captures.first(_AT_ONCE)
        if not taken:
            return
        if not self._store.is_there():
            self._store.reopen()
            self._total = 0
        self._total += self._store.write(taken, max_bytes=settings.max_bytes)
        self._captures.done(taken)
        self.written += len(taken)
        while self._total > settings.max_total_bytes:
            freed = self._store.delete_oldest(self._total - settings.max_total_bytes)
            if not freed:
                self._look_at = 0.0
                break
            self._total -= freed
            self._shrinks = True

    def _tidy(self, now: float) -> None:
        """Delete what is too old; a little, and the rest at the next turn."""
        if not self._store.is_there():
            return
        cutoff = int((self._clock.now() - self._captures.settings.keep_days * _DAY) * 1e6)
        if self._store.delete_before(cutoff):
            self._shrinks = True
            return
        # Other processes may write into the same file.
        self._total = self._store.total()
        if self._shrinks:
            self._shrinks = self._store.shrink()
            if self._shrinks:
                return
        self._look_at = now + _EVERY_SECONDS
