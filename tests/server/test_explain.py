"""`POST /api/v1/explain`: it says what happens, changes nothing, and tells nobody too much."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.server.explained import (
    ADMIN,
    EACH,
    KEY,
    MODELS,
    NAMES,
    NARROW,
    OTHER,
    PATH,
    asked,
    bearer,
    explain,
    explaining,
    told,
)
from tests.server.stage import Stage

LONG = "[tokens: 3] " + "word " * 500
CHINESE = "请帮我写一封给客户的邮件, 说明我们的产品为什么延迟交付"
TOOL = {
    "type": "function",
    "function": {"name": "look", "parameters": {"type": "object", "properties": {}}},
}
PICTURE = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk"


@pytest.fixture
async def road(tmp_path):
    async with explaining(tmp_path) as running:
        yield running


class Case(NamedTuple):
    """A request, and how those behind it are doing."""

    model: str
    text: str
    picture: bool
    tools: bool
    stream: bool
    headers: Mapping[str, str]
    wishes: Mapping[str, object]
    failing: frozenset[str]
    resting: frozenset[str]

    @property
    def request(self) -> dict[str, object]:
        content: object = self.text
        if self.picture:
            content = [
                {"type": "text", "text": self.text},
                {"type": "image_url", "image_url": {"url": PICTURE}},
            ]
        request: dict[str, object] = {
            "model": self.model,
            "messages": [{"role": "user", "content": content}],
            "stream": self.stream,
            **self.wishes,
        }
        if self.tools:
            request["tools"] = [TOOL]
        return request


def names(least: int = 0):
    return st.lists(st.sampled_from(NAMES), min_size=least, max_size=3, unique=True)


headers = st.fixed_dictionaries(
    {},
    optional={
        "x-antiphon-sensitivity": st.sampled_from(["public", "internal", "restricted", "odd"]),
        "x-antiphon-tags": st.sampled_from(["fast", "slow,fast", "other"]),
        "x-antiphon-models": st.lists(st.sampled_from([*MODELS, *EACH, "none"]), max_size=2).map(
            ",".join
        ),
        "x-antiphon-provider-order": names(1).map(",".join),
    },
)
wishes = st.fixed_dictionaries(
    {},
    optional={
        "provider": st.fixed_dictionaries(
            {},
            optional={
                "only": names(),
                "ignore": names(),
                "sort": st.sampled_from(["price", "latency", "throughput"]),
                "allow_fallbacks": st.booleans(),
                "require_parameters": st.booleans(),
                "max_price": st.fixed_dictionaries({"prompt": st.integers(1, 5)}),
            },
        ),
        "models": st.lists(st.sampled_from([*MODELS, *EACH]), max_size=2),
    },
)
cases = st.builds(
    Case,
    model=st.sampled_from([*MODELS, *EACH[:2], "nobody"]),
    text=st.sampled_from(["Hello there", CHINESE, LONG]),
    picture=st.booleans(),
    tools=st.booleans(),
    stream=st.booleans(),
    headers=st.one_of(st.just({}), headers),
    wishes=st.one_of(st.just({}), wishes),
    failing=st.frozensets(st.sampled_from(EACH)),
    resting=st.frozensets(st.sampled_from(EACH), max_size=2),
)


async def holds(road: Stage, case: Case) -> None:
    """What is said of a request is what then happens to it."""
    now = road.gateway.clock.monotonic()
    for each in road.gateway.deployments():
        each.reset()
        if each.name in case.failing:
            each.health.opened, each.health.probe_at = True, now + 6000
        for key in each.keys.status() if each.name in case.resting else ():
            each.health.rest(key.fingerprint, now + 1000)
    before = sum(each.requests for each in road.simulators)
    said = await told(road, case.request, key=KEY, headers=case.headers)
    assert sum(each.requests for each in road.simulators) == before, "nobody is asked"
    answer = await road.http.post(
        "/v1/chat/completions", json=case.request, headers={**bearer(KEY), **case.headers}
    )
    if answer.headers.get("x-antiphon-cache") == "hit":
        assert said["cached"]
        return
    if said["refusal"] is not None:
        assert answer.status_code == said["refusal"]["status"], (case, said, answer.text)
        assert said["choice"] == ""
        return
    assert answer.status_code == 200, (case, said, answer.text)
    assert answer.headers["x-antiphon-deployment"] == said["choice"], (case, said)


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "examples", [60, pytest.param(1000, marks=pytest.mark.campaign)], ids=["some", "many"]
)
async def test_what_is_said_is_what_happens(road, examples):
    """For routes, requests, wishes and states of every kind: the proof that it is no toy."""
    loop = asyncio.get_running_loop()

    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(cases)
    def each(case: Case) -> None:
        asyncio.run_coroutine_threadsafe(holds(road, case), loop).result(30)

    await asyncio.to_thread(each)


def state(road: Stage) -> dict[str, Any]:
    """All that a later request could meet."""
    gateway = road.gateway
    treasury = gateway.open_books.treasury
    return {
        "meters": {each.key: each.see(gateway.limits.now()) for each in gateway.limits.meters},
        "purses": {
            key: (each.taken, each.spent, each.free)
            for key, each in treasury.budgets.purses.items()
        },
        "health": [
            (each.name, each.health.successes, each.health.failures, each.pace.in_flight)
            for each in gateway.deployments()
        ],
        "keys": [[key.live for key in each.keys.status()] for each in gateway.deployments()],
        "cache": [
            (name, each.hits, each.misses, each.shared) for name, each in gateway.tallies.items()
        ],
        "stored": len(gateway.pipeline.caching.memory),
        "places": gateway.concurrency.in_use,
        "live": len(gateway.pipeline.live),
        "asked": [each.requests for each in road.simulators],
    }


async def test_it_changes_nothing(road):
    for model in ("all", "busy", "kept"):
        await road.http.post("/v1/chat/completions", json=asked(model), headers=bearer(KEY))
    await road.at_rest()
    before = state(road)
    said = [await told(road, asked(model), key=KEY) for model in ("all", "busy", "kept")]
    for _ in range(30):
        for model, first in zip(("all", "busy", "kept"), said, strict=True):
            assert await told(road, asked(model), key=KEY) == first
            await told(road, asked(model), **{"as": {"team": "somebody"}})
    after = state(road)
    new = {each for each in after["meters"] if each not in before["meters"]}
    assert all(after["meters"][each] == 0 for each in new)
    after["meters"] = {key: value for key, value in after["meters"].items() if key not in new}
    # Those that nobody spends from for a while are given back, whoever asks what.
    spent = {key: before["purses"][key] for key in after["purses"]}
    assert {key: each[1] for key, each in spent.items()} == {
        key: each[1] for key, each in after["purses"].items()
    }
    before["purses"] = after["purses"] = {}
    assert after == before


async def test_in_full(road):
    request = asked("all", LONG, tools=[TOOL], max_tokens=100)
    headers = {
        "x-antiphon-sensitivity": "internal",
        "x-antiphon-provider-order": "one",
        "x-antiphon-provider-ignore": "three",
        "x-antiphon-deadline": "20",
    }
    static = road.gateway.snapshot.keys.find(KEY)
    said = await told(road, request, headers=headers, **{"as": {"key": static.key_id}})
    said["key_id"] = "static-1"
    golden = Path(__file__).parent / "explanation.json"
    assert json.dumps(said, indent=1) + "\n" == golden.read_text("utf-8")


async def test_a_key_is_told_of_itself_alone(road):
    full = await told(road, asked("all"))
    own = await told(road, asked("all"), key=OTHER)
    assert full["decision"]["candidates"][0]["scores"]
    assert [each["scores"] for each in own["decision"]["candidates"]] == [[]] * 4
    assert [each["scores"] for each in own["candidates"]] == [[]] * 4
    assert {each["clearance"] for each in own["candidates"]} == {""}
    assert {each["scope"] for each in own["limits"]} == {"key"}
    assert {each["scope"] for each in own["budgets"]} == {"key"}
    assert all(not each["limits"] for each in own["candidates"])
    assert "ops" not in json.dumps(own)
    for whom in ({"key": "admin"}, {"key": "nobody"}, {"team": "web"}, {"user": "alice"}):
        answer = await explain(road, asked("all"), key=OTHER, **{"as": whom})
        assert answer.status_code == 403, answer.text
    mine = road.gateway.snapshot.keys.find(OTHER).key_id
    assert (await told(road, asked("all"), key=OTHER, **{"as": {"key": mine}}))["key_id"] == mine


async def test_a_key_that_may_not_is_told_what_it_would_be_told(road):
    said = await told(road, asked("busy"), key=NARROW)
    assert (said["refusal"]["status"], said["choice"], said["candidates"]) == (403, "", [])
    assert said["decision"] is None
    said = await told(road, asked("nobody"), key=NARROW)
    assert said["refusal"]["status"] == 404
    assert "busy" not in json.dumps(said)


async def test_strangers_are_not_told(road):
    for headers in (bearer("unknown-key-0123456789abcdef"), {}):
        answer = await road.http.post(PATH, json={"request": asked("all")}, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"request": 1}, 400),
        ({"request": {}}, 400),
        ({"request": {"model": 1}}, 400),
        ({"request": {"model": "all"}, "dialect": "latin"}, 400),
        ({"request": {"model": "all"}, "more": 1}, 400),
        ({"request": {"model": "all", "messages": []}, "as": {"key": "nobody"}}, 400),
        ({"request": {"model": "all", "messages": []}, "as": {"key": "a", "team": "b"}}, 400),
        (
            {"request": {"model": "all", "messages": [{"role": "user", "content": "x" * 300_000}]}},
            413,
        ),
    ],
)
async def test_what_is_no_question_is_refused(road, body, status):
    answer = await road.http.post(PATH, json=body, headers=bearer(ADMIN))
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "written",
    [
        '{"request": {"model": "all", "messages": "\\ud800"}}',
        '{"request": {"model": "all", "seed": 1' + "0" * 400 + "}}",
        '{"request": {"model": "all", "top_p": NaN}}',
        '{"request": ' + '{"a":' * 3000 + "1" + "}" * 3000 + "}",
        "{",
        "",
    ],
    ids=["surrogate", "huge", "nan", "deep", "cut", "empty"],
)
async def test_what_cannot_be_read_is_no_defect(road, written):
    answer = await road.http.post(
        PATH, content=written, headers={**bearer(ADMIN), "content-type": "application/json"}
    )
    assert answer.status_code in {200, 400}, answer.text


@pytest.mark.parametrize(
    ("dialect", "request_"),
    [
        ("openai_responses", {"model": "all", "input": "Hi"}),
        ("anthropic_messages", {**asked("all"), "max_tokens": 9}),
        ("ollama", asked("all")),
        ("gemini", {"model": "all", "contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}),
        ("openai_embeddings", {"model": "one/sim-embed", "input": "Hi"}),
    ],
)
async def test_every_dialect(road, dialect, request_):
    said = await told(road, request_, dialect=dialect)
    assert (said["dialect"], said["refusal"]) == (dialect, None)
    assert said["choice"]


async def test_who_cannot_be_paid_for_is_passed_over(tmp_path):
    dear = {"limits": [{"scope": "team", "name": "web", "limit": 0.001, "per": "total"}]}
    async with explaining(tmp_path, budgets=dear) as road:
        request = asked("listed", "word " * 120, max_tokens=10)
        said = await told(road, request, key=KEY)
        assert said["choice"] == "two/sim-small"
        states = {each["deployment"][:3]: each["reason"] for each in said["candidates"]}
        assert states["one"] == "money"
        answer = await road.http.post("/v1/chat/completions", json=request, headers=bearer(KEY))
        assert answer.headers["x-antiphon-deployment"] == said["choice"]
        request = asked("listed", "word " * 500, max_tokens=10)
        said = await told(road, request, key=KEY)
        assert (said["choice"], said["refusal"]["status"]) == ("", 402)
        answer = await road.http.post("/v1/chat/completions", json=request, headers=bearer(KEY))
        assert answer.status_code == 402
