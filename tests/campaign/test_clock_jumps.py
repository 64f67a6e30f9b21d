"""R15, as far as the books go. A clock that jumps by a day makes no time negative, nor any sum."""

from __future__ import annotations

import asyncio
import time
from contextlib import closing
from pathlib import Path

import pytest

from antiphon.gateway.gateway import Antiphon
from antiphon.server.serve import serving
from antiphon.simulator import Latency
from tests.kills.audit import Audit
from tests.kills.callers import ask
from tests.kills.workload import configuration, providers, seen

pytestmark = pytest.mark.campaign
DAY_AND_MORE = 25 * 3600


class JumpingClock:
    """The machine's clocks; the one on the wall can be put forward and back."""

    monotonic = staticmethod(time.monotonic)

    def __init__(self) -> None:
        self.jumped = 0.0

    def now(self) -> float:
        return time.time() + self.jumped


@pytest.mark.parametrize("jumps", [(DAY_AND_MORE,), (-DAY_AND_MORE,), (25 * 3600, -50 * 3600)])
async def test_in_the_middle_of_exchanges(tmp_path: Path, jumps: tuple[int, ...]):
    clock = JumpingClock()
    async with providers() as fleet:
        fleet["one"].set_latency(Latency(first_token=0.05, tokens_per_second=200))
        gateway = Antiphon.from_config(configuration(fleet, tmp_path), environ={}, clock=clock)
        told = []
        async with gateway, serving(gateway) as address:
            for turn, jump in enumerate(jumps):
                async with asyncio.TaskGroup() as group:
                    tasks = [
                        group.create_task(
                            ask(
                                address,
                                f"one/jump-{turn}-{number}",
                                stream=number % 2 == 0,
                                text="[tokens: 60]",
                                leave_after=5 if number % 6 == 0 else None,
                            )
                        )
                        for number in range(30)
                    ]
                    async with asyncio.timeout(5):
                        await fleet["one"].until(
                            lambda one, due=30 * (turn + 1): one.requests == due
                        )
                    await asyncio.sleep(0.1)
                    clock.jumped += jump
                told += [task.result() for task in tasks]
                told.append(await ask(address, f"one/after-{turn}"))
                told.append(await ask(address, f"pair-{turn}", stream=True))
        with closing(Audit(tmp_path)) as audit:
            outcomes = audit.balances(told, seen(fleet))
            assert outcomes["ok"] >= 25 * len(jumps)
            assert outcomes["cancelled"] == 5 * len(jumps)
            for row in audit.rows():
                for figure in ("first_byte", "total", "first_token", "request_total", "overhead"):
                    assert 0 <= row[figure] < 60_000_000, (figure, row)
                assert row["ended_at"] - row["started_at"] < 60_000_000
            (days,) = audit.select("SELECT count(DISTINCT begins) AS days FROM usage_daily")
            assert days["days"] > 1
            (seconds,) = audit.select("SELECT sum(duration) AS total FROM usage_daily")
            assert seconds["total"] == sum(row["total"] for row in audit.rows())
