"""Every fault changes something in every dialect that can have it, whole or streamed."""

import json
from collections.abc import Iterator
from itertools import islice

import msgspec
import pytest

from antiphon.simulator import FAULTS, Received, Scene
from antiphon.simulator.answers import answers_to
from antiphon.simulator.dialect import Delivery, Dialect, Terms
from antiphon.simulator.dice import Dice
from antiphon.simulator.latency import Latency
from antiphon.simulator.ollama import OllamaGenerate
from antiphon.simulator.reply import Reply, performed
from antiphon.simulator.roads import CHAT, MESSAGES, OLLAMA, RESPONSES
from antiphon.simulator.seals import Notary

DIALECTS = {each.wire: each for each in (CHAT, MESSAGES, RESPONSES, OLLAMA)}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
NAMES = ("get_weather", "get_stock")
FUNCTIONS = [{"type": "function", "function": {"name": n, "parameters": SCHEMA}} for n in NAMES]
USER = [{"role": "user", "content": "get_weather get_stock [say: two words] [cached: 9]"}]
BODIES = {
    CHAT.wire: {"messages": USER, "tools": FUNCTIONS, "stream_options": {"include_usage": True}},
    MESSAGES.wire: {
        "max_tokens": 900,
        "messages": USER,
        "tools": [{"name": name, "input_schema": SCHEMA} for name in NAMES],
    },
    RESPONSES.wire: {
        "input": USER,
        "reasoning": {"summary": "auto"},
        "include": ["reasoning.encrypted_content"],
        "tools": [{"type": "function", "name": name, "parameters": SCHEMA} for name in NAMES],
    },
    OLLAMA.wire: {"messages": USER, "tools": FUNCTIONS},
}


def honest(dialect: Dialect, body: dict, *, stream: bool) -> tuple[Reply, Scene]:
    """An answer with a thought, two words and two calls, and where it was asked for."""
    asked = json.dumps({"model": "sim-reason", "stream": stream, **body}).encode()
    headers = ((b"anthropic-version", b"2023-06-01"), (b"authorization", b"Bearer sk-secret"))
    received = Received(
        serial=1,
        connection=1,
        method="POST",
        target="/anywhere",
        headers=headers,
        body=asked,
        at=0.0,
    )
    question = dialect.hear(received, Terms())
    delivery = Delivery("0" * 24, Latency(), Dice(1), Notary(1))
    return dialect.say(question, answers_to(question, 1), delivery), Scene(dialect, received)


def seen(reply: Reply) -> object:
    """All that a caller meets, without the end of what has none."""
    return list(islice(performed(reply), 5_000)), reply.ending


def pairs() -> Iterator[tuple[str, str]]:
    for name, fault in FAULTS.items():
        yield from ((wire, name) for wire in sorted(fault.wires) if wire in DIALECTS)


@pytest.mark.parametrize(("wire", "name"), list(pairs()))
def test_a_fault_changes_what_a_caller_meets(wire: str, name: str) -> None:
    changed = []
    for stream in (False, True):
        reply, scene = honest(DIALECTS[wire], BODIES[wire], stream=stream)
        assert b"two" in reply.body()
        damaged = FAULTS[name].damage(reply, scene)
        changed.append(seen(damaged) != seen(reply))
    assert any(changed)


GENERATED = {"prompt": "[say: two words]"}
OF_CALLS = {name for name in FAULTS if name.startswith("tool-")}


@pytest.mark.parametrize("name", [n for n, f in FAULTS.items() if OLLAMA.wire in f.wires])
def test_the_other_road_of_ollama_has_them_but_for_calls(name: str) -> None:
    changed = []
    for stream in (False, True):
        reply, scene = honest(OllamaGenerate(), GENERATED, stream=stream)
        changed.append(seen(FAULTS[name].damage(reply, scene)) != seen(reply))
    assert any(changed) == (name not in OF_CALLS)


@pytest.mark.parametrize("dialect", [OLLAMA, OllamaGenerate()])
def test_an_edited_line_is_still_what_it_says(dialect: Dialect) -> None:
    """Faults of content leave lines that any reader of JSON can read."""
    readable = ("nulls", "usage-growing", "usage-everywhere", "no-usage", "null-usage", "no-reason")
    for name in (*readable, "tool-arguments-text", "tool-id-missing", "tool-index-missing"):
        body = BODIES[OLLAMA.wire] if dialect is OLLAMA else GENERATED
        reply, scene = honest(dialect, body, stream=True)
        for line in FAULTS[name].damage(reply, scene).body().splitlines():
            assert msgspec.json.decode(line)["model"] == "sim-reason", name
