"""A receiver on loopback, and a gateway that may reach it because its operator says so."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping

import pytest
import uvloop

from antiphon import verify_webhook
from antiphon.clock import SystemClock
from antiphon.egress.webhooks.signing import new_webhook_secret
from tests.egress.servers import Handler, Server, Visit, says, sized
from tests.server.stage import KEY, Stage, stage

ADMIN = "admin-key-0123456789abcdef"
AUTH = {"required": True, "admin_key": ADMIN, "keys": [{"key": KEY, "team": "web", "user": "Ada"}]}
OPEN, CLOSED = "127.0.0.2", "127.0.0.1"
"""The address that the operator opens, and its neighbour, where a canary sits."""
SECRET, OLD = new_webhook_secret(), new_webhook_secret()
TAKEN = sized(status="204 No Content", body=b"")
BUSY = sized(status="503 Service Unavailable")


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"uvloop": uvloop.new_event_loop}


class Ahead(SystemClock):
    """The machine's time, but for what a test adds to it."""

    def __init__(self) -> None:
        self.by = 0.0

    def now(self) -> float:
        return SystemClock.now() + self.by


class Receiver:
    """A server that gets webhooks, verifies them, and answers as a test says."""

    def __init__(self) -> None:
        self.answers: list[bytes] = []
        self.server: Server
        self.came = asyncio.Event()

    async def handle(self, visit: Visit) -> None:
        self.came.set()
        await says(self.answers.pop(0) if self.answers else TAKEN)(visit)

    @property
    def url(self) -> str:
        return f"http://{OPEN}:{self.server.port}/hook"

    @property
    def visits(self) -> list[Visit]:
        return self.server.visits

    def verified(self, *keys: str) -> list[str]:
        """The ids of all that came; each must be signed."""
        given = list(keys) or [SECRET.reveal()]
        return [verify_webhook(each.body, each.headers, given).id for each in self.visits]

    async def until(self, count: int) -> None:
        """Wait until so many webhooks came."""
        async with asyncio.timeout(20):
            while len(self.visits) < count:
                self.came.clear()
                await asyncio.wait_for(self.came.wait(), 20)


@contextlib.asynccontextmanager
async def listening(handler: Handler, at: str = OPEN, port: int = 0) -> AsyncIterator[Server]:
    async with Server(handler, at, port, None) as server:
        yield server


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    made = Receiver()
    async with listening(made.handle) as made.server:
        yield made


def sections(*receivers: Receiver, **webhooks: Mapping[str, object]) -> dict[str, object]:
    """What the operator writes so that these receivers are told."""
    first = {"ops": {"url": receivers[0].url, "secret": SECRET.reveal()}} if receivers else {}
    return {
        "egress": {
            "inside_networks": [f"{OPEN}/32"],
            "ports": [80, 443, *(each.server.port for each in receivers)],
        },
        "notices": {"webhooks": {**first, **webhooks}},
    }


@contextlib.asynccontextmanager
async def running(tmp_path: object, **more: object) -> AsyncIterator[Stage]:
    async with stage(tmp_path, **{"auth": AUTH, **more}) as made:
        yield made


class Desk:
    """The management API of notices, as the admin uses it."""

    def __init__(self, road: Stage, key: str = ADMIN) -> None:
        self._http = road.http
        self._headers = {"authorization": f"Bearer {key}"}

    async def get(self, path: str = "", **query: object) -> dict:
        answer = await self._http.get(f"/api/v1/notices{path}", params=query, headers=self._headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, body: object = None, status: int = 202) -> dict:
        answer = await self._http.post(f"/api/v1/notices{path}", json=body, headers=self._headers)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def until(self, state: str, count: int = 1, **query: object) -> list[dict]:
        """Wait until so many notices are in a state."""
        async with asyncio.timeout(20):
            while True:
                found = (await self.get(state=state, **query))["data"]
                if len(found) >= count:
                    return found
                await asyncio.sleep(0.02)
