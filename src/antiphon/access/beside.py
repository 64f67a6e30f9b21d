"""Blocking questions asked beside the loop: each once at a time, a few at once, not endlessly.

Who asks what is being asked already waits for the same answer. A few threads ask, so the road
keeps its turn, and above a bound whoever comes is told to come again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

from antiphon.errors import Overloaded

THREADS = 2
MOST_WAITING = 256
_AGAIN = 1.0
Q = TypeVar("Q", bound=Hashable)
A = TypeVar("A")


class Beside(Generic[Q, A]):
    """Asks.

    Args:
        ask: Waits for the answer, on a thread; what it raises goes to whoever asked.
        learn: Takes each answer on the loop, also where nobody waits for it any more.
        name: Of the threads.
        most_waiting: Questions that are being asked, or wait for their turn.
    """

    def __init__(
        self,
        ask: Callable[[Q], A],
        learn: Callable[[A], object],
        *,
        name: str,
        most_waiting: int = MOST_WAITING,
    ) -> None:
        self._ask = ask
        self._learn = learn
        self._most_waiting = most_waiting
        self._threads = ThreadPoolExecutor(THREADS, f"antiphon-{name}")
        self._under_way: dict[Q, asyncio.Future[A]] = {}

    async def answer(self, question: Q) -> A:
        """The answer, once it was learnt.

        Raises:
            Overloaded: Too many questions wait.
        """
        future = self._under_way.get(question)
        if future is None:
            future = self._begin(question)
        # Others may wait for it too: who leaves must not take it away from them.
        return await asyncio.shield(future)

    def close(self) -> None:
        """Let the threads end; what was not begun is given up."""
        self._threads.shutdown(cancel_futures=True)

    def _begin(self, question: Q) -> asyncio.Future[A]:
        if len(self._under_way) >= self._most_waiting:
            raise Overloaded("Too many unknown callers come at once.", retry_after=_AGAIN)
        loop = asyncio.get_running_loop()
        future = loop.run_in_executor(self._threads, self._ask, question)
        self._under_way[question] = future
        future.add_done_callback(lambda done: self._ended(question, done))
        return future

    def _ended(self, question: Q, done: asyncio.Future[A]) -> None:
        del self._under_way[question]
        # Its error is looked at also where nobody waits, so that it is not said to be lost.
        if not done.cancelled() and done.exception() is None:
            self._learn(done.result())
