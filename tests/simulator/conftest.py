"""A simulator on a socket, the official client, and a caller who sees every byte."""

from collections.abc import AsyncIterator

import httpx
import pytest
from anthropic import AsyncAnthropic
from google import genai
from google.genai import types
from openai import AsyncOpenAI

from antiphon.simulator import Simulator, SimulatorSpec
from tests.simulator.callers import RECORDINGS, Raw, called, chat_request, request_in


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator(SimulatorSpec(name="lab", seed=7, replay=RECORDINGS)) as running:
        yield running


@pytest.fixture
async def client(simulator: Simulator) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=simulator.base_url, api_key="sk-test", max_retries=0) as openai:
        yield openai


@pytest.fixture
async def anthropic(simulator: Simulator) -> AsyncIterator[AsyncAnthropic]:
    async with AsyncAnthropic(base_url=simulator.url, api_key="sk-test", max_retries=0) as client:
        yield client


@pytest.fixture
async def gemini(simulator: Simulator) -> AsyncIterator[genai.client.AsyncClient]:
    async with httpx.AsyncClient(verify=False, timeout=20) as http:
        options = types.HttpOptions(base_url=simulator.url, httpx_async_client=http)
        async with genai.Client(api_key="sk-test", http_options=options).aio as client:
            yield client


@pytest.fixture
def raw_in(simulator: Simulator) -> Raw:
    """Asks in any dialect on a connection of its own and returns all that comes back."""

    async def ask(wire: str, model: str = "sim-small", **options: object) -> bytes:
        async with called(simulator) as (reader, writer):
            writer.write(request_in(wire, model, **options))
            return await reader.read()

    return ask


@pytest.fixture
def raw(simulator: Simulator) -> Raw:
    """Asks on a connection of its own and returns all that comes back."""

    async def ask(
        model: str = "sim-small", *, text: str = "hello", headers: str = "", **members: object
    ) -> bytes:
        request = chat_request(model, text=text, headers=headers, **members)
        async with called(simulator) as (reader, writer):
            writer.write(request)
            return await reader.read()

    return ask
