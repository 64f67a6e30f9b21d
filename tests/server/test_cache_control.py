"""What a caller may say of stored answers, and how long they are good."""

from __future__ import annotations

import pytest

from tests.server.cached import ONE, LaterClock, ask, route, word
from tests.server.stage import HELLO, stage


@pytest.fixture
async def road(tmp_path):
    async with stage(tmp_path, ONE, models=route()) as running:
        yield running


async def test_no_cache_asks_anew_and_what_comes_is_stored(tmp_path):
    clock = LaterClock()
    async with stage(tmp_path, ONE, models=route(ttl=100), clock=clock) as road:
        await ask(road)
        clock.later += 90
        assert word(await ask(road, "no-cache")) == "miss"
        clock.later += 20
        # The first answer would be too old by now.
        assert word(await ask(road)) == "hit"
        assert road.first.requests == 2


async def test_no_store_stores_nothing_and_takes_what_is_stored(road):
    assert word(await ask(road, "no-store")) == "miss"
    assert word(await ask(road)) == "miss"
    assert word(await ask(road, "no-store")) == "hit"


async def test_max_age_bounds_the_age(tmp_path):
    clock = LaterClock()
    async with stage(tmp_path, ONE, models=route(), clock=clock) as road:
        await ask(road)
        clock.later += 50
        answer = await ask(road, "max-age=60")
        assert (word(answer), answer.headers["age"]) == ("hit", "50")
        assert word(await ask(road, "max-age=40")) == "miss"
        assert word(await ask(road, "max-age=0")) == "miss"
        assert word(await ask(road, "max-age=40")) == "hit"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_only_if_cached_asks_nobody(road, stream):
    missing = await ask(road, "only-if-cached", stream=stream)
    assert (missing.status_code, word(missing)) == (504, "miss")
    assert missing.json()["error"]["type"]
    assert missing.headers["x-should-retry"] == "false"
    assert road.first.requests == 0
    await ask(road, stream=stream)
    assert word(await ask(road, "only-if-cached", stream=stream)) == "hit"
    assert (await ask(road, "only-if-cached, no-cache", stream=stream)).status_code == 504
    await road.at_rest()
    assert road.first.requests == 1


@pytest.mark.parametrize(
    ("path", "body", "told"),
    [
        ("/v1/chat/completions", {"model": "fast", "messages": HELLO}, ("error", "message")),
        (
            "/v1/messages",
            {"model": "fast", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]},
            ("error", "message"),
        ),
        ("/v1/responses", {"model": "fast", "input": "x"}, ("error", "message")),
        (
            "/v1beta/models/fast:generateContent",
            {"contents": [{"role": "user", "parts": [{"text": "x"}]}]},
            ("error", "message"),
        ),
        (
            "/api/chat",
            {"model": "fast", "messages": [{"role": "user", "content": "x"}]},
            ("error",),
        ),
    ],
    ids=["chat", "messages", "responses", "gemini", "ollama"],
)
async def test_the_miss_is_told_in_the_words_of_the_caller(road, path, body, told):
    answer = await road.http.post(path, json=body, headers={"cache-control": "only-if-cached"})
    assert answer.status_code == 504
    said = answer.json()
    for step in told:
        said = said[step]
    assert said.startswith("No stored answer fits")
    assert road.first.requests == 0


async def test_the_header_may_stand_several_times(road):
    await ask(road)
    headers = [("cache-control", "max-age=60"), ("Cache-Control", "no-cache")]
    body = {"model": "fast", "messages": [{"role": "user", "content": "Hello there"}]}
    answer = await road.http.post("/v1/chat/completions", json=body, headers=headers)
    assert word(answer) == "miss"


@pytest.mark.parametrize("header", ["", ",,,", "max-age=old", "private, must-revalidate", "\xff=1"])
async def test_what_cannot_be_read_is_ignored(road, header):
    await ask(road)
    headers = {"cache-control": header.encode("latin-1")}
    body = {"model": "fast", "messages": [{"role": "user", "content": "Hello there"}]}
    answer = await road.http.post("/v1/chat/completions", json=body, headers=headers)
    assert (answer.status_code, word(answer)) == (200, "hit")


async def test_an_answer_is_over_after_its_time(tmp_path):
    clock = LaterClock()
    async with stage(tmp_path, ONE, models=route(ttl=60), clock=clock) as road:
        await ask(road)
        clock.later += 61
        assert word(await ask(road)) == "miss"
        assert road.first.requests == 2


@pytest.mark.parametrize("fault", ["server-error", "rate-limited", "refused", "reset"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_a_stale_answer_is_better_than_none(tmp_path, stream, fault):
    clock = LaterClock()
    models = route(ttl=60, stale_for=600)
    async with stage(tmp_path, ONE, models=models, clock=clock) as road:
        fresh = await ask(road, stream=stream)
        clock.later += 70
        road.first.arm(fault)
        answer = await ask(road, stream=stream)
        assert (answer.status_code, answer.content) == (200, fresh.content)
        assert (word(answer), answer.headers["x-antiphon-degraded"]) == ("stale", "stale")
        assert answer.headers["age"] == "70"
        assert answer.headers["x-antiphon-attempts"] == "1"
        for header in ("no-cache", "max-age=60"):
            refused = await ask(road, header, stream=stream)
            assert refused.status_code >= 429
            assert (word(refused), "x-antiphon-degraded" in refused.headers) == ("miss", False)
        clock.later += 600
        assert (await ask(road, stream=stream)).status_code >= 429


async def test_a_refusal_of_the_request_is_told_and_not_hidden(tmp_path):
    clock = LaterClock()
    async with stage(tmp_path, ONE, models=route(ttl=60, stale_for=600), clock=clock) as road:
        await ask(road)
        clock.later += 70
        road.first.arm("bad-request")
        assert (await ask(road)).status_code == 400


async def test_without_a_bound_there_are_no_stale_answers(tmp_path):
    clock = LaterClock()
    async with stage(tmp_path, ONE, models=route(ttl=60), clock=clock) as road:
        await ask(road)
        clock.later += 70
        road.first.arm("server-error")
        assert (await ask(road)).status_code == 502


async def test_once_the_provider_is_back_so_are_fresh_answers(tmp_path):
    clock = LaterClock()
    async with stage(tmp_path, ONE, models=route(ttl=60, stale_for=600), clock=clock) as road:
        await ask(road)
        clock.later += 70
        road.first.arm("server-error")
        assert word(await ask(road)) == "stale"
        road.first.disarm()
        assert [word(await ask(road)) for _ in range(2)] == ["miss", "hit"]
