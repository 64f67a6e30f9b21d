"""A gateway with budgets, and what its leases and its ledger say afterwards."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2

from antiphon.clock import SystemClock
from antiphon.leases.estates import Estates
from antiphon.leases.store import LeaseStore
from antiphon.simulator import Latency, SimulatorSpec
from tests.server.stage import HELLO, KEY, Stage, stage

ADMIN = "admin-key-0123456789abcdef"
OTHER = "other-key-0123456789abcdef"
PRICES = {"input": 1.0, "output": 2.0}
"""Dollars per million tokens: a thousand billionths a token of the prompt."""
PRICED: Mapping[str, Any] = {
    "models": {each: {"prices": PRICES} for each in ("sim-small", "sim-large", "sim-reason")}
}
AUTH: Mapping[str, Any] = {
    "required": True,
    "admin_key": ADMIN,
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


async def ask(
    road: Stage, model: str = "fast", *, most: int = 50, key: str = KEY, **more: object
) -> httpx2.Response:
    body = {"model": model, "messages": HELLO, "max_tokens": most, **more}
    headers = {"authorization": f"Bearer {key}"}
    return await road.http.post("/v1/chat/completions", json=body, headers=headers)


async def spend_up(
    address: str, said: Counter[int], *, model: str, stream: bool = False, key: str = KEY
) -> None:
    """Ask until a 402 comes, or the gateway is gone; by a socket, since a thousand do so at once."""
    host, port = address.removeprefix("http://").rsplit(":", 1)
    asked = {"model": model, "messages": HELLO, "max_tokens": 50, "stream": stream}
    body = json.dumps(asked).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {key}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    while True:
        try:
            reader, writer = await asyncio.open_connection(host, int(port))
            try:
                writer.write(head.encode() + body)
                answer = await reader.read(-1)
            finally:
                writer.close()
        except OSError:
            return
        if not answer:
            return
        status = int(answer[9:12])
        said[status] += 1
        if status == 402:
            return
        if status == 429:
            assert b"retry-after: 1\r\n" in answer


async def crowd(folder: Path, callers: int, limit: int) -> int:
    """As many callers as that at once, with so many billionths; what the bound of one was."""
    spec = SimulatorSpec(name="one", seed=1, latency=Latency(first_token=0.002))
    money = {"scope": "team", "limit": f"{limit / 1e9:.9f}"}
    said: Counter[int] = Counter()
    more = {"limits": {"concurrency": 2 * callers}}
    async with stage(folder, [spec], **budgets(money, wait=2), **more) as road:
        crowded = [spend_up(road.address, said, model="fast") for _ in range(callers)]
        await asyncio.gather(*crowded)
        [purse] = road.gateway.books.treasury.budgets.purses.values()
        assert purse.reserved == 0
    assert set(said) <= {200, 402, 429}
    assert said[402] == callers
    return largest_bound(folder)


def largest_bound(folder: Path) -> int:
    """The most that an attempt might have cost."""
    with closing(sqlite3.connect(folder / "antiphon.db")) as database:
        [[bound]] = database.execute("SELECT max(cost_bound) FROM attempts").fetchall()
    return bound
