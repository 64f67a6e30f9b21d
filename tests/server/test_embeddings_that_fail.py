"""Vectors that are missing, broken or refused, through real sockets."""

from __future__ import annotations

import json

import pytest

from antiphon.simulator.reply import json as json_reply
from antiphon.simulator.reply import plain
from tests.server.embedders import (
    CALLERS,
    MODEL,
    ONE,
    ROUTES,
    TWO,
    answering,
    asked,
    rows,
    speaking,
)
from tests.server.stage import KEY, stage


async def test_another_provider_answers_in_another_shape(tmp_path):
    async with stage(
        tmp_path, TWO, dialects={"one": "openai_chat", "two": "ollama"}, models=ROUTES
    ) as road:
        road.first.arm("server-error")
        raw = await road.client.embeddings.with_raw_response.create(
            model="either", input=["a", "b"], dimensions=8
        )
        assert [len(each.embedding) for each in raw.parse().data] == [8, 8]
        assert raw.headers["x-antiphon-deployment"] == f"two/{MODEL}"
        assert raw.headers["x-antiphon-attempts"] == "2"


ITEM = {"object": "embedding", "index": 0, "embedding": [1.0]}
BAD = [
    {"data": []},
    {"data": [ITEM]},
    {"data": [ITEM, {**ITEM, "index": 1}, {**ITEM, "index": 2}]},
    {"data": None},
    {"object": "list"},
    {"object": "chat.completion", "choices": []},
    [],
]


@pytest.mark.parametrize("caller", ["openai", "ollama"])
@pytest.mark.parametrize("told", BAD, ids=json.dumps)
async def test_vectors_that_are_missing_fail_the_attempt(tmp_path, caller, told):
    async with speaking(tmp_path, "openai_chat", TWO) as road:
        answering(road, json_reply(told))
        heard = await CALLERS[caller](road, "either", ["a", "b"])
        assert len(heard.vectors) == 2
        assert len(road.second.received) == 1
        found = await rows(road)
    assert [row["outcome"] for row in found] == ["failed", "ok"]


@pytest.mark.parametrize(
    "vectors",
    [
        b"[1, NaN]",
        b"[1, Infinity]",
        b"[1, 1e999]",
        b"[1, null]",
        b'["1", "2"]',
        b"[]",
        b'"AAA"',
        b'"AAAAAAA="',
        b'"AADAfw=="',
        b"{}",
        b"1",
    ],
)
async def test_vectors_that_are_none_fail_the_attempt(tmp_path, vectors):
    body = b'{"data":[{"index":0,"embedding":%b}]}' % vectors
    async with speaking(tmp_path, "openai_chat") as road:
        answering(road, plain(body, headers=((b"content-type", b"application/json"),)))
        answer = await road.http.post("/api/embed", json={"model": "vectors", "input": "a"})
    assert answer.status_code == 502
    assert answer.json()["error"]


async def test_vectors_of_another_length_than_asked(tmp_path):
    async with speaking(tmp_path, "openai_chat") as road:
        answering(road, json_reply({"data": [ITEM]}))
        body = {"model": "vectors", "input": "a", "dimensions": 3}
        answer = await road.http.post("/api/embed", json=body)
    assert answer.status_code == 502
    assert "wrong_dimensions" in answer.text or "1 numbers" in answer.text


async def test_usage_that_was_not_told_is_estimated(tmp_path):
    async with speaking(tmp_path, "openai_chat") as road:
        answering(road, json_reply({"data": [ITEM]}))
        heard = await CALLERS["ollama"](road, "vectors", "a text of some words")
        [row] = await rows(road)
    assert row["charge"] == "estimated"
    assert heard.tokens == int(row["input_tokens"]) == 6


@pytest.mark.parametrize("provider", ["gemini", "openai_chat"])
async def test_more_inputs_than_one_request_may_have(tmp_path, provider):
    most = 100 if provider == "gemini" else 2048
    path = "/v1/embeddings" if provider == "gemini" else "/api/embed"
    async with speaking(tmp_path, provider) as road:
        body = {"model": "vectors", "input": ["x"] * most}
        assert (await road.http.post(path, json=body)).status_code == 200
        body["input"].append("x")
        answer = await road.http.post(path, json=body)
        assert len(road.first.received) == 1
    assert answer.status_code == 400
    assert f"at most {most}" in answer.text


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "input"),
        ({"input": []}, "input"),
        ({"input": None}, "input"),
        ({"input": 1}, "input"),
        ({"input": ["a", 1]}, "input"),
        ({"input": [["a"]]}, "input"),
        ({"input": "a", "dimensions": 0}, "dimensions"),
        ({"input": "a", "dimensions": "x"}, "dimensions"),
        ({"input": "a", "encoding_format": "x"}, "encoding_format"),
    ],
)
async def test_what_cannot_be_translated(tmp_path, body, param):
    async with speaking(tmp_path, "ollama") as road:
        answer = await asked(road, **body)
        assert not road.first.received
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param


@pytest.mark.parametrize("path", ["/v1/embeddings", "/api/embed", "/api/embeddings"])
async def test_bodies_that_are_none(tmp_path, path):
    async with speaking(tmp_path, "openai_chat") as road:
        for body in (b"", b"[]", b"{", b"\xff", b'{"model":1}', b'{"model":""}', b"{}"):
            answer = await road.http.post(path, content=body)
            assert answer.status_code == 400, body
            assert answer.json()["error"]
        assert (await road.http.get(path)).status_code == 405
        assert not road.first.received


async def test_a_key_is_required_as_everywhere(tmp_path):
    auth = {"required": True, "keys": [{"key": KEY, "models": ["vectors"]}]}
    async with stage(tmp_path, TWO, models=ROUTES, auth=auth) as road:
        for path in ("/v1/embeddings", "/api/embed", "/api/embeddings"):
            body = {"model": "vectors", "input": "x", "prompt": "x"}
            assert (await road.http.post(path, json=body)).status_code == 401
            headers = {"authorization": f"Bearer {KEY}"}
            assert (await road.http.post(path, json=body, headers=headers)).status_code == 200
            body["model"] = "either"
            assert (await road.http.post(path, json=body, headers=headers)).status_code == 403


GEMINI = "/v1beta/models/{}:batchEmbedContents"


async def test_what_gemini_s_callers_are_told(tmp_path):
    one = {"content": {"parts": [{"text": "a"}]}}
    async with speaking(tmp_path, "openai_chat") as road:
        for model, body, status in (
            ("absent", {"requests": [one]}, 404),
            ("vectors", {"requests": []}, 400),
            ("vectors", {"requests": [{}]}, 400),
            ("vectors", {"requests": [one, {**one, "taskType": "CLUSTERING"}]}, 400),
            ("vectors", {"requests": [{"content": {"parts": [{"inlineData": {}}]}}]}, 400),
            ("vectors", {}, 400),
        ):
            answer = await road.http.post(GEMINI.format(model), json=body)
            assert (answer.status_code, answer.json()["error"]["code"]) == (status, status), body
        assert not road.first.received


async def test_a_model_s_name_in_gemini_s_path(tmp_path):
    """A name may hold slashes and colons, as they are or escaped."""
    names = ["a/b:1", "vectors"]
    routes = {name: {"deployments": [f"one/{MODEL}"]} for name in names}
    async with stage(tmp_path, ONE, models=routes) as road:
        for path in ("a%2Fb%3A1", "a/b:1", "vectors"):
            one = {"content": {"parts": [{"text": "a"}]}}
            answer = await road.http.post(f"/gemini/v1beta/models/{path}:embedContent", json=one)
            assert answer.status_code == 200, answer.text
            assert answer.json()["embedding"]["values"] == [0.25, -0.5, 0.125, 1.0]
        assert {json.loads(each.body)["model"] for each in road.first.received} == {MODEL}
