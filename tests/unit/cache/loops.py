"""An event loop whose time goes by only when nothing else is left to do, and calls by a script."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine, Sequence

from antiphon.cache.entry import Piece
from antiphon.cache.flight import END


class _Leaping(selectors.SelectSelector):
    """Does not wait: it says how long it should have."""

    def __init__(self) -> None:
        super().__init__()
        self.leapt = 0.0

    def select(self, timeout: float | None = None):
        if timeout is None:
            raise AssertionError("everybody waits, for nothing")
        self.leapt += timeout
        return super().select(0)


class LeapingLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._leaping = _Leaping()
        super().__init__(self._leaping)

    def time(self) -> float:
        return 1000.0 + self._leaping.leapt


def run(main: Callable[[], Coroutine[object, object, None]]) -> None:
    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        runner.run(main())


async def settle() -> None:
    """Let all that can happen now happen."""
    for _ in range(20):
        await asyncio.sleep(0)


class ScriptedCall:
    """A call whose pieces and end are said from outside.

    Attributes:
        landed_with: What `landed` was told; a list of one, or empty.
        closed: How often it was closed.
    """

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.landed_with: list[Sequence[Piece] | None] = []
        self.closed = 0
        self.asked = 0
        self._said: asyncio.Queue[Piece | BaseException] = asyncio.Queue()

    def say(self, *told: bytes | Piece | BaseException) -> None:
        for each in told:
            self._said.put_nowait(Piece.of(each) if isinstance(each, bytes) else each)

    def land(self, *told: bytes | Piece) -> None:
        self.say(*told, END)

    async def next(self) -> Piece:
        self.asked += 1
        told = await self._said.get()
        if isinstance(told, BaseException):
            raise told
        return told

    def landed(self, pieces: Sequence[Piece] | None) -> None:
        self.landed_with.append(pieces)

    async def rest(self) -> None:
        """Nothing is behind it."""

    def close(self) -> None:
        self.closed += 1
