"""Answers that are given again, to every kind of caller."""

from __future__ import annotations

import base64
import json
import struct

import pytest

from antiphon.simulator import FaultRule, SimulatorSpec
from tests.server.cached import CHAT, ONE, ask, asked, route, word
from tests.server.callers import DIALECTS, calling
from tests.server.stage import stage


@pytest.fixture
async def road(tmp_path):
    async with stage(tmp_path, ONE, models=route()) as running:
        yield running


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("spoken", ["alike", "translated"])
@pytest.mark.parametrize("kind", DIALECTS)
async def test_an_sdk_that_asks_twice(tmp_path, kind, spoken, stream):
    """Both are told the same, the provider is asked once; its bytes may need translation."""
    alike = DIALECTS[kind]
    speaks = alike if spoken == "alike" else _other(alike)
    async with stage(tmp_path, ONE, models=route(), dialects={"one": speaks}) as road:
        said = []
        for _ in range(2):
            async with calling(road, kind) as caller:
                caller.user("What do you know of caches?")
                said.append(await caller.ask("fast", stream=stream))
        assert said[0].text
        assert said[0] == said[1]
        assert road.first.requests == 1
        await road.at_rest()
        tally = road.gateway.snapshot.plans["fast"].cache.tally
        assert (tally.hits, tally.misses, tally.stored) == (1, 1, 1)


def _other(dialect: str) -> str:
    return "openai_chat" if dialect != "openai_chat" else "anthropic_messages"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_what_the_headers_say(road, stream):
    first, second = [await ask(road, stream=stream) for _ in range(2)]
    assert first.content == second.content
    assert (word(first), word(second)) == ("miss", "hit")
    assert first.headers["x-antiphon-attempts"] == "1"
    assert second.headers["x-antiphon-attempts"] == "0"
    # Who made the answer then.
    assert second.headers["x-antiphon-deployment"] == "one/sim-small"
    assert "age" not in first.headers
    assert int(second.headers["age"]) >= 0
    if not stream:
        assert float(first.headers["x-antiphon-cost"]) >= 0
        assert second.headers["x-antiphon-cost"] == "0.000000000"
    assert first.headers["x-antiphon-request-id"] != second.headers["x-antiphon-request-id"]
    assert second.headers["content-type"] == first.headers["content-type"]


async def test_a_route_without_a_cache_says_nothing_of_it(road):
    body = asked() | {"model": "one/sim-small"}
    for _ in range(2):
        answer = await road.http.post(CHAT, json=body, headers={"cache-control": "only-if-cached"})
        assert answer.status_code == 200
        assert "x-antiphon-cache" not in answer.headers
    assert road.first.requests == 2


async def test_spelling_does_not_count_and_content_does(road):
    body = json.dumps(asked(temperature=0.5))
    turned = json.dumps(dict(reversed(asked(temperature=0.50).items())), indent=3)
    for each, expected in (
        (body, "miss"),
        (turned, "hit"),
        (json.dumps(asked(temperature=0.6)), "miss"),
        (json.dumps(asked("Hello  there", temperature=0.5)), "miss"),
        (json.dumps(asked(temperature=0.5, seed=1)), "miss"),
    ):
        answer = await road.http.post(
            CHAT, content=each, headers={"content-type": "application/json"}
        )
        assert word(answer) == expected, each


@pytest.mark.parametrize("first", [False, True], ids=["whole-first", "stream-first"])
async def test_a_stream_is_given_whole_and_the_other_way_round(road, first):
    told = {stream: await ask(road, stream=stream) for stream in (first, not first)}
    assert (word(told[first]), word(told[not first])) == ("miss", "hit")
    assert road.first.requests == 1
    whole = told[False].json()["choices"][0]["message"]["content"]
    assert whole == "".join(
        choice["delta"].get("content") or ""
        for chunk in _chunks(told[True].text)
        for choice in chunk["choices"]
    )


def _chunks(text: str):
    lines = [line.removeprefix("data: ") for line in text.splitlines() if line[:6] == "data: "]
    assert lines[-1] == "[DONE]"
    return [json.loads(line) for line in lines[:-1]]


@pytest.mark.parametrize("speaks", ["openai_chat", "anthropic_messages"])
@pytest.mark.parametrize("first", [False, True], ids=["hidden-first", "shown-first"])
async def test_usage_is_told_to_who_asked_for_it(tmp_path, first, speaks):
    async with stage(tmp_path, ONE, models=route(), dialects={"one": speaks}) as road:
        for shown in (first, not first, first, not first):
            answer = await ask(road, stream=True, stream_options={"include_usage": shown})
            told = [chunk for chunk in _chunks(answer.text) if chunk.get("usage")]
            assert len(told) == shown
            if shown:
                assert told[0]["usage"]["completion_tokens"] > 0
        assert road.first.requests == 1


async def test_a_hit_that_the_caller_of_a_program_asks_for(road):
    said = [await road.gateway.chat(**asked()) for _ in range(2)]
    assert said[0].text == said[1].text
    async with road.gateway.stream(**asked()) as events:
        streamed = [event async for event in events]
    assert streamed
    assert road.first.requests == 1


async def test_the_verdict_on_the_form_of_an_answer_is_told_again(tmp_path):
    models = route()
    models["fast"]["structured"] = {"check": "always"}
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}
    async with stage(tmp_path, ONE, models=models) as road:
        told = [await ask(road, response_format=form) for _ in range(2)]
        assert [word(each) for each in told] == ["miss", "hit"]
        assert told[0].headers["x-antiphon-structured"] == "native; valid"
        assert told[1].headers["x-antiphon-structured"] == "native; valid"


async def test_what_was_lost_is_told_again(tmp_path):
    dialects = {"one": "anthropic_messages"}
    async with stage(tmp_path, ONE, models=route(), dialects=dialects) as road:
        told = [await ask(road, seed=7, logit_bias={"1": 1}) for _ in range(2)]
        assert [word(each) for each in told] == ["miss", "hit"]
        assert told[0].headers["x-antiphon-warnings"]
        assert told[0].headers["x-antiphon-warnings"] == told[1].headers["x-antiphon-warnings"]


@pytest.mark.parametrize("form", ["float", "base64"])
async def test_vectors_are_given_again(road, form):
    asked = {"model": "fast", "input": ["one", "two"], "encoding_format": form}
    told = [await road.http.post("/v1/embeddings", json=asked) for _ in range(2)]
    assert [word(each) for each in told] == ["miss", "hit"]
    assert told[0].content == told[1].content
    first = told[1].json()["data"][0]["embedding"]
    if form == "base64":
        first = struct.iter_unpack("<f", base64.b64decode(first))
    assert list(first)
    assert road.first.requests == 1


async def test_geminis_vectors_whose_model_stands_in_the_path(tmp_path):
    models = {**route(), "other": {"deployments": ["one/sim-large"], "cache": {}}}
    async with stage(tmp_path, ONE, models=models, dialects={"one": "gemini"}) as road:
        body = {"content": {"parts": [{"text": "one"}]}}
        paths = [f"/v1beta/models/{name}:embedContent" for name in ("fast", "other", "fast")]
        told = [await road.http.post(path, json=body) for path in paths]
        assert [word(each) for each in told] == ["miss", "miss", "hit"]


async def test_names_that_pass_through_share_nothing(tmp_path):
    models = {**route(), "*": {"passthrough": True, "cache": {}}}
    async with stage(tmp_path, ONE, models=models) as road:
        words = []
        for name in ("one/sim-small", "one/sim-large", "one/sim-small", "fast"):
            answer = await road.http.post(CHAT, json=asked() | {"model": name})
            words.append(word(answer))
        assert words == ["miss", "miss", "hit", "miss"]


async def test_captures_see_what_was_given_again(tmp_path):
    models = route()
    models["fast"]["capture"] = "full"
    auth = {"admin_key": "admin-key-0123456789"}
    async with stage(tmp_path, ONE, models=models, auth=auth) as road:
        for stream in (False, True):
            told = [await ask(road, stream=stream, seed=3) for _ in range(2)]
            for each in told:
                await road.at_rest()
                path = f"/api/v1/requests/{each.headers['x-antiphon-request-id']}?content=true"
                kept = await road.http.get(
                    path, headers={"authorization": "Bearer admin-key-0123456789"}
                )
                assert kept.json()["capture"]["answer"]["text"] == each.text


# ------------------------------------------------------------------ what is never stored


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_an_answer_that_was_cut_short(road, stream):
    for _ in range(2):
        answer = await ask(road, stream=stream, max_tokens=1)
        assert word(answer) == "miss"
    assert _not_stored(road) == {"truncated": 2}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_an_answer_of_a_fallback(tmp_path, stream):
    two = [SimulatorSpec(name="one", seed=1), SimulatorSpec(name="two", seed=2)]
    both = {"fast": {"deployments": ["one/sim-small", "two/sim-small"], "cache": {}}}
    async with stage(tmp_path, two, models=both) as road:
        road.first.arm(FaultRule("server-error", count=1))
        words = [word(await ask(road, stream=stream)) for _ in range(3)]
        assert words == ["miss", "miss", "hit"]
        assert _not_stored(road) == {"fallback": 1}
        assert road.second.requests == 1


async def test_one_that_rests_for_a_while_leaves_a_fallback_too(tmp_path):
    two = [SimulatorSpec(name="one", seed=1), SimulatorSpec(name="two", seed=2)]
    both = {"fast": {"deployments": ["one/sim-small", "two/sim-small"], "cache": {}}}
    async with stage(tmp_path, two, models=both) as road:
        now = road.gateway.clock.monotonic()
        road.gateway.deployments()[0].rest(None, 60, now)
        assert [word(await ask(road)) for _ in range(2)] == ["miss", "miss"]
        assert _not_stored(road) == {"fallback": 2}
        for deployment in road.gateway.deployments():
            deployment.reset()
        assert [word(await ask(road)) for _ in range(2)] == ["miss", "hit"]


async def test_a_deployment_that_was_passed_over_for_what_it_cannot_do_is_no_fallback(tmp_path):
    two = [SimulatorSpec(name="one", seed=1), SimulatorSpec(name="two", seed=2)]
    blind = {"one": {"models": {"sim-small": {"tools": False}}}}
    both = {
        "fast": {
            "deployments": ["one/sim-small", "two/sim-small"],
            "on_loss": "skip",
            "cache": {"tool_calls": True},
        }
    }
    function = {"name": "look", "parameters": {"type": "object", "properties": {}}}
    tools = [{"type": "function", "function": function}]
    async with stage(tmp_path, two, models=both, providers_of=blind) as road:
        words = [word(await ask(road, tools=tools)) for _ in range(2)]
        assert words == ["miss", "hit"]
        assert (road.first.requests, road.second.requests) == (0, 1)


async def test_an_answer_that_asks_for_tools(road):
    function = {"name": "look", "parameters": {"type": "object", "properties": {}}}
    tools = [{"type": "function", "function": function}]
    for _ in range(2):
        answer = await ask(road, tools=tools, tool_choice="required")
        assert answer.json()["choices"][0]["message"]["tool_calls"]
        assert word(answer) == "miss"
    assert _not_stored(road) == {"tools": 2}


async def test_an_answer_without_its_form(tmp_path):
    models = route()
    models["fast"]["structured"] = {"check": "always"}
    wanted = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": wanted}}
    messages = [{"role": "user", "content": '[say: {"age": "old"}]'}]
    async with stage(tmp_path, ONE, models=models) as road:
        for stream in (False, False, True):
            answer = await ask(road, messages=messages, response_format=form, stream=stream)
            assert word(answer) == "miss"
        assert _not_stored(road) == {"invalid": 3}


async def test_errors_are_not_stored(road):
    road.first.arm(FaultRule("server-error", count=1))
    answer = await ask(road)
    assert (answer.status_code, word(answer)) == (502, "miss")
    assert word(await ask(road)) == "miss"
    assert word(await ask(road)) == "hit"


async def test_what_leans_on_the_provider_has_no_key(road):
    told = [await ask(road, container="c_1") for _ in range(2)]
    assert [word(each) for each in told] == ["miss", "miss"]
    only = await ask(road, "only-if-cached", container="c_1")
    assert only.status_code == 504
    assert road.first.requests == 2


async def test_an_answer_longer_than_an_entry_may_be(tmp_path):
    async with stage(tmp_path, ONE, models=route(), cache={"max_entry_bytes": 1024}) as road:
        long = [{"role": "user", "content": "[tokens: 2000]"}]
        for stream in (False, True, True):
            answer = await ask(road, messages=long, stream=stream)
            assert answer.status_code == 200
            assert len(answer.content) > 4096
            assert word(answer) == "miss"
        assert set(_not_stored(road)) == {"too_large"}


def _not_stored(road):
    return road.gateway.snapshot.plans["fast"].cache.tally.not_stored
