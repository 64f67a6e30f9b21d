"""What callers of Gemini and Ollama are told, over HTTP, where a provider speaks another dialect."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from antiphon.simulator import SimulatorSpec
from tests.server.stage import HELLO, Stage, stage

PARTS = [{"role": "user", "parts": [{"text": "Hello there"}]}]


@pytest.fixture
async def fleet(tmp_path: Path) -> AsyncIterator[Stage]:
    """One provider of chat, under a name that drops what is lost, and one that does not."""
    routes = {
        policy: {"deployments": ["one/sim-small"], "on_loss": policy}
        for policy in ("drop", "error")
    }
    async with stage(tmp_path, [SimulatorSpec(name="one", seed=1)], models=routes) as running:
        yield running


@pytest.mark.parametrize(
    ("model", "members", "named"),
    [
        ("drop", {"cachedContent": "cachedContents/c1"}, "cachedContent"),
        (
            "drop",
            {"generationConfig": {"responseModalities": ["IMAGE"]}},
            "generationConfig.responseModalities",
        ),
        (
            "drop",
            {"generationConfig": {"responseMimeType": "text/x.enum"}},
            "generationConfig.responseMimeType",
        ),
        (
            "drop",
            {"generationConfig": {"maxOutputTokens": 0}},
            "generationConfig.maxOutputTokens",
        ),
        ("error", {"safetySettings": []}, "safetySettings"),
        ("error", {"generationConfig": {"newest": 1}}, "generationConfig.newest"),
        ("error", {"systemInstruction": {"parts": [{"text": "Hi", "foo": 1}]}}, "foo"),
    ],
)
async def test_a_refusal_names_the_callers_member(
    fleet: Stage, model: str, members: Mapping[str, object], named: str
) -> None:
    path = f"/v1beta/models/{model}:generateContent"
    answer = await fleet.http.post(path, json={"contents": PARTS, **members})
    assert answer.status_code == 400
    assert f"'{named}'" in answer.json()["error"]["message"]
    assert not fleet.simulators[0].received


async def test_what_is_dropped_inside_is_told(fleet: Stage) -> None:
    path = "/v1beta/models/drop:generateContent"
    contents = [{"role": "user", "parts": [{"text": "Hello there", "foo": 1}]}]
    answer = await fleet.http.post(path, json={"contents": contents})
    assert answer.status_code == 200
    assert answer.headers["x-antiphon-warnings"] == "unknown_members: left out"


async def test_a_bound_of_ollamas_is_named_in_its_words(fleet: Stage) -> None:
    body = {"model": "drop", "messages": HELLO, "options": {"num_predict": 0}, "stream": False}
    answer = await fleet.http.post("/api/chat", json=body)
    assert answer.status_code == 400
    assert "'options.num_predict'" in answer.json()["error"]
