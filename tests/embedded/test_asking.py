"""Asking from inside the process: the public names, nothing else."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

import antiphon
from antiphon import (
    Antiphon,
    ConfigurationError,
    Draining,
    Exhausted,
    Health,
    ModelNotFound,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UpstreamError,
    UsageReported,
)
from antiphon.simulator import Outcome

FILES = Path("/proc/self/fd")
HELLO = [{"role": "user", "content": "Hello there"}]
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}


async def collected(gateway: Antiphon, model: str, **members: object) -> list[object]:
    async with gateway.stream(model=model, messages=HELLO, **members) as events:
        return [event async for event in events]


async def test_chat(gateway, fleet):
    reply = await gateway.chat(model="fast", messages=HELLO, x_unknown={"kept": 1})
    assert reply.text.startswith("This is a simulated answer.")
    assert reply.usage.input_tokens > 0
    assert reply.choices[0].stop.reason == "stop"
    sent = json.loads(fleet["one"].received[-1].body)
    assert sent["model"] == "sim-small"
    assert sent["x_unknown"] == {"kept": 1}


async def test_a_stream_says_the_same(gateway):
    events = await collected(gateway, "fast")
    text = "".join(event.text for event in events if isinstance(event, TextDelta))
    reply = await gateway.chat(model="fast", messages=HELLO)
    assert text == reply.text
    [usage] = [event.usage for event in events if isinstance(event, UsageReported)]
    assert usage == reply.usage


async def test_thoughts(gateway):
    assert any(isinstance(event, ReasoningDelta) for event in await collected(gateway, "deep"))


async def test_tools(gateway):
    asked = {"tools": [TOOL], "tool_choice": "required"}
    reply = await gateway.chat(model="fast", messages=HELLO, **asked)
    [call] = [part for part in reply.choices[0].turn.parts if hasattr(part, "arguments")]
    assert call.name == "get_weather"
    events = await collected(gateway, "fast", **asked)
    assert [e.name for e in events if isinstance(e, ToolCallStarted)] == ["get_weather"]
    arguments = "".join(e.arguments for e in events if isinstance(e, ToolCallDelta))
    assert isinstance(json.loads(arguments)["city"], str)


async def test_fallback(gateway, fleet):
    fleet["one"].refuse(60)
    assert (await gateway.chat(model="fast", messages=HELLO)).text
    assert await collected(gateway, "fast")
    assert len(fleet["two"].received) == 2


async def test_leaving_a_stream_early_ends_the_providers_work(gateway, fleet, until):
    async with gateway.stream(model="stuck", messages=HELLO) as events:
        async for event in events:
            if isinstance(event, TextDelta):
                break
    await until(lambda: fleet["one"].received[-1].outcome is Outcome.CALLER_LEFT)
    assert not gateway.pipeline.live
    assert gateway.transport.open == 0


async def test_cancelling_ends_the_providers_work(gateway, fleet, until):
    task = asyncio.ensure_future(gateway.chat(model="stuck", messages=HELLO))
    await until(lambda: len(fleet["one"].received) == 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: fleet["one"].received[-1].outcome is Outcome.CALLER_LEFT)


async def test_no_such_model(gateway):
    with pytest.raises(ModelNotFound) as caught:
        await gateway.chat(model="fats", messages=HELLO)
    assert caught.value.nearest == ("fast",)
    with pytest.raises(ModelNotFound):
        await collected(gateway, "absent")


async def test_every_attempt_failed(gateway):
    with pytest.raises(Exhausted) as caught:
        await gateway.chat(model="broken", messages=HELLO)
    names = [each.deployment for each in caught.value.attempts]
    assert {"one/fault:server-error", "two/fault:empty-200"} <= set(names)
    assert all(isinstance(each.error, UpstreamError) for each in caught.value.attempts)
    with pytest.raises(Exhausted):
        await collected(gateway, "broken")


async def test_a_stream_that_breaks_off_raises(gateway):
    seen: list[object] = []

    async def read() -> None:
        async with gateway.stream(model="cut", messages=HELLO) as events:
            async for event in events:
                seen.append(event)  # noqa: PERF401  what came before it broke counts

    with pytest.raises(UpstreamError):
        await read()
    assert any(isinstance(event, TextDelta) for event in seen)


async def test_health(gateway, fleet):
    assert await collected(gateway, "fast")
    health = gateway.health()
    assert isinstance(health, Health)
    assert (health.status, health.accounting.status) == ("healthy", "healthy")
    assert (health.llm.status, health.llm.models_available) == ("healthy", 5)
    detail = await gateway.health_in_detail()
    assert detail.reasons == ()
    assert detail.llm == health.llm
    assert {each.provider for each in detail.upstreams} == {"one", "two"}
    assert sum(each.requests for each in fleet.values()) == 1
    await gateway.drain(0)
    assert gateway.health().status == "unhealthy"


async def test_health_before_it_is_started(settings):
    gateway = Antiphon.from_config(settings, environ={})
    health = gateway.health()
    assert (health.status, health.llm.status) == ("unhealthy", "healthy")
    assert (await gateway.health_in_detail()).reasons == ("not_started",)


async def test_draining(gateway, until):
    async def ask() -> None:
        await collected(gateway, "stuck")

    task = asyncio.ensure_future(ask())
    await until(lambda: bool(gateway.pipeline.live))
    await gateway.drain(0.05)
    with pytest.raises(Draining):
        await task
    with pytest.raises(Draining):
        await gateway.chat(model="fast", messages=HELLO)
    assert not gateway.pipeline.live


async def test_names_of_providers_are_listed_once_they_were_asked(settings):
    without = {name: each for name, each in settings.items() if name != "models"}
    async with Antiphon.from_config(without, environ={}) as gateway:
        assert "one/sim-small" in [entry.name for entry in await gateway.reachable()]
        assert (await gateway.chat(model="two/sim-large", messages=HELLO)).text
        with pytest.raises(ModelNotFound) as caught:
            await gateway.chat(model="sim-large", messages=HELLO)
        assert caught.value.nearest == ("one/sim-large", "two/sim-large")


async def test_a_configuration_that_cannot_be_used():
    with pytest.raises(ConfigurationError) as caught:
        Antiphon.from_config({"modles": {}, "server": {"port": -1}}, environ={})
    assert len(caught.value.mistakes) == 2


@pytest.mark.skipif(not FILES.exists(), reason="open files are counted where Linux lists them")
async def test_no_server_no_files_nothing_left(settings, fleet, tmp_path, until):
    def sockets() -> int:
        return len(list(FILES.iterdir()))

    tasks, files = len(asyncio.all_tasks()), sockets()
    async with Antiphon.from_config(settings, environ={}) as gateway:
        await asyncio.gather(
            *(gateway.chat(model="fast", messages=HELLO) for _ in range(10)),
            *(collected(gateway, "fast") for _ in range(10)),
        )
        assert sockets() > files, "connections are kept for the next question"
    await until(lambda: sockets() == files)
    assert len(asyncio.all_tasks()) == tasks
    assert gateway.transport.open == 0
    left = {path.name for path in (tmp_path / "data").iterdir()}
    assert left == {"antiphon.db", "journal"}, "and no admin key, of no use to who embeds it"
    assert list((tmp_path / "data" / "journal").iterdir()) == [], "all of it is in the ledger"


def test_the_server_is_not_loaded():
    code = "import antiphon, sys; antiphon.Antiphon; assert 'uvicorn' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert antiphon.__version__
