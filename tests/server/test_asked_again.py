"""Inference with an `Idempotency-Key`: asked twice, answered twice, called once."""

from __future__ import annotations

import asyncio
import json
import time

import anthropic
import pytest

from antiphon.simulator import FaultRule, Latency
from tests.server.raw import CHAT, chat_body, connected, request
from tests.server.stage import HELLO, KEY, Stage, stage

ADMIN = "admin-key-0123456789abcdef"
OTHER = "other-key-0123456789abcdef"
AUTH = {
    "required": True,
    "admin_key": ADMIN,
    "keys": [{"key": KEY, "team": "web"}, {"key": OTHER, "team": "web"}],
}
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


# ------------------------------------------------------------------ what is not kept


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("fault", ["server-error", "rate-limited", "bad-request", "cut"])
async def test_what_failed_is_asked_again(road, fault, stream):
    if fault == "cut" and not stream:
        fault = "truncated"
    road.first.arm(FaultRule(fault, count=1))
    body = {"model": "fast", "messages": HELLO, "stream": stream}
    first = await post(road, body)
    assert first.status_code >= 400 or b"error" in first.content
    again = await post(road, body)
    assert again.status_code == 200
    assert "idempotent-replayed" not in again.headers
    assert b"error" not in again.content
    assert road.first.requests == 2


async def test_after_a_refusal_the_key_is_free(road):
    assert (await post(road, {"model": "nothing", "messages": HELLO})).status_code == 404
    assert (await post(road, {"model": "fast", "messages": HELLO})).status_code == 200


async def test_an_answer_that_is_too_long(tmp_path):
    async with stage(tmp_path, idempotency={"max_answer_bytes": 512}) as road:
        for stream in (False, True):
            body = {"model": "fast", "stream": stream, "messages": HELLO}
            for _ in range(2):
                answer = await post(road, body, key=f"long-{stream}")
                assert answer.status_code == 200
                assert len(answer.content) > 512
                assert "idempotent-replayed" not in answer.headers
                assert answer.content.endswith(b"[DONE]\n\n" if stream else b"}")
        assert road.first.requests == 4


async def test_who_comes_while_a_long_answer_is_made(tmp_path):
    async with stage(tmp_path, idempotency={"max_answer_bytes": 1024}) as road:
        road.first.set_latency(Latency(tokens_per_second=300))
        body = chat_body(stream=True)
        async with connected(road) as raw:
            await raw.send(request(body, "Idempotency-Key: long", "Content-Type: application/json"))
            await raw.head()
            read = b""
            while len(read) < 4000:
                read += await raw.reader.read(4000)
            answer = await road.http.post(CHAT, content=body, headers=keyed("long"))
            assert (answer.status_code, answer.json()["error"]["code"]) == (409, "conflict")
            assert answer.headers["retry-after"] == "1"
            raw.abort()
        await road.at_rest()
        (row,) = await rows(road)
        assert row["outcome"] == "cancelled", "nobody reads it, and it is not kept"


class MovedClock:
    def __init__(self) -> None:
        self.moved = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.moved

    def now(self) -> float:
        return time.time() + self.moved


async def test_it_ends(tmp_path):
    clock = MovedClock()
    async with stage(tmp_path, clock=clock, idempotency={"answer_seconds": 60}) as road:
        body = {"model": "fast", "messages": HELLO}
        await post(road, body)
        clock.moved = 59
        assert "idempotent-replayed" in (await post(road, body)).headers
        clock.moved = 61
        assert "idempotent-replayed" not in (await post(road, {**body, "n": 1})).headers
        assert road.first.requests == 2


async def test_it_can_be_switched_off(tmp_path):
    async with stage(tmp_path, idempotency={"answer_seconds": 0}) as road:
        for _ in range(2):
            answer = await post(road, {"model": "fast", "messages": HELLO})
            assert (answer.status_code, "idempotent-replayed" in answer.headers) == (200, False)
        assert road.first.requests == 2


async def test_memory_is_bounded(tmp_path):
    bound = {"max_bytes": 1 << 16, "max_answer_bytes": 1 << 14}
    async with stage(tmp_path, idempotency=bound) as road:
        body = {"model": "fast", "messages": HELLO}
        for number in range(60):
            await post(road, body, key=f"k-{number}")
        assert "idempotent-replayed" in (await post(road, body, key="k-59")).headers
        assert "idempotent-replayed" not in (await post(road, body, key="k-0")).headers


async def test_an_answer_goes_on_while_the_gateway_drains(tmp_path):
    async with stage(tmp_path, server={"drain_seconds": 5}) as road:
        road.first.set_latency(Latency(first_token=0.1))
        body = {"model": "fast", "messages": HELLO}
        asking = asyncio.ensure_future(post(road, body))
        while not road.first.requests:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        road.gateway.draining = True
        assert (await post(road, body)).headers["idempotent-replayed"] == "true"
        assert (await post(road, body, key="new")).status_code == 503
        assert (await asking).status_code == 200
        assert json.loads((await asking).content)["choices"]
