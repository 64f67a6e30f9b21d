"""The money of a running gateway: its budgets, and the leases that it shares with others.

Where there are no budgets nothing of it is open but a few empty tables. The file of the leases is
opened, and shared, as soon as there are some: from the configuration at the start, or from the
database while the gateway runs. It stays so until the end.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from antiphon.clock import Clock
from antiphon.gateway.background import Background, ServiceState
from antiphon.leases.estates import Estates
from antiphon.leases.store import LeaseStore
from antiphon.leases.terms import Balance
from antiphon.pipeline.spending import Spending
from antiphon.storage.database import Readable
from antiphon.usage.budgets.budget import Budget
from antiphon.usage.budgets.budgets import Budgets
from antiphon.usage.budgets.config import BudgetsSettings
from antiphon.usage.budgets.desk import Desk
from antiphon.usage.budgets.estates import Heirs
from antiphon.usage.budgets.sharing import Crossing, Sharing
from antiphon.usage.journal.folder import DeadFolder
from antiphon.usage.journal.journal import Journal, Seam
from antiphon.usage.journal.segment import Segment

_log = logging.getLogger("antiphon.budgets")
_PRUNE_EVERY = 3600.0
"""Seconds between two looks for budgets of former days."""
_REMEMBERED = 62 * 86_400.0
"""Seconds after the end of its period for which a budget is remembered."""


class Treasury:
    """Budgets, opened when they are needed.

    Args:
        settings: What is configured.
        file: Of the leases, which every process of this machine opens.
        journal: Of this process.
        clock: For periods.
        post: Has the event loop call a function soon, from whatever thread.
        seam: Where tests let the process die.

    Attributes:
        budgets: Those in force.
        desk: Where attempts wait for money.
        spending: For the road.
        on_crossing: Told on the event loop when a share of a budget is reached, once for all
            processes together.
    """

    def __init__(
        self,
        settings: BudgetsSettings,
        file: Path,
        journal: Journal,
        *,
        clock: Clock,
        post: Callable[[Callable[[], None]], object],
        seam: Seam,
    ) -> None:
        self.budgets = Budgets(settings.compiled(), clock=clock)
        self.desk = Desk(self.budgets, clock=clock, wait=settings.wait)
        self.spending = Spending(self.budgets, self.desk, clock=clock)
        self.on_crossing: Callable[[Crossing], None] = _nobody
        self._file = file
        self._journal = journal
        self._clock = clock
        self._post = post
        self._seam = seam
        self._opening = threading.Lock()
        self._prune_at = 0.0
        self._store: LeaseStore | None = None
        self._heirs: Heirs | None = None
        self._sharing: Sharing | None = None
        self._background: Background | None = None
        self._ended = False

    # on the event loop

    def begin(self) -> None:
        """Share, where there are budgets.

        Raises:
            StorageFailed: The file of the leases cannot be used.
        """
        if self.budgets.any:
            self._share(self._open())

    async def ready(self, budgets: Sequence[Budget]) -> None:
        """Make sure that these budgets can be had; nothing is in force by that.

        Raises:
            StorageFailed: There are some, and the file of the leases cannot be used.
        """
        if budgets and self._sharing is None:
            store = await asyncio.to_thread(self._open)
            self._share(store)

    # beside the road

    @property
    def estates(self) -> Estates | None:
        """What has become of money, where there ever were budgets."""
        return Estates(self._open()) if self._store or self._file.exists() else None

    def standing(self, tenant: str) -> Sequence[Balance]:
        """How it stands with every pot of an organisation, in the present periods; from the disk.

        What this process spent in the last second may be missing.

        Raises:
            StorageFailed: The file of the leases cannot be read.
        """
        estates = self.estates
        return [] if estates is None else estates.standing(tenant, at=int(self._clock.now() * 1e6))

    def shares(self) -> dict[str, float]:
        """The shares used of budgets that are configured by name, as `team/web/month`."""
        now = self._clock.now() * 1e6
        return {name: share for name, (ends, share) in self.budgets.shares.items() if ends > now}

    @property
    def leases(self) -> Readable | None:
        """What processes hold and have spent, where there ever were budgets."""
        return self._open().database if self._store or self._file.exists() else None

    @property
    def trouble(self) -> str:
        """Why no money can be leased, or empty."""
        return "" if self._sharing is None else self._sharing.trouble

    @property
    def states(self) -> dict[str, ServiceState]:
        """How its services do."""
        return {} if self._background is None else self._background.states

    def may_go(self, segment: Segment) -> bool:
        """Whether the store of the leases knows all that stands in a segment of the journal."""
        return self._sharing is None or self._sharing.is_reported(segment)

    def settle(self, found: DeadFolder) -> None:
        """Settle for the owner of a dead journal; where nobody ever leased, there is nothing."""
        heirs = self._present_heirs()
        if heirs is not None:
            heirs.settle(found)

    def look(self) -> None:
        """Look for owners whose journals are gone, and forget what is over for long."""
        heirs = self._present_heirs()
        if heirs is None:
            return
        heirs.look()
        if self._clock.monotonic() >= self._prune_at:
            self._prune_at = self._clock.monotonic() + _PRUNE_EVERY
            Estates(self._open()).prune(int((self._clock.now() - _REMEMBERED) * 1e6))

    def end(self) -> None:
        """Give back what is held, and stop."""
        self._ended = True
        if self._background is not None:
            self._background.stop()

    def close(self) -> None:
        """Let go of the file."""
        if self._store is not None:
            self._store.close()

    def _present_heirs(self) -> Heirs | None:
        if self._heirs is None and self._file.exists():
            self._open()
        return self._heirs

    def _open(self) -> LeaseStore:
        with self._opening:
            if self._store is None:
                self._store = store = LeaseStore(self._file, clock=self._clock)
                self._heirs = Heirs(Estates(store), self._journal.folder)
            return self._store

    def _crossed(self, crossing: Crossing) -> None:
        _log_crossing(crossing)
        self.on_crossing(crossing)

    def _share(self, store: LeaseStore) -> None:
        if self._sharing is not None or self._ended:
            return
        self._sharing = Sharing(
            self.budgets,
            store,
            self._journal,
            clock=self._clock,
            post=self._post,
            warn=self._crossed,
            seam=self._seam,
        )
        self._background = Background(clock=self._clock)
        self._background.start(self._sharing)


def _nobody(crossing: Crossing) -> None:
    """Whom to tell where nobody wants to know."""


def _log_crossing(crossing: Crossing) -> None:
    """Say it where people of the gateway read."""
    pot = crossing.purse.pot
    _log.warning(
        "%d %% of a budget is used: %s %s, %s",
        crossing.share // 10,
        pot.scope,
        pot.name,
        pot.period,
    )
