"""Limits of deployments, providers and their keys: who is asked instead, and who waits."""

from __future__ import annotations

import asyncio

from antiphon.simulator import FaultRule, Latency, SimulatorSpec
from tests.server.limited import ask, limits, meters
from tests.server.stage import stage


def one(**members: object) -> dict[str, object]:
    """The first provider says that of its limits."""
    return {"providers_of": {"one": {"limits": members}}}


async def test_one_at_its_limit_is_passed_over(tmp_path):
    async with stage(tmp_path, **one(requests_per_minute=2)) as road:
        answers = [await ask(road, model="both") for _ in range(4)]
        assert [each.headers["x-antiphon-deployment"] for each in answers] == [
            "one/sim-small",
            "one/sim-small",
            "two/sim-small",
            "two/sim-small",
        ]
        assert {each.headers["x-antiphon-attempts"] for each in answers} == {"1"}, "no attempt"
        first = next(each for each in road.gateway.deployments() if each.provider == "one")
        assert first.health.failures == 0
        assert len(road.first.received) == 2
        refused = await ask(road)
        assert refused.status_code == 429
        assert (
            refused.json()["error"]["message"] == "All deployments of 'fast' are at their limits."
        )
        assert 1 <= int(refused.headers["retry-after"]) <= 61
        assert "x-ratelimit-limit-requests" not in refused.headers, "it is not the caller's"


async def test_the_smallest_retry_after_is_told(tmp_path):
    rules = [
        {"scope": "deployment", "name": "one/sim-small", "requests": 1, "per": "hour"},
        {"scope": "deployment", "name": "two/sim-small", "requests": 1, "per": 20},
        {"scope": "provider", "name": "two", "requests": 50},
    ]
    async with stage(tmp_path, limits={"rules": rules}) as road:
        assert [(await ask(road, model="both")).status_code for _ in range(2)] == [200, 200]
        refused = await ask(road, model="both")
        assert refused.status_code == 429
        assert 15 <= int(refused.headers["retry-after"]) <= 21


async def test_a_provider_that_may_not_be_asked_at_all(tmp_path):
    async with stage(tmp_path, **one(concurrency=0)) as road:
        answer = await ask(road, model="both")
        assert answer.headers["x-antiphon-deployment"] == "two/sim-small"
        refused = await ask(road)
        assert refused.status_code == 429
        assert refused.headers["x-should-retry"] == "false"


async def test_a_failure_goes_on_to_who_is_not_at_its_limit(tmp_path):
    models = {"three": {"deployments": ["one/sim-small", "two/sim-small", "two/sim-large"]}}
    rule = {"scope": "deployment", "name": "two/sim-small", "requests": 0}
    async with stage(tmp_path, models=models, limits={"rules": [rule]}) as road:
        road.first.arm(FaultRule("server-error"))
        answer = await ask(road, model="three")
        assert answer.headers["x-antiphon-deployment"] == "two/sim-large"
        assert answer.headers["x-antiphon-attempts"] == "2"


async def test_those_who_failed_are_tried_again_and_so_is_who_was_passed_over(tmp_path):
    """The first fails once, the second is full for a moment: no request is lost by that."""
    retry = {"attempts": 4, "backoff": 0.01}
    models = {"all": {"deployments": ["one/sim-small", "two/sim-small"], "retry": retry}}
    rule = {"scope": "provider", "name": "two", "requests": 0}
    async with stage(tmp_path, models=models, limits={"rules": [rule]}) as road:
        road.first.arm(FaultRule("server-error", count=2))
        answer = await ask(road, model="all")
        assert answer.status_code == 200
        assert answer.headers["x-antiphon-attempts"] == "3"


async def test_a_key_has_its_limit_over_all_who_share_it(tmp_path):
    """Both entries have the same key; only one of them says what it may."""
    of = {"two": {"key_limits": {"requests_per_minute": 3}}}
    async with stage(tmp_path, providers_of=of) as road:
        models = ["fast", "one/sim-large", "two/sim-small", "both", "two/sim-large"]
        answers = [await ask(road, model=each) for each in models]
        assert [each.status_code for each in answers] == [200, 200, 200, 429, 429]


async def test_the_other_key_is_used(tmp_path):
    of = {"one": {"api_key": ["sk-1", "sk-2"], "key_limits": {"requests_per_minute": 2}}}
    async with stage(tmp_path, providers_of=of) as road:
        assert [(await ask(road)).status_code for _ in range(5)] == [200] * 4 + [429]
        keys = [each.header(b"authorization") for each in road.first.received]
        assert sorted(keys) == [b"Bearer sk-1"] * 2 + [b"Bearer sk-2"] * 2


async def test_who_has_no_key_has_a_limit_too(tmp_path):
    of = {name: {"api_key": ""} for name in ("one", "two")}
    rule = {"scope": "provider_key", "requests": 1}
    async with stage(tmp_path, providers_of=of, limits={"rules": [rule]}) as road:
        answers = [await ask(road, model=each) for each in ("fast", "both", "fast")]
        assert [each.status_code for each in answers] == [200, 200, 429]


async def test_all_wait_for_the_first_that_has_room(tmp_path):
    """Eight at once for two providers that take one each: never more, and all are served."""
    of = {name: {"limits": {"concurrency": 1, "when_full": "queue"}} for name in ("one", "two")}
    paced = Latency(first_token=0.01)
    specs = [SimulatorSpec(name=name, seed=1, latency=paced) for name in ("one", "two")]
    async with stage(tmp_path, specs, providers_of=of) as road:
        answers = await asyncio.gather(
            *(ask(road, model="both", stream=number % 2 == 0) for number in range(8))
        )
        assert [each.status_code for each in answers] == [200] * 8
        assert len(road.first.received) >= 3
        assert len(road.second.received) >= 3
        await road.at_rest()
        assert {each.total for each in meters(road).values()} == {0}
        assert road.gateway.limits.queue.waiting == 0


async def test_who_leaves_while_it_waits_leaves_nothing(tmp_path):
    async with stage(tmp_path, **one(concurrency=1, when_full="queue")) as road:
        road.first.arm(FaultRule("stall", count=1))
        hanging = asyncio.ensure_future(ask(road))
        while not road.first.received:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        waiting = [asyncio.ensure_future(ask(road, stream=number == 1)) for number in range(3)]
        while road.gateway.limits.queue.waiting < 3:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        waiting[0].cancel()
        waiting[1].cancel()
        hanging.cancel()
        assert (await waiting[2]).status_code == 200
        await road.at_rest()
        assert {each.total for each in meters(road).values()} == {0}


async def test_the_callers_limits_come_first(tmp_path):
    rules = limits({"scope": "key", "requests": 1})
    async with stage(tmp_path, **rules, **one(requests_per_minute=9)) as road:
        await ask(road)
        assert (await ask(road)).status_code == 429
        assert meters(road)["provider", 0].total == 1, "who is refused takes nothing of others"
