"""Fixtures of the server tests: everything on uvloop, as in production."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import uvicorn
import uvloop

from tests.server.stage import Stage, stage


def pytest_asyncio_loop_factories():
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(autouse=True)
def brisk_end(monkeypatch):
    """uvicorn looks ten times a second whether to end; here it looks a hundred times."""

    async def main_loop(self: uvicorn.Server) -> None:
        ticks = 0
        while not await self.on_tick(ticks // 10):
            ticks += 1
            await asyncio.sleep(0.01)

    monkeypatch.setattr(uvicorn.Server, "main_loop", main_loop)


@pytest.fixture
async def road(tmp_path) -> AsyncIterator[Stage]:
    async with stage(tmp_path) as running:
        yield running
