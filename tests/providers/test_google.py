"""Gemini on the road: both forms of Vertex, tokens that are renewed, refusals in Google's words."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from antiphon.config.load import load
from antiphon.gateway.gateway import Antiphon
from antiphon.server.serve import serving
from antiphon.simulator import Simulator, SimulatorSpec

PROJECT = "/v1/projects/p/locations/eu/publishers/google"
EXPRESS = "/v1/publishers/google"
MODEL = "gemini-3.5-flash-lite"
HI = {"contents": [{"role": "user", "parts": [{"text": "Hello there"}]}]}
CHAT = {"messages": [{"role": "user", "content": "Hello there"}]}
RPC = "type.googleapis.com/google.rpc."
BAD_KEY = {
    "code": 400,
    "message": "API key not valid. Please pass a valid API key.",
    "status": "INVALID_ARGUMENT",
    "details": [
        {"@type": f"{RPC}ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com"}
    ],
}


def exhausted(quota: str, delay: str) -> dict[str, object]:
    return {
        "code": 429,
        "message": f"You exceeded your current quota. Please retry in {delay}.",
        "status": "RESOURCE_EXHAUSTED",
        "details": [
            {"@type": f"{RPC}QuotaFailure", "violations": [{"quotaId": quota, "quotaValue": "20"}]},
            {"@type": f"{RPC}RetryInfo", "retryDelay": delay},
        ],
    }


DAY = exhausted("GenerateRequestsPerDayPerProjectPerModel-FreeTier", "37s")
MINUTE = exhausted("GenerateRequestsPerMinutePerProjectPerModel-FreeTier", "37s")
SOON = exhausted("GenerateRequestsPerMinutePerProjectPerModel-FreeTier", "0.01s")


class Road:
    """A gateway before one pretend Google."""

    def __init__(self, gateway: Antiphon, google: Simulator, http: httpx2.AsyncClient) -> None:
        self.gateway = gateway
        self.google = google
        self.http = http

    async def chat(self, provider: str, **more: object) -> httpx2.Response:
        body = {"model": f"{provider}/{MODEL}", **CHAT, **more}
        return await self.http.post("/v1/chat/completions", json=body)


@asynccontextmanager
async def road(
    tmp_path: Path, spec: SimulatorSpec, **providers: dict[str, Any]
) -> AsyncIterator[Road]:
    """`base_url` of each entry is a path; keys may stand in files beside the configuration."""
    async with Simulator(spec) as google:
        for entry in providers.values():
            entry["base_url"] = google.url + entry["base_url"]
        settings = {
            "server": {"port": 0, "drain_seconds": 0.5},
            "storage": {"data_dir": str(tmp_path / "data")},
            "providers": providers,
            "models": {"*": {"passthrough": True, "retry": {"attempts": 2, "backoff": 0.01}}},
        }
        file = tmp_path / "antiphon.yaml"
        file.write_text(json.dumps(settings))
        gateway = Antiphon(load(file, environ={}))
        async with (
            gateway,
            serving(gateway) as address,
            httpx2.AsyncClient(base_url=address, timeout=20, verify=False) as http,
        ):
            yield Road(gateway, google, http)


@pytest.mark.parametrize(
    ("row", "path", "header"),
    [
        ("vertex", PROJECT, (b"authorization", b"Bearer token-0123456789")),
        ("vertex_express", EXPRESS, (b"x-goog-api-key", b"token-0123456789")),
    ],
)
async def test_both_forms_of_vertex(
    tmp_path: Path, row: str, path: str, header: tuple[bytes, bytes]
) -> None:
    entry = {"base_url": path, "api_key": "token-0123456789"}
    async with road(tmp_path, SimulatorSpec(strict=True), **{row: entry}) as running:
        model = f"{row}%2F{MODEL}"
        for method, query in (("generateContent", ""), ("streamGenerateContent", "?alt=sse")):
            answer = await running.http.post(f"/v1beta/models/{model}:{method}{query}", json=HI)
            assert answer.status_code == 200, answer.text
            received = running.google.received[-1]
            assert received.target == f"{path}/models/{MODEL}:{method}{query}"
            assert received.header(header[0]) == header[1]
            assert received.body == answer.request.content
        answer = await running.chat(row)
        assert answer.json()["choices"][0]["message"]["content"]
        answer = await running.chat(row, stream=True)
        assert answer.text.endswith("data: [DONE]\n\n")
        assert running.google.received[-1].target.endswith(":streamGenerateContent?alt=sse")


async def test_a_token_is_renewed_in_its_file(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("first-token-0123456789\n")
    entry = {"base_url": PROJECT, "api_key": f"${{file:{token}}}"}
    spec = SimulatorSpec(keys=frozenset({"first-token-0123456789"}))
    async with road(tmp_path, spec, vertex=entry) as running:
        assert (await running.chat("vertex")).status_code == 200
        token.write_text("second-token-0123456789\n")
        running.google.set_keys(frozenset({"second-token-0123456789"}))
        answer = await running.chat("vertex")
        assert answer.status_code == 200, answer.text
        received = running.google.received[-1]
        assert received.header(b"authorization") == b"Bearer second-token-0123456789"
        assert running.gateway.providers["vertex"].keys.alive


def recorded(tmp_path: Path, **errors: dict[str, Any]) -> SimulatorSpec:
    lines = [
        json.dumps(
            {
                "id": name,
                "wire": "gemini",
                "response": {
                    "status": error["code"],
                    "headers": {"content-type": "application/json"},
                    "body": {"error": error},
                },
            }
        )
        for name, error in errors.items()
    ]
    (tmp_path / "errors.jsonl").write_text("\n".join(lines))
    return SimulatorSpec(replay=tmp_path / "errors.jsonl")


@pytest.mark.parametrize(
    ("error", "status", "alive", "wait"),
    [
        (BAD_KEY, 502, False, None),
        (DAY, 502, False, None),
        (MINUTE, 429, True, "37"),
    ],
    ids=["a bad key", "the quota of a day", "the rate of a minute"],
)
async def test_what_is_made_of_a_refusal(
    tmp_path: Path, error: dict[str, Any], status: int, alive: bool, wait: str | None
) -> None:
    replayed = {"x-simulator-replay": "it"}
    entry = {
        "dialect": "gemini",
        "base_url": "/v1beta",
        "api_key": "token-0123456789",
        "headers": replayed,
    }
    async with road(tmp_path, recorded(tmp_path, it=error), gemini=entry) as running:
        answer = await running.chat("gemini")
        assert (answer.status_code, running.gateway.providers["gemini"].keys.alive) == (
            status,
            alive,
        ), answer.text
        assert len(running.google.received) == 1
        assert answer.headers.get("retry-after") == wait


async def test_the_delay_that_is_told_is_waited(tmp_path: Path) -> None:
    entry = {
        "dialect": "gemini",
        "base_url": "/v1beta",
        "api_key": "token-0123456789",
        "headers": {"x-simulator-replay": "it"},
    }
    async with road(tmp_path, recorded(tmp_path, it=SOON), gemini=entry) as running:
        answer = await running.chat("gemini")
        assert answer.status_code == 429
        first, second = running.google.received
        assert second.at - first.at >= 0.01


async def test_a_dead_key_leaves_the_others(tmp_path: Path) -> None:
    keys = ["wrong-key-0123456789", "good-key-0123456789"]
    entry = {"dialect": "gemini", "base_url": "/v1beta", "api_key": keys}
    spec = SimulatorSpec(keys=frozenset({keys[1]}))
    async with road(tmp_path, spec, gemini=entry) as running:
        for _ in range(3):
            assert (await running.chat("gemini")).status_code == 200
        shown = [each.header(b"x-goog-api-key") for each in running.google.received]
        assert shown == [b"wrong-key-0123456789", *[b"good-key-0123456789"] * 3]


async def test_a_call_behind_the_reason_to_stop_is_one_that_a_caller_makes(tmp_path: Path) -> None:
    entry = {"dialect": "gemini", "base_url": "/v1beta", "api_key": "token-0123456789"}
    tool = {"name": "weather", "parameters": {"type": "object", "properties": {}}}
    tools = {"tools": [{"type": "function", "function": tool}], "tool_choice": "required"}
    async with road(tmp_path, SimulatorSpec(), gemini=entry) as running:
        running.google.arm("late-content")
        answer = await running.chat("gemini", stream=True, **tools)
    frames = [line.removeprefix("data: ") for line in answer.text.splitlines() if line]
    choices = [json.loads(each)["choices"][0] for each in frames if each != "[DONE]"]
    assert [each["finish_reason"] for each in choices if each["finish_reason"]] == ["tool_calls"]
    assert choices[-1]["finish_reason"] == "tool_calls"
    assert any(each["delta"].get("tool_calls") for each in choices[:-1])
