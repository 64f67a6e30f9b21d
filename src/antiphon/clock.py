"""Time, as an argument.

Policies and transports take a `Clock`, so tests can move it. `Alarm` is the one timer of a
connection: a deadline is a number, and pushing it later costs an assignment, not a timer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

NEVER = float("inf")


class Clock(Protocol):
    """Where time comes from."""

    def monotonic(self) -> float:
        """Seconds that never go back; the event loop's own time where one runs."""
        ...

    def now(self) -> float:
        """Seconds since 1970, UTC; may jump."""
        ...


class SystemClock:
    """The machine's time."""

    __slots__ = ()

    monotonic = staticmethod(time.monotonic)
    now = staticmethod(time.time)  # noqa: TID251  this is the Clock


class Alarm:
    """Calls back once a deadline has passed, however often the deadline moves.

    Hot path: `set` is a comparison unless the deadline comes nearer than the timer that is
    already running. A timer that fires early arms itself again for what is left.
    """

    __slots__ = ("_callback", "_deadline", "_loop", "_timer", "_timer_at")

    def __init__(self, loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
        self._loop = loop
        self._callback = callback
        self._deadline = NEVER
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = NEVER

    @property
    def deadline(self) -> float:
        """The loop time at which the callback is due; `NEVER` when it is off."""
        return self._deadline

    def set(self, deadline: float) -> None:
        """Move the deadline to this loop time; `NEVER` switches it off."""
        self._deadline = deadline
        if deadline < self._timer_at:
            self._arm(deadline)

    def close(self) -> None:
        """Drop the timer; nothing is called any more."""
        self._deadline = NEVER
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._timer_at = NEVER

    def _arm(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = when
        self._timer = self._loop.call_at(when, self._fire)

    def _fire(self) -> None:
        self._timer = None
        self._timer_at = NEVER
        deadline = self._deadline
        if deadline == NEVER:
            return
        if deadline > self._loop.time():
            self._arm(deadline)
            return
        self._deadline = NEVER
        self._callback()
