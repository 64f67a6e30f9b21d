"""What of an answer to a request with an `Idempotency-Key` is not kept, or not for ever."""

from __future__ import annotations

import asyncio
import json
import time

import pytest

from antiphon.simulator import FaultRule, Latency
from tests.server.raw import CHAT, chat_body, connected, request
from tests.server.stage import HELLO, stage
from tests.server.test_asked_again import keyed, post, rows


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
