"""A breaker seen from outside: what callers are told, what operators see, and how it is reset."""

from __future__ import annotations

import asyncio
import json
import logging

import openai
import pytest

from antiphon.errors import BreakerOpen, PathNotFound
from antiphon.simulator import Latency
from tests.server.raw import CHAT, chat_body
from tests.server.stage import HELLO, Stage, stage

ADMIN = "admin-key-0123456789abcdef"
BEARER = {"authorization": f"Bearer {ADMIN}"}
RETRY = {"attempts": 1}
MODELS = {
    "lone": {"deployments": ["one/sim-small"], "retry": RETRY, "breaker": {"open_for": 0.2}},
    "slow": {"deployments": ["two/sim-small"], "retry": RETRY},
}


def standing(tmp_path):
    return stage(tmp_path, auth={"admin_key": ADMIN}, models=MODELS)


async def ask(road: Stage, model: str):
    return await road.http.post(CHAT, content=chat_body(model=model))


async def opened(road: Stage, model: str, simulator) -> None:
    simulator.arm("server-error")
    for _ in range(5):
        assert (await ask(road, model)).status_code == 502
    simulator.disarm()


async def shown(road: Stage, name: str) -> dict:
    listed = (await road.http.get("/api/v1/deployments", headers=BEARER)).json()
    return next(each for each in listed if each["name"] == name)


async def test_what_is_told_while_it_is_open(tmp_path):
    async with standing(tmp_path) as road:
        await opened(road, "slow", road.second)
        asked = road.second.requests
        told = await ask(road, "slow")
        assert road.second.requests == asked
        assert told.status_code == 503
        assert 0 < int(told.headers["retry-after"]) <= 60
        error = told.json()["error"]
        assert "two/sim-small is probed in 60 s" in error["message"]
        [passed] = error["passed_over"]
        assert (passed["deployment"], passed["reason"]) == ("two/sim-small", "breaker")
        assert 50 < passed["seconds"] <= 60
        with pytest.raises(BreakerOpen) as raised:
            await road.gateway.chat(model="slow", messages=HELLO)
        assert raised.value.upstream == "two/sim-small"
        assert 50 < raised.value.seconds <= 60
        with pytest.raises(openai.InternalServerError) as seen:
            await road.client.with_options(max_retries=0).chat.completions.create(
                model="slow", messages=HELLO
            )
        assert seen.value.status_code == 503


async def test_it_closes_once_a_probe_is_answered(tmp_path, caplog):
    caplog.set_level(logging.INFO, "antiphon.breaker")
    async with standing(tmp_path) as road:
        await opened(road, "lone", road.first)
        assert (await shown(road, "one/sim-small"))["breaker"]["opened"] == 1
        async with asyncio.timeout(10):
            while (await ask(road, "lone")).status_code != 200:
                pass
        found = (await shown(road, "one/sim-small"))["breaker"]
        assert found == {"state": "closed", "failures": 0, "seconds": None, "opened": 1}
        page = (await road.http.get("/metrics", headers=BEARER)).text
    labels = '{provider="one",model="sim-small"'
    assert f"antiphon_breaker_state{labels}}} 0" in page
    for to in ("open", "half_open", "closed"):
        assert f'antiphon_breaker_changes_total{labels},to="{to}"}} 1' in page
    told = [(each.levelno, each.getMessage()) for each in caplog.records if "breaker" in each.name]
    assert [level for level, _ in told] == [logging.ERROR, logging.INFO, logging.INFO]
    assert "one/sim-small opened for 0.2 s" in told[0][1]
    assert "closed" in told[2][1]


async def test_fifty_at_a_half_open_breaker_make_one_probe(tmp_path):
    async with standing(tmp_path) as road:
        await opened(road, "lone", road.first)
        await asyncio.sleep(0.25)
        asked = road.first.requests
        road.first.set_latency(Latency(first_token=1.5))
        answers = await asyncio.gather(*(ask(road, "lone") for _ in range(50)))
        assert road.first.requests - asked == 1
        assert sorted(each.status_code for each in answers) == [200] + [503] * 49
        refused = next(each for each in answers if each.status_code == 503)
        assert "is being probed" in refused.json()["error"]["message"]


async def test_it_is_reset_by_the_api_and_that_is_audited(tmp_path):
    async with standing(tmp_path) as road:
        await opened(road, "slow", road.second)
        path = "/api/v1/deployments/two/sim-small/reset"
        assert (await road.http.post(path)).status_code == 401
        told = await road.http.post(path, headers=BEARER)
        assert told.json()["breaker"]["state"] == "closed"
        assert (await ask(road, "slow")).status_code == 200
        entries = await road.http.get("/api/v1/audit?act=deployment.reset", headers=BEARER)
        assert [each["target"] for each in entries.json()["data"]] == ["two/sim-small"]
        missing = await road.http.post("/api/v1/deployments/nobody/none/reset", headers=BEARER)
        assert missing.status_code == 404


async def test_it_is_reset_by_a_program_and_so_are_keys(tmp_path):
    async with standing(tmp_path) as road:
        await opened(road, "slow", road.second)
        road.gateway.reset("two/sim-small")
        assert (await ask(road, "slow")).status_code == 200
        road.second.arm("bad-key")
        assert (await ask(road, "slow")).status_code == 502
        road.second.disarm()
        told = json.loads((await ask(road, "slow")).content)
        assert told["error"]["attempts"][0]["code"] == "no_live_key"
        road.gateway.reset("two/sim-small")
        assert (await ask(road, "slow")).status_code == 200
        with pytest.raises(PathNotFound):
            road.gateway.reset("nobody/none")
