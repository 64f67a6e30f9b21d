"""`antiphon demo`: the main job, seen through OpenAI's own client."""

from __future__ import annotations

import secrets
import tempfile
import time
from contextlib import AsyncExitStack

import openai

from antiphon.cli.output import run, say
from antiphon.config.load import load
from antiphon.gateway.gateway import Antiphon
from antiphon.server.serve import serving
from antiphon.simulator import Fleet, Simulator, SimulatorSpec

_QUESTION = "Why do choirs sing in two halves?"


def demo_command() -> None:
    """Show the main job, and exit."""
    run(_demo())


async def _demo() -> None:
    specs = [
        SimulatorSpec(name="first", seed=1, latency="fast"),
        SimulatorSpec(name="second", seed=2, latency="fast"),
    ]
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="antiphon-demo-"))
        fleet = await stack.enter_async_context(Fleet(specs))
        first, second = fleet.values()
        gateway = Antiphon(load(_configuration(first, second, folder)))
        async with gateway, serving(gateway) as address:
            say("Two pretend providers and the gateway are up:")
            say(f"  first   {first.base_url}\n  second  {second.base_url}\n  gateway {address}\n")
            async with openai.AsyncOpenAI(base_url=f"{address}/v1", api_key="any") as client:
                await _plain(client, "1. A plain answer, through OpenAI's own client")
                await _stream(client, "2. A stream")
                first.refuse(3600)
                await _plain(client, "3. The first provider is down now: the second one answers")
                await _stream(client, "4. And it streams")
    say("To go on:")
    say("  antiphon simulate             pretend providers that stay up")
    say("  antiphon serve                the gateway, with the keys of your environment")
    say("  docs/quickstart.md            five minutes with a real provider")


def _configuration(first: Simulator, second: Simulator, folder: str) -> dict[str, object]:
    return {
        "storage": {"data_dir": folder},
        "server": {"port": 0, "drain_seconds": 1},
        # Its own, so that the first start of the real one makes and prints the one that is kept.
        "auth": {"admin_key": secrets.token_urlsafe(24)},
        "providers": {
            each.name: {"dialect": "openai_chat", "base_url": each.base_url, "api_key": "any"}
            for each in (first, second)
        },
        "models": {"fast": ["first/sim-small", "second/sim-small"]},
    }


async def _plain(client: openai.AsyncOpenAI, title: str) -> None:
    say(title)
    raw = await client.chat.completions.with_raw_response.create(
        model="fast", messages=[{"role": "user", "content": _QUESTION}], max_tokens=40
    )
    completion = raw.parse()
    say(f"   {completion.choices[0].message.content}")
    usage = completion.usage
    tokens = f"{usage.prompt_tokens} + {usage.completion_tokens} tokens" if usage else "no usage"
    _tell(dict(raw.headers), tokens)


async def _stream(client: openai.AsyncOpenAI, title: str) -> None:
    say(title)
    began = time.monotonic()
    print("   ", end="", flush=True)
    tokens, first = "no usage", 0.0
    raw = await client.chat.completions.with_raw_response.create(
        model="fast",
        messages=[{"role": "user", "content": _QUESTION}],
        max_tokens=40,
        stream=True,
        stream_options={"include_usage": True},
    )
    async for chunk in raw.parse():
        if chunk.usage:
            tokens = f"{chunk.usage.prompt_tokens} + {chunk.usage.completion_tokens} tokens"
        for choice in chunk.choices:
            if choice.delta.content:
                first = first or time.monotonic() - began
                print(choice.delta.content, end="", flush=True)
    say()
    _tell(dict(raw.headers), f"{tokens}, first text after {first * 1000:.0f} ms")


def _tell(headers: dict[str, str], more: str) -> None:
    say(
        f"   -> {headers['x-antiphon-deployment']}, "
        f"attempts {headers['x-antiphon-attempts']}, {more}, "
        f"added by the gateway {headers['x-antiphon-overhead-ms']} ms\n"
    )
