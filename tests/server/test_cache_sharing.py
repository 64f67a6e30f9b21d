"""Equal requests that are under way at once."""

from __future__ import annotations

import asyncio
import gc
import json
import socket
from collections import Counter

import pytest

from antiphon.pipeline.exchange import Exchange
from antiphon.simulator import FaultRule, Latency, Outcome, SimulatorSpec
from tests.server.cached import (
    ADMIN,
    CHAT,
    ONE,
    PACED,
    Gate,
    ask,
    asked,
    manage,
    request,
    route,
    until,
    word,
)
from tests.server.raw import chat_body, connected
from tests.server.raw import request as written
from tests.server.stage import stage

STILL = [SimulatorSpec(name="one", seed=1, latency=Latency(first_token=1))]
"""It waits at a gate once, and then says all at once."""
LONG = [{"role": "user", "content": "[tokens: 30]"}]


@pytest.fixture
async def gate():
    return Gate()


@pytest.fixture
async def road(tmp_path, gate):
    async with stage(tmp_path, PACED, models=route(), pause=gate, auth=ADMIN) as running:
        yield running


def joined(road, count):
    return lambda: road.gateway.pipeline.caching.flights.statistics.joined == count


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_fifty_at_once(road, gate, stream):
    asking = [asyncio.create_task(ask(road, stream=stream)) for _ in range(50)]
    await until(joined(road, 49))
    gate.open()
    answers = await asyncio.gather(*asking)
    assert road.first.requests == 1
    assert Counter(map(word, answers)) == {"miss": 1, "shared": 49}
    assert len({answer.content for answer in answers}) == 1
    assert {answer.headers["x-antiphon-deployment"] for answer in answers} == {"one/sim-small"}
    told = {word(answer): answer.headers["x-antiphon-attempts"] for answer in answers}
    assert told == {"miss": "1", "shared": "0"}
    assert word(await ask(road, stream=stream)) == "hit"
    await road.at_rest()
    assert road.gateway.concurrency.in_use == 0


async def test_who_joins_late_hears_a_stream_from_its_beginning(road, gate):
    first = asyncio.create_task(ask(road, stream=True, messages=LONG))
    await until(lambda: gate.waiting)
    gate.step(5)
    await until(lambda: gate.passed == 5 and gate.waiting)
    second = asyncio.create_task(ask(road, stream=True, messages=LONG))
    await until(joined(road, 1))
    gate.open()
    one, two = await asyncio.gather(first, second)
    assert one.content == two.content
    assert (word(one), word(two)) == ("miss", "shared")


async def test_the_payer_leaves_and_the_other_gets_it_all(road, gate):
    body = chat_body(stream=True, messages=LONG)
    async with connected(road) as payer:
        await payer.send(written(body=body))
        await until(lambda: gate.waiting)
        gate.step(4)
        await until(lambda: gate.passed == 4 and gate.waiting)
        other = asyncio.create_task(ask(road, stream=True, messages=LONG))
        await until(joined(road, 1))
    await until(lambda: len(road.gateway.pipeline.live) == 1)
    gate.open()
    answer = await other
    assert answer.text.endswith("data: [DONE]\n\n")
    assert word(answer) == "shared"
    assert road.first.requests == 1
    assert road.first.outcomes[Outcome.CALLER_LEFT] == 0
    facts = await request(road, answer)
    assert (facts["cache"], facts["attempts"], float(facts["cost_usd"])) == ("shared", [], 0)
    [paid] = await _others(road, facts["id"])
    assert paid["outcome"] == "ok"
    assert paid["usage"]["output_tokens"] > 0
    assert paid["cache"] == "none"


async def _others(road, known: str):
    page = await manage(road, "/api/v1/requests")
    return [each for each in page["requests"] if each["id"] != known]


async def test_nobody_waits_any_more(road, gate):
    body = chat_body(stream=True, messages=LONG)
    async with connected(road) as one, connected(road) as two:
        for each in (one, two):
            await each.send(written(body=body))
        await until(joined(road, 1))
        gate.step(3)
        await until(lambda: gate.passed == 3 and gate.waiting)
    await until(lambda: road.first.outcomes[Outcome.CALLER_LEFT] == 1)
    await until(lambda: not road.gateway.pipeline.caching.flights.statistics.open)
    await road.at_rest()
    assert road.gateway.concurrency.in_use == 0
    page = (await manage(road, "/api/v1/requests"))["requests"]
    assert sorted(each["status"] for each in page) == [499, 499]
    # One of them has the attempt, and what of it had passed.
    assert sorted(len(each["attempts"]) for each in page) == [0, 1]
    gate.open()
    assert word(await ask(road, stream=True, messages=LONG)) == "miss"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_a_call_that_fails_has_one_successor(tmp_path, gate, stream):
    async with stage(tmp_path, PACED, models=route(), pause=gate) as road:
        road.first.arm(FaultRule("server-error", count=1))
        asking = [asyncio.create_task(ask(road, stream=stream)) for _ in range(10)]
        await until(joined(road, 9))
        gate.open()
        answers = await asyncio.gather(*asking)
        assert road.first.requests == 2
        assert Counter((each.status_code, word(each)) for each in answers) == {
            (502, "miss"): 1,
            (200, "miss"): 1,
            (200, "shared"): 8,
        }


async def test_two_failures_are_told_to_all(road, gate):
    road.first.arm("server-error")
    asking = [asyncio.create_task(ask(road)) for _ in range(10)]
    await until(joined(road, 9))
    gate.open()
    answers = await asyncio.gather(*asking)
    assert {each.status_code for each in answers} == {502}
    assert road.first.requests == 2
    await road.at_rest()
    assert road.gateway.concurrency.in_use == 0


async def test_a_stream_that_breaks_is_told_to_who_has_heard_of_it(road, gate):
    road.first.arm(FaultRule("reset-inside", count=1))
    asking = [asyncio.create_task(ask(road, stream=True, messages=LONG)) for _ in range(5)]
    await until(joined(road, 4))
    gate.open()
    answers = await asyncio.gather(*asking)
    assert {each.status_code for each in answers} == {200}
    for each in answers:
        last = each.text.strip().splitlines()[-1]
        assert last == "data: [DONE]" or "error" in json.loads(last.removeprefix("data: "))
    assert any("error" in each.text for each in answers)
    assert word(await ask(road, stream=True, messages=LONG)) in {"miss", "hit"}


async def test_forms_do_not_share(road, gate):
    asking = [asyncio.create_task(ask(road, stream=stream)) for stream in (False, True)]
    await until(lambda: road.first.requests == 2)
    gate.open()
    assert [word(each) for each in await asyncio.gather(*asking)] == ["miss", "miss"]


@pytest.mark.parametrize("header", ["no-cache", "no-store"])
async def test_who_wants_his_own_has_his_own(road, gate, header):
    asking = [asyncio.create_task(ask(road, header)) for _ in range(3)]
    await until(lambda: road.first.requests == 3)
    gate.open()
    assert {word(each) for each in await asyncio.gather(*asking)} == {"miss"}


async def test_a_route_that_does_not_share(tmp_path, gate):
    async with stage(tmp_path, PACED, models=route(share=False), pause=gate) as road:
        asking = [asyncio.create_task(ask(road)) for _ in range(3)]
        await until(lambda: road.first.requests == 3)
        gate.open()
        assert {word(each) for each in await asyncio.gather(*asking)} == {"miss"}
        assert word(await ask(road)) == "hit"


async def test_usage_is_told_to_those_of_them_who_asked(road, gate):
    asking = [
        asyncio.create_task(ask(road, stream=True, stream_options={"include_usage": shown}))
        for shown in (False, True, False, True)
    ]
    await until(joined(road, 3))
    gate.open()
    answers = await asyncio.gather(*asking)
    assert ['"total_tokens"' in each.text for each in answers] == [False, True, False, True]
    assert road.first.requests == 1


async def test_heartbeats_go_to_each_of_them_and_are_not_stored(tmp_path, gate):
    beating = {"heartbeat_seconds": 0.05}
    async with stage(tmp_path, PACED, models=route(), pause=gate, server=beating) as road:
        begun: list[bytes] = []

        async def read() -> str:
            body = asked(stream=True)
            async with road.http.stream("POST", CHAT, json=body) as answer:
                pieces = answer.aiter_raw()
                begun.append(await anext(pieces))
                if len(begun) == 2:
                    gate.open()
                return b"".join([piece async for piece in pieces]).decode()

        told = await asyncio.gather(read(), read())
        assert begun == [b":\n\n"] * 2
        stored = await ask(road, stream=True)
        assert word(stored) == "hit"
        assert {each.replace(":\n\n", "") for each in told} == {stored.text}
        assert road.first.requests == 1


async def test_who_reads_far_slower_is_left_behind_and_told(tmp_path, gate):
    """Nobody is kept waiting for a caller who does not read, and nothing piles up for him."""
    much = [{"role": "user", "content": "[tokens: 24000]"}]
    bound = {"max_entry_bytes": 1 << 16}
    async with stage(tmp_path, STILL, models=route(), pause=gate, cache=bound) as road:
        with socket.socket() as slow:
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            slow.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(slow, (road.host, road.port))
            await loop.sock_sendall(slow, written(body=chat_body(stream=True, messages=much)))
            await until(lambda: gate.waiting)
            brisk = asyncio.create_task(ask(road, stream=True, messages=much))
            await until(joined(road, 1))
            gate.open()
            answer = await brisk
            assert answer.text.endswith("data: [DONE]\n\n")
            flights = road.gateway.pipeline.caching.flights
            assert (flights.statistics.left_behind, flights.statistics.open) == (1, 0)
            told = b""
            while piece := await loop.sock_recv(slow, 1 << 20):
                told += piece
                if told.endswith(b"0\r\n\r\n"):
                    break
        assert b"read too slowly" in told[-2000:]
        assert road.first.requests == 1


async def test_the_gateway_ends_while_calls_are_under_way(tmp_path, gate):
    async with stage(tmp_path, PACED, models=route(), pause=gate) as road:
        asking = [asyncio.create_task(ask(road, stream=stream)) for stream in (False, True) * 2]
        await until(joined(road, 2))
        await road.gateway.drain(0)
        answers = await asyncio.gather(*asking)
        assert {each.status_code for each in answers} == {503}
        assert not road.gateway.pipeline.live
        await until(lambda: not road.gateway.pipeline.caching.flights.statistics.open)


async def test_a_connection_is_kept_for_the_next_call(tmp_path):
    async with stage(tmp_path, ONE, models=route()) as road:
        for number in range(4):
            await ask(road, stream=bool(number % 2), seed=number)
        assert road.first.connections == 1


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_a_request_that_is_over_is_let_go_of_at_once(tmp_path, stream):
    """Its body can be a megabyte: it must not wait for the collector of cycles."""

    def kept() -> int:
        return sum(isinstance(each, Exchange) for each in gc.get_objects())

    async with stage(tmp_path, ONE, models=route()) as road:
        gc.collect()
        gc.disable()
        try:
            asking = [ask(road, stream=stream, seed=number // 3) for number in range(9)]
            await asyncio.gather(*asking)
            await ask(road, "no-cache", stream=stream)
            await until(lambda: not kept())
        finally:
            gc.enable()
