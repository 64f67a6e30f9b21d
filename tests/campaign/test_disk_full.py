"""R14. A full disk refuses what is new in clear words; what is under way ends, and has its row."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import httpx2
import pytest

from antiphon.simulator import Fleet, Latency
from tests.campaign.room import Ballast, SizeLimit, small_disk
from tests.kills.audit import Audit
from tests.kills.callers import Told, ask
from tests.kills.children import Child, Nursery
from tests.kills.workload import configuration, providers, seen

pytestmark = pytest.mark.campaign
SEGMENT = 65_536
LONG = "[tokens: 150]"
STREAMS = 5
ROOM = {"journal": 4, "database": 24}
"""MiB: SQLite's log alone may take four, and keeps them."""
SOON = 15
"""Seconds in which a shipper that was told to wait tries again, and more."""


class Road:
    """A gateway in a process of its own, whose disk can be filled."""

    def __init__(
        self,
        fleet: Fleet,
        child: Child,
        address: str,
        audit: Audit,
        weight: Ballast | SizeLimit,
    ) -> None:
        self.fleet = fleet
        self.child = child
        self.address = address
        self.audit = audit
        self.weight = weight
        self.told: list[Told] = []
        self.outcomes: Counter[str] = Counter()
        self._number = 0

    async def ask(self) -> Told:
        self._number += 1
        told = await ask(self.address, f"one/short-{self._number}")
        self.told.append(told)
        return told

    async def until_status(self, status: int, callers: int = 8) -> Told:
        """Asks under load until somebody is told this."""
        found: list[Told] = []

        async def caller() -> None:
            while not found:
                told = await self.ask()
                assert told.status in {200, 503}, told
                if told.status == status:
                    found.append(told)

        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            for _ in range(callers):
                group.create_task(caller())
        return found[0]

    async def health(self) -> httpx2.Response:
        async with httpx2.AsyncClient(verify=False, timeout=10) as client:
            return await client.get(f"{self.address}/health")

    async def until_healthy(self) -> None:
        async with asyncio.timeout(SOON):
            while (await self.health()).json()["status"] != "healthy":  # noqa: ASYNC110
                await asyncio.sleep(0.1)

    async def rows_are(self, count: int) -> None:
        async with asyncio.timeout(SOON):
            while len(self.audit.rows("number")) < count:  # noqa: ASYNC110
                await asyncio.sleep(0.1)

    @property
    def answers(self) -> int:
        return sum(one.answered for one in self.told)

    @property
    def journal_bytes(self) -> int:
        return sum(each.stat().st_size for each in self.audit.journal.glob("*/*.segment"))


@asynccontextmanager
async def road(
    nursery: Nursery, tmp_path: Path, way: str, what: str, limit: int
) -> AsyncIterator[Road]:
    """`what` of the books lies on the disk that can be filled."""
    with ExitStack() as stack:
        storage: dict[str, str] = {}
        disk = tmp_path
        if way == "tmpfs":
            disk = stack.enter_context(small_disk(tmp_path / "disk", ROOM[what]))
            place = disk / "antiphon.db" if what == "database" else disk / "journal"
            storage[what] = f"sqlite:///{place}" if what == "database" else str(place)
        journal = disk / "journal" if what == "journal" and way == "tmpfs" else None
        database = disk / "antiphon.db" if what == "database" and way == "tmpfs" else None
        async with providers() as fleet:
            fleet["two"].set_latency(Latency(tokens_per_second=60))
            config = configuration(fleet, tmp_path, storage=storage)
            child = nursery.start(tmp_path, config=config, segment_bytes=SEGMENT)
            address = await child.ready()
            assert address, child.log()
            weight = Ballast(disk) if way == "tmpfs" else SizeLimit(await child.pid(), limit)
            stack.callback(weight.throw_off)
            audit = Audit(tmp_path, journal=journal, database=database)
            stack.callback(audit.close)
            it = Road(fleet, child, address, audit, weight)
            yield it
            weight.throw_off()
            assert await child.stops() == 0
            it.outcomes = audit.balances((one for one in it.told if one.status != 503), seen(fleet))


@pytest.mark.parametrize("way", ["tmpfs", "file-size limit"])
async def test_the_journal_has_no_room(
    nursery: Nursery, tmp_path: Path, say: Callable[[str], None], way: str
):
    say(f"a full disk of the journal, by way of a {way}")
    async with road(nursery, tmp_path, way, "journal", SEGMENT // 2) as it:
        async with asyncio.TaskGroup() as group:
            streams = [
                group.create_task(ask(it.address, f"two/long-{number}", stream=True, text=LONG))
                for number in range(STREAMS)
            ]
            async with asyncio.timeout(5):
                await it.fleet["two"].until(lambda two: two.requests == STREAMS)
            it.weight.take()
            refused = await it.until_status(503)
            error = json.loads(refused.body)["error"]
            assert error["message"] == "The accounting is unavailable."
            assert set(error) >= {"message", "type", "param", "code"}
            assert int(refused.headers["retry-after"]) >= 1
            assert not all(stream.done() for stream in streams), "the disk was full too late"
            health = await it.health()
            assert (health.status_code, health.json()["status"]) == (503, "unhealthy")
        it.told += [stream.result() for stream in streams]
        assert all(stream.result().answered for stream in streams)
        it.weight.throw_off()
        await it.until_status(200)
        answered = it.answers
        await it.until_healthy()
        await it.rows_are(answered)
    assert it.outcomes == {"ok": answered}


@pytest.mark.parametrize("way", ["tmpfs", "file-size limit"])
async def test_the_database_has_no_room(
    nursery: Nursery, tmp_path: Path, say: Callable[[str], None], way: str
):
    """Nobody notices but the journal, which grows."""
    say(f"a full disk of the database, by way of a {way}")
    async with road(nursery, tmp_path, way, "database", 2 * SEGMENT) as it:
        it.weight.take()
        async with asyncio.timeout(60):
            while it.journal_bytes < 12 * SEGMENT:
                told = await asyncio.gather(*(it.ask() for _ in range(8)))
                assert {one.status for one in told} == {200}
        assert "The ledger cannot be written" in it.child.log()
        health = await it.health()
        assert (health.status_code, health.json()["status"]) == (200, "degraded")
        kept = it.journal_bytes
        it.weight.throw_off()
        await it.rows_are(it.answers)
        assert (await it.ask()).answered
        await it.until_healthy()
    say(f"  {len(it.told)} answers, {kept >> 10} KiB of journal in the meantime")
    assert it.outcomes == {"ok": len(it.told)}
