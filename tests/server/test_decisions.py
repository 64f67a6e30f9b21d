"""Why a request went where it went: kept with it, and shown with it."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from typing import Any

import pytest

from antiphon.simulator import FaultRule
from tests.server.explained import ADMIN, KEY, OTHER, asked, bearer, explaining, told
from tests.server.stage import Stage

SECRET = "the-secret-word-that-nobody-keeps"
TOOL = {
    "type": "function",
    "function": {"name": "look", "parameters": {"type": "object", "properties": {}}},
}


@pytest.fixture
async def road(tmp_path):
    async with explaining(tmp_path) as running:
        yield running


async def ask(road: Stage, request: dict[str, object], **headers: str) -> str:
    """Ask, and give the id."""
    answer = await road.http.post(
        "/v1/chat/completions",
        json=request,
        headers={**bearer(KEY), **{name.replace("_", "-"): v for name, v in headers.items()}},
    )
    return answer.headers["x-antiphon-request-id"]


async def shown(road: Stage, request_id: str, key: str = ADMIN) -> dict[str, Any] | None:
    answer = await road.http.get(f"/api/v1/requests/{request_id}", headers=bearer(key))
    assert answer.status_code == 200, answer.text
    return answer.json()["decision"]


def states(decision: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [
        (each["deployment"].split("/")[0], each["state"], each["reason"])
        for each in decision["candidates"]
    ]


async def test_what_was_not_looked_at_is_said_to_be_so(road):
    decision = await shown(road, await ask(road, asked("listed")))
    assert decision is not None
    assert decision["route"] == "listed"
    assert decision["generation"] == 1
    assert states(decision) == [
        ("one", "chosen", ""),
        ("two", "not_looked_at", ""),
        ("three", "not_looked_at", ""),
        ("four", "not_looked_at", ""),
    ]


async def test_a_fallback_a_rule_and_a_strategy(road):
    road.simulators[3].arm(FaultRule("server-error", count=1))
    request_id = await ask(road, asked("all", "今天天气怎么样, 可以出去玩吗"))
    decision = await shown(road, request_id)
    assert decision is not None
    assert decision["rules"] == [{"rule": "mandarin", "matched": True, "reason": ""}]
    assert decision["strategies"] == ["cheapest"]
    assert states(decision) == [
        ("four", "chosen", "rule mandarin"),
        ("two", "next", ""),
        ("three", "not_looked_at", ""),
        ("one", "not_looked_at", ""),
    ]
    assert [len(each["scores"]) for each in decision["candidates"]] == [0, 1, 1, 1]


async def test_who_was_passed_over_and_why(road):
    request = asked("listed", f"{SECRET} " * 100, tools=[TOOL])
    request["provider"] = {"order": ["four", "three"], "ignore": ["two"]}
    request["metadata"] = {"sensitivity": "internal", "note": SECRET}
    decision = await shown(road, await ask(road, request, x_antiphon_tags=SECRET))
    assert decision is not None
    assert decision["sensitivity"] == "internal"
    assert states(decision) == [
        ("four", "left_out", "capability: tools"),
        ("three", "left_out", "window"),
        ("one", "chosen", ""),
        ("two", "left_out", "not cleared"),
    ]
    assert SECRET not in str(decision)


async def test_where_nobody_was_asked(road):
    answer = await road.http.post(
        "/v1/chat/completions",
        json=asked("busy"),
        headers={**bearer(KEY), "x-antiphon-sensitivity": "confidential"},
    )
    assert answer.headers["x-antiphon-deployment"] == "three/sim-small"
    refused = await ask(road, asked("kept"), x_antiphon_sensitivity="restricted")
    decision = await shown(road, refused)
    assert decision is not None
    assert decision["sensitivity"] == "restricted"
    assert states(decision) == [
        ("one", "left_out", "not cleared"),
        ("two", "left_out", "not cleared"),
    ]
    for each in road.simulators[:2]:
        each.arm("server-error")
    failed = await ask(road, asked("kept"))
    decision = await shown(road, failed)
    assert decision is not None
    assert states(decision) == [("one", "chosen", ""), ("two", "next", "")]


async def test_stored_and_shared_answers_have_theirs(road):
    made = await ask(road, asked("kept"))
    hit = await ask(road, asked("kept"))
    decision = await shown(road, made)
    assert decision is not None
    assert [state for _, state, _ in states(decision)] == ["chosen", "not_looked_at"]
    decision = await shown(road, hit)
    assert decision is not None
    assert [state for _, state, _ in states(decision)] == ["not_looked_at"] * 2
    ids = await asyncio.gather(*(ask(road, asked("kept", "And this?")) for _ in range(4)))
    assert all([await shown(road, each) for each in ids])


async def test_where_there_was_nothing_to_decide_nothing_is_kept(road, tmp_path):
    assert await shown(road, await ask(road, asked("fast"))) is None
    with closing(sqlite3.connect(tmp_path / "antiphon.db")) as database:
        assert database.execute("SELECT count(*) FROM decisions").fetchone() == (0,)


async def test_a_key_sees_its_own_without_figures(road):
    request_id = await ask(road, asked("all"))
    own = await shown(road, request_id, KEY)
    full = await shown(road, request_id)
    assert own is not None
    assert full is not None
    assert [each["scores"] for each in full["candidates"]] != [[]] * 4
    assert [each["scores"] for each in own["candidates"]] == [[]] * 4
    answer = await road.http.get(f"/api/v1/requests/{request_id}", headers=bearer(OTHER))
    assert answer.status_code == 404


async def test_it_stays_small(road, tmp_path):
    request_id = await ask(road, asked("all", "word " * 300))
    assert await shown(road, request_id)
    with closing(sqlite3.connect(tmp_path / "antiphon.db")) as database:
        [size] = database.execute("SELECT max(length(decision)) FROM decisions").fetchone()
    assert size < 300


async def test_a_running_request_tells_its_own(road):
    road.simulators[0].set_latency("slow")
    task = asyncio.create_task(ask(road, asked("listed", "[tokens: 20]")))
    async with asyncio.timeout(5):
        while not any(each.attempts for each in road.gateway.pipeline.live):  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    [exchange] = road.gateway.pipeline.live
    decision = await shown(road, exchange.id)
    assert decision is not None
    assert states(decision)[0] == ("one", "chosen", "")
    road.gateway.pipeline.hurry()
    task.cancel()


async def test_the_same_is_said_before_and_kept_after(road):
    request = asked("all", "今天天气怎么样, 可以出去玩吗")
    said = (await told(road, request, key=KEY))["decision"]
    kept = await shown(road, await ask(road, request))
    assert kept is not None
    assert [each["deployment"] for each in said["candidates"]] == [
        each["deployment"] for each in kept["candidates"]
    ]
    for name in ("route", "generation", "sensitivity", "strategies", "rules", "active"):
        assert said[name] == kept[name], name
