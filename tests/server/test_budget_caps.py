"""Answers that are made as short as the money asks for, in every dialect."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from itertools import product
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import httpx2
import pytest

from antiphon.simulator import SimulatorSpec
from tests.server.purses import PRICED
from tests.server.stage import HELLO, Stage, stage

_LIMIT: Final = 1_000_000
"""Billionths of a dollar for each key; 2,000 of them are a token of the answer."""
_ASKED: Final = 5000


class Wire(NamedTuple):
    """How a dialect is spoken, and where it bounds an answer."""

    dialect: str
    path: str
    bound: tuple[str, ...]
    body: Mapping[str, Any]
    always: bool = False
    """Every request has a bound."""


_CONTENTS: Final = [{"role": "user", "parts": [{"text": "Hello there"}]}]
WIRES: Final = MappingProxyType(
    {
        "chat": Wire(
            *("openai_chat", "/v1/chat/completions", ("max_completion_tokens",)),
            {"messages": HELLO},
        ),
        "responses": Wire(
            *("openai_responses", "/v1/responses", ("max_output_tokens",)),
            {"input": "Hello", "store": False},
        ),
        "messages": Wire(
            *("anthropic_messages", "/v1/messages", ("max_tokens",)),
            {"messages": HELLO},
            always=True,
        ),
        "gemini": Wire(
            *("gemini", "/v1beta/models/MODEL:generateContent"),
            ("generationConfig", "maxOutputTokens"),
            {"contents": _CONTENTS},
        ),
        "ollama": Wire(
            *("ollama", "/api/chat", ("options", "num_predict")),
            {"messages": HELLO, "stream": False},
        ),
    }
)
PAIRS: Final = list(product(WIRES, WIRES))


def key_of(*words: object) -> str:
    return "sk-" + "-".join(map(str, words)).ljust(20, "0")


@pytest.fixture
async def fleet(tmp_path) -> AsyncIterator[Stage]:
    specs = [SimulatorSpec(name=name, seed=seed) for seed, name in enumerate(WIRES)]
    keys = [key_of(*pair, given) for pair in PAIRS for given in (True, False)]
    keys += [key_of(name) for name in ("thought", "short", "twice", "tight", "older")]
    limits = [
        {"scope": "user", "limit": "0.001", "per": "total", "when_short": "cap"},
        *(
            {
                "scope": "user",
                "name": key_of(name),
                "limit": limit,
                "per": "total",
                "when_short": "cap",
            }
            for name, limit in {"thought": "0.0055", "short": "0.004"}.items()
        ),
    ]
    sections: dict[str, Any] = {
        "auth": {"required": True, "keys": [{"key": each, "user": each} for each in keys]},
        "budgets": {"limits": limits},
        "provider": PRICED,
    }
    dialects = {name: wire.dialect for name, wire in WIRES.items()}
    async with stage(tmp_path, specs, dialects=dialects, **sections) as running:
        yield running


async def ask(road: Stage, wire: Wire, model: str, key: str, **members: Any) -> httpx2.Response:
    path, body = wire.path, {**wire.body, **members}
    if "MODEL" in path:
        path = path.replace("MODEL", model)
    else:
        body["model"] = model
    headers = {"authorization": f"Bearer {key}", "anthropic-version": "2023-06-01"}
    return await road.http.post(path, json=body, headers=headers)


def with_bound(wire: Wire, tokens: int) -> dict[str, Any]:
    said: Any = tokens
    for name in reversed(wire.bound):
        said = {name: said}
    return said


def bound_in(wire: Wire, body: Mapping[str, Any]) -> int:
    said: Any = body
    for name in wire.bound:
        said = said[name]
    return said


def sent(road: Stage, name: str) -> tuple[bytes, dict[str, Any]]:
    simulator = next(each for each in road.simulators if each.name == name)
    body = simulator.received[-1].body
    return body, json.loads(body)


@pytest.mark.parametrize("heard", WIRES)
async def test_the_provider_is_told(fleet, heard: str):
    for spoken in WIRES:
        for given in (True, False):
            await is_told(fleet, heard, spoken, given)


async def is_told(fleet: Stage, heard: str, spoken: str, given: bool) -> None:
    wire, to = WIRES[heard], WIRES[spoken]
    members = with_bound(wire, _ASKED) if given or wire.always else {}
    answer = await ask(fleet, wire, f"{spoken}/sim-small", key_of(heard, spoken, given), **members)
    assert answer.status_code == 200, answer.text
    body, said = sent(fleet, spoken)
    cap = bound_in(to, said)
    assert f"capped at {cap} tokens" in answer.headers["x-antiphon-warnings"]
    bound = 1000 * len(body) + 2000 * cap
    assert _LIMIT - 60_000 < bound < _LIMIT + 60_000, "as long as the money allows"
    if heard == spoken:
        expected = {**wire.body, **with_bound(wire, cap)}
        left = {name: value for name, value in said.items() if name != "model"}
        assert left == expected, "nothing else is changed"


async def test_what_fits_is_not_touched(fleet):
    key = key_of("twice")
    for _ in range(2):
        answer = await ask(fleet, WIRES["chat"], "chat/sim-small", key, max_tokens=20)
        assert "x-antiphon-warnings" not in answer.headers
        assert sent(fleet, "chat")[1]["max_tokens"] == 20


async def test_the_name_that_the_caller_gave_is_kept(fleet):
    answer = await ask(
        fleet, WIRES["chat"], "chat/sim-small", key_of("older"), max_tokens=_ASKED, n=2
    )
    assert answer.status_code == 200
    said = sent(fleet, "chat")[1]
    assert 16 <= said["max_tokens"] < 250, "two answers share the money"
    assert "max_completion_tokens" not in said


def thinking(budget: int, most: int) -> dict[str, Any]:
    return {"max_tokens": most, "thinking": {"type": "enabled", "budget_tokens": budget}}


async def test_a_budget_of_thought_stays_below_the_cap(fleet):
    wire = WIRES["messages"]
    asked = thinking(6000, 9000)
    answer = await ask(fleet, wire, "messages/sim-reason", key_of("thought"), **asked)
    assert answer.status_code == 200, answer.text
    said = sent(fleet, "messages")[1]
    assert 2048 <= said["max_tokens"] < 2750
    assert said["thinking"] == {"type": "enabled", "budget_tokens": said["max_tokens"] // 2}


async def test_too_little_for_thought_is_refused(fleet):
    asked = thinking(2000, 9000)
    answer = await ask(fleet, WIRES["messages"], "messages/sim-reason", key_of("short"), **asked)
    assert answer.status_code == 402
    assert answer.json()["error"]["type"] == "billing_error"


async def test_too_little_for_any_answer_is_refused(fleet):
    wire: Callable[[str], Wire] = WIRES.__getitem__
    long = [{"role": "user", "content": "x" * 990}]
    answer = await ask(fleet, wire("chat"), "chat/sim-small", key_of("tight"), messages=long)
    assert answer.status_code == 402
