"""Three gateways on one folder: two are killed, and the third writes down what they did."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from pathlib import Path

import pytest

from antiphon.simulator import Fleet, Latency
from tests.kills.audit import Audit
from tests.kills.children import KILLED, Nursery
from tests.kills.workload import Crowd, configuration, seen

pytestmark = pytest.mark.campaign
SEGMENT = 16_384


@pytest.mark.parametrize("seed", range(5))
async def test_the_third_adopts(nursery: Nursery, fleet: Fleet, tmp_path: Path, seed: int):
    dice = random.Random(seed)
    for each in fleet.values():
        each.set_latency(Latency(first_token=0.01, tokens_per_second=400, jitter=0.5))
    config = configuration(fleet, tmp_path)
    children = [nursery.start(tmp_path, config=config, segment_bytes=SEGMENT) for _ in range(3)]
    crowds = [
        Crowd(await child.ready(), 5, prefix=f"c{number}") for number, child in enumerate(children)
    ]
    dice.shuffle(children)
    audit = Audit(tmp_path)
    try:
        async with asyncio.TaskGroup() as group:
            for crowd in crowds:
                group.create_task(crowd.run())
            for child in children[:2]:
                await asyncio.sleep(dice.uniform(0.1, 1))
                os.kill(await child.pid(), signal.SIGKILL)
                assert await child.ended() == KILLED
                audit.proves()
            # It looks for the dead every ten seconds, and serves meanwhile.
            await audit.until_shipped(alive=1)
            assert not children[2].is_over
            assert await children[2].stops() == 0
        told = [one for crowd in crowds for one in crowd.told]
        assert sum(one.answered for one in told) > 50
        # Who asked while it drained got a clear refusal, which is no exchange and has no row.
        told = [one for one in told if one.status != 503]
        outcomes = audit.balances(told, seen(fleet))
        assert outcomes["ok"] > 50
    finally:
        audit.close()


async def test_starts_in_the_same_folder(nursery: Nursery, fleet: Fleet, tmp_path: Path):
    """Ten times, and killed each time while it adopts what the last one left, or serves."""
    config = configuration(fleet, tmp_path)
    dice = random.Random(11)
    told = []
    for turn in range(10):
        child = nursery.start(tmp_path, config=config, segment_bytes=SEGMENT)
        crowd = Crowd(await child.ready(), 8, prefix=f"t{turn}")
        async with asyncio.TaskGroup() as group:
            group.create_task(crowd.run())
            await asyncio.sleep(dice.uniform(0, 0.3))
            os.kill(await child.pid(), signal.SIGKILL)
            assert await child.ended() == KILLED
        told += crowd.told
    audit = Audit(tmp_path)
    try:
        audit.proves()
        audit.adopt()
        outcomes = audit.balances(told, seen(fleet))
        assert outcomes["ok"] > 20
    finally:
        audit.close()
