"""The gateway inside this process, on plain asyncio and on uvloop, before pretend providers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
import uvloop

from antiphon import Antiphon
from antiphon.simulator import Fleet, SimulatorSpec


def pytest_asyncio_loop_factories():
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture
async def fleet() -> AsyncIterator[Fleet]:
    specs = [SimulatorSpec(name="one", seed=1), SimulatorSpec(name="two", seed=2)]
    async with Fleet(specs) as running:
        yield running


@pytest.fixture
def settings(fleet: Fleet, tmp_path) -> dict[str, object]:
    return {
        "storage": {"data_dir": str(tmp_path / "data")},
        "providers": {
            name: {"dialect": "openai_chat", "base_url": each.base_url, "api_key": "any"}
            for name, each in fleet.items()
        },
        "models": {
            "fast": ["one/sim-small", "two/sim-small"],
            "deep": "one/sim-reason",
            "broken": ["one/fault:server-error", "two/fault:empty-200"],
            "cut": "one/fault:reset-inside",
            "stuck": "one/fault:stall-inside",
        },
    }


@pytest.fixture
async def gateway(settings) -> AsyncIterator[Antiphon]:
    async with Antiphon.from_config(settings, environ={}) as running:
        yield running


@pytest.fixture
def until() -> Callable[[Callable[[], bool]], object]:
    """Waits, shortly, for what happens on other sockets."""

    async def until(happened: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not happened():  # noqa: ASYNC110  the other side tells nobody
                await asyncio.sleep(0.005)

    return until
