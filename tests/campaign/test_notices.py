"""Gateways that share a database are killed at random while they deliver: nothing is lost."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from pathlib import Path
from random import Random

import httpx2
import pytest

from tests.cli.processes import Antiphon
from tests.egress.servers import Server, Visit
from tests.notices.conftest import ADMIN, AUTH, BUSY, OPEN, TAKEN, Receiver, sections
from tests.notices.test_processes import LAB

ROUNDS, EACH = 8, 15


class Moody(Receiver):
    """Takes most at once, some late, and some not when they come first."""

    def __init__(self, random: Random) -> None:
        super().__init__()
        self.random = random
        self.met: set[str] = set()

    async def handle(self, visit: Visit) -> None:
        event = visit.headers["webhook-id"]
        # Twice in a row would be five minutes of waiting.
        busy = event not in self.met and self.random.random() < 0.1
        self.met.add(event)
        await asyncio.sleep(0.3 * self.random.random())
        await visit.say(BUSY if busy else TAKEN)
        await visit.left()


@pytest.mark.campaign
@pytest.mark.timeout(300)
async def test_killed_at_random(tmp_path: Path) -> None:
    random = Random(7)
    receiver = Moody(random)
    headers = {"authorization": f"Bearer {ADMIN}"}
    async with (
        Server(receiver.handle, OPEN, 0, None) as receiver.server,
        httpx2.AsyncClient(headers=headers, timeout=20, verify=False) as http,
    ):
        command = Antiphon(tmp_path)
        more = sections(receiver)
        more["egress"]["total_seconds"] = 2
        command.write(json.dumps({"auth": AUTH, "server": {"port": 0}, **LAB, **more}))
        asked: set[str] = set()
        killed = 0
        for _ in range(ROUNDS):
            with command.serving() as first, command.serving() as second:
                for number in range(EACH):
                    address = (first, second)[number % 2].address
                    answer = await http.post(f"{address}/api/v1/notices/test")
                    asked |= {each["event"] for each in answer.json()["data"]}
                await asyncio.sleep(random.random())
                victim = random.choice([first, second])
                victim.process.kill()
                killed += 1
                await asyncio.sleep(0.5 * random.random())
        with command.serving() as last:
            async with asyncio.timeout(120):
                while True:
                    with contextlib.suppress(httpx2.HTTPError):
                        found = await http.get(f"{last.address}/api/v1/notices?limit=500")
                        states = Counter(each["state"] for each in found.json()["data"])
                        if states == {"delivered": ROUNDS * EACH}:
                            break
                    await asyncio.sleep(0.5)
        taken = Counter(receiver.verified())
    assert set(taken) == asked
    # Each that came again was refused once, or was on its way when a process ended.
    again = sum(count - 1 for count in taken.values())
    assert again <= 0.3 * len(asked) + 8 * killed
