"""R3 and R4. Fifty streams and a signal to stop; two hundred callers who leave without a word."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path

import httpx2
import pytest

from antiphon.simulator import Fleet, Latency, Outcome
from tests.campaign.process import Process
from tests.kills.audit import Audit
from tests.kills.callers import Told, ask
from tests.kills.children import Child, Nursery
from tests.kills.workload import ADMIN, configuration, providers, seen

pytestmark = pytest.mark.campaign
STREAMS = 50
CALLERS, WAVES = 50, 4
MORE = 2
"""Seconds that an end may take over its bound."""


@asynccontextmanager
async def streaming(
    nursery: Nursery, tmp_path: Path, *, drain: float, tokens: int
) -> AsyncIterator[tuple[Fleet, Child, str, list[asyncio.Task[Told]]]]:
    """Fifty streams that have begun, at fifty tokens a second."""
    async with providers() as fleet, asyncio.TaskGroup() as group:
        fleet["one"].set_latency(Latency(tokens_per_second=50))
        config = configuration(fleet, tmp_path, server={"drain_seconds": drain})
        child = nursery.start(tmp_path, config=config)
        address = await child.ready()
        tasks = [
            group.create_task(
                ask(address, f"one/run-{number}", stream=True, text=f"[tokens: {tokens}]")
            )
            for number in range(STREAMS)
        ]
        async with asyncio.timeout(10):
            await fleet["one"].until(lambda one: one.requests == STREAMS)
        yield fleet, child, address, tasks


async def not_ready(address: str) -> None:
    async with httpx2.AsyncClient(base_url=address, verify=False, timeout=5) as client:
        async with asyncio.timeout(1):
            while (await client.get("/readyz")).status_code != 503:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        assert (await client.get("/livez")).status_code == 200


async def test_streams_end_and_then_the_process(nursery: Nursery, tmp_path: Path):
    deadline = 5.0
    async with streaming(nursery, tmp_path, drain=deadline, tokens=100) as road:
        fleet, child, address, tasks = road
        await child.send(signal.SIGTERM)
        await not_ready(address)
        refused = await ask(address, "one/late")
        assert refused.status == 503
        assert refused.headers["retry-after"]
        assert not any(task.done() for task in tasks)
        assert await child.ended(deadline + MORE) == 0
    told = [task.result() for task in tasks]
    assert all(one.answered for one in told)
    with closing(Audit(tmp_path)) as audit:
        assert audit.balances(told, seen(fleet)) == {"ok": STREAMS}


async def test_streams_over_the_bound_are_told(nursery: Nursery, tmp_path: Path):
    deadline = 0.5
    async with streaming(nursery, tmp_path, drain=deadline, tokens=400) as road:
        fleet, child, address, tasks = road
        await child.send(signal.SIGTERM)
        await not_ready(address)
        assert await child.ended(deadline + MORE) == 0
    told = [task.result() for task in tasks]
    assert all(one.error for one in told), "a stream was cut without a word"
    with closing(Audit(tmp_path)) as audit:
        assert audit.balances(told, seen(fleet)) == {"cancelled": STREAMS}
        for row in audit.rows():
            assert row["charge"] == "estimated"
            assert row["output_tokens"] > 0


async def test_callers_who_leave(nursery: Nursery, tmp_path: Path, say: Callable[[str], None]):
    """A reset at a random chunk: the provider is let go, the row is there, and nothing stays."""
    dice = random.Random(5)
    async with providers() as fleet:
        one = fleet["one"]
        one.set_latency(Latency(tokens_per_second=200))
        child = nursery.start(tmp_path, config=configuration(fleet, tmp_path))
        address = await child.ready()
        process = Process(await child.pid())
        told: list[Told] = []
        counts: list[int] = []
        for wave in range(WAVES):
            told += await asyncio.gather(
                *(
                    ask(
                        address,
                        f"one/leaves-{wave}-{number}",
                        stream=True,
                        text="[tokens: 400]",
                        leave_after=dice.randint(1, 40),
                    )
                    for number in range(CALLERS)
                )
            )
            due = CALLERS * (wave + 1)
            async with asyncio.timeout(5):
                await one.until(lambda one, due=due: one.outcomes[Outcome.CALLER_LEFT] == due)
                await one.until(lambda one: one.open_connections == 0)
            assert (await ask(address, f"two/after-{wave}")).answered
            counts.append(process.descriptors)
        assert max(counts) - counts[0] <= 2, counts
        live = (await managed(address, "/api/v1/status")).json()
        assert live["live_requests"] == 0
        assert await child.stops() == 0
        say(f"{len(told)} callers left; descriptors after each wave: {counts}")
        with closing(Audit(tmp_path)) as audit:
            outcomes = audit.balances(told, seen(fleet))
            assert outcomes == {"cancelled": CALLERS * WAVES, "ok": WAVES}
            for row in audit.rows():
                if row["outcome"] == "cancelled":
                    assert row["error_code"] == "client_closed"
                    assert row["charge"] == "estimated"
                    assert row["output_tokens"] > 0
                    assert row["input_tokens"] > 0


async def managed(address: str, path: str) -> httpx2.Response:
    headers = {"authorization": f"Bearer {ADMIN}"}
    async with httpx2.AsyncClient(base_url=address, verify=False, timeout=10) as client:
        return await client.get(path, headers=headers)
