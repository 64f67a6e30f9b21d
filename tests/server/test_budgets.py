"""Budgets over HTTP: what they refuse, what they wait for, and that they are never exceeded."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import pytest

from antiphon.access.walls import operator_here
from antiphon.model.principal import HOME, Principal
from antiphon.simulator import FaultRule, Latency, SimulatorSpec
from antiphon.usage.budgets.config import BudgetsSettings
from tests.server.purses import (
    ADMIN,
    AUTH,
    OTHER,
    PRICED,
    ask,
    budgets,
    charged,
    crowd,
    leased,
    sums,
)
from tests.server.stage import HELLO, KEY, Stage, stage
from tests.server.test_managed_keys import PROXY_SECRET, person

SLOW = Latency(tokens_per_second=40, first_token=0.02)
POTS = [
    ("organisation", "org_default"),
    ("department", "org_default/sales"),
    ("team", "org_default/web"),
]


async def scraped(road: Stage) -> str:
    answer = await road.http.get("/metrics", headers={"authorization": f"Bearer {ADMIN}"})
    assert answer.status_code == 200
    return answer.text


def attempts(folder: Path) -> list[tuple[str, str, int]]:
    with closing(sqlite3.connect(folder / "antiphon.db")) as database:
        return database.execute(
            "SELECT model, outcome, cost FROM attempts ORDER BY started_at"
        ).fetchall()


async def test_it_is_spent_until_402(tmp_path):
    limits = [
        {"scope": "organisation", "limit": "1"},
        {"scope": "department", "limit": "0.002", "name": "sales"},
        {"scope": "team", "limit": "0.001", "ask": "finance@example.com"},
    ]
    async with stage(tmp_path, **budgets(*limits)) as road:
        answers = 0
        while (answer := await ask(road)).status_code == 200:
            answers += 1
        assert answer.status_code == 402
        assert answer.headers["x-should-retry"] == "false"
        error = answer.json()["error"]
        assert error["type"] == "insufficient_quota"
        assert "budget of team web" in error["message"]
        assert "please contact finance@example.com" in error["message"]
        assert answers > 3
        assert (await ask(road, key=OTHER)).status_code == 200, "another team's money is its own"
    ours, everybody = charged(tmp_path, "team = ?", "web"), charged(tmp_path)
    assert sums(tmp_path, POTS) == [everybody, everybody, ours]
    assert 0 < ours <= 1_000_000


async def test_what_is_spent_outlives_the_process(tmp_path):
    limit = {"scope": "team", "limit": "0.0005"}
    async with stage(tmp_path, **budgets(limit)) as road:
        while (await ask(road)).status_code == 200:
            pass
    spent = charged(tmp_path)
    async with stage(tmp_path, **budgets(limit)) as road:
        answer = await ask(road)
        assert answer.status_code == 402
        message = answer.json()["error"]["message"]
        assert message.startswith("Budget exceeded, please contact admin")
    assert charged(tmp_path) == spent
    async with stage(tmp_path, **budgets({**limit, "limit": "0.001"})) as road:
        assert (await ask(road)).status_code == 200, "more money, and what was spent stays spent"
    assert leased(tmp_path, "team", "org_default/web") == (charged(tmp_path), 0)


async def test_a_crowd_does_not_exceed_it_and_leaves_less_than_one_answer(tmp_path):
    limit = 20 * 250_000
    bound = await crowd(tmp_path, 60, limit)
    spent, held = leased(tmp_path, "team", "org_default/web")
    assert held == 0
    assert limit - bound < spent <= limit
    assert spent == charged(tmp_path)


async def test_budgets_of_former_days_are_forgotten(tmp_path):
    limits = [{"scope": "team", "limit": 1, "per": "day"}, {"scope": "team", "limit": 1}]
    async with stage(tmp_path, **budgets(*limits)) as road:
        assert (await ask(road)).status_code == 200
    with closing(sqlite3.connect(tmp_path / "antiphon-leases.db")) as leases:
        changed = leases.execute("UPDATE pots SET ends = 1700000000000000 WHERE period <> 'total'")
        assert changed.rowcount == 1
        leases.commit()
        async with stage(tmp_path, provider=PRICED) as road:
            road.gateway.books.shipper.flush(10)
        assert leases.execute("SELECT period FROM pots").fetchall() == [("total",)]


async def test_money_that_is_only_reserved_is_waited_for_and_then_429(tmp_path):
    limit = {"scope": "team", "limit": "0.0003"}
    spec = SimulatorSpec(name="one", latency=Latency(first_token=20))
    async with stage(tmp_path, [spec], **budgets(limit, wait=1)) as road:
        first = asyncio.ensure_future(ask(road))
        async with asyncio.timeout(20):
            await road.first.until(lambda one: one.requests == 1)
        answer = await ask(road)
        assert answer.status_code == 429
        assert answer.headers["retry-after"] == "1"
        assert "x-should-retry" not in answer.headers
        assert "reserved by requests under way" in answer.json()["error"]["message"]
        first.cancel()


async def test_whoever_waits_gets_what_others_leave(tmp_path):
    limit = {"scope": "team", "limit": "0.0002"}
    spec = SimulatorSpec(name="one", latency=Latency(first_token=0.03))
    async with stage(tmp_path, [spec], **budgets(limit)) as road:
        answers = await asyncio.gather(*(ask(road, most=16) for _ in range(2)))
        assert [each.status_code for each in answers] == [200, 200]


DEAR = {"input": 100.0, "output": 200.0}


async def test_a_cheaper_candidate_is_tried_before_402(tmp_path):
    limit = {"scope": "team", "limit": "0.001"}
    sections: dict[str, Any] = budgets(limit)
    sections["providers_of"] = {"one": {"models": {"sim-small": {"prices": DEAR}}}}
    async with stage(tmp_path, **sections) as road:
        answer = await ask(road, "both")
        assert answer.status_code == 200
        assert answer.headers["x-antiphon-deployment"] == "two/sim-small"
        assert answer.headers["x-antiphon-attempts"] == "1", "what was not sent is no attempt"
        assert not road.first.received
        assert (await ask(road, "fast")).status_code == 402
        road.second.arm("server-error")
        answer = await ask(road, "both")
        assert answer.status_code == 502, "the one that can be paid for may come back"
    assert leased(tmp_path, "team", "org_default/web") == (charged(tmp_path), 0)


async def test_each_attempt_reserves_anew(tmp_path):
    limit = {"scope": "team", "limit": "0.0006"}
    async with stage(tmp_path, **budgets(limit)) as road:
        road.first.arm(FaultRule("server-error", count=1))
        assert (await ask(road, "both")).status_code == 200
    assert [outcome for _, outcome, _ in attempts(tmp_path)] == ["refused", "ok"]
    assert leased(tmp_path, "team", "org_default/web") == (charged(tmp_path), 0)


async def test_streams_that_break_or_are_left(tmp_path):
    limit = {"scope": "team", "limit": "0.01"}
    specs = [SimulatorSpec(name="one", latency=SLOW), SimulatorSpec(name="two")]
    async with stage(tmp_path, specs, **budgets(limit)) as road:
        headers = {"authorization": f"Bearer {KEY}"}
        body = {"model": "fast", "messages": HELLO, "max_tokens": 500, "stream": True}
        async with road.http.stream(
            "POST", "/v1/chat/completions", json=body, headers=headers
        ) as answer:
            async for _ in answer.aiter_raw():
                break
        await road.at_rest()
        road.first.arm(FaultRule("reset-inside", count=1))
        await ask(road, most=500, stream=True)
        await road.at_rest()
        assert (await ask(road, stream=True)).status_code == 200
        await road.at_rest()
    outcomes = [outcome for _, outcome, _ in attempts(tmp_path)]
    assert outcomes == ["cancelled", "failed", "ok"]
    assert all(cost > 0 for *_, cost in attempts(tmp_path))
    assert leased(tmp_path, "team", "org_default/web") == (charged(tmp_path), 0)


async def test_what_costs_nothing_is_served_without_money(tmp_path):
    sections: dict[str, Any] = budgets({"scope": "team", "limit": 0})
    sections["providers_of"] = {
        "two": {"models": {"sim-small": {"prices": {"input": 0, "output": 0}}}}
    }
    async with stage(tmp_path, **sections) as road:
        assert (await ask(road, "fast")).status_code == 402
        assert (await ask(road, "two/sim-small")).status_code == 200


async def test_callers_are_warned_once_a_share_is_used(tmp_path):
    team = '数据 team\twith "marks"'
    sections: dict[str, Any] = budgets({"scope": "team", "limit": "0.001", "warn_at": [0.3, 0.9]})
    sections["auth"] = {**AUTH, "keys": [{"key": KEY, "team": team}]}
    crossings: list[Any] = []
    async with stage(tmp_path, **sections) as road:
        road.gateway.books.treasury.on_crossing = crossings.append
        share, warned = [], []
        while (answer := await ask(road)).status_code == 200:
            warned.append(answer.headers.get("x-antiphon-warnings", ""))
            whose = Principal(key_id="", team=team)
            share.append(road.gateway.pipeline.accounts.spending.share(whose))
        assert share == sorted(share)
        assert not warned[0]
        assert r"budget of team \u6570\u636e team\twith" in warned[-1]
        assert "% of the" in warned[-1]
        metrics = await scraped(road)
        assert "antiphon_budget_used_ratio{" not in metrics, "nobody has configured its name"
    assert crossings
    assert crossings[0].share in {300, 900}
    assert crossings[0].purse.label == team
    with closing(sqlite3.connect(tmp_path / "antiphon.db")) as database:
        [[noted]] = database.execute(
            "SELECT count(*) FROM attempts WHERE instr(warnings, '%')"
        ).fetchall()
    assert noted == 0, "what is said of a budget is no part of an answer"


@pytest.mark.parametrize("bound", ["hard", "soft"])
async def test_soft_budgets_reserve_what_is_likely(tmp_path, bound: str):
    """A prompt of 4,000 bytes cannot be more than 4,000 tokens, and hardly is more than 1,100."""
    limit = {"scope": "team", "limit": "0.1", "bound": bound}
    spec = SimulatorSpec(name="one", latency=Latency(first_token=20))
    async with stage(tmp_path, [spec], **budgets(limit)) as road:
        long = [{"role": "user", "content": "x" * 4000}]
        asked = asyncio.ensure_future(ask(road, messages=long))
        async with asyncio.timeout(20):
            await road.first.until(lambda one: one.requests == 1)
        [purse] = road.gateway.books.treasury.budgets.purses.values()
        tokens = (purse.reserved - 2000 * 50) / 1000
        assert 900 < tokens < 1500 if bound == "soft" else 4000 < tokens < 4200
        asked.cancel()
        await road.at_rest()
        assert purse.reserved == 0


async def test_a_gateway_without_budgets_has_no_leases(tmp_path):
    async with stage(tmp_path, provider=PRICED) as road:
        assert (await ask(road)).status_code == 200
        assert not (tmp_path / "antiphon-leases.db").exists()
        assert "leases" not in road.gateway.books.treasury.states


async def test_budgets_that_come_to_a_running_gateway(tmp_path):
    sections: dict[str, Any] = {**budgets({"scope": "team", "limit": "0.0005"})}
    configured = sections.pop("budgets")
    async with stage(tmp_path, segment_bytes=1 << 14, **sections) as road:
        for _ in range(30):
            assert (await ask(road)).status_code == 200
        treasury = road.gateway.books.treasury
        compiled = BudgetsSettings.model_validate(configured).compiled()
        await treasury.ready(compiled)
        treasury.budgets.replace(compiled)
        answers = 0
        while (await ask(road)).status_code == 200:
            answers += 1
        assert 0 < answers < 30
        treasury.budgets.replace([])
        assert (await ask(road)).status_code == 200
    spent, held = leased(tmp_path, "team", "org_default/web")
    assert held == 0
    assert 0 < spent < charged(tmp_path)


def desk(road: Stage, organisation: str = HOME):
    return road.gateway.access.at(operator_here(), organisation)


async def test_teams_of_one_name_in_two_organisations_share_nothing(tmp_path):
    """But a key of the configuration and one of the database that are of one team share."""
    limits = [
        {"scope": "team", "limit": "0.0005", "organisation": "*"},
        {"scope": "organisation", "limit": "0.0008"},
    ]
    async with stage(tmp_path, **budgets(*limits)) as road:
        other = road.gateway.access.organisations(operator_here()).create("Other")
        keys: dict[str, str] = {}
        ids: dict[str, str] = {}
        for where in (HOME, other.id):
            there = desk(road, where)
            team = there.teams.create("web")
            new = there.keys.create(name="k", team=team.id)
            keys[where], ids[where] = new.secret.reveal(), new.facts.id
        answers = Counter[str]()
        for where, key in keys.items():
            while (answer := await ask(road, key=key)).status_code == 200:
                answers[where] += 1
            assert "budget of team web" in answer.json()["error"]["message"]
        assert answers[HOME] == answers[other.id] > 1
        assert (await ask(road)).status_code == 402
        standing = road.gateway.books.treasury.standing
        [there] = standing(other.id)
        assert there.pot.name == f"{other.id}/web"
        assert {each.pot.scope for each in standing(HOME)} == {"organisation", "team"}
    spent = charged(tmp_path, "key_id = ?", ids[other.id])
    assert leased(tmp_path, "team", f"{other.id}/web") == (spent, 0)
    assert leased(tmp_path, "organisation", HOME)[0] == charged(tmp_path) - spent


async def test_the_share_of_a_budget_is_a_metric_where_its_name_is_configured(tmp_path):
    limits = [{"scope": "team", "name": "web", "limit": "0.01"}, {"scope": "key", "limit": 1}]
    async with stage(tmp_path, **budgets(*limits)) as road:
        assert (await ask(road)).status_code == 200
        metrics = ""
        async with asyncio.timeout(10):
            while 'antiphon_budget_used_ratio{budget="team/web/total"} 0.0' not in metrics:
                metrics = await scraped(road)
                await asyncio.sleep(0.05)
        assert metrics.count("antiphon_budget_used_ratio{") == 1
        assert "antiphon_leases_up 1" in metrics


async def test_people_behind_a_proxy_spend_their_own(tmp_path):
    sections: dict[str, Any] = budgets({"scope": "user", "limit": "0.0005"})
    sections["auth"] = {**AUTH, "proxies": [{"secrets": [PROXY_SECRET]}]}
    async with stage(tmp_path, **sections) as road:
        new = desk(road).keys.create(name="proxy")
        key = new.secret.reveal()
        said = Counter[str]()
        for name in ("ann", "ben"):
            while (answer := await by(road, key, name)).status_code == 200:
                said[name] += 1
            assert answer.status_code == 402
            assert "budget of this user" in answer.json()["error"]["message"]
        assert said["ann"] == said["ben"] > 1


async def by(road: Stage, key: str, name: str) -> httpx2.Response:
    body = {"model": "fast", "messages": HELLO, "max_tokens": 50}
    headers = {"authorization": f"Bearer {key}", **person(name)}
    return await road.http.post("/v1/chat/completions", json=body, headers=headers)


async def test_whoever_shares_a_call_is_not_refused_for_the_budget_of_another(tmp_path):
    """The one who asked first cannot pay; the next one asks, and pays."""
    sections: dict[str, Any] = budgets(
        {"scope": "user", "name": "alice", "limit": 0}, {"scope": "user", "limit": 1}
    )
    sections["auth"] = {
        "required": True,
        "keys": [{"key": KEY, "team": "web", "user": "alice"}, {"key": OTHER, "team": "web"}],
    }
    spec = SimulatorSpec(name="one", latency=Latency(first_token=0.1))
    route = {"deployments": ["one/sim-small"], "cache": {"ttl": 60, "scope": "global"}}
    async with stage(tmp_path, [spec], models={"fast": route}, **sections) as road:
        asking = [ask(road, most=500, key=key) for key in (KEY, OTHER, OTHER, OTHER)]
        answers = [each.status_code for each in await asyncio.gather(*asking)]
        assert answers == [402, 200, 200, 200]
        again = await ask(road, most=500)
        assert again.headers["x-antiphon-cache"] == "hit", "which costs her nothing"


async def test_what_was_capped_is_not_stored(tmp_path):
    sections = budgets({"scope": "team", "limit": "0.0005", "when_short": "cap"})
    route = {"deployments": ["one/sim-small"], "cache": {"ttl": 60}}
    async with stage(tmp_path, models={"fast": route}, **sections) as road:
        answer = await ask(road, most=4000)
        assert "capped at" in answer.headers["x-antiphon-warnings"]
        assert 'antiphon_cache_not_stored_total{why="capped"} 1' in await scraped(road)
