"""A gateway with budgets, and what its leases and its ledger say afterwards."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from antiphon.clock import SystemClock
from antiphon.leases.estates import Estates
from antiphon.leases.store import LeaseStore
from tests.server.stage import KEY

OTHER = "other-key-0123456789abcdef"
PRICES = {"input": 1.0, "output": 2.0}
"""Dollars per million tokens: a thousand billionths a token of the prompt."""
PRICED: Mapping[str, Any] = {
    "models": {each: {"prices": PRICES} for each in ("sim-small", "sim-large", "sim-reason")}
}
AUTH: Mapping[str, Any] = {
    "required": True,
    "keys": [
        {"key": KEY, "team": "web", "department": "sales", "user": "alice"},
        {"key": OTHER, "team": "data", "department": "sales", "user": "bob"},
    ],
}


def budgets(*limits: Mapping[str, object], **more: object) -> dict[str, object]:
    """The sections of a configuration with these budgets."""
    return {
        "auth": AUTH,
        "provider": PRICED,
        "budgets": {"limits": [{"per": "total", **each} for each in limits], **more},
    }


def leased(folder: Path, scope: str, name: str) -> tuple[int, int]:
    """What is spent of a pot, and what is held beyond that."""
    store = LeaseStore(folder / "antiphon-leases.db", clock=SystemClock())
    try:
        [balance] = Estates(store).balances(scope, name)
    finally:
        store.close()
    return balance.spent + balance.written_off, balance.held


def charged(folder: Path, where: str = "1 = 1", *values: object) -> int:
    """What the ledger has charged."""
    with closing(sqlite3.connect(folder / "antiphon.db")) as database:
        [[cost]] = database.execute(
            f"SELECT coalesce(sum(cost), 0) FROM attempts WHERE {where}", values
        ).fetchall()
    return cost


def sums(folder: Path, pots: Sequence[tuple[str, str]]) -> list[int]:
    """What is spent of each pot, when nobody holds anything."""
    found = [leased(folder, *pot) for pot in pots]
    assert [held for _, held in found] == [0] * len(pots)
    return [spent for spent, _ in found]
