"""Answers of models to requests with an idempotency key: those that are made, and those kept.

An answer is made by a task of its own, which goes on when the caller leaves: whoever lost the
connection asks again with the same key, hears what was made so far and the rest, or all of it,
and no provider is asked twice. Kept are whole answers only, for a time, and within a bound of
bytes; the oldest go first.

One process: what another process of the machine was asked is not known here.
"""

from __future__ import annotations

import asyncio
import logging
from asyncio import TaskGroup
from collections.abc import Awaitable, Callable, Coroutine
from types import TracebackType
from typing import NamedTuple, Self, TypeVar

from antiphon.clock import Clock
from antiphon.errors import Draining
from antiphon.idempotency.config import IdempotencySettings
from antiphon.idempotency.errors import KeyReused, StillRunning
from antiphon.idempotency.keys import Asked
from antiphon.idempotency.recording import Recording

Result = TypeVar("Result")

_log = logging.getLogger("antiphon.idempotency")


class _Kept(NamedTuple):
    recording: Recording
    until: float


class Answers:
    """An asynchronous context manager: on exit all that is under way ends.

    Args:
        settings: How much is kept, for how long.
        clock: Where time comes from.
    """

    def __init__(self, settings: IdempotencySettings, *, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._group = TaskGroup()
        self._running: dict[bytes, Recording] = {}
        self._tasks: set[asyncio.Task[object]] = set()
        self._kept: dict[bytes, _Kept] = {}
        self._open = False
        self.size = 0

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        self._open = True
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        del kind, error, traceback
        self._open = False
        for task in self._tasks:
            task.cancel()
        self._kept.clear()
        self.size = 0
        await self._group.__aexit__(None, None, None)

    def adopt(self, settings: IdempotencySettings) -> None:
        """Go by other settings from now on; what is kept stays for as long as it was to."""
        self._settings = settings
        self._trim()

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def running(self) -> int:
        """Answers that are being made."""
        return len(self._running)

    @property
    def works(self) -> bool:
        """Whether answers are kept here."""
        return self._open and self._settings.answer_seconds > 0

    def find(self, asked: Asked) -> Recording | None:
        """The answer to a request, or what there is of it; None where it was not asked yet.

        Raises:
            KeyReused: The key was sent with another request.
            StillRunning: It is under way, and too long to be heard from its beginning.
        """
        self._sweep()
        kept = self._kept.get(asked.place)
        if kept is not None and kept.until <= self._clock.monotonic():
            # Made when answers were to be kept for longer, or shorter, than those before it.
            self._drop(asked.place)
            kept = None
        found = self._running.get(asked.place) if kept is None else kept.recording
        if found is None:
            return None
        if found.fingerprint != asked.fingerprint:
            raise KeyReused
        if found.trimmed:
            raise StillRunning
        return found

    def make(self, asked: Asked, make: Callable[[Recording], Awaitable[None]]) -> Recording:
        """Have an answer made; it is kept under way as long as it takes, whoever reads it."""
        recording = Recording(asked.fingerprint, self._settings.max_answer_bytes)
        self._running[asked.place] = recording
        self.detach(self._carry(asked, recording, make))
        return recording

    def detach(self, work: Coroutine[object, object, Result]) -> asyncio.Task[Result]:
        """Have something go on whoever waits for it; it must not raise.

        Raises:
            Draining: Nothing new is begun (any more).
        """
        if not self._open:
            work.close()
            raise Draining("The gateway is shutting down.", retry_after=1)
        task = self._group.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _carry(
        self, asked: Asked, recording: Recording, make: Callable[[Recording], Awaitable[None]]
    ) -> None:
        try:
            await make(recording)
        # A task boundary: a defect in one answer must not end all others.
        except Exception:  # noqa: BLE001
            _log.exception("An answer that may be asked for again failed")
        finally:
            del self._running[asked.place]
            if self._open and recording.is_kept:
                self._keep(asked.place, recording)
            recording.end()

    def _keep(self, place: bytes, recording: Recording) -> None:
        self._kept[place] = _Kept(
            recording, self._clock.monotonic() + self._settings.answer_seconds
        )
        self.size += recording.weight
        self._trim()

    def _trim(self) -> None:
        while self.size > self._settings.max_bytes:
            self._drop(next(iter(self._kept)))

    def _sweep(self) -> None:
        """Let go of what is over its time; most have the same, so the oldest come first."""
        now = self._clock.monotonic()
        while self._kept:
            place = next(iter(self._kept))
            if self._kept[place].until > now:
                return
            self._drop(place)

    def _drop(self, place: bytes) -> None:
        self.size -= self._kept.pop(place).recording.weight
