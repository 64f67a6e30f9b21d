"""Limits over HTTP: what they refuse, in whose words, and what clients make of it."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime

import anthropic
import openai
import pytest

from antiphon.limits.config import LimitSettings, QueueSettings, compiled
from antiphon.simulator import FaultRule
from tests.server.limited import OTHER, ask, limits
from tests.server.stage import HELLO, KEY, Stage, stage

REQUESTS = "x-ratelimit-{}-requests"
TOKENS = "x-ratelimit-{}-tokens"


def claude(road: Stage, retries: int = 0) -> anthropic.AsyncAnthropic:
    return anthropic.AsyncAnthropic(
        base_url=road.address,
        api_key=KEY,
        max_retries=retries,
        http_client=anthropic.DefaultAsyncHttpxClient(verify=False, timeout=20),
    )


async def test_openai_clients_read_what_is_left(tmp_path):
    rules = [
        {"scope": "key", "requests": 3},
        {"scope": "user", "requests": 100, "tokens": 5000},
        {"scope": "team", "requests": 2, "mode": "shadow"},
    ]
    async with stage(tmp_path, **limits(*rules)) as road:
        chat = road.client.chat.completions.with_raw_response
        for left in (2, 1, 0):
            raw = await chat.create(model="fast", messages=HELLO, max_tokens=50)
            assert raw.headers[REQUESTS.format("limit")] == "3", "the strictest is shown"
            assert raw.headers[REQUESTS.format("remaining")] == str(left)
            assert raw.headers[REQUESTS.format("reset")].endswith("s")
            assert raw.headers[TOKENS.format("limit")] == "5000"
            assert 0 < int(raw.headers[TOKENS.format("remaining")]) < 5000
        assert raw.headers["x-antiphon-warnings"] == (
            "Shadow limit: The limit of 2 requests a minute of this team is reached."
        )
        with pytest.raises(openai.RateLimitError) as caught:
            await chat.create(model="fast", messages=HELLO)
        error = caught.value
        assert error.body["code"] == "rate_limit_exceeded"
        assert error.message.endswith(
            "The limit of 3 requests a minute of this key is reached.'}}"
        ) or ("3 requests a minute of this key" in error.message)
        headers = error.response.headers
        assert headers[REQUESTS.format("remaining")] == "0"
        assert 1 <= int(headers["retry-after"]) <= 61
        assert 0 < int(headers["retry-after-ms"]) <= 60_000
        assert (await ask(road, key=OTHER)).status_code == 200, "another key has its own"


async def test_anthropic_clients_read_theirs(tmp_path):
    async with stage(tmp_path, **limits({"scope": "key", "requests": 1, "tokens": 4000})) as road:
        async with claude(road) as client:
            messages = client.messages.with_raw_response
            raw = await messages.create(model="fast", messages=HELLO, max_tokens=50)
            assert raw.headers["anthropic-ratelimit-requests-limit"] == "1"
            assert raw.headers["anthropic-ratelimit-requests-remaining"] == "0"
            reset = datetime.fromisoformat(raw.headers["anthropic-ratelimit-requests-reset"])
            now = road.gateway.clock.now()
            assert now < reset.timestamp() <= now + 62
            assert raw.headers["anthropic-ratelimit-tokens-limit"] == "4000"
            with pytest.raises(anthropic.RateLimitError) as caught:
                await messages.create(model="fast", messages=HELLO, max_tokens=50)
        assert caught.value.body["error"]["type"] == "rate_limit_error"
        assert "retry-after" in caught.value.response.headers


async def test_clients_that_wait_as_they_are_told_are_served(tmp_path):
    """The official client sleeps as long as `retry-after-ms` says, no longer: then there is room."""
    async with stage(tmp_path, **limits({"scope": "key", "requests": 1, "per": 1})) as road:
        client = road.client.with_options(max_retries=1)
        for _ in range(2):
            answer = await client.chat.completions.create(model="fast", messages=HELLO)
            assert answer.choices[0].message.content


async def test_a_stream_says_it_too(tmp_path):
    async with stage(tmp_path, **limits({"scope": "team", "requests": 5})) as road:
        raw = await road.client.chat.completions.with_raw_response.create(
            model="fast", messages=HELLO, stream=True
        )
        assert raw.headers[REQUESTS.format("remaining")] == "4"
        async for _ in raw.parse():
            pass


async def test_nothing_is_said_where_nothing_is_limited(tmp_path):
    async with stage(tmp_path) as road:
        answer = await ask(road)
        assert not [name for name in answer.headers if "ratelimit" in name]
        assert road.gateway.pipeline.limiting is None


@pytest.mark.parametrize(
    ("per", "tells"), [("minute", None), ("day", "false")], ids=["a minute", "a day"]
)
async def test_nobody_is_sent_round_for_a_day(tmp_path, per, tells):
    async with stage(tmp_path, **limits({"scope": "key", "requests": 1, "per": per})) as road:
        await ask(road)
        refused = await ask(road)
        assert refused.status_code == 429
        assert refused.headers.get("x-should-retry") == tells
        if tells:
            assert int(refused.headers["retry-after"]) > 86_000


async def test_a_limit_of_zero_refuses_for_good(tmp_path):
    async with stage(tmp_path, **limits({"scope": "user", "name": "alice", "requests": 0})) as road:
        refused = await ask(road)
        assert refused.status_code == 403
        assert refused.headers["x-should-retry"] == "false"
        assert "retry-after" not in refused.headers
        assert (await ask(road, key=OTHER)).status_code == 200


async def test_prompts_and_bodies_that_are_too_long(tmp_path):
    rules = [
        {"scope": "user", "name": "alice", "tokens_per_request": 200},
        {"scope": "user", "name": "bob", "bytes_per_request": 1000},
    ]
    long = [{"role": "user", "content": "word " * 400}]
    async with stage(tmp_path, **limits(*rules)) as road:
        assert (await ask(road)).status_code == 200
        refused = await ask(road, messages=long)
        assert refused.status_code == 400
        assert refused.json()["error"]["code"] == "context_length_exceeded"
        assert "200 tokens in a prompt" in refused.json()["error"]["message"]
        assert (await ask(road, key=OTHER)).status_code == 200
        refused = await ask(road, key=OTHER, messages=long)
        assert refused.status_code == 413
        async with claude(road) as client:
            with pytest.raises(anthropic.BadRequestError, match="200 tokens in a prompt"):
                await client.messages.create(model="fast", messages=long, max_tokens=50)


async def test_money_in_a_window(tmp_path):
    prices = {"models": {"sim-small": {"prices": {"input": 1000, "output": 1000}}}}
    rule = {"scope": "team", "dollars": "0.25", "per": "hour"}
    async with stage(tmp_path, **limits(rule), provider=prices) as road:
        spent, answers = 0.0, 0
        while (answer := await ask(road)).status_code == 200:
            spent += float(answer.headers["x-antiphon-cost"])
            answers += 1
        assert answer.status_code == 429
        assert answers > 1
        assert 0 < spent <= 0.25
        assert "0.25 dollars an hour" in answer.json()["error"]["message"]


async def test_a_crowd_never_exceeds_it(tmp_path):
    rules = [{"scope": "key", "requests": 20}, {"scope": "team", "tokens": 3000, "reserve": "most"}]
    async with stage(tmp_path, **limits(*rules)) as road:
        answers = await asyncio.gather(*(ask(road, key=key) for key in (KEY, OTHER) * 40))
        served = [each for each in answers if each.status_code == 200]
        assert {each.status_code for each in answers} == {200, 429}
        assert 0 < sum(each.json()["usage"]["total_tokens"] for each in served) <= 3000
        await road.at_rest()


async def test_limits_that_come_at_run_time(tmp_path):
    async with stage(tmp_path, auth=limits()["auth"]) as road:
        assert (await ask(road)).status_code == 200
        rule = LimitSettings(scope="key", requests=2)
        road.gateway.limits.replace(compiled(rule, queue=QueueSettings()))
        assert [(await ask(road)).status_code for _ in range(3)] == [200, 200, 429]
        road.gateway.limits.replace(())
        assert (await ask(road)).status_code == 200


async def test_no_such_priority(tmp_path):
    async with stage(tmp_path, **limits({"scope": "key", "requests": 9})) as road:
        said = {"x-antiphon-priority": "at once"}
        refused = await ask(road, headers=said)
        assert refused.status_code == 400
        assert "low, normal or high" in refused.json()["error"]["message"]
        assert (await ask(road, headers={"x-antiphon-priority": "High"})).status_code == 200


async def test_what_is_counted(tmp_path):
    rules = [
        {"scope": "key", "requests": 1},
        {"scope": "alias", "tokens": 1, "mode": "shadow"},
        {"scope": "provider", "requests": 1, "name": "one"},
    ]
    async with stage(tmp_path, **limits(*rules)) as road:
        await ask(road)
        await ask(road)
        await ask(road, key=OTHER)
        await ask(road, model="both", key=OTHER)
        text = road.gateway.metrics.exposition().decode()
        assert 'antiphon_limit_refusals_total{scope="key",measure="requests"} 2' in text
        assert 'antiphon_limit_refusals_total{scope="provider",measure="requests"} 1' in text
        assert 'antiphon_limit_passed_over_total{scope="provider",measure="requests"} 1' in text
        assert 'antiphon_limit_shadows_total{scope="alias",measure="tokens"} ' in text
        assert "antiphon_limit_waiting 0" in text


async def test_who_waits_is_served_in_turn(tmp_path):
    """Sixteen at once through a limit of two, one of which hangs up while it waits."""
    rule = {"scope": "team", "concurrency": 2, "when_full": "queue"}
    async with stage(tmp_path, **limits(rule)) as road:
        road.first.arm(FaultRule("stall", count=2))
        asked = [asyncio.ensure_future(ask(road)) for _ in range(2)]
        while len(road.first.received) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        asked += [asyncio.ensure_future(ask(road)) for _ in range(14)]
        while road.gateway.limits.queue.waiting < 14:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        for each in (*asked[:2], asked[15]):
            each.cancel()
        answers = await asyncio.gather(*asked[2:15])
        assert [each.status_code for each in answers] == [200] * 13
        await road.at_rest()
        assert road.gateway.limits.queue.waiting == 0
        assert len(road.first.received) == 15
        assert (await ask(road)).status_code == 200


async def test_a_queue_that_is_full_refuses(tmp_path):
    queue = {"length": 1, "seconds": 30}
    rule = {"scope": "team", "concurrency": 1, "when_full": "queue", "queue": queue}
    async with stage(tmp_path, **limits(rule)) as road:
        road.first.arm(FaultRule("stall", count=1))
        hanging = asyncio.ensure_future(ask(road))
        while not road.first.received:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        waiting = asyncio.ensure_future(ask(road))
        while not road.gateway.limits.queue.waiting:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        refused = await ask(road)
        assert refused.status_code == 429
        assert refused.headers["retry-after"] == "1"
        hanging.cancel()
        assert (await waiting).status_code == 200, "its turn came when the other one left"


async def test_a_queue_behind_a_window(tmp_path):
    rule = {"scope": "key", "requests": 2, "per": 1, "when_full": "queue"}
    async with stage(tmp_path, **limits(rule)) as road:
        answers = await asyncio.gather(*(ask(road) for _ in range(3)))
        assert [each.status_code for each in answers] == [200] * 3


async def test_the_urgent_go_first(tmp_path):
    """One may be urgent and one may not: what a caller says holds within what he may say."""
    rule = {"scope": "team", "concurrency": 1, "when_full": "queue"}
    most = {"scope": "user", "name": "alice", "usual": "low", "most": "high"}
    async with stage(tmp_path, **limits(rule, priorities=[most])) as road:
        road.first.arm(FaultRule("stall", count=1))
        asked = [asyncio.ensure_future(ask(road, max_tokens=5))]
        while not road.first.received:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        high = {"x-antiphon-priority": "high"}
        for number, (key, headers) in enumerate(
            [(KEY, {}), (OTHER, {}), (OTHER, high), (KEY, high)], 1
        ):
            asked.append(
                asyncio.ensure_future(ask(road, key=key, headers=headers, max_tokens=10 + number))
            )
            while road.gateway.limits.queue.waiting < number:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
        asked[0].cancel()
        answers = await asyncio.gather(*asked[1:])
        assert [each.status_code for each in answers] == [200] * 4
        said = [json.loads(each.body)["max_tokens"] for each in road.first.received]
        assert said == [5, 14, 12, 13, 11], "alice's urgent one, then bob's, then the low one"
        text = road.gateway.metrics.exposition().decode()
        assert 'antiphon_limit_wait_seconds_count{priority="high",outcome="served"} 1' in text


async def test_a_drain_ends_those_who_wait(tmp_path):
    rule = {"scope": "team", "concurrency": 1, "when_full": "queue"}
    async with stage(tmp_path, **limits(rule)) as road:
        road.first.arm(FaultRule("stall", count=1))
        asked = [asyncio.ensure_future(ask(road)) for _ in range(3)]
        while road.gateway.limits.queue.waiting < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        await road.gateway.drain(0)
        answers = await asyncio.gather(*asked)
        assert [each.status_code for each in answers] == [503] * 3
        assert road.gateway.limits.queue.waiting == 0
