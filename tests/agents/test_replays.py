"""Whole sessions of coding agents, replayed over HTTP to every dialect of a provider."""

from __future__ import annotations

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
async def test_responses_lite_is_served_or_refused(tmp_path: Path, provider: str) -> None:
    body = codex.lite(SOL, codex.opening("Call exec_command."))
    async with _line(tmp_path, provider, SOL) as line:
        answer = await line.http.post(codex.PATH, headers=codex.headers(KEY), json=body)
        received = line.simulator.received
    if provider == "openai_responses":
        assert json.loads(received[-1].body)["input"] == body["input"]
    elif answer.status_code == 200:
        [call] = codex_reader.read(answer.content).calls()
        assert call["name"] == "exec_command"
    else:
        # Never asked without its tools: the model would say that it has none.
        assert (answer.status_code, received) == (400, ())
        assert "input" in answer.json()["error"]["message"]


@asynccontextmanager
async def _line(tmp_path: Path, provider: str, model: str) -> AsyncIterator[Line]:
    """A line through a gateway to one provider, under the names that the agents ask for."""
    models = {
        name: {"deployments": [f"one/{model}"], "retry": {"attempts": 1}}
        for name, model in NAMES.items()
    }
    specs = [SimulatorSpec(name="one", seed=1)]
    async with stage(tmp_path, specs, provider={"dialect": provider}, models=models) as running:
        yield Line(running.http, model, running.first)


def _bytes(header: str | None) -> bytes | None:
    return None if header is None else header.encode()
