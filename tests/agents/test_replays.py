"""Whole sessions of coding agents, replayed over HTTP to every dialect of a provider."""

from __future__ import annotations

import functools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import pytest

from antiphon.dialects.registry import DIALECTS
from antiphon.simulator import SimulatorSpec
from tests.agents import claude_code, claude_reader, codex, codex_reader
from tests.agents.sessions import KEY, Line, claude_session, codex_session
from tests.server.stage import stage

PROVIDERS: Final = [
    name for name in ("openai_chat", "openai_responses", "anthropic_messages") if name in DIALECTS
]
CLAUDE: Final = PROVIDERS if "anthropic_messages" in DIALECTS else []
CODEX: Final = PROVIDERS if "openai_responses" in DIALECTS else []

OPUS, SOL, BROKEN = "claude-opus-4-8", "gpt-6-sol", "claude-that-breaks"
NAMES: Final = {OPUS: "sim-reason", SOL: "sim-reason", BROKEN: "sim-reason+fault:cut"}


@pytest.mark.parametrize("provider", CLAUDE)
async def test_claude_code_goes_through_a_loop_of_tools(tmp_path: Path, provider: str) -> None:
    async with _line(tmp_path, provider, OPUS) as line:
        await claude_session(line)


@pytest.mark.parametrize("provider", CODEX)
async def test_codex_goes_through_a_loop_of_tools(tmp_path: Path, provider: str) -> None:
    async with _line(tmp_path, provider, SOL) as line:
        await codex_session(line)


@pytest.mark.parametrize("provider", CLAUDE)
async def test_claude_code_is_told_of_a_broken_stream(tmp_path: Path, provider: str) -> None:
    async with _line(tmp_path, provider, BROKEN) as line:
        with pytest.raises(claude_reader.Failed) as told:
            await line.claude(claude_code.opening("[tokens: 50]"))
    assert told.value.type == "api_error"


@pytest.mark.parametrize("provider", CODEX)
async def test_codex_is_told_of_a_broken_stream(tmp_path: Path, provider: str) -> None:
    async with _line(tmp_path, provider, BROKEN) as line:
        with pytest.raises(codex_reader.Failed) as told:
            await line.codex(codex.opening("[tokens: 50]"))
    # Any code but those that make Codex give up: it asks again.
    assert told.value.code not in {
        *("context_length_exceeded", "insufficient_quota", "usage_not_included"),
        *("invalid_prompt", "cyber_policy"),
    }


@pytest.mark.parametrize("provider", CLAUDE)
async def test_what_claude_code_asks_beside_the_conversation(tmp_path: Path, provider: str) -> None:
    async with _line(tmp_path, provider, OPUS) as line:
        headers = claude_code.headers(KEY)
        aside = await line.ask(claude_code.PATH, headers, claude_code.aside(OPUS))
        assert "title" in json.loads(claude_reader.read(aside).said())
        probe = json.loads(await line.ask(claude_code.PATH, headers, claude_code.probe(OPUS)))
        assert (probe["type"], probe["stop_reason"]) == ("message", "max_tokens")
        count = claude_code.count(OPUS, claude_code.opening("hello"))
        counted = json.loads(await line.ask(claude_code.COUNT_PATH, headers, count))
        assert counted["input_tokens"] > 0


SENT: Final = {
    "anthropic_messages": (
        claude_code.PATH,
        claude_code.headers(KEY),
        claude_code.request(OPUS, claude_code.opening("hello")),
    ),
    "openai_responses": (
        codex.PATH,
        codex.headers(KEY),
        codex.request(SOL, codex.opening("hello")),
    ),
}


@pytest.mark.parametrize("provider", [name for name in SENT if name in DIALECTS])
async def test_what_goes_to_its_own_dialect_arrives_as_it_was_sent(
    tmp_path: Path, provider: str
) -> None:
    path, headers, body = SENT[provider]
    async with _line(tmp_path, provider, body["model"]) as line:
        await line.ask(path, headers, body)
        received = line.simulator.received[-1]
    assert json.loads(received.body) == {**body, "model": "sim-reason"}
    for name in ("anthropic-beta", "anthropic-version"):
        assert received.header(name.encode()) == _bytes(headers.get(name))
    assert KEY not in str(received.headers)


@pytest.mark.parametrize("provider", CODEX)
async def test_responses_lite_is_served(tmp_path: Path, provider: str) -> None:
    """The tools are an item of the input, and in a group: they are called by both names."""
    items = codex.opening("Call exec_command.")
    async with _line(tmp_path, provider, SOL, strict=True) as line:

        async def turn() -> codex_reader.Turn:
            headers, body = codex.headers(KEY), codex.lite(SOL, items)
            answer = codex_reader.read(await line.ask(codex.PATH, headers, body))
            if provider == "openai_responses":
                assert json.loads(line.arrived)["input"] == body["input"]
            return answer

        said = await turn()
        [command] = said.calls()
        assert (command["name"], command["namespace"]) == ("exec_command", "functions")
        assert "cmd" in json.loads(command["arguments"])
        items += [codex.echoed(item) for item in said.items]
        items += [codex.output_of(command, "Exit code: 0\nOutput:\n2 files")]
        said = await turn()
        assert said.calls() == []
        assert said.text == said.said() != ""
        assert "2 files" in line.arrived

        items += [codex.echoed(item) for item in said.items]
        items += [codex.message("user", "Now use apply_patch.")]
        said = await turn()
        [patch] = said.calls()
        assert patch["type"] == "custom_tool_call"
        assert (patch["name"], patch["namespace"]) == ("apply_patch", "functions")
        items += [codex.echoed(item) for item in said.items]
        items += [codex.output_of(patch, "Success. Updated: M shop.py")]
        assert (await turn()).calls() == []


@pytest.mark.parametrize("provider", CODEX)
async def test_tools_in_groups_are_called(tmp_path: Path, provider: str) -> None:
    items = codex.opening("Call find_note and exec_command, both at once.")
    async with _line(tmp_path, provider, SOL, strict=True) as line:
        ask = functools.partial(line.ask, codex.PATH, codex.headers(KEY))
        said = codex_reader.read(await ask(codex.grouped(SOL, items)))
        told = [(call["name"], call.get("namespace")) for call in said.calls()]
        assert told == [("exec_command", None), ("find_note", "mcp__notes")]
        command, note = said.calls()
        items += [codex.echoed(item) for item in said.items]
        items += [codex.output_of(command, "done"), codex.output_of(note, "a note on shops")]
        said = codex_reader.read(await ask(codex.grouped(SOL, items)))
        assert said.calls() == []
        assert "a note on shops" in line.arrived

        items += [codex.echoed(item) for item in said.items]
        items += [codex.message("user", "And the other one.")]
        choice = {"type": "function", "name": "view_image", "namespace": "mcp__notes"}
        body = codex.grouped(SOL, items) | {"tool_choice": choice}
        [image] = codex_reader.read(await ask(body)).calls()
        assert (image["name"], image["namespace"]) == ("view_image", "mcp__notes")
        assert "note" in json.loads(image["arguments"])


@asynccontextmanager
async def _line(
    tmp_path: Path, provider: str, model: str, *, strict: bool = False
) -> AsyncIterator[Line]:
    """A line through a gateway to one provider, under the names that the agents ask for."""
    models = {
        name: {"deployments": [f"one/{model}"], "retry": {"attempts": 1}}
        for name, model in NAMES.items()
    }
    specs = [SimulatorSpec(name="one", seed=1, strict=strict)]
    # It keeps to a schema, as Anthropic's own API does; of servers that are like it nobody knows.
    facts = {name: {"json_schema": True} for name in NAMES.values()}
    entry = {"dialect": provider, "models": facts}
    async with stage(tmp_path, specs, provider=entry, models=models) as running:
        yield Line(running.http, model, running.first)


def _bytes(header: str | None) -> bytes | None:
    return None if header is None else header.encode()
