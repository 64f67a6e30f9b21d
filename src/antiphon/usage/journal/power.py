"""Waiting for the disk, in groups: whoever comes while one sync runs is in the next."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import Executor, ThreadPoolExecutor

from antiphon.usage.journal.segment import Segment


class Group:
    """Syncs segments on a thread, one sync at a time."""

    def __init__(self) -> None:
        self._waiting: list[asyncio.Future[None]] = []
        self._running = False
        self._executor: Executor = ThreadPoolExecutor(1, "antiphon-sync")

    async def wait(self, segments: Sequence[Segment]) -> None:
        """Wait until the disk holds all that was written before this call.

        Raises:
            OSError: It does not take it.
        """
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[None] = loop.create_future()
        self._waiting.append(waiter)
        if not self._running:
            self._begin(loop, segments)
        await waiter

    def close(self) -> None:
        """End the thread."""
        self._executor.shutdown()

    def _begin(self, loop: asyncio.AbstractEventLoop, segments: Sequence[Segment]) -> None:
        waiting, self._waiting = self._waiting, []
        self._running = True

        def sync() -> None:
            for segment in list(segments):
                segment.sync()

        def ended(done: asyncio.Future[None]) -> None:
            self._running = False
            error = done.exception()
            for waiter in waiting:
                if waiter.done():  # who waited was cancelled
                    continue
                if error is None:
                    waiter.set_result(None)
                else:
                    waiter.set_exception(error)
            if self._waiting:
                self._begin(loop, segments)

        loop.run_in_executor(self._executor, sync).add_done_callback(ended)
