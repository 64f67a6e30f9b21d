"""Fixtures of the server tests: everything on uvloop, as in production."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import uvloop

from tests.server.stage import Stage, stage


def pytest_asyncio_loop_factories():
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
async def road(tmp_path) -> AsyncIterator[Stage]:
    async with stage(tmp_path) as running:
        yield running
