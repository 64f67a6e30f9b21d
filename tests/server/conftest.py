"""Fixtures of the server tests: everything on uvloop, as in production."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace

import pytest
import uvloop

from tests.server.stage import Stage, stage


def pytest_asyncio_loop_factories():
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(autouse=True)
def brisk_end(monkeypatch):
    """uvicorn looks ten times a second whether to end, and then waits a tenth of a second."""

    async def sleep(seconds: float) -> None:
        await asyncio.sleep(seconds / 20)

    monkeypatch.setattr(
        "uvicorn.server.asyncio", SimpleNamespace(**{**vars(asyncio), "sleep": sleep})
    )


@pytest.fixture
async def road(tmp_path) -> AsyncIterator[Stage]:
    async with stage(tmp_path) as running:
        yield running
