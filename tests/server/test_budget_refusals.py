"""What the official clients raise of budgets, and what is charged for what has no size."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import anthropic
import ollama
import openai
import pytest
from google.genai import errors

from antiphon.simulator import Latency, SimulatorSpec
from antiphon.simulator.untranslated import SOUND
from tests.server.callers import calling
from tests.server.purses import OTHER, PRICED, ask, budgets, charged, leased
from tests.server.stage import KEY, Stage, stage

KINDS: Final = ("chat", "responses", "messages", "gemini", "ollama")
STATUSES: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "chat": openai.APIStatusError,
        "responses": openai.APIStatusError,
        "messages": anthropic.APIStatusError,
        "gemini": errors.ClientError,
        "ollama": ollama.ResponseError,
    }
)
LIMITED: Final[Mapping[str, Any]] = MappingProxyType(
    {
        **STATUSES,
        "chat": openai.RateLimitError,
        "responses": openai.RateLimitError,
        "messages": anthropic.RateLimitError,
    }
)
FEE: Final = {"prices": {"input": 0, "output": 0, "request": 0.02}}


def status_of(error: Exception) -> int:
    for name in ("status_code", "code"):
        if isinstance(getattr(error, name, None), int):
            return getattr(error, name)
    raise AssertionError(error)


async def asked(road: Stage, kind: str) -> Exception:
    async with calling(road, kind) as caller:
        caller.user("Hello")
        with pytest.raises(STATUSES[kind]) as caught:
            await caller.ask("one/sim-small", stream=False)
    return caught.value


async def test_402_in_every_client(tmp_path):
    limit = {"scope": "team", "limit": "0.00001", "ask": "finance@example.com"}
    async with stage(tmp_path, **budgets(limit)) as road:
        for kind in KINDS:
            error = await asked(road, kind)
            assert status_of(error) == 402, kind
            assert "Budget exceeded, please contact finance@example.com" in str(error), kind
            assert "budget of team web" in str(error), kind
        assert not road.first.received


async def test_429_in_every_client(tmp_path):
    limit = {"scope": "team", "limit": "0.009"}
    spec = SimulatorSpec(name="one", latency=Latency(first_token=30))
    async with stage(tmp_path, [spec], **budgets(limit, wait=0.5)) as road:
        first = asyncio.ensure_future(ask(road, most=4000))
        async with asyncio.timeout(20):
            await road.first.until(lambda one: one.requests == 1)
        for kind in KINDS:
            error = await asked(road, kind)
            assert isinstance(error, LIMITED[kind]), kind
            assert status_of(error) == 429, kind
        first.cancel()


async def test_vectors_are_bounded_by_their_texts(tmp_path):
    limit = {"scope": "team", "limit": "0.0002"}
    async with stage(tmp_path, **budgets(limit)) as road:
        client = road.client.embeddings
        await client.create(model="fast", input="x" * 100)
        with pytest.raises(openai.APIStatusError) as caught:
            await client.create(model="fast", input="x" * 1000)
        assert caught.value.status_code == 402
    assert leased(tmp_path, "team", "org_default/web") == (charged(tmp_path), 0)
    assert charged(tmp_path) > 0


async def test_what_nobody_states_is_charged_its_bound(tmp_path):
    """Sound has no size in tokens: under a hard budget it is not free by that."""
    limit = {"scope": "team", "limit": "1"}
    async with stage(tmp_path, **budgets(limit)) as road:
        spoken = await road.client.audio.speech.create(model="fast", voice="alloy", input="Hello")
        assert spoken.content == SOUND
        await road.at_rest()
        other = {"authorization": f"Bearer {OTHER}"}
        await road.client.audio.speech.create(
            model="fast", voice="alloy", input="Hello", extra_headers=other
        )
    cost = charged(tmp_path, "team = ?", "web")
    assert cost > 32_768 * 2000, "all that the model may answer"
    assert charged(tmp_path, "charge = 'assumed'") == 2 * cost
    assert leased(tmp_path, "team", "org_default/web") == (cost, 0)


async def test_a_price_of_the_request_is_the_whole_of_it(tmp_path):
    sections: dict[str, Any] = budgets({"scope": "team", "limit": "0.05"})
    sections["provider"] = {"models": {"sim-small": FEE}}
    async with stage(tmp_path, **sections) as road:
        speech = road.client.audio.speech
        for _ in range(2):
            await speech.create(model="fast", voice="alloy", input="Hi")
        with pytest.raises(openai.APIStatusError) as caught:
            await speech.create(model="fast", voice="alloy", input="Hi")
        assert caught.value.status_code == 402
    assert charged(tmp_path) == 40_000_000


@pytest.mark.parametrize("bound", ["hard", "soft"])
async def test_a_batch_needs_a_soft_budget(tmp_path, bound: str):
    """What it costs is on the provider's bill only, and later."""
    sections: dict[str, Any] = budgets({"scope": "team", "limit": 1, "bound": bound})
    sections["provider"] = {**PRICED, "stored_objects": True}
    async with stage(tmp_path, [SimulatorSpec(name="one")], **sections) as road:
        file = await road.client.files.create(file=("in.jsonl", b"{}\n"), purpose="batch")
        asked = {"input_file_id": file.id, "endpoint": "/v1/chat/completions"}
        batch = road.client.batches.create(**asked, completion_window="24h")
        if bound == "soft":
            assert (await batch).status == "validating"
            return
        with pytest.raises(openai.PermissionDeniedError, match="hard budget"):
            await batch
        assert len(road.first.received) == 1


@pytest.mark.parametrize(("unknown", "status"), [("ceiling", 402), ("free", 200), ("deny", 403)])
async def test_models_without_a_price_follow_their_rule(tmp_path, unknown: str, status: int):
    sections: dict[str, Any] = budgets({"scope": "team", "limit": "0.001"})
    sections["provider"] = {"unknown_prices": unknown, **PRICED}
    async with stage(tmp_path, [SimulatorSpec(name="one")], **sections) as road:
        answer = await ask(road, "one/sim-other", key=KEY)
        assert answer.status_code == status
