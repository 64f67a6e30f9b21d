"""Ollama's endpoints, by its own client: chat, completion, what tells of models, loading."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import ollama
import pytest

from antiphon.simulator import SimulatorSpec
from tests.server.stage import HELLO, KEY, Stage, stage

ADMIN = "a-key-of-the-caller-0123456789"


@pytest.fixture
async def mixed(tmp_path: Path) -> AsyncIterator[Stage]:
    """`one` speaks chat, `local` Ollama."""
    specs = [SimulatorSpec(name="one", seed=1), SimulatorSpec(name="local", seed=2)]
    models = {"home": "local/sim-small", "fast:latest": "one/sim-small", "bare": "one/sim-small"}
    async with stage(
        tmp_path,
        specs,
        providers_of={"local": {"catalog": "ollama", "dialect": None}},
        models=models,
    ) as running:
        yield running


def client(running: Stage, mount: str = "", **options: Any) -> ollama.AsyncClient:
    return ollama.AsyncClient(host=f"{running.address}{mount}", timeout=20, verify=False, **options)


@pytest.mark.parametrize("mount", ["", "/ollama"])
@pytest.mark.parametrize("model", ["fast", "home"])
async def test_chat_and_completion(mixed: Stage, mount: str, model: str) -> None:
    async with client(mixed, mount) as asked:
        said = await asked.chat(model=model, messages=HELLO)
        assert said.done
        assert said.message.content
        assert said.eval_count
        pieces = [each async for each in await asked.chat(model=model, messages=HELLO, stream=True)]
        assert "".join(each.message.content or "" for each in pieces)
        assert [each.done for each in pieces] == [False] * (len(pieces) - 1) + [True]
        written = await asked.generate(model=model, prompt="Hello there")
        assert written.response
        pieces = [
            each async for each in await asked.generate(model=model, prompt="Hi", stream=True)
        ]
        assert "".join(each.response for each in pieces)


async def test_a_stream_is_what_is_answered_unless_asked_otherwise(mixed: Stage) -> None:
    for path, said in (("/api/chat", {"messages": HELLO}), ("/api/generate", {"prompt": "Hi"})):
        for model in ("fast", "home"):
            answer = await mixed.http.post(path, json={"model": model, **said})
            assert answer.headers["content-type"] == "application/x-ndjson"
            lines = [json.loads(line) for line in answer.text.splitlines()]
            assert len(lines) > 1
            assert lines[-1]["done"] is True


async def test_the_callers_bytes_go_through_where_ollama_answers(mixed: Stage) -> None:
    body = b'{ "model": "home",  "messages": [{"role":"user","content":"Hi"}], "shape": [1, 2] }'
    answer = await mixed.http.post("/api/chat", content=body)
    assert answer.status_code == 200
    received = mixed.second.received[-1]
    assert received.path == "/api/chat"
    assert received.body == body.replace(b"home", b"sim-small")
    raw = b'{"model": "home", "prompt": "Hi", "raw": true, "suffix": "end", "stream": false}'
    answer = await mixed.http.post("/api/generate", content=raw)
    assert answer.status_code == 200, answer.text
    assert mixed.second.received[-1].body == raw.replace(b"home", b"sim-small")
    refused = await mixed.http.post("/api/generate", content=raw.replace(b"home", b"fast"))
    assert refused.status_code == 400
    assert "raw" in refused.json()["error"]


async def test_it_tells_of_the_models_that_may_be_asked_for(mixed: Stage) -> None:
    async with client(mixed) as asked:
        names = [each.model for each in (await asked.list()).models]
        assert {"fast", "home", "both", "fast:latest"} <= set(names)
        shown = await asked.show("home")
        assert "completion" in (shown.capabilities or [])
        with pytest.raises(ollama.ResponseError) as refused:
            await asked.show("absent")
        assert refused.value.status_code == 404
        assert (await asked.ps()).models == []
        version = (await mixed.http.get("/api/version")).json()["version"]
        assert tuple(map(int, version.split("."))) >= (0, 13, 0)
        assert (await mixed.http.get("/")).text == "Ollama is running"
        assert (await mixed.http.head("/ollama")).status_code == 200
    assert (await mixed.http.post("/ollama")).status_code == 405


async def test_the_tag_that_clients_add_is_taken_off(mixed: Stage) -> None:
    async with client(mixed) as asked:
        assert (await asked.chat(model="bare:latest", messages=HELLO)).message.content
        assert (await asked.show("bare:latest")).capabilities
        # A name that has it keeps it.
        assert (await asked.chat(model="fast:latest", messages=HELLO)).message.content
        with pytest.raises(ollama.ResponseError) as refused:
            await asked.chat(model="absent:latest", messages=HELLO)
        assert refused.value.status_code == 404


@pytest.mark.parametrize("path", ["/api/chat", "/api/generate"])
async def test_a_model_is_loaded_where_there_is_one(mixed: Stage, path: str) -> None:
    before = mixed.first.requests
    for model, asked in (("fast", 0), ("home", 1)):
        count = mixed.second.requests
        answer = await mixed.http.post(path, json={"model": model, "keep_alive": 0})
        assert answer.status_code == 200, answer.text
        assert (answer.json()["done"], answer.json()["done_reason"]) == (True, "unload")
        assert mixed.second.requests - count == asked
        answer = await mixed.http.post(path, json={"model": model})
        assert answer.json()["done_reason"] == "load"
    assert mixed.first.requests == before
    refused = await mixed.http.post(path, json={"model": "absent"})
    assert refused.status_code == 404


@pytest.mark.parametrize("name", ["pull", "push", "create", "copy", "delete"])
async def test_models_are_not_kept_here(mixed: Stage, name: str) -> None:
    answer = await mixed.http.post(f"/api/{name}", json={"model": "x"})
    assert answer.status_code == 404
    assert "configuration" in answer.json()["error"]


async def test_errors_are_ollamas(tmp_path: Path) -> None:
    keys = {"required": True, "keys": [{"key": ADMIN, "user": "web"}]}
    async with stage(tmp_path, auth=keys) as running:
        for path in ("/api/tags", "/api/show", "/api/chat", "/ollama/api/nothing"):
            method = "GET" if path.endswith("tags") else "POST"
            answer: Any = await running.http.request(method, path, json={"model": "fast"})
            assert answer.status_code in {401, 404}
            assert isinstance(answer.json()["error"], str), answer.text
        headers = {"authorization": f"Bearer {ADMIN}"}
        async with client(running, headers=headers) as keyed, client(running) as stranger:
            assert (await keyed.chat(model="fast", messages=HELLO)).message.content
            with pytest.raises(ollama.ResponseError) as refused:
                await stranger.chat(model="fast", messages=HELLO)
        assert refused.value.status_code == 401
        assert KEY not in str(refused.value)
