"""`/api/v1/cache`: figures, and removal."""

from __future__ import annotations

import pytest

from tests.server.cached import ADMIN, AS_ADMIN, ONE, ask, manage, route, word
from tests.server.stage import stage

ANNA = {"key": "key-of-anna-0123456789", "user": "anna", "team": "web"}
BERT = {"key": "key-of-bert-0123456789", "user": "bert", "team": "lab"}
AUTH = {**ADMIN, "required": True, "keys": [ANNA, BERT]}


@pytest.fixture
async def road(tmp_path):
    models = {**route(), "quick": route()["fast"]}
    async with stage(tmp_path, ONE, models=models, auth=AUTH) as running:
        yield running


async def clear(road, **query: str):
    answer = await road.http.delete("/api/v1/cache", params=query, headers=AS_ADMIN)
    assert answer.status_code == 200, answer.text
    return answer.json()["dropped"]


async def test_how_it_stands(road):
    for header in (None, None, "no-cache"):
        await ask(road, header, key=ANNA["key"])
    await ask(road, key=ANNA["key"], max_tokens=1)
    told = await manage(road, "/api/v1/cache")
    assert [each["name"] for each in told["routes"]] == ["fast", "quick"]
    assert told["routes"][0] == {
        "name": "fast",
        "hits": 1,
        "misses": 2,
        "skipped": 1,
        "shared": 0,
        "stale": 0,
        "stored": 2,
        "not_stored": {"truncated": 1},
    }
    memory = told["memory"]
    assert memory["entries"] == 1
    assert 0 < memory["bytes"] < memory["most_bytes"] == 64 << 20
    assert told["calls"]["calls"] == 3


async def test_what_is_removed_is_asked_anew(road):
    async def fill() -> None:
        for model in ("fast", "quick"):
            for each in (ANNA, BERT):
                await ask(road, key=each["key"], model=model)

    await fill()
    assert await clear(road, alias="quick") == 2
    assert word(await ask(road, key=ANNA["key"])) == "hit"
    assert word(await ask(road, key=ANNA["key"], model="quick")) == "miss"
    await fill()
    assert await clear(road, team="lab") == 2
    await fill()
    assert await clear(road, team="lab", alias="fast") == 1
    assert await clear(road, organisation="org_default", alias="quick") == 2
    assert await clear(road, organisation="another") == 0
    await fill()
    assert await clear(road) == 4
    assert word(await ask(road, key=ANNA["key"])) == "miss"


async def test_a_key_or_a_person(road):
    answer = await ask(road, key=ANNA["key"])
    await ask(road, key=BERT["key"])
    await road.at_rest()
    facts = await manage(road, f"/api/v1/requests/{answer.headers['x-antiphon-request-id']}")
    assert await clear(road, key=facts["key_id"]) == 1
    await ask(road, key=ANNA["key"])
    assert await clear(road, user="anna") == 1
    assert await clear(road, user="bert") == 1


@pytest.mark.parametrize("method", ["get", "delete"])
async def test_for_the_admin_key_alone(road, method):
    asking = getattr(road.http, method)
    assert (await asking("/api/v1/cache")).status_code == 401
    headers = {"authorization": f"Bearer {ANNA['key']}"}
    assert (await asking("/api/v1/cache", headers=headers)).status_code == 403


async def test_a_word_that_is_none_removes_nothing(road):
    await ask(road, key=ANNA["key"])
    answer = await road.http.delete("/api/v1/cache?aliass=fast", headers=AS_ADMIN)
    assert answer.status_code == 400
    assert word(await ask(road, key=ANNA["key"])) == "hit"


async def test_it_is_measured(road):
    await ask(road, key=ANNA["key"])
    await ask(road, key=ANNA["key"], max_tokens=1)
    await clear(road)
    lines = (await road.http.get("/metrics", headers=AS_ADMIN)).text.splitlines()
    assert "antiphon_cache_entries 0" in lines
    assert "antiphon_cache_bytes 0" in lines
    assert 'antiphon_cache_removed_total{why="order"} 1' in lines
    assert 'antiphon_cache_not_stored_total{why="truncated"} 1' in lines


async def test_memory_is_bounded(tmp_path):
    bound = {"max_bytes": 1 << 16, "max_entry_bytes": 1 << 14}
    async with stage(tmp_path, ONE, models=route(), cache=bound, auth=ADMIN) as road:
        long = [{"role": "user", "content": "[tokens: 1000]"}]
        for number in range(30):
            await ask(road, messages=long, seed=number)
        memory = (await manage(road, "/api/v1/cache"))["memory"]
        assert memory["bytes"] <= 1 << 16
        assert memory["evicted"] + memory["entries"] == 30
        assert word(await ask(road, messages=long, seed=29)) == "hit"
        assert word(await ask(road, messages=long, seed=0)) == "miss"
