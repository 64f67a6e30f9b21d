"""Budgets that are made, changed and removed while the gateway serves."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2

from tests.server.purses import AUTH, PRICED
from tests.server.stage import HELLO, KEY, Stage, stage

ADMIN = "admin-key-0123456789abcdef"
SECTIONS: dict[str, Any] = {"auth": {**AUTH, "admin_key": ADMIN}, "provider": PRICED}
BUDGETS = "/api/v1/budgets"


async def call(road: Stage, method: str, path: str, key: str = ADMIN, **more: Any) -> Any:
    headers = {"authorization": f"Bearer {key}"}
    return await road.http.request(method, path, headers=headers, **more)


async def make(road: Stage, **members: object) -> dict[str, Any]:
    answer = await call(road, "POST", BUDGETS, json={"per": "total", **members})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def ask(road: Stage, key: str = KEY) -> httpx2.Response:
    body = {"model": "fast", "messages": HELLO, "max_tokens": 50}
    return await call(road, "POST", "/v1/chat/completions", key, json=body)


async def until(road: Stage, status: int) -> httpx2.Response:
    """What is answered once it has this status: within the second that is promised."""
    async with asyncio.timeout(1.5):
        while (answer := await ask(road)).status_code != status:
            assert answer.status_code in {200, 402}, answer.text
    return answer


async def test_made_changed_removed_while_it_serves(tmp_path):
    async with stage(tmp_path, **SECTIONS) as road:
        assert (await ask(road)).status_code == 200
        made = await make(road, scope="team", name="web", limit="0.00001", ask="#finance")
        refused = await until(road, 402)
        assert "Ask #finance for more." in refused.json()["error"]["message"]
        changed = await call(road, "PATCH", f"{BUDGETS}/{made['id']}", json={"limit": 1})
        assert changed.json()["limit"] == "1"
        await until(road, 200)
        await call(road, "PATCH", f"{BUDGETS}/{made['id']}", json={"limit": "0"})
        await until(road, 402)
        removed = await call(road, "DELETE", f"{BUDGETS}/{made['id']}")
        assert removed.json()["removed_at"]
        await until(road, 200)
