"""Gateways that share a budget are killed at random under a crowd; the budget holds.

In the end one that nobody kills is asked until it answers 402 with nothing reserved. Then the
leases say what the ledger says, and less than the bound of one answer is left.
"""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from antiphon.simulator import Fleet, Latency, SimulatorSpec
from tests.kills.children import Child, Nursery
from tests.kills.workload import SEGMENT, configuration
from tests.server.purses import PRICED, charged, largest_bound, leased, spend_up

_LIMIT = 10_000_000
_POTS = [("organisation", "org_default"), ("key", "org_default/anonymous")]


def configured(fleet: Fleet, folder: Path) -> dict[str, object]:
    config = configuration(fleet, folder)
    for provider in config["providers"].values():
        provider.update(PRICED)
    limit = f"{_LIMIT / 1e9:.9f}"
    limits = [{"scope": scope, "limit": limit, "per": "total"} for scope, _ in _POTS]
    config["models"] = {"*": {"passthrough": True}}
    return {**config, "budgets": {"limits": limits, "wait": 1}, "limits": {"concurrency": 5000}}


async def spend(address: str, said: Counter[int], callers: int) -> None:
    """A crowd asks until each of it was told 402, or the gateway is gone."""
    one = "one/sim-small"
    asking = [spend_up(address, said, model=one, stream=not n % 3) for n in range(callers)]
    await asyncio.gather(*asking)


async def killed(nursery: Nursery, folder: Path, random: Random, callers: int, kills: int) -> None:
    spec = SimulatorSpec(name="one", seed=1, latency=Latency(first_token=0.002), keep=1)
    said: Counter[int] = Counter()
    async with Fleet([spec]) as fleet:
        config = configured(fleet, folder)

        def born() -> Child:
            return nursery.start(folder, config=config, segment_bytes=SEGMENT)

        for _ in range(kills):
            pair = [born(), born()]
            addresses = [await each.ready() for each in pair]
            crowds = [asyncio.ensure_future(spend(each, said, callers // 2)) for each in addresses]
            before = said[200]
            goal = before + random.randint(1, 10)
            async with asyncio.timeout(60):
                while said[200] < goal and not all(each.done() for each in crowds):  # noqa: ASYNC110
                    await asyncio.sleep(0.001)
            for each in pair:
                await each.send(signal.SIGKILL)
            await asyncio.gather(*crowds)
            for each in pair:
                await each.ended()
        last = born()
        await spend(await last.ready(), said, callers)
        assert await last.stops() == 0
    assert set(said) <= {200, 402, 429, 503}


def check(folder: Path) -> None:
    cost = charged(folder)
    for pot in _POTS:
        assert leased(folder, *pot) == (cost, 0)
    assert _LIMIT - largest_bound(folder) < cost <= _LIMIT


async def test_killed_under_a_crowd(nursery: Nursery, tmp_path: Path):
    await killed(nursery, tmp_path, Random(5), callers=20, kills=1)
    check(tmp_path)


@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(20))
async def test_killed_under_a_thousand_callers(nursery: Nursery, tmp_path: Path, seed: int):
    await killed(nursery, tmp_path, Random(seed), callers=1000, kills=3)
    check(tmp_path)
