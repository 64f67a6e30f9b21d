"""SIGKILL at the n-th step of journal and shipper: nothing lost, nothing doubled, ever.

Twenty kills run with every test run; `make campaign` kills at every step that the fixed work comes
by, and a hundred times at random under load. The steps are those of `usage.journal.journal.Seam`.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from antiphon.simulator import Latency
from tests.kills.audit import Audit
from tests.kills.callers import Told
from tests.kills.children import KILLED, Die, Nursery, at
from tests.kills.workload import SEGMENT, Crowd, configuration, fixed, providers, seen

ROAD = ("open", "opened", "close", "closed")
SHIPPER = ("batch", "batched", "manifest", "manifested", "removed")
CHOSEN = [
    ("open", 1), ("open", 20), ("opened", 1), ("opened", 17), ("close", 2), ("close", 23),
    ("closed", 5), ("closed", 30), ("batch", 1), ("batch", 5), ("batched", 1), ("batched", 6),
    ("manifest", 1), ("manifest", 2), ("manifested", 1), ("removed", 1),
]  # fmt: skip
MOST = 400
"""Kills at one point's name; there are fewer steps than that."""


class Outcome:
    """What became of one kill."""

    def __init__(self, struck: bool, counts: Counter[str], told: list[Told]) -> None:
        self.struck = struck
        self.counts = counts
        self.answered = sum(each.answered for each in told)


async def killed(nursery: Nursery, folder: Path, die: Die | None) -> Outcome:
    """The fixed work, until the gateway dies; then the books."""
    told: list[Told] = []
    async with providers() as fleet:
        config = configuration(fleet, folder)
        child = nursery.start(folder, config=config, die=die, segment_bytes=SEGMENT, eager=True)
        address = await child.ready()
        if address:
            await fixed(address, told)
        status = await child.stops()
        assert (status == KILLED) == (child.struck is not None)
        audit = Audit(folder)
        try:
            audit.proves()
            audit.adopt()
            outcomes = audit.balances(told, seen(fleet))
        finally:
            audit.close()
        if die is None:
            assert outcomes["lost"] == 0
        return Outcome(child.struck is not None, Counter(child.counts), told)


@pytest.mark.parametrize(("point", "number"), CHOSEN)
async def test_a_kill(nursery: Nursery, tmp_path: Path, point: str, number: int):
    outcome = await killed(nursery, tmp_path, at(point, number))
    assert outcome.struck


async def test_the_work_without_a_kill(nursery: Nursery, tmp_path: Path):
    """It comes by every step, or the kills would prove nothing."""
    outcome = await killed(nursery, tmp_path, None)
    assert not outcome.struck
    assert all(outcome.counts[point] for point in (*ROAD, *SHIPPER)), outcome.counts
    assert outcome.answered > 20
    assert sum(outcome.counts.values()) > 200


@pytest.mark.campaign
@pytest.mark.parametrize("point", [*ROAD, *SHIPPER])
async def test_every_kill(nursery: Nursery, tmp_path: Path, say: Callable[[str], None], point: str):
    """From the first time that this step is come by, until it is not come by any more."""
    missed, struck = 0, 0
    for number in range(1, MOST, 2):
        folders = [tmp_path / str(each) for each in (number, number + 1)]
        for folder in folders:
            folder.mkdir()
        pair = await asyncio.gather(
            *(killed(nursery, each, at(point, int(each.name))) for each in folders)
        )
        struck += sum(each.struck for each in pair)
        # How many batches there are depends on the moment: one that is not there may be the
        # last of this run, not of the next.
        missed += not any(each.struck for each in pair)
        if missed > 1:
            break
    say(f"{struck} kills at {point}")
    assert struck > 3


@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(100))
async def test_random_kills(nursery: Nursery, tmp_path: Path, seed: int):
    """Sixteen callers, a provider that takes its time, a kill, and a start in the same folder."""
    dice = random.Random(seed)
    async with providers() as fleet:
        for each in fleet.values():
            each.set_latency(Latency(first_token=0.01, tokens_per_second=400, jitter=0.5))
        config = configuration(fleet, tmp_path)
        child = nursery.start(tmp_path, config=config, segment_bytes=20_000)
        crowd = Crowd(await child.ready(), 16)
        async with asyncio.TaskGroup() as group:
            group.create_task(crowd.run())
            await asyncio.sleep(dice.uniform(0, 2))
            os.kill(await child.pid(), signal.SIGKILL)
            assert await child.ended() == KILLED
        audit = Audit(tmp_path)
        try:
            audit.proves()
            again = nursery.start(tmp_path, config=config, segment_bytes=20_000)
            assert await again.ready()
            await audit.until_shipped(alive=1)
            assert await again.stops() == 0
            audit.balances(crowd.told, seen(fleet))
        finally:
            audit.close()
