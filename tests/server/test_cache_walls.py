"""Whose answers are given to whom."""

from __future__ import annotations

import secrets
import time

import pytest

from antiphon.access.proxy import Identity, sign
from antiphon.cache.wall import Tenant
from antiphon.secret import Secret
from tests.server.administering import administered
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
        {"cache": {"ttl": 5}, "degrade": {"stale_for": 7, "canned": "Later."}},
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


# ------------------------------------------------------------------ people who are managed

PROXY_SECRET = "proxy-secret-of-at-least-thirty-two-bytes"


def as_person(name: str) -> dict[str, str]:
    said = Identity(user=name, at=int(time.time()), nonce=secrets.token_hex(8))
    return {"x-antiphon-user": sign(said, Secret(PROXY_SECRET)).decode()}


async def test_the_people_behind_a_proxy_do_not_share_though_their_key_is_one(tmp_path):
    auth = {**AUTH, "proxies": [{"secrets": [PROXY_SECRET]}]}
    async with stage(tmp_path, ONE, models=route(), auth=auth) as road:
        words = []
        for name in ("dora", "emil", "dora", ""):
            headers = {"authorization": f"Bearer {KEYS['anna']['key']}"}
            headers |= as_person(name) if name else {}
            answer = await road.http.post(CHAT, json=asked(), headers=headers)
            assert answer.status_code == 200, answer.text
            words.append(word(answer))
        # And the last one is Anna herself.
        assert words == ["miss", "miss", "hit", "miss"]


@pytest.mark.parametrize("scope", ["user", "team", "organisation"])
async def test_two_organisations_share_nothing_whatever_their_names_are(tmp_path, scope):
    models = route(scope=scope)
    async with administered(tmp_path, specs=ONE, models=models) as here:
        keys = []
        for name in ("Acme", "Bolt"):
            tenant = (await here.post("organisations", {"name": name}))["id"]
            team = (await here.post("teams", {"name": "web"}, organisation=tenant))["id"]
            body = {"name": "anna", "team": team}
            user = (await here.post("users", body, organisation=tenant))["id"]
            made = [
                (await here.post("keys", body, organisation=tenant))["key"]
                for body in ({"name": "laptop", "user": user}, {"name": "all", "role": "admin"})
            ]
            keys.append((tenant, *made))
        (acme, ours, boss), (bolt, theirs, _) = keys
        assert word(await ask(here.road, key=ours)) == "miss"
        assert word(await ask(here.road, key=theirs)) == "miss"
        assert [word(await ask(here.road, key=each)) for each in (ours, theirs)] == ["hit", "hit"]
        # Who manages one of them removes its answers, and no others.
        assert (await here.ask("GET", "cache", key=boss)).status_code == 403
        assert (await here.ask("DELETE", "cache", key=ours)).status_code == 403
        refused = await here.ask("DELETE", "cache", key=boss, organisation=bolt)
        assert refused.status_code == 404
        assert (await here.delete("cache", key=boss))["dropped"] == 1
        assert word(await ask(here.road, key=theirs)) == "hit"
        assert word(await ask(here.road, key=ours)) == "miss"
        page = await here.get("audit", organisation=acme, act="cache.clear")
        assert [each["details"] for each in page["data"]] == [{"organisation": acme}]


async def test_a_member_removes_nothing(tmp_path):
    async with administered(tmp_path, specs=ONE, models=route()) as here:
        member = (await here.post("keys", {"name": "laptop", "role": "member"}))["key"]
        assert (await here.ask("DELETE", "cache", key=member)).status_code == 403
