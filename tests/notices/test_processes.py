"""Several gateways on one database: real processes, and some of them die."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path

import httpx2

from tests.cli.processes import Antiphon, Served
from tests.egress.servers import Visit
from tests.notices.conftest import (
    ADMIN,
    AUTH,
    TAKEN,
    Ahead,
    Desk,
    Receiver,
    listening,
    running,
    sections,
)

LAB = {
    "providers": {"lab": {"base_url": "http://127.0.0.1:9/v1", "api_key": "any"}},
    "models": {"fast": "lab/any"},
}


class Holding(Receiver):
    """Answers nobody until so many wait at once."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count
        self.held = 0
        self.enough = asyncio.Event()

    async def handle(self, visit: Visit) -> None:
        self.came.set()
        self.held += 1
        if self.held == self.count:
            self.enough.set()
        await self.enough.wait()
        await visit.say(TAKEN)
        await visit.left()


def written(home: Path, receiver: Receiver) -> Antiphon:
    """A home in which gateways find one configuration, and so one database."""
    home.mkdir(exist_ok=True)
    command = Antiphon(home)
    data = {"auth": AUTH, "server": {"port": 0}, **LAB, **sections(receiver)}
    command.write(json.dumps(data))
    return command


async def ask_for(*served: Served, times: int) -> None:
    headers = {"authorization": f"Bearer {ADMIN}"}
    async with httpx2.AsyncClient(headers=headers, timeout=20, verify=False) as http:
        for number in range(times):
            address = served[number % len(served)].address
            answer = await http.post(f"{address}/api/v1/notices/test")
            assert answer.status_code == 202, answer.text


async def test_two_processes_share_the_work_and_none_is_sent_twice(tmp_path) -> None:
    """Each holds four at once, so eight are held only while both are at it."""
    receiver = Holding(8)
    async with listening(receiver.handle) as receiver.server:
        command = written(tmp_path / "home", receiver)
        with command.serving() as first, command.serving() as second:
            await ask_for(first, second, times=40)
            await asyncio.wait_for(receiver.enough.wait(), 20)
            await receiver.until(40)
            headers = {"authorization": f"Bearer {ADMIN}"}
            async with httpx2.AsyncClient(headers=headers, timeout=20, verify=False) as http:
                counts: Counter[str] = Counter()
                while counts != {"delivered": 40}:
                    page = await http.get(f"{first.address}/api/v1/notices?limit=100")
                    counts = Counter(each["state"] for each in page.json()["data"])
            for each in (first, second):
                each.process.terminate()
    assert Counter(Counter(receiver.verified()).values()) == {1: 40}


async def test_what_a_dead_process_was_sending_is_sent_by_another(tmp_path) -> None:
    receiver = Holding(10_000)
    async with listening(receiver.handle) as receiver.server:
        command = written(tmp_path / "home", receiver)
        with command.serving() as served:
            await ask_for(served, times=6)
            await receiver.until(4)
            served.process.kill()
        receiver.enough.set()
        clock = Ahead()
        more = sections(receiver)
        async with running(tmp_path / "home" / "data", clock=clock, **more) as road:
            # The two that nobody had are sent at once, the four when their claims have run out.
            assert len(await Desk(road).until("delivered", 2)) == 2
            assert len((await Desk(road).get(state="pending"))["data"]) == 4
            clock.by += 60
            assert len(await Desk(road).until("delivered", 6)) == 6
    assert Counter(Counter(receiver.verified()).values()) == {1: 2, 2: 4}
