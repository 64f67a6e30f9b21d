"""Equal requests that are under way at once share one call.

The call belongs to nobody's connection: it runs in a task of `Flights`, goes on while anybody
waits for it, whoever that is, and is cancelled when nobody does. The first to come pays; the
others are charged nothing, and their answers are marked `x-antiphon-cache: shared`.

Where the call fails, its payer is told, and so is whoever has had some of its answer. The one who
has waited the longest of the others begins a new call, on its own account, and the rest wait for
that. A failure that was the provider's is so tried twice at most: then all are told, as each would
have been by itself. A failure that was the payer's own (its budget, its rights) makes no call, and
ends nobody else's request.

Only requests of one form share: who wants a stream is not made to wait for a whole answer.
"""

from __future__ import annotations

import asyncio
import logging
from asyncio import TaskGroup
from collections.abc import Callable
from types import TracebackType
from typing import Generic, Self

from antiphon.cache.flight import END, CallT, Flight, Reader
from antiphon.cache.statistics import FlightStatistics
from antiphon.errors import (
    AntiphonError,
    Disposition,
    Draining,
    Exhausted,
    InternalFault,
    UpstreamError,
)

_log = logging.getLogger("antiphon.cache")
_PROVIDERS = (UpstreamError, Exhausted, InternalFault)
"""Failures that are not the payer's own."""
_MOST_FAILURES = 2
"""Calls of one flight that may fail through a provider before all who wait are told."""


class Flights(Generic[CallT]):
    """The calls that are under way. An asynchronous context manager: on exit all of them end.

    Args:
        most_held: Bytes that each flight holds back; `max_entry_bytes` of the settings.

    Attributes:
        most_held: As it was said; another one holds for flights that begin from then on.
        statistics: Counts since the start.
    """

    def __init__(self, *, most_held: int) -> None:
        self.most_held = most_held
        self._listed: dict[tuple[bytes, bool], Flight[CallT]] = {}
        self._tasks: dict[Flight[CallT], asyncio.Task[None]] = {}
        self._group = TaskGroup()
        self._open = False
        self.statistics = FlightStatistics()

    async def __aenter__(self) -> Self:
        self._group = TaskGroup()
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
        for flight, task in self._tasks.items():
            flight.fail(Draining("The gateway stops."), everyone=True)
            task.cancel()
        self._tasks.clear()
        self.statistics.open = 0
        self._listed.clear()
        # What ended the block goes on as it is: no task of the group had a part in it.
        await self._group.__aexit__(None, None, None)

    def __len__(self) -> int:
        return len(self._tasks)

    def join(self, key: bytes, begin: Callable[[], CallT], *, stream: bool) -> Reader[CallT]:
        """Wait for the answer to a question, with all who ask it now.

        Args:
            key: Of the question (`CachePolicy.key`).
            begin: Begins a call on the account of this request, should it come to that; not before
                the event loop's next turn.
            stream: The form of the answer.

        Returns:
            Where to read it. `leave` must be called with it, whatever happens.

        Raises:
            Draining: It is not open (any more).
        """
        if not self._open:
            raise Draining("The gateway stops.")
        flight = self._listed.get((key, stream))
        if flight is not None:
            self.statistics.joined += 1
            return Reader(begin, flight, self._alone, joined=True)
        flight = self._listed[key, stream] = Flight(self.most_held)
        reader = Reader(begin, flight, self._alone, joined=False)
        self._start(flight, (key, stream))
        return reader

    def own(self, begin: Callable[[], CallT]) -> Reader[CallT]:
        """Wait for a call of its own, which nobody joins; else as `join`.

        Raises:
            Draining: It is not open (any more).
        """
        if not self._open:
            raise Draining("The gateway stops.")
        flight: Flight[CallT] = Flight(self.most_held)
        reader = Reader(begin, flight, self._alone, joined=False)
        self._start(flight, None)
        return reader

    def leave(self, reader: Reader[CallT]) -> None:
        """A request does not wait any more; called again, it does nothing."""
        flight = reader.flight
        flight.leave(reader)
        task = self._tasks.get(flight)
        if task is None or flight.readers or flight.ended:
            return
        # It is unlisted at once: who comes next must not join what is being cancelled.
        self._unlist(flight)
        del self._tasks[flight]
        self.statistics.open -= 1
        self.statistics.abandoned += 1
        task.cancel()

    def _alone(self, reader: Reader[CallT]) -> Flight[CallT]:
        """A flight of its own, for a reader who was left behind and has had nothing."""
        flight = Flight[CallT](self.most_held)
        flight.readers[reader] = None
        self._start(flight, None)
        return flight

    def _start(self, flight: Flight[CallT], place: tuple[bytes, bool] | None) -> None:
        flight.place = place
        self.statistics.open += 1
        self._tasks[flight] = self._group.create_task(self._fly(flight))

    async def _fly(self, flight: Flight[CallT]) -> None:
        """Make calls until one lands, or nobody waits."""
        failed = 0
        while (failure := await self._carry(flight)) is not None:
            failed += isinstance(failure, _PROVIDERS)
            flight.fail(failure, everyone=failed >= _MOST_FAILURES or _is_final(failure))
            if not flight.readers:
                break
            self.statistics.elected += 1
        self._unlist(flight)
        del self._tasks[flight]
        self.statistics.open -= 1

    async def _carry(self, flight: Flight[CallT]) -> AntiphonError | None:
        """Make one call, and hand out what comes of it; gives what it failed with."""
        call: CallT | None = None
        self.statistics.calls += 1
        try:
            call = flight.lead()
            while (piece := await call.next()) is not END:
                if not piece.size:
                    continue
                self.statistics.left_behind += flight.put(piece)
                if flight.trimmed:
                    self._unlist(flight)
                    await flight.room()
            call.landed(flight.pieces)
            flight.end()
            self._unlist(flight)
            await call.rest()
        except AntiphonError as error:
            return error
        # A task boundary: a defect in one call must not end all others, and its readers are told.
        except Exception:  # noqa: BLE001
            _log.exception("A shared call failed")
            return InternalFault("A defect.")
        finally:
            if call is not None:
                call.close()
        return None

    def _unlist(self, flight: Flight[CallT]) -> None:
        """Let nobody join any more."""
        if flight.place is not None and self._listed.get(flight.place) is flight:
            del self._listed[flight.place]
        flight.place = None


def _is_final(failure: AntiphonError) -> bool:
    """Whether another call would fail in the same way, whoever made it."""
    if isinstance(failure, UpstreamError) and failure.disposition is Disposition.CALLERS_FAULT:
        return True
    return isinstance(failure, _PROVIDERS) and failure.should_retry is False
