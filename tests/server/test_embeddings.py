"""Vectors through real sockets: official clients of three shapes, providers of three dialects."""

from __future__ import annotations

import math
from base64 import b64encode
from struct import pack

import openai
import pytest

from antiphon.simulator.reply import json as json_reply
from antiphon.simulator.reply import plain
from tests.server.embedders import (
    ADMIN,
    CALLERS,
    MISSING,
    MODEL,
    ONE,
    PROVIDERS,
    ROUTES,
    TWO,
    answering,
    asked,
    by_openai,
    rows,
    speaking,
)
from tests.server.stage import stage

# ------------------------------------------------------------------ every pair


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("caller", CALLERS)
async def test_every_client_at_every_provider(tmp_path, provider, caller):
    texts = ["first text", "zweiter Text \u4e2d\U0001f600", "third"]
    async with speaking(tmp_path, provider) as road:
        heard = await CALLERS[caller](
            road, "vectors", texts, **({} if caller == "ollama-old" else {"dimensions": 8})
        )
        one = await CALLERS[caller](road, "vectors", texts[0])
        found = await rows(road)
        for each in road.first.received:
            assert each.path.endswith(PROVIDERS[provider])
    assert [len(each) for each in heard.vectors] == [len(heard.vectors[0])] * 3
    assert all(math.isfinite(number) for each in heard.vectors for number in each)
    assert len(one.vectors) == 1
    if caller != "ollama-old":
        assert len(heard.vectors[0]) == 8
    if heard.tokens is not None:
        assert heard.tokens > 0
    assert all(int(row["input_tokens"]) > 0 for row in found)
    assert {row["output_tokens"] for row in found} == {"0"}
    silent = provider == "ollama" and caller == "ollama-old"
    assert {row["charge"] for row in found} == {"estimated" if silent else "reported"}
    assert {row["cost"] for row in found} == {f"{int(row['input_tokens']) * 1000}" for row in found}


@pytest.mark.parametrize("caller", ["openai", "openai-floats", "ollama", "gemini"])
async def test_vectors_come_in_the_order_of_their_texts(tmp_path, caller):
    async with speaking(tmp_path, "openai_chat") as road:
        heard = await CALLERS[caller](road, "vectors", ["a", "b", "c"])
    assert heard.vectors == [
        [0.25, -0.5, 0.125, 1.0],
        [-0.5, 0.125, 1.0, 0.25],
        [0.125, 1.0, 0.25, -0.5],
    ]


@pytest.mark.parametrize("caller", sorted(CALLERS.keys() - {"gemini-one"}))
async def test_a_model_that_is_not_there(tmp_path, caller):
    async with speaking(tmp_path, "openai_chat") as road:
        with pytest.raises(MISSING) as caught:
            await CALLERS[caller](road, "absent", "x")
        assert not road.first.received
    assert "absent" in str(caught.value)


async def test_a_provider_that_makes_no_vectors(tmp_path):
    async with speaking(tmp_path, "anthropic_messages") as road:
        for caller in ("openai", "ollama"):
            with pytest.raises((openai.BadRequestError, *MISSING), match=r"openai_chat.*gemini"):
                await CALLERS[caller](road, "vectors", "x")
        assert not road.first.received


# ------------------------------------------------------------------ bytes that pass


async def test_a_caller_and_a_provider_of_one_shape_exchange_bytes(tmp_path):
    body = b'{ "input" : ["a"],  "model":"vectors" , "odd": 1.50, "encoding_format":null}'
    told = b'{"object":"list", "data":[{"embedding":[1.50, 2e0],"index":0}], "odd":{"a":1.0}}'
    async with speaking(tmp_path, "openai_chat") as road:
        answering(road, plain(told, headers=((b"content-type", b"application/json"),)))
        answer = await road.http.post("/v1/embeddings", content=body)
        (sent,) = road.first.received
    assert answer.content == told
    assert sent.body == body.replace(b'"vectors"', b'"sim-embed"')
    assert "x-antiphon-warnings" not in answer.headers


async def test_no_number_is_read_where_bytes_pass(tmp_path):
    """What no number can be goes on, since nobody looks at it; translated, it is no answer."""
    told = b'{"data":[{"embedding":[1e999, -1e999]},{"embedding":[0.%b]}]}' % (b"1" * 400)
    async with speaking(tmp_path, "openai_chat") as road:
        answering(road, plain(told, headers=((b"content-type", b"application/json"),)))
        answer = await asked(road, input=["a", "b"])
        assert answer.content == told
        answering(road, plain(told, headers=((b"content-type", b"application/json"),)))
        body = {"model": "vectors", "input": ["a", "b"]}
        assert (await road.http.post("/api/embed", json=body)).status_code == 502


async def test_another_shape_where_the_caller_s_own_is_absent(tmp_path):
    """An Ollama so old that it has no OpenAI-like endpoint for vectors."""
    old = {"one": {"catalog": "ollama", "dialect": None}}
    async with stage(tmp_path, ONE, models={"vectors": [f"one/{MODEL}"]}, providers_of=old) as road:
        answering(road, plain(b"404 page not found", status=404))
        assert len((await by_openai(road, "vectors", ["a", "b"], dimensions=8)).vectors) == 2
        await by_openai(road, "vectors", "c")
        paths = [each.path for each in road.first.received]
    assert paths == ["/v1/embeddings", "/api/embed", "/api/embed"]


async def test_ollama_s_bytes_pass_too(tmp_path):
    body = b'{"model":"vectors", "prompt":"a","options":{"num_ctx":99}}'
    async with speaking(tmp_path, "ollama") as road:
        answer = await road.http.post("/api/embeddings", content=body)
        (sent,) = road.first.received
    assert len(answer.json()["embedding"]) == 16
    assert (sent.path, sent.body) == ("/api/embeddings", body.replace(b"vectors", b"sim-embed"))


@pytest.mark.parametrize("path", ["/api/embed", "/ollama/api/embed"])
async def test_ollama_s_clients_may_name_a_tag_that_nobody_gave(tmp_path, path):
    async with speaking(tmp_path, "openai_chat") as road:
        answer = await road.http.post(path, json={"model": "vectors:latest", "input": "a"})
        assert answer.status_code == 200, answer.text
        unknown = await road.http.post(path, json={"model": "others:latest", "input": "a"})
        assert unknown.status_code == 404


async def test_an_empty_input_loads_a_model_of_ollama_s(tmp_path):
    async with speaking(tmp_path, "ollama") as road:
        for body in ({"input": ""}, {"input": []}, {}):
            answer = await road.http.post("/api/embed", json={"model": "vectors", **body})
            assert answer.status_code == 200, answer.text
            assert answer.json()["embeddings"] == []


@pytest.mark.parametrize(
    ("encoding", "given", "heard"),
    [
        ("base64", [0.5, 2.0], b64encode(pack("<2f", 0.5, 2)).decode()),
        ("float", b64encode(pack("<2f", 0.5, 2)).decode(), [0.5, 2.0]),
    ],
)
async def test_a_provider_that_ignores_the_encoding(tmp_path, encoding, given, heard):
    async with speaking(tmp_path, "openai_chat") as road:
        told = {"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": given}]}
        answering(road, json_reply(told))
        answer = await asked(road, input="x", encoding_format=encoding)
    assert answer.json()["data"][0] == {"object": "embedding", "index": 0, "embedding": heard}


async def test_large_vectors(tmp_path):
    numbers = [round(math.sin(at), 9) for at in range(3072)]
    told = {"data": [{"index": at, "embedding": numbers} for at in range(100)]}
    texts = ["x"] * 100
    async with speaking(tmp_path, "openai_chat") as road:
        answering(road, json_reply(told))
        assert (await by_openai(road, "vectors", texts, encoding_format="float")).vectors == [
            numbers
        ] * 100
        answering(road, json_reply(told))
        heard = await CALLERS["ollama"](road, "vectors", texts)
    assert heard.vectors == [numbers] * 100


async def test_what_it_looks_like_in_the_ledger(tmp_path):
    async with speaking(tmp_path, "ollama") as road:
        await by_openai(road, "vectors", "x")
        await CALLERS["ollama"](road, "vectors", "x")
        found = await rows(road)
    assert [(row["heard"], row["spoken"]) for row in found] == [
        ("openai_embeddings", "ollama_embed"),
        ("ollama_embed", "ollama_embed"),
    ]


# ------------------------------------------------------------------ losses


@pytest.mark.parametrize(
    ("provider", "body", "told"),
    [
        ("ollama", {"input_type": "query"}, "task"),
        ("ollama", {"odd": 1}, "unknown_members"),
        ("ollama", {"user": "u"}, ""),
        ("ollama", {"dimensions": 8, "encoding_format": "base64"}, ""),
        ("gemini", {"input_type": "query"}, ""),
        ("gemini", {"odd": 1}, "unknown_members"),
    ],
)
async def test_what_is_lost_is_told(tmp_path, provider, body, told):
    async with speaking(tmp_path, provider) as road:
        answer = await asked(road, input="x", **body)
        assert answer.status_code == 200, answer.text
        assert answer.headers.get("x-antiphon-warnings", "").partition(":")[0] == told
        strict = await asked(road, "strict", input="x", **body)
        assert strict.status_code == (400 if told else 200)
        if told == "task":
            assert strict.json()["error"]["param"] == "input_type"
        metrics = await road.http.get("/metrics", headers={"authorization": f"Bearer {ADMIN}"})
        if told:
            assert f'need="{told}"' in metrics.text


async def test_ollama_s_truncation_at_openai(tmp_path):
    async with speaking(tmp_path, "openai_chat") as road:
        for truncate, told in ((True, "truncate"), (False, "")):
            body = {"model": "vectors", "input": "x", "truncate": truncate}
            answer = await road.http.post("/api/embed", json=body)
            assert answer.headers.get("x-antiphon-warnings", "").partition(":")[0] == told
        assert all(b"truncate" not in each.body for each in road.first.received)


@pytest.mark.parametrize("provider", ["gemini", "ollama"])
@pytest.mark.parametrize("tokens", [[1, 2], [[1], [2]]])
async def test_tokens_are_refused_where_only_texts_are_taken(tmp_path, provider, tokens):
    async with speaking(tmp_path, provider) as road:
        answer = await asked(road, input=tokens)
        assert not road.first.received
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "input"
    assert "token inputs" in answer.json()["error"]["message"]


async def test_a_loss_is_a_reason_to_ask_another(tmp_path):
    async with stage(
        tmp_path,
        TWO,
        dialects={"one": "ollama", "two": "openai_chat"},
        models=ROUTES,
    ) as road:
        raw = await road.client.embeddings.with_raw_response.create(
            model="picky", input=[[1, 2], [3]]
        )
        assert raw.headers["x-antiphon-deployment"] == f"two/{MODEL}"
        assert raw.headers["x-antiphon-attempts"] == "1"
        assert not road.first.received
