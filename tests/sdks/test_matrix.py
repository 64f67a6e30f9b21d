"""Every official SDK, every dialect of a provider, every case, over real sockets.

What the SDK read through the gateway is what the simulator said: text, thought, tool names and
arguments, all tokens, and the stop class. What the caller gave has arrived: instructions, pictures
and the results of tools.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest

from antiphon.dialects.registry import DIALECTS
from antiphon.simulator import Received, SimulatorSpec
from tests.sdks.clients import CLIENTS, Client
from tests.sdks.comparing import comparable, differences
from tests.sdks.jobs import CASES, Ask, Heard, Job, model_for
from tests.sdks.said import said
from tests.server.stage import KEY, Stage, stage

EXPECTED: Final = ("openai_chat", "openai_responses", "anthropic_messages")
MOUNTS: Final = {
    "openai_chat": "/openai",
    "openai_responses": "/openai",
    "anthropic_messages": "/anthropic",
}
PAIRS: Final = [
    pytest.param(client, provider, id=f"{client}-{provider}")
    for client in CLIENTS
    for provider in EXPECTED
    if {client.dialect, provider} <= set(DIALECTS)
]
"""Each client with each provider, as far as the gateway speaks the dialects of both."""
REFUSALS: Final = {
    "rate-limited": (429, "RateLimitError"),
    "context-length": (400, "BadRequestError"),
}
"""Faults of the provider, and what the SDKs raise; the AI SDK has one class for all."""


def test_all_three_dialects_are_spoken() -> None:
    assert set(EXPECTED) <= set(DIALECTS)


@pytest.mark.parametrize(("client", "provider"), PAIRS)
async def test_what_is_said_is_what_is_read(tmp_path: Path, client: Client, provider: str) -> None:
    # A server that is only like Anthropic's is not known to keep to a schema: this one does.
    models = {model_for("schema"): {"json_schema": True}}
    async with stage(tmp_path, _ONE, provider={"dialect": provider, "models": models}) as running:
        asks = [(f"one/{model_for(case)}", ask) for case, ask in CASES.items()]
        heard = await _asked(client, running, asks)
        requests = running.first.received
        wrong: dict[str, object] = {}
        for (model, ask), read in zip(asks, heard, strict=True):
            own = [one for one in requests if _model(one) == model.removeprefix("one/")]
            told = await _differences(client, running, read, own) + _not_arrived(ask, own)
            if told:
                wrong[model] = told
    assert wrong == {}


@pytest.mark.parametrize(("client", "provider"), PAIRS)
async def test_a_refusal_raises_what_the_sdk_has_for_it(
    tmp_path: Path, client: Client, provider: str
) -> None:
    models = {
        fault: {"deployments": [f"one/m+fault:{fault}"], "retry": {"attempts": 1}}
        for fault in REFUSALS
    }
    async with stage(tmp_path, _ONE, provider={"dialect": provider}, models=models) as running:
        asks = [(fault, CASES[case]) for case in ("plain", "stream") for fault in REFUSALS]
        errors = [one.error for one in await _asked(client, running, asks)]
    wanted = [(status, _class(client, name)) for status, name in REFUSALS.values()]
    assert [error and (error.status, error.name) for error in errors] == wanted * 2


@pytest.mark.parametrize("client", [one for one in CLIENTS if one.dialect in DIALECTS], ids=str)
async def test_the_mount_of_its_dialect_does_as_well(tmp_path: Path, client: Client) -> None:
    async with stage(tmp_path, _ONE, provider={"dialect": client.dialect}) as running:
        mount = MOUNTS[client.dialect]
        [heard] = await _asked(client, running, [("fast", CASES["plain"])], mount=mount)
        assert heard.error is None
        assert "Grüezi" in heard.answers[0].text


_ONE: Final = [SimulatorSpec(name="one", seed=1)]


async def _asked(
    client: Client, running: Stage, asks: Sequence[tuple[str, Ask]], *, mount: str = ""
) -> list[Heard]:
    """What the client heard of each model that it asked."""
    base_url = f"{running.address}{mount}{client.version}"
    return await client.asked([Job(client.sdk, base_url, KEY, model, ask) for model, ask in asks])


async def _differences(
    client: Client, running: Stage, read: Heard, requests: list[Received]
) -> list[str]:
    if read.error is not None:
        return [f"raised {read.error}"]
    thought = client.reads_thoughts
    spoken = [comparable(await said(running.first, one), thought=thought) for one in requests]
    return differences([comparable(one, thought=thought) for one in read.answers], spoken)


def _not_arrived(ask: Ask, requests: list[Received]) -> list[str]:
    """What the caller gave and the provider did not get."""
    if not requests:
        return ["no request arrived"]
    given = [ask.system, ask.image, *(tool.result for tool in ask.tools or ())]
    last = requests[-1].body.decode()
    return [f"{one!r} did not arrive" for one in given if one is not None and one not in last]


def _model(request: Received) -> str:
    return json.loads(request.body)["model"]


def _class(client: Client, name: str) -> str:
    return "APICallError" if client.sdk.startswith("ai-") else name
