"""Stored and shared answers where money is short, and where limits are."""

from __future__ import annotations

import asyncio

from tests.server.cached import PACED, Gate, ask, route, until, word
from tests.server.limited import limits
from tests.server.purses import OTHER, budgets, charged
from tests.server.stage import KEY, stage


async def test_who_has_no_money_left_is_given_what_is_stored(tmp_path):
    money = budgets({"scope": "team", "limit": "0.002", "name": "web"})
    async with stage(tmp_path, models=route(scope="organisation"), **money) as road:
        number = 0
        while (answer := await ask(road, key=KEY, max_tokens=500, seed=number)).status_code == 200:
            number += 1
        assert answer.status_code == 402
        assert number > 0
        again = await ask(road, key=KEY, max_tokens=500, seed=0)
        assert (again.status_code, word(again)) == (200, "hit")
        assert word(await ask(road, key=OTHER, max_tokens=500, seed=0)) == "hit"
    assert charged(tmp_path) == charged(tmp_path, "team = ? AND provider = ?", "web", "one") > 0


async def test_the_lack_of_one_is_not_the_lack_of_the_others(tmp_path):
    """The first to come has no money: whoever waits with it makes the call, and pays."""
    money = budgets({"scope": "team", "limit": "0", "name": "web"})
    gate = Gate()
    models = route(scope="organisation")
    async with stage(tmp_path, PACED, models=models, pause=gate, **money) as road:
        flights = road.gateway.pipeline.caching.flights
        poor = [asyncio.create_task(ask(road, key=KEY)) for _ in range(2)]
        rich = [asyncio.create_task(ask(road, key=OTHER)) for _ in range(3)]
        await until(lambda: road.first.requests == 1)
        gate.open()
        told = [(each.status_code, word(each)) for each in await asyncio.gather(*poor, *rich)]
        assert flights.statistics.open == 0
        # The poor who had not begun a call are given what another paid for.
        assert (402, "miss") in told[:2]
        assert {status for status, _ in told[2:]} == {200}
        assert road.first.requests == 1
        await road.at_rest()
        assert road.gateway.concurrency.in_use == 0
    assert charged(tmp_path, "team = ?", "web") == 0


async def test_an_answer_that_a_budget_made_short_is_not_stored(tmp_path):
    cap = {"scope": "team", "limit": "0.0004", "name": "web", "when_short": "cap"}
    long = [{"role": "user", "content": "[tokens: 100]"}]
    async with stage(tmp_path, models=route(), **budgets(cap)) as road:
        answer = await ask(road, key=KEY, messages=long, max_tokens=50000)
        assert answer.status_code == 200, answer.text
        assert "budget" in answer.headers["x-antiphon-warnings"]
        tally = road.gateway.snapshot.plans["fast"].cache.tally
        assert tally.stored == 0
        assert set(tally.not_stored) <= {"capped"}


async def test_a_hit_takes_of_the_limits_of_requests_and_of_no_others(tmp_path):
    rules = limits({"scope": "key", "requests": 4}, {"scope": "team", "tokens": 5000})
    async with stage(tmp_path, models=route(), **rules) as road:
        left = []
        for _ in range(4):
            answer = await ask(road, key=KEY, max_tokens=500)
            assert answer.status_code == 200
            await road.at_rest()
            left.append(answer.headers["x-ratelimit-remaining-requests"])
        assert left == ["3", "2", "1", "0"]
        refused = await ask(road, key=KEY, max_tokens=500)
        assert refused.status_code == 429
        assert "x-antiphon-cache" not in refused.headers
        assert road.first.requests == 1
        # What one answer took, and what the other's own request may take at most.
        other = await ask(road, key=OTHER, max_tokens=500)
        assert int(other.headers["x-ratelimit-remaining-tokens"]) > 3000
