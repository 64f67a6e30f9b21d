"""What bounds callers: budgets and limits of the configuration and of the database, together.

Those of the database are read before the first request is served, and again within a fifth of a
second after somebody changed one, in this process or in another. While the database is away, what
is in force stays so.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import NamedTuple

from antiphon.access.allowances import Kind
from antiphon.access.standing import Standing, Standings, standing
from antiphon.config.settings import Settings
from antiphon.gateway.allowances import Allowed
from antiphon.gateway.treasury import Treasury
from antiphon.limits.limit import Limit
from antiphon.limits.limits import Limits
from antiphon.storage.database import Readable
from antiphon.usage.budgets.budget import Budget

_POLL = 0.05
"""Seconds between two looks whether to stop, while the event loop is waited for."""


class _Bounds(NamedTuple):
    """What the road has.

    Attributes:
        budgets: All of them.
        limits: Those of the database.
    """

    budgets: Sequence[Budget]
    limits: Sequence[Limit]


class Made(NamedTuple):
    """What is to be in force, made where nobody waits for it.

    Attributes:
        allowed: The configuration that it is made by.
        found: What is kept in the database.
        bounds: What the road gets.
    """

    allowed: Allowed
    found: Standing
    bounds: _Bounds


class InForce:
    """Puts budgets and limits into force; a service, for as long as the gateway runs.

    Made on the event loop.

    Args:
        settings: The configuration.
        database: With the tables of access.
        treasury: Has the budgets.
        limits: Has the limits.
    """

    name = "allowances"

    def __init__(
        self, settings: Settings, database: Readable, treasury: Treasury, limits: Limits
    ) -> None:
        self._allowed = Allowed(settings)
        self._found = Standing(0, ())
        self._database = database
        self._treasury = treasury
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._ending = threading.Event()
        self._watch: Standings | None = None
        self._present = _Bounds(self._allowed.configured_budgets(), [])

    async def begin(self) -> None:
        """Put everything into force that is kept now.

        Raises:
            StorageFailed: The database, or the file of the leases, cannot be used.
        """
        made = await asyncio.to_thread(lambda: self._made(self._allowed, standing(self._database)))
        await self._apply(made)
        self._watch = Standings(self._database, self._told, told=made.found.newest)

    def run(self, stop: threading.Event) -> None:
        """Look for changes until `stop` is set."""
        if self._watch is not None:
            self._watch.run(stop)

    def stop(self) -> None:
        """Have `run` look at `stop` now."""
        self._ending.set()
        if self._watch is not None:
            self._watch.stop()

    async def ready(self, settings: Settings) -> Made:
        """What another configuration would put into force; nothing is by that.

        Raises:
            StorageFailed: The file of the leases cannot be used.
        """
        made = await asyncio.to_thread(self._made, Allowed(settings), self._found)
        await self._treasury.ready(made.bounds.budgets)
        return made

    def adopt(self, made: Made) -> None:
        """Put into force what was made ready."""
        self._allowed = made.allowed
        if made.found is not self._found:
            # Somebody changed one meanwhile.
            made = self._made(made.allowed, self._found)
        self._put(made)

    def _told(self, found: Standing) -> None:
        """Take what changed, on the thread of the service.

        Raises:
            StorageFailed: It is not in force; the next look tries again.
        """
        # Thousands of them take a while, which the road does not wait for.
        made = self._made(self._allowed, found)
        done = asyncio.run_coroutine_threadsafe(self._apply(made), self._loop)
        while not self._ending.is_set():
            try:
                done.result(_POLL)
            except TimeoutError:
                continue
            return
        done.cancel()

    @staticmethod
    def _made(allowed: Allowed, found: Standing) -> Made:
        rows = found.allowances
        budgets = allowed.budgets(row for row in rows if row.kind == Kind.BUDGET)
        limits = allowed.limits(row for row in rows if row.kind == Kind.LIMIT)
        return Made(allowed, found, _Bounds([*allowed.configured_budgets(), *budgets], limits))

    async def _apply(self, made: Made) -> None:
        if self._ending.is_set():
            return
        await self._treasury.ready(made.bounds.budgets)
        if made.allowed is not self._allowed:
            # Another configuration came meanwhile.
            made = self._made(self._allowed, made.found)
        self._put(made)

    def _put(self, made: Made) -> None:
        self._found, bounds = made.found, made.bounds
        # Whoever waits has to ask anew where they change, so they change only where they do.
        if bounds.limits != self._present.limits:
            self._limits.replace(bounds.limits)
        if bounds.budgets != self._present.budgets:
            self._treasury.budgets.replace(bounds.budgets)
        self._present = bounds
