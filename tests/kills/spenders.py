"""Processes that spend one budget as fast as they can, and a nursery that forks them.

It reads an order a line, as JSON: `{"folder", "key", "seed"}`. Children write a line each time that
they have spent something (`spent PID`), and when nothing is left (`402 PID`).
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import threading
import traceback
from pathlib import Path
from random import Random

import msgspec

from antiphon.access.tables import SCHEMA as ACCESS
from antiphon.clock import SystemClock
from antiphon.errors import AccountingUnavailable, BudgetExceeded, BudgetReserved
from antiphon.leases.estates import Estates
from antiphon.leases.store import LeaseStore
from antiphon.model.principal import Principal
from antiphon.providers.rates import flat
from antiphon.storage.database import Database
from antiphon.usage.budgets.budget import Budget, Scope
from antiphon.usage.budgets.budgets import Budgets, Reservation
from antiphon.usage.budgets.desk import Desk
from antiphon.usage.budgets.estates import Heirs
from antiphon.usage.budgets.price import Price
from antiphon.usage.budgets.sharing import Sharing
from antiphon.usage.journal.journal import Journal
from antiphon.usage.ledger.ledger import Ledger
from antiphon.usage.ledger.tables import SCHEMA
from antiphon.usage.shipper import Shipper
from tests.kills.nursery import die_with_parent
from tests.unit.usage.books import closed, opened

CARD = flat({"input": 1_000_000, "output": 1_000_000}, version="one")
"""A billionth of a dollar for each token."""
PRICE = Price.of(CARD, 300, 700)
BUDGETS = (
    Budget(Scope.ORGANISATION, "", 900 * PRICE.bound + 17, per="total"),
    Budget(Scope.TEAM, "web", 600 * PRICE.bound + 1, per="total"),
    Budget(Scope.USER, "", 500 * PRICE.bound, per="total"),
    Budget(Scope.KEY, "", 400 * PRICE.bound + 333, per="total"),
)
_CALLERS = 12
_EVERY = 20


def say(*words: object) -> None:
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def principal(key: str) -> Principal:
    return Principal(key_id=key, team="web", user=key, subject=f"sub_{key}")


class Spender:
    """One process."""

    def __init__(self, folder: Path, key: str, seed: int) -> None:
        self.random = Random(seed)
        self.clock = clock = SystemClock()
        self.count = 0
        self.key = key
        self.database = Database(f"sqlite:///{folder / 'antiphon.db'}", [SCHEMA, ACCESS])
        ledger = Ledger(self.database, clock=clock)
        store = LeaseStore(folder / "leases.db", clock=clock)
        self.journal = Journal(
            folder / "journal", ledger=ledger.name, clock=clock, segment_bytes=16384
        )
        self.budgets = Budgets(BUDGETS, clock=clock)
        self.desk = Desk(self.budgets, clock=clock, wait=0.5)
        self.sharing = Sharing(
            self.budgets,
            store,
            self.journal,
            clock=clock,
            post=asyncio.get_running_loop().call_soon_threadsafe,
        )
        heirs = Heirs(Estates(store), folder / "journal")
        self.shipper = Shipper(
            self.journal,
            ledger,
            clock=clock,
            heirs=[heirs],
            may_go=self.sharing.is_reported,
        )

    async def run(self) -> None:
        stop = threading.Event()
        # As the gateway's background: each on a thread of its own.
        threads = [
            threading.Thread(target=each.run, args=(stop,), daemon=True)
            for each in (self.sharing, self.shipper)
        ]
        for thread in threads:
            thread.start()
        await asyncio.gather(*(self.caller(number) for number in range(_CALLERS)))
        self.journal.seal()
        stop.set()
        for service in (self.sharing, self.shipper):
            service.stop()
        for thread in threads:
            await asyncio.to_thread(thread.join)
        self.journal.dispose()

    async def caller(self, number: int) -> None:
        path = self.budgets.path(principal(self.key))
        while True:
            now = int(self.clock.now() * 1e6)
            made = self.desk.at_once(path, PRICE, now)
            if made is None:
                try:
                    made = (await self.desk.obtain(path, PRICE)).reservation
                except (BudgetReserved, AccountingUnavailable):
                    continue
                except BudgetExceeded:
                    return
            await self.spend(made)

    async def spend(self, made: Reservation) -> None:
        self.count += 1
        name = f"req_{os.getpid()}_{self.count}"
        record = opened(cost_bound=made.bound, pots=made.numbers, key_id=self.key)
        entry = self.journal.open(msgspec.structs.replace(record, request=name))
        await asyncio.sleep(self.random.random() / 500)
        cost = self.random.randint(0, made.bound)
        end = closed(entry, cost=cost, key_id=self.key)
        self.journal.close(entry, msgspec.structs.replace(end, request=name))
        self.budgets.settle(made, cost)
        if self.count % _EVERY == 0:
            say("spent", os.getpid())


def child(order: dict[str, object]) -> None:
    try:

        async def run() -> None:
            spender = Spender(Path(str(order["folder"])), str(order["key"]), int(order["seed"]))
            await spender.run()

        asyncio.run(run())
    except BaseException:  # noqa: BLE001  a fork must not run its parent's way out
        traceback.print_exc()
        say("failed", os.getpid())
        os._exit(70)
    say("402", os.getpid())
    os._exit(0)


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    say("open")
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if not pid:
            die_with_parent()
            child(order)
        say("born", pid)


if __name__ == "__main__":
    main()
