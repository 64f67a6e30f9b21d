"""A simulator on a socket, the official client, and a caller who sees every byte."""

from collections.abc import AsyncIterator

import pytest
from openai import AsyncOpenAI

from antiphon.simulator import Simulator, SimulatorSpec


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator(SimulatorSpec(name="lab", seed=7)) as running:
        yield running


@pytest.fixture
async def client(simulator: Simulator) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=simulator.base_url, api_key="sk-test", max_retries=0) as openai:
        yield openai
