"""Inference with an `Idempotency-Key`: asked twice, answered twice, called once."""

from __future__ import annotations

import asyncio
import secrets
import time

import anthropic
import pytest

from antiphon.access.proxy import Identity, sign
from antiphon.secret import Secret
from antiphon.simulator import Latency
from tests.server.raw import CHAT, chat_body, connected, request
from tests.server.stage import HELLO, KEY, Stage, stage

ADMIN = "admin-key-0123456789abcdef"
OTHER = "other-key-0123456789abcdef"
AUTH = {
    "required": True,
    "admin_key": ADMIN,
    "keys": [{"key": KEY, "team": "web"}, {"key": OTHER, "team": "web"}],
}
PROXY_SECRET = "proxy-secret-of-at-least-thirty-two-bytes"
PAGE = "https://app.example.com"
PARTS = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}
ASKED: dict[str, tuple[str, dict[str, object]]] = {
    "chat": (CHAT, {"model": "fast", "messages": HELLO}),
    "chat, streamed": (CHAT, {"model": "fast", "messages": HELLO, "stream": True}),
    "responses": ("/v1/responses", {"model": "fast", "input": "Hi"}),
    "responses, streamed": ("/v1/responses", {"model": "fast", "input": "Hi", "stream": True}),
    "messages": ("/v1/messages", {"model": "fast", "messages": HELLO, "max_tokens": 9}),
    "messages, streamed": (
        "/v1/messages",
        {"model": "fast", "messages": HELLO, "max_tokens": 9, "stream": True},
    ),
    "gemini": ("/v1beta/models/fast:generateContent", PARTS),
    "gemini, an array": ("/v1beta/models/fast:streamGenerateContent", PARTS),
    "gemini, events": ("/gemini/v1beta/models/fast:streamGenerateContent?alt=sse", PARTS),
    "ollama": ("/api/chat", {"model": "fast", "messages": HELLO, "stream": False}),
    "ollama, streamed": ("/ollama/api/generate", {"model": "fast", "prompt": "Hi"}),
    "vectors": ("/v1/embeddings", {"model": "one/sim-embed", "input": "Hi"}),
    "vectors of ollama": ("/api/embed", {"model": "one/sim-embed", "input": "Hi"}),
    "vectors of gemini": (
        "/v1beta/models/one%2Fsim-embed:embedContent",
        {"content": {"parts": [{"text": "Hi"}]}},
    ),
}


def keyed(key: str = "again-1", **headers: str) -> dict[str, str]:
    return {"idempotency-key": key, "content-type": "application/json", **headers}


async def post(road: Stage, body: object, *, path: str = CHAT, **headers: str):
    return await road.http.post(path, json=body, headers=keyed(**headers))


def bearer(key: str) -> str:
    return f"Bearer {key}"


def as_person(name: str) -> dict[str, str]:
    said = Identity(user=name, at=int(time.time()), nonce=secrets.token_hex(8))
    return {"x-antiphon-user": sign(said, Secret(PROXY_SECRET)).decode()}


# ------------------------------------------------------------------ the same again


@pytest.mark.parametrize("name", ASKED)
async def test_every_door(road, name):
    path, body = ASKED[name]
    first = await post(road, body, path=path)
    assert (first.status_code, road.first.requests) == (200, 1), first.content
    assert "idempotent-replayed" not in first.headers
    again = await post(road, body, path=path)
    assert again.headers["idempotent-replayed"] == "true"
    assert (again.status_code, again.content) == (200, first.content)
    own = {"idempotent-replayed", "date", "content-length", "transfer-encoding"}
    for header, value in first.headers.items():
        assert header in own or again.headers[header] == value, header
    assert road.first.requests == 1
    fresh = await post(road, body, path=path, key="again-2")
    assert "idempotent-replayed" not in fresh.headers
    assert road.first.requests == 2


async def test_without_a_key_every_request_is_a_call(road):
    for _ in range(2):
        answer = await road.http.post(CHAT, content=chat_body())
        assert "idempotent-replayed" not in answer.headers
    assert road.first.requests == 2


async def test_through_asgi_as_well(tmp_path):
    """A page's request takes the long way."""
    async with stage(tmp_path, server={"cors": {"origins": [PAGE]}}) as road:
        body = {"model": "fast", "messages": HELLO}
        first = await post(road, body, origin=PAGE)
        again = await post(road, body, origin=PAGE)
        assert again.headers["idempotent-replayed"] == "true"
        assert "idempotent-replayed" in again.headers["access-control-expose-headers"]
        assert again.content == first.content
        assert road.first.requests == 1


async def test_one_row_and_one_cost(tmp_path):
    async with stage(tmp_path, auth=AUTH) as road:
        for _ in range(3):
            answer = await post(
                road, {"model": "fast", "messages": HELLO}, authorization=bearer(KEY)
            )
            assert answer.status_code == 200
        usage = await road.http.get("/api/v1/usage", headers={"authorization": bearer(ADMIN)})
        assert usage.json()["totals"]["attempts"] == 1


async def test_the_official_clients(road):
    """They send no key of their own; with one, their retries carry it."""
    calls = road.client.chat.completions
    headers = {"Idempotency-Key": "of-a-client"}
    first = await calls.create(model="fast", messages=HELLO, extra_headers=headers)
    again = await calls.create(model="fast", messages=HELLO, extra_headers=headers)
    assert again == first
    client = anthropic.AsyncAnthropic(base_url=road.address, api_key=KEY, max_retries=0)
    told = [
        await client.messages.create(
            model="fast",
            messages=HELLO,
            max_tokens=9,
            extra_headers=headers | {"Idempotency-Key": "b"},
        )
        for _ in range(2)
    ]
    assert told[0] == told[1]
    await client.close()
    assert road.first.requests == 2
    for received in road.first.received:
        assert b"idempotency-key" not in {name.lower() for name, _ in received.headers}


# ------------------------------------------------------------------ who leaves


@pytest.mark.parametrize("stream", [False, True])
async def test_who_lost_the_connection_gets_the_answer_of_the_one_call(road, stream):
    road.first.set_latency(Latency(first_token=0.05, tokens_per_second=400))
    body = chat_body(stream=stream)
    async with connected(road) as raw:
        await raw.send(request(body, "Idempotency-Key: lost", "Content-Type: application/json"))
        if stream:
            await raw.head()
        else:
            await asyncio.sleep(0.01)
        raw.abort()
    again = await road.http.post(CHAT, content=body, headers=keyed("lost"))
    assert again.headers["idempotent-replayed"] == "true"
    assert again.content.endswith(b"data: [DONE]\n\n" if stream else b"}")
    assert road.first.requests == 1
    await road.at_rest()
    (row,) = await rows(road)
    assert (row["status"], row["outcome"]) == (200, "ok")


async def rows(road: Stage) -> list[dict[str, object]]:
    key = road.gateway.claim_admin_key().fresh
    answer = await road.http.get(
        "/api/v1/requests", headers={"authorization": bearer(key.reveal())}
    )
    return answer.json()["requests"]


async def test_all_who_ask_at_once_share_the_call(road):
    road.first.set_latency(Latency(first_token=0.05, tokens_per_second=1000))
    body = {"model": "fast", "messages": HELLO, "stream": True}
    answers = await asyncio.gather(*(post(road, body) for _ in range(20)))
    assert len({answer.content for answer in answers}) == 1
    assert answers[0].content.endswith(b"data: [DONE]\n\n")
    replayed = [answer.headers.get("idempotent-replayed") for answer in answers]
    assert replayed.count(None) == 1
    assert road.first.requests == 1


# ------------------------------------------------------------------ another request


async def test_a_key_that_belongs_to_another_request(road):
    first = {"model": "fast", "messages": HELLO}
    assert (await post(road, first)).status_code == 200
    for path, body, headers in (
        (CHAT, {**first, "temperature": 0.5}, {}),
        ("/chat/completions", first, {}),
        (f"{CHAT}?x=1", first, {}),
        ("/v1/responses", {"model": "fast", "input": "Hi"}, {}),
    ):
        answer = await post(road, body, path=path, **headers)
        assert answer.status_code == 422, path
        error = answer.json()["error"]
        assert (error["code"], error["param"]) == ("idempotency_key_reused", "Idempotency-Key")
        assert answer.headers["x-should-retry"] == "false"
    assert road.first.requests == 1
    assert (await post(road, first)).headers["idempotent-replayed"] == "true"


async def test_in_the_caller_s_dialect(road):
    body = {"model": "fast", "messages": HELLO, "max_tokens": 9}
    client = anthropic.AsyncAnthropic(base_url=road.address, api_key=KEY, max_retries=0)
    assert (await post(road, body, path="/v1/messages", **{"x-api-key": KEY})).status_code == 200
    with pytest.raises(anthropic.UnprocessableEntityError) as caught:
        await client.messages.create(
            **{**body, "max_tokens": 8}, extra_headers={"Idempotency-Key": "again-1"}
        )
    assert caught.value.body["error"]["code"] == "idempotency_key_reused"
    await client.close()
    told = await post(road, {}, path="/v1beta/models/fast:generateContent")
    assert told.json()["error"]["status"] == "INVALID_ARGUMENT"
    told = await post(road, {}, path="/api/chat")
    assert told.json()["code"] == "idempotency_key_reused"


async def test_a_header_that_goes_on_belongs_to_the_request(road):
    body = {"model": "fast", "messages": HELLO, "max_tokens": 9}
    betas = {"anthropic-beta": "a"}
    assert (await post(road, body, path="/v1/messages", **betas)).status_code == 200
    assert (await post(road, body, path="/v1/messages")).status_code == 422
    retry = {"x-stainless-retry-count": "1", "user-agent": "another"}
    again = await post(road, body, path="/v1/messages", **betas, **retry)
    assert again.headers["idempotent-replayed"] == "true"


async def test_a_key_is_its_owner_s(tmp_path):
    async with stage(tmp_path, auth=AUTH) as road:
        body = {"model": "fast", "messages": HELLO}
        for number, key in enumerate((KEY, OTHER, ADMIN), 1):
            answer = await post(road, body, authorization=bearer(key))
            assert "idempotent-replayed" not in answer.headers
            assert road.first.requests == number
        assert (await post(road, body, authorization=bearer("unknown"))).status_code == 401
        assert (await post(road, body)).status_code == 401
        assert road.first.requests == 3


async def test_people_behind_a_proxy(tmp_path):
    """Their header holds once, and each has a key space of their own."""
    auth = {**AUTH, "proxies": [{"secrets": [PROXY_SECRET]}]}
    async with stage(tmp_path, auth=auth) as road:
        body = {"model": "fast", "messages": HELLO}
        again = []
        for name in ("ann", "ann", "bob", "ann"):
            answer = await post(road, body, authorization=bearer(KEY), **as_person(name))
            assert answer.status_code == 200, answer.text
            again.append("idempotent-replayed" in answer.headers)
        assert again == [False, True, False, True]
        twice = as_person("ann")
        assert (await post(road, body, authorization=bearer(KEY), **twice)).status_code == 200
        assert (await post(road, body, authorization=bearer(KEY), **twice)).status_code == 401


async def test_on_a_route_with_a_cache(tmp_path):
    """What was kept comes before what is stored; a stored answer is kept as well."""
    models = {"stored": {"deployments": ["one/sim-small"], "cache": {"ttl": 60}}}
    async with stage(tmp_path, models=models) as road:
        for stream in (False, True):
            body = {"model": "stored", "messages": HELLO, "stream": stream}
            told = []
            for key in ("a", "a", "b", "b"):
                answer = await post(road, body, key=f"{key}-{stream}")
                headers = answer.headers
                told.append((headers["x-antiphon-cache"], "idempotent-replayed" in headers))
            first = "hit" if stream else "miss"
            assert told == [(first, False), (first, True), ("hit", False), ("hit", True)]
        assert road.first.requests == 1


BAD = ["", "a b\tc", "x" * 256, '"open', 'in"side', "\u00e4", '""']


@pytest.mark.parametrize("key", BAD)
async def test_what_is_no_key(road, key):
    async with connected(road) as raw:
        await raw.send(request(None, f"Idempotency-Key: {key}"))
        answer = await raw.response()
        assert (answer.status, answer.error["param"]) == (400, "Idempotency-Key")
    assert road.first.requests == 0


async def test_a_key_that_stands_twice(road):
    async with connected(road) as raw:
        await raw.send(request(None, *["Idempotency-Key: a"] * 2))
        assert (await raw.response()).status == 400


@pytest.mark.parametrize("key", ["x" * 255, "!#~", "two words", "8e03978e-40d5-43dd-bc93"])
async def test_what_is_one(road, key):
    body = {"model": "fast", "messages": HELLO}
    assert (await post(road, body, key=key)).status_code == 200
    again = await post(road, body, key=f'"{key}"')
    assert again.headers["idempotent-replayed"] == "true", "as the header's draft writes it"


async def test_other_methods(road):
    for method in ("GET", "PUT", "DELETE"):
        answer = await road.http.request(method, CHAT, headers=keyed())
        assert answer.status_code == 405
