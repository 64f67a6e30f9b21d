"""Processes that share a budget are killed at random moments; the budget holds, to the billionth.

In the end a process that nobody kills spends until it is refused with nothing reserved. Then what
the ledger holds is what the store of leases says, no budget is exceeded, and less than the bound of
one attempt is left.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from antiphon.access.tables import SCHEMA as ACCESS
from antiphon.clock import SystemClock
from antiphon.leases.estates import Estates
from antiphon.leases.store import LeaseStore
from antiphon.storage.database import Database
from antiphon.usage.adoption import Adoption
from antiphon.usage.budgets.estates import Heirs
from antiphon.usage.journal.journal import nowhere
from antiphon.usage.ledger.ledger import Ledger
from antiphon.usage.ledger.prove import prove
from antiphon.usage.ledger.tables import SCHEMA
from tests.kills.spenders import BUDGETS, PRICE

KEYS = ("key-a", "key-b")


class Nursery:
    """Forks spenders, and tells what they say."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.kills.spenders"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._said: list[tuple[str, int]] = []
        self._mine: set[int] = set()
        assert self._line() == ("open", 0)

    def begin(self) -> None:
        """Know nobody of those who were started before."""
        self._said, self._mine = [], set()

    def start(self, folder: Path, key: str, seed: int) -> int:
        order = {"folder": str(folder), "key": key, "seed": seed}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        while True:
            word, pid = self._line()
            if word == "born":
                self._mine.add(pid)
                return pid
            self._said.append((word, pid))

    def next(self) -> tuple[str, int]:
        while True:
            word, pid = self._said.pop(0) if self._said else self._line()
            if pid in self._mine:
                assert word != "failed"
                return word, pid

    def close(self) -> None:
        self._process.stdin.close()
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()

    def _line(self) -> tuple[str, int]:
        word, _, pid = self._process.stdout.readline().strip().partition(" ")
        assert word
        return word, int(pid or 0)


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    nursery = Nursery()
    yield nursery
    nursery.close()


def spend_and_kill(nursery: Nursery, folder: Path, random: Random) -> int:
    """Three spenders at once, five of which are killed after they have spent a while."""
    nursery.begin()
    kills, killed = 5, 0
    lives: dict[int, int] = {}
    started = 0
    while started < kills or lives:
        if started < kills and len(lives) < 3:
            pid = nursery.start(folder, random.choice(KEYS), random.randrange(1 << 30))
            lives[pid] = random.randrange(1, 12)
            started += 1
            continue
        word, pid = nursery.next()
        if pid not in lives:
            continue
        lives[pid] -= word == "spent"
        if word == "402":
            del lives[pid]
        elif not lives[pid]:
            os.kill(pid, signal.SIGKILL)
            del lives[pid]
            killed += 1
    for key in KEYS:  # nobody kills these, and they adopt all others
        pid = nursery.start(folder, key, random.randrange(1 << 30))
        while nursery.next() != ("402", pid):
            pass
    return killed


def check(folder: Path) -> None:
    clock = SystemClock()
    database = Database(f"sqlite:///{folder / 'antiphon.db'}", [SCHEMA, ACCESS])
    store = LeaseStore(folder / "leases.db", clock=clock)
    try:
        estates = Estates(store)
        heirs = Heirs(estates, folder / "journal")
        ledger = Ledger(database, clock=clock)
        Adoption(folder / "journal", ledger, heirs=[heirs], seam=nowhere).adopt()
        assert estates.orphans() == []
        proof = prove(database, folder / "journal")
        assert (proof.difference, proof.open, proof.pending) == ("", 0, 0)
        with database.reading() as connection:
            rows = connection.exec_driver_sql("SELECT key_id, cost FROM attempts").fetchall()
        by_key: Counter[str] = Counter()
        for key, cost in rows:
            by_key[key] += cost
        every = sum(by_key.values())
        limits = {budget.scope.value: budget.limit for budget in BUDGETS}
        spent = {("organisation", "org_default"): every, ("team", "org_default/web"): every}
        for key, cost in by_key.items():
            spent["user", f"org_default/sub_{key}"] = cost
            spent["key", f"org_default/{key}"] = cost
        left: dict[tuple[str, str], int] = {}
        for (scope, name), cost in spent.items():
            [balance] = estates.balances(scope, name)
            assert (balance.spent, balance.held, balance.written_off) == (cost, 0, 0)
            left[scope, name] = limits[scope] - cost
            assert left[scope, name] >= 0
        shared = min(left["organisation", "org_default"], left["team", "org_default/web"])
        for key in KEYS:
            own = limits["key"] - by_key[key]
            assert min(shared, own, limits["user"] - by_key[key]) < PRICE.bound
    finally:
        store.close()
        database.close()


@pytest.mark.parametrize("seed", range(3))
def test_a_few_rounds(nursery: Nursery, tmp_path: Path, seed: int) -> None:
    assert spend_and_kill(nursery, tmp_path, Random(seed)) > 0
    check(tmp_path)


@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(100, 120))
def test_twenty_rounds(nursery: Nursery, tmp_path: Path, seed: int) -> None:
    spend_and_kill(nursery, tmp_path, Random(seed))
    check(tmp_path)
