"""A child's memory and descriptors, as the kernel counts them."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

MIB = 1 << 20


class Process:
    """One process, looked at from outside."""

    def __init__(self, pid: int) -> None:
        self._proc = Path(f"/proc/{pid}")
        self.highest = 0

    @property
    def memory(self) -> int:
        """Bytes that are resident and its own: what is mapped of files, as the journal's, is not."""
        resident, shared = (self._proc / "statm").read_text().split()[1:3]
        return (int(resident) - int(shared)) * resource.getpagesize()

    @property
    def descriptors(self) -> int:
        return len(list((self._proc / "fd").iterdir()))

    @asynccontextmanager
    async def watched(self, every: float = 0.02) -> AsyncIterator[None]:
        """`highest` is afterwards the most memory that was seen."""
        self.highest = self.memory

        async def watch() -> None:
            while True:
                self.highest = max(self.highest, self.memory)
                await asyncio.sleep(every)

        task = asyncio.ensure_future(watch())
        try:
            yield
        finally:
            self.highest = max(self.highest, self.memory)
            task.cancel()
