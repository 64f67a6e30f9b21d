"""A gateway with an admin key, and what administers it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx2

from tests.server.stage import KEY, Stage, stage

ADMIN = "admin-key-0123456789abcdef"
AUTH = {"required": True, "admin_key": ADMIN, "keys": [{"key": KEY, "user": "alice"}]}


class Administered:
    """A running gateway, as whoever has a key administers it."""

    def __init__(self, road: Stage) -> None:
        self.road = road
        self.gateway = road.gateway

    async def ask(
        self, method: str, path: str, body: object = None, *, key: str | None = ADMIN, **query: Any
    ) -> httpx2.Response:
        headers = {} if key is None else {"authorization": f"Bearer {key}"}
        content = None if body is None else json.dumps(body)
        if content is not None:
            headers["content-type"] = "application/json"
        return await self.road.http.request(
            method, f"/api/v1/{path}", params=query, headers=headers, content=content
        )

    async def get(self, path: str, *, status: int = 200, **options: Any) -> Any:
        return await self._told("GET", path, None, status, **options)

    async def post(self, path: str, body: object = None, *, status: int = 0, **options: Any) -> Any:
        return await self._told("POST", path, body, status, **options)

    async def patch(self, path: str, body: object, *, status: int = 200, **options: Any) -> Any:
        return await self._told("PATCH", path, body, status, **options)

    async def delete(self, path: str, *, status: int = 200, **options: Any) -> Any:
        return await self._told("DELETE", path, None, status, **options)

    async def _told(
        self, method: str, path: str, body: object, status: int, **options: Any
    ) -> Mapping[str, Any]:
        answer = await self.ask(method, path, body, **options)
        expected = {status} if status else {200, 201}
        assert answer.status_code in expected, f"{answer.status_code} {answer.text}"
        return answer.json()


@asynccontextmanager
async def administered(tmp_path: object, **sections: Any) -> AsyncIterator[Administered]:
    async with stage(tmp_path, **{"auth": AUTH, **sections}) as road:
        yield Administered(road)
