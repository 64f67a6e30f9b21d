"""A gateway that administers is killed at random moments; whatever is asked again is done once.

Callers make keys, each with an `Idempotency-Key` of its own, and ask again until they have an
answer: at the next process where one was killed. In the end every key is there once, whoever had
an answer before a kill gets the same one after it, and what was done without an answer is said to
have been done.
"""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from pathlib import Path
from random import Random

import httpx2
import pytest

from tests.kills.children import Nursery
from tests.kills.workload import ADMIN

CALLERS, EACH = 4, 30
BEARER = {"authorization": f"Bearer {ADMIN}"}


def configuration(folder: Path) -> dict[str, object]:
    return {
        "server": {"port": 0, "drain_seconds": 1},
        "auth": {"admin_key": ADMIN},
        "storage": {"data_dir": str(folder)},
        "providers": {
            "lab": {"dialect": "openai_chat", "base_url": "http://127.0.0.1:9/v1", "api_key": "x"}
        },
    }


class Office:
    """Where administration is done, whichever process does it now."""

    def __init__(self) -> None:
        self.address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.told: dict[str, dict[str, object]] = {}
        self.lost: set[str] = set()
        self.answered = asyncio.Event()

    def moved(self, address: str) -> None:
        if self.address.done():
            self.address = asyncio.get_running_loop().create_future()
        self.address.set_result(address)

    def closed(self) -> None:
        self.address = asyncio.get_running_loop().create_future()

    async def make(self, name: str) -> None:
        """Ask until it is known what became of it."""
        async with httpx2.AsyncClient(verify=False, timeout=20) as client:
            while True:
                address = await self.address
                try:
                    answer = await client.post(
                        f"{address}/api/v1/keys",
                        json={"name": name},
                        headers={**BEARER, "idempotency-key": f"make-{name}"},
                    )
                except httpx2.HTTPError:
                    await asyncio.sleep(0.002)
                    continue
                if answer.status_code == 409:
                    # Its answer died with the process: for half a minute it might still come.
                    self.lost.add(name)
                    self.answered.set()
                    return
                assert answer.status_code == 201, answer.text
                self.told[name] = answer.json()
                self.answered.set()
                return


async def killed(nursery: Nursery, folder: Path, kills: int, seed: int) -> tuple[int, int]:
    chance, office = Random(seed), Office()

    async def caller(number: int) -> None:
        for count in range(EACH):
            await office.make(f"key {number} {count}")

    child = nursery.start(folder, config=configuration(folder))
    office.moved(await child.ready())
    async with asyncio.TaskGroup() as group:
        working = [group.create_task(caller(number)) for number in range(CALLERS)]
        for _ in range(kills):
            # The first answer of a process waits for FastAPI; then there is one every few moments.
            office.answered.clear()
            await office.answered.wait()
            await asyncio.sleep(chance.uniform(0, 0.03))
            if all(task.done() for task in working):
                break
            await child.stops(signal.SIGKILL)
            office.closed()
            child = nursery.start(folder, config=configuration(folder))
            office.moved(await child.ready())
    names = {f"key {number} {count}" for number in range(CALLERS) for count in range(EACH)}
    assert office.told.keys() | office.lost == names
    async with httpx2.AsyncClient(base_url=await office.address, verify=False) as client:
        page = await client.get("/api/v1/keys", params={"limit": 200}, headers=BEARER)
        made = {each["name"]: each["id"] for each in page.json()["data"]}
        assert Counter(each["name"] for each in page.json()["data"]) == Counter(names)
        for name, told in office.told.items():
            assert made[name] == told["id"]
            again = await client.post(
                "/api/v1/keys",
                json={"name": name},
                headers={**BEARER, "idempotency-key": f"make-{name}"},
            )
            if again.status_code == 201:
                assert again.json() == told, "the same text too"
                assert again.headers["idempotent-replayed"] == "true"
        entries = await client.get("/api/v1/audit", params={"limit": 200}, headers=BEARER)
        acts = [each for each in entries.json()["data"] if each["act"] == "key.create"]
        assert len(acts) == len(names)
    assert await child.stops() == 0
    return len(office.told), len(office.lost)


async def test_killed_and_asked_again(nursery, tmp_path):
    told, lost = await killed(nursery, tmp_path, kills=3, seed=5)
    assert told > lost


@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(20))
async def test_killed_often(nursery, tmp_path, say, seed):
    told, lost = await killed(nursery, tmp_path, kills=12, seed=seed)
    say(f"{told} answered, {lost} done without an answer")
