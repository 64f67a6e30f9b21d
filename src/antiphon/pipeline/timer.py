"""The clockwork of the queues: lets somebody go when a window has slid far enough."""

from __future__ import annotations

import asyncio

from antiphon.limits.limits import Limits
from antiphon.limits.meter import NEVER

_MICRO = 1_000_000
_LATER = 0.0005
"""Seconds: a timer may be early by less than that."""


class Timer:
    """One timer for all queues; there is none while nobody waits for time to pass."""

    __slots__ = ("_due", "_limits", "_timer")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._timer: asyncio.TimerHandle | None = None
        self._due = NEVER

    def arm(self) -> None:
        """Look anew when the next one is due."""
        due = self._limits.queue.due()
        if due == self._due:
            return
        self._due = due
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if due != NEVER:
            wait = max(due - self._limits.now(), 0) / _MICRO
            self._timer = asyncio.get_running_loop().call_later(wait + _LATER, self._fire)

    def _fire(self) -> None:
        self._timer = None
        self._due = NEVER
        self._limits.queue.tick(self._limits.now())
        self.arm()
