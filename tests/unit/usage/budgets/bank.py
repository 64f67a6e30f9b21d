"""A bank: one store of leases, a folder of journals, and owners that can die at any step."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from antiphon.leases.estates import Estates
from antiphon.leases.store import LeaseStore
from antiphon.model.principal import Principal
from antiphon.usage.budgets.budget import Budget, Scope
from antiphon.usage.budgets.budgets import Budgets, Reservation, Waiting
from antiphon.usage.budgets.estates import Heirs
from antiphon.usage.budgets.sharing import Crossing, Sharing
from antiphon.usage.journal.folder import dead
from antiphon.usage.journal.journal import Entry, Journal
from tests.unit.usage.books import closed, opened

NOON = 1_790_164_800.0
"""2026-09-23 12:00 UTC."""
ALICE = Principal(key_id="key-a", team="web", user="alice", subject="sub_a")
BOB = Principal(key_id="key-b", team="web", user="bob", subject="sub_b")


class Died(Exception):
    """The process is no more."""


class Times:
    """Time that is moved: what the day is, and how long something took."""

    def __init__(self) -> None:
        self.wall = NOON
        self.passed = 1000.0

    def monotonic(self) -> float:
        return self.passed

    def now(self) -> float:
        return self.wall


class Attempt:
    """Money that is reserved, and what the journal says of it."""

    def __init__(self, reservation: Reservation, entry: Entry) -> None:
        self.reservation = reservation
        self.entry = entry


class Owner:
    """One process: its budgets, its journal, its turns with the store."""

    def __init__(
        self,
        bank: Bank,
        budgets: Sequence[Budget],
        post: Callable[[Callable[[], None]], object] = lambda call: call(),
    ) -> None:
        self.bank = bank
        self.dies_at = ""
        self.dead = False
        self.crossings: list[Crossing] = []
        self.attempts: list[Attempt] = []
        self.waiting: list[Waiting] = []
        self.budgets = Budgets(budgets, clock=bank.times)
        self.journal = Journal(
            bank.folder, ledger="bank", clock=bank.times, segment_bytes=16384, seam=self.seam
        )
        self.sharing = Sharing(
            self.budgets,
            bank.store,
            self.journal,
            clock=bank.times,
            post=post,
            warn=self.crossings.append,
            seam=self.seam,
        )

    def seam(self, point: str) -> None:
        if self.dies_at == point:
            raise Died

    def reserve(self, principal: Principal, bound: int) -> Reservation | None:
        path = self.budgets.path(principal)
        return self.budgets.reserve(path, bound, bound, self.bank.now())

    def begin(self, principal: Principal, bound: int) -> Attempt | None:
        """Reserve and write it down; where that is not possible, wait."""
        made = self.reserve(principal, bound)
        if made is None:
            path = self.budgets.path(principal)
            self.budgets.renew(path, self.bank.now())
            waiting = Waiting(path, bound, bound, self.bank.loop.create_future())
            if self.budgets.wait(waiting):
                self.waiting.append(waiting)
            return None
        return self.write(made)

    def write(self, made: Reservation) -> Attempt:
        self.bank.number += 1
        record = opened(self.bank.number, cost_bound=made.bound, pots=made.numbers)
        attempt = Attempt(made, self.journal.open(record))
        self.attempts.append(attempt)
        return attempt

    def end(self, attempt: Attempt, cost: int, *, settles: bool = True) -> None:
        self.journal.close(attempt.entry, closed(attempt.entry, cost=cost))
        self.attempts.remove(attempt)
        if settles:
            self.budgets.settle(attempt.reservation, cost)

    def turn(self) -> None:
        """A turn with the store, and what those who waited do then."""
        self.sharing.turn()
        for waiting in self.waiting:
            if waiting.handed is not None:
                self.write(waiting.handed)
        self.waiting = [each for each in self.waiting if not each.future.done()]

    def give_up(self) -> None:
        """Nobody waits any more."""
        for waiting in self.waiting:
            waiting.future.cancel()
        self.waiting = []

    def die(self) -> None:
        """As `kill -9` leaves it: files as they are, the lock free."""
        self.dead = True
        for segment in self.journal.segments:
            segment.close()
        os.close(self.journal._own._lock)

    def leave(self) -> None:
        assert self.sharing.leave()
        self.die()


class Bank:
    """What all owners share."""

    def __init__(self, folder: Path) -> None:
        self.number = 0
        self.times = Times()
        self.folder = folder / "journal"
        self.store = LeaseStore(folder / "leases.db", clock=self.times)
        self.estates = Estates(self.store)
        self.heirs = Heirs(self.estates, self.folder)
        self.loop = asyncio.new_event_loop()

    def close(self) -> None:
        self.store.close()
        self.loop.close()

    def now(self) -> int:
        return int(self.times.wall * 1e6)

    def owner(self, *budgets: Budget) -> Owner:
        return Owner(self, budgets)

    def adopt(self, *, dies: bool = False) -> None:
        """As adoption does; it may die between the leases and the files."""
        for found in dead(self.folder):
            self.heirs.settle(found)
            if not dies:
                for segment in found.segments():
                    segment.unlink()
            found.leave()
        self.heirs.look()

    def sums(self, scope: Scope, name: str) -> tuple[int, int, int]:
        """Spent, held and written off, over all periods."""
        found = self.estates.balances(scope, f"org_default/{name}")
        return (
            sum(each.spent for each in found),
            sum(each.held for each in found),
            sum(each.written_off for each in found),
        )
