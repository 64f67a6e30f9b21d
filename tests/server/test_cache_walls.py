"""Whose answers are given to whom."""

from __future__ import annotations

import pytest

from antiphon.cache.wall import Tenant
from tests.server.cached import CHAT, ONE, ask, asked, route, word
from tests.server.stage import stage

KEYS = {
    "anna": {"key": "key-of-anna-0123456789", "user": "anna", "team": "web"},
    "phone": {"key": "key-of-annas-phone-0123", "user": "anna", "team": "web"},
    "bert": {"key": "key-of-bert-0123456789", "user": "bert", "team": "web"},
    "cleo": {"key": "key-of-cleo-0123456789", "user": "cleo", "team": "lab"},
    "nobody": {"key": "key-of-nobody-01234567", "team": "web"},
    "also-nobody": {"key": "key-of-nobody-else-012", "team": "web"},
}
WHO = Tenant("k", "u")
AUTH = {"required": True, "keys": list(KEYS.values())}


@pytest.mark.parametrize(
    ("scope", "shared"),
    [
        ("key", ["anna"]),
        ("user", ["anna", "phone"]),
        ("team", ["anna", "phone", "bert", "nobody", "also-nobody"]),
        ("organisation", list(KEYS)),
        ("global", list(KEYS)),
    ],
)
async def test_who_shares(tmp_path, scope, shared):
    async with stage(tmp_path, ONE, models=route(scope=scope), auth=AUTH) as road:
        await ask(road, key=KEYS["anna"]["key"])
        for name, each in KEYS.items():
            answer = await ask(road, "only-if-cached", key=each["key"])
            assert answer.status_code == (200 if name in shared else 504), name
        assert road.first.requests == 1


async def test_two_who_ask_at_once_under_the_scope_of_a_user(tmp_path):
    async with stage(tmp_path, ONE, models=route(), auth=AUTH) as road:
        anna = await ask(road, key=KEYS["anna"]["key"])
        bert = await ask(road, key=KEYS["bert"]["key"])
        assert (word(anna), word(bert)) == ("miss", "miss")
        assert road.first.requests == 2


async def test_a_route_is_a_wall_though_its_deployment_is_the_same(tmp_path):
    models = {**route(), "quick": route()["fast"]}
    async with stage(tmp_path, ONE, models=models) as road:
        for name in ("fast", "quick"):
            answer = await road.http.post(CHAT, json=asked() | {"model": name})
            assert word(answer) == "miss"


async def test_a_dialect_is_a_wall(tmp_path):
    async with stage(tmp_path, ONE, models=route()) as road:
        body = {"model": "fast", "messages": [{"role": "user", "content": "x"}], "max_tokens": 99}
        for path in (CHAT, "/v1/messages", "/api/chat"):
            answer = await road.http.post(path, json=body)
            assert (answer.status_code, word(answer)) == (200, "miss"), path


async def test_headers_that_go_on_count(tmp_path):
    dialects = {"one": "anthropic_messages"}
    body = {"model": "fast", "max_tokens": 99, "messages": [{"role": "user", "content": "x"}]}
    async with stage(tmp_path, ONE, models=route(), dialects=dialects) as road:
        for beta, expected in (("a-1", "miss"), ("a-2", "miss"), ("a-1", "hit")):
            headers = {"anthropic-version": "2023-06-01", "anthropic-beta": beta}
            answer = await road.http.post("/v1/messages", json=body, headers=headers)
            assert word(answer) == expected


@pytest.mark.parametrize(
    "change",
    [
        {"deployments": ["one/sim-large"]},
        {"deployments": ["one/sim-small", "one/sim-large"]},
        {"on_loss": "skip"},
        {"structured": {"check": "always"}},
    ],
    ids=["deployment", "another", "on-loss", "structured"],
)
async def test_the_plan_stands_in_the_key(tmp_path, change):
    """A gateway that was configured anew does not know the answers of before."""
    models = route()
    async with stage(tmp_path / "before", ONE, models=models) as road:
        before = road.gateway.snapshot.plans["fast"].cache
    changed = {"fast": {**models["fast"], **change}}
    async with stage(tmp_path / "after", ONE, models=changed) as road:
        after = road.gateway.snapshot.plans["fast"].cache
    assert before.key(WHO, "openai_chat", b"{}") != after.key(WHO, "openai_chat", b"{}")


@pytest.mark.parametrize(
    "change",
    [
        {"cache": {"ttl": 5, "stale_for": 7}},
        {"deadline": 5},
        {"retry": {"attempts": 3}},
        {"capture": "full"},
        {"aliases": ["quick"]},
    ],
    ids=["life", "deadline", "retry", "capture", "aliases"],
)
async def test_what_changes_no_answer_keeps_the_key(tmp_path, change):
    keys = set()
    for each in ({}, change):
        models = {"fast": {**route()["fast"], **each}}
        # The address of the pretend provider differs from start to start, so it is given.
        one = {"one": {"base_url": "http://127.0.0.1:9/v1"}}
        async with stage(tmp_path, ONE, models=models, providers_of=one) as road:
            keys.add(road.gateway.snapshot.plans["fast"].cache.key(WHO, "openai_chat", b"{}"))
    assert len(keys) == 1
