"""Who has a serving gateway load its configuration again: a signal, or the files themselves.

Files are looked at once a second, and not read unless they are others than those that were loaded
last. Then they are given time: only what looks the same at two looks in a row is loaded, so that a
file which is being written is not taken for a whole one. Of a file that is gone for a moment, as
editors and mounted secrets do it, the next look tells more.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from antiphon.access.walls import operator_here
from antiphon.errors import AntiphonError
from antiphon.gateway.gateway import Antiphon
from antiphon.yamlfile.trace import Seen, trace_of

EVERY = 1.0
_log = logging.getLogger("antiphon.configuration")


class Reloads:
    """Reloads a gateway until it is cancelled.

    Args:
        gateway: That serves.
        told: Takes a line for people when another configuration is in force.
        every: Seconds between two looks at the files.
    """

    def __init__(
        self, gateway: Antiphon, *, told: Callable[[str], object], every: float = EVERY
    ) -> None:
        self._gateway = gateway
        self._told = told
        self._every = every
        self._asked = asyncio.Event()
        self._candidate: Seen | None = None

    def ask(self) -> None:
        """Load it again, soon; asked again meanwhile, once more after that."""
        self._asked.set()

    async def run(self) -> None:
        """Load it when somebody asks, and when its files change while they are watched."""
        while True:
            try:
                async with asyncio.timeout(self._every):
                    await self._asked.wait()
            except TimeoutError:
                await self.look()
            else:
                self._asked.clear()
                await self._reload("signal")

    async def look(self) -> None:
        """Look at the files once, if they are watched, and load what has come to rest."""
        if not self._gateway.settings.server.watch:
            return
        seen = self._gateway.reloading.origin.seen
        now = await asyncio.to_thread(_traces, seen)
        candidate, self._candidate = self._candidate, now
        if now == seen or now != candidate:
            return
        await self._reload("file")

    async def _reload(self, via: str) -> None:
        try:
            done = await self._gateway.reload(actor=operator_here(via))
        except AntiphonError as error:
            # It is in the log and in health what is wrong; what was in force stays.
            self._told(f"the configuration was not loaded: {error.message}")
            return
        # A task boundary: a defect of one reload must not end the gateway.
        except Exception:  # noqa: BLE001
            _log.exception("A reload met a defect")
            return
        number = len(done.changes.changes) - len(done.pending_restart)
        if number:
            changes = f"{number} change{'' if number == 1 else 's'}"
            self._told(f"generation {done.generation} is in force: {changes}")
        for path in done.pending_restart:
            self._told(f"{path} needs a restart")


def _traces(files: Seen) -> Seen:
    return {path: trace_of(path) for path in files}
