"""What tests of stored and shared answers have in common."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import httpx2

from antiphon.simulator import Latency, SimulatorSpec
from tests.server.stage import HELLO, Stage

CHAT = "/v1/chat/completions"
ADMIN = {"admin_key": "admin-key-0123456789"}
AS_ADMIN = {"authorization": "Bearer admin-key-0123456789"}
ONE = [SimulatorSpec(name="one", seed=1)]
PACED = [SimulatorSpec(name="one", seed=1, latency=Latency(first_token=1, tokens_per_second=1))]
"""Each of its pauses is a step of a `Gate`."""


def route(**cache: object) -> dict[str, object]:
    """The configuration's `models`, with a cache for `fast`."""
    fast: dict[str, object] = {"deployments": ["one/sim-small"], "retry": {"attempts": 1}}
    if (stale_for := cache.pop("stale_for", None)) is not None:
        fast["degrade"] = {"stale_for": stale_for}
    return {"fast": {**fast, "cache": cache}}


def asked(text: str = "Hello there", **members: object) -> dict[str, object]:
    """A question."""
    return {"model": "fast", "messages": [{"role": "user", "content": text}], **members}


async def ask(
    road: Stage, header: str | None = None, *, key: str | None = None, **members: object
) -> httpx2.Response:
    """Ask the route `fast`, with a `Cache-Control`."""
    headers = {} if header is None else {"cache-control": header}
    if key is not None:
        headers["authorization"] = f"Bearer {key}"
    body = {"model": "fast", "messages": HELLO, **members}
    return await road.http.post(CHAT, json=body, headers=headers)


def word(answer: httpx2.Response) -> str:
    """What the cache did."""
    return answer.headers["x-antiphon-cache"]


async def until(holds: Any) -> None:
    """Wait until something is so, of which nobody tells a test."""
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.002)


class Gate:
    """The pauses of pretend providers: each waits for a step, until the gate is opened."""

    def __init__(self) -> None:
        self.passed = 0
        self.waiting = 0
        self._steps = asyncio.Semaphore(0)
        self._open = False

    async def __call__(self, seconds: float) -> None:
        self.waiting += 1
        try:
            if not self._open:
                await self._steps.acquire()
        finally:
            self.waiting -= 1
        self.passed += 1

    def step(self, count: int = 1) -> None:
        """Let so many pauses end."""
        for _ in range(count):
            self._steps.release()

    def open(self) -> None:
        """No pause takes any time from now on."""
        self._open = True
        self.step(self.waiting)


class LaterClock:
    """The machine's time, and what a test adds."""

    def __init__(self) -> None:
        self.later = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.later

    def now(self) -> float:
        return time.time() + self.later


async def request(road: Stage, answer: httpx2.Response) -> dict[str, Any]:
    """What the ledger says of a request."""
    await road.at_rest()
    return await manage(road, f"/api/v1/requests/{answer.headers['x-antiphon-request-id']}")


async def manage(road: Stage, path: str) -> Any:
    """What the admin is told under a path."""
    answer = await road.http.get(path, headers=AS_ADMIN)
    assert answer.status_code == 200, answer.text
    return answer.json()
