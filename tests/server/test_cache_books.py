"""What stored and shared answers leave in the books: a row each, and no cost."""

from __future__ import annotations

import asyncio
import json

import pytest

from antiphon.usage.ledger.prove import prove
from tests.server.cached import (
    ADMIN,
    ONE,
    PACED,
    Gate,
    LaterClock,
    ask,
    manage,
    request,
    route,
    until,
    word,
)
from tests.server.stage import stage

PRICED = {"one": {"models": {"sim-small": {"prices": {"input": 10, "output": 30}}}}}


@pytest.fixture
async def road(tmp_path):
    async with stage(tmp_path, ONE, models=route(), auth=ADMIN, providers_of=PRICED) as running:
        yield running


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_what_happened_to_a_hit(road, stream):
    miss, hit = [await ask(road, stream=stream) for _ in range(2)]
    paid, given = await request(road, miss), await request(road, hit)
    assert (paid["cache"], given["cache"]) == ("none", "hit")
    assert float(paid["cost_usd"]) > 0
    assert float(given["cost_usd"]) == 0
    assert (len(paid["attempts"]), given["attempts"]) == (1, [])
    assert (given["status"], given["outcome"], given["state"]) == (200, "ok", "finished")
    assert set(given["usage"].values()) == {0}
    assert (given["dialects"], given["charge"], given["stream"]) == ([], "nothing", stream)
    assert (given["first_token_ms"] is not None) == stream


async def test_usage_tells_hits_apart(road):
    for number in (1, 1, 1, 2):
        await ask(road, seed=number)
    await road.at_rest()
    told = await manage(road, "/api/v1/usage?by=provider,model")
    rows = {(row["provider"], row["model"]): row for row in told["rows"]}
    assert rows["one", "sim-small"]["attempts"] == 2
    hits = rows["cache", "hit"]
    assert (hits["attempts"], hits["failures"], float(hits["cost_usd"])) == (2, 0, 0)
    assert (hits["input_tokens"], hits["output_tokens"]) == (0, 0)
    chosen = await manage(road, "/api/v1/usage?by=alias&provider=cache")
    assert [(row["alias"], row["attempts"]) for row in chosen["rows"]] == [("fast", 2)]


async def test_the_ledger_proves_it(road):
    for number in (1, 1, 2, 2, 2):
        await ask(road, seed=number, stream=bool(number % 2))
    await road.at_rest()
    await manage(road, "/api/v1/usage")
    books = road.gateway.books
    found = await asyncio.to_thread(prove, books.database, books.journal.folder)
    assert (found.difference, found.open) == ("", 0)


async def test_a_stale_answer_costs_what_was_tried_for_it(tmp_path):
    clock = LaterClock()
    models = route(ttl=60, stale_for=600)
    async with stage(
        tmp_path, ONE, models=models, auth=ADMIN, providers_of=PRICED, clock=clock
    ) as road:
        await ask(road)
        clock.later += 70
        road.first.arm("server-error")
        answer = await ask(road)
        facts = await request(road, answer)
        assert (facts["cache"], facts["outcome"], facts["status"]) == ("stale", "ok", 200)
        assert [each["outcome"] for each in facts["attempts"]] == ["refused"]
        assert facts["error"] is None


async def test_the_first_pays_and_the_others_have_rows_of_no_cost(tmp_path):
    gate = Gate()
    async with stage(
        tmp_path, PACED, models=route(), auth=ADMIN, providers_of=PRICED, pause=gate
    ) as road:
        asking = [asyncio.create_task(ask(road)) for _ in range(5)]
        await until(lambda: road.gateway.pipeline.caching.flights.statistics.joined == 4)
        gate.open()
        answers = await asyncio.gather(*asking)
        facts = [await request(road, each) for each in answers]
        assert sorted(each["cache"] for each in facts) == ["none"] + ["shared"] * 4
        paying = [each for each in facts if float(each["cost_usd"])]
        assert [each["cache"] for each in paying] == ["none"]
        costs = {word(each): each.headers["x-antiphon-cost"] for each in answers}
        assert costs["shared"] == "0.000000000"
        assert float(costs["miss"]) == float(paying[0]["cost_usd"])


async def test_a_refused_look_up_leaves_its_reason(road):
    answer = await ask(road, "only-if-cached")
    facts = await request(road, answer)
    assert (facts["status"], facts["outcome"], facts["attempts"]) == (504, "failed", [])
    assert facts["cache"] == "none"


async def test_the_metrics_count_each_of_them(road):
    await ask(road)
    await ask(road)
    await ask(road, "no-cache")
    await road.at_rest()
    headers = {"authorization": f"Bearer {ADMIN['admin_key']}"}
    text = (await road.http.get("/metrics", headers=headers)).text
    for line in (
        'antiphon_cache_requests_total{route="fast",result="hit"} 1',
        'antiphon_cache_requests_total{route="fast",result="miss"} 2',
        'antiphon_requests_total{route="fast",model="hit",provider="cache",status="200",class="ok"} 1',
        'antiphon_attempts_total{provider="one",model="sim-small",code="ok"} 2',
    ):
        assert line in text.splitlines()


async def test_the_log_line_says_it(tmp_path):
    logging = {"requests": "json", "file": str(tmp_path / "log")}
    async with stage(tmp_path, ONE, models=route(), logging=logging) as road:
        for _ in range(2):
            await ask(road)
        await road.at_rest()
        assert await asyncio.to_thread(road.gateway.books.shipper.flush, 10)
        lines = (tmp_path / "log").read_text().splitlines()
    assert [json.loads(line)["cache"] for line in lines] == ["miss", "hit"]
