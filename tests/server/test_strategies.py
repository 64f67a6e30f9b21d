"""Strategies over sockets: who is asked, by what providers take, cost and have to do."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import asynccontextmanager
from typing import Any

import pytest

from antiphon.simulator import Latency, SimulatorSpec
from antiphon.simulator.rules import FaultRule
from tests.server.stage import KEY, Stage, stage

NAMES = ("one", "two", "three")
BEARER = {"authorization": f"Bearer {KEY}"}


@asynccontextmanager
async def road_by(
    tmp_path,
    strategy: object,
    *,
    latencies: tuple[Latency | str, ...] = ("instant", "instant", "instant"),
    weights: tuple[float, ...] = (1, 1, 1),
    **sections: Any,
):
    specs = [
        SimulatorSpec(name=name, seed=seed, latency=latency)
        for seed, (name, latency) in enumerate(zip(NAMES, latencies, strict=True))
    ]
    route = {
        "deployments": [
            {"model": f"{name}/sim-small", "weight": weight}
            for name, weight in zip(NAMES, weights, strict=True)
        ],
        "strategy": strategy,
    }
    async with stage(tmp_path, specs, models={"pool": route}, **sections) as road:
        yield road


async def ask(
    road: Stage, text: str = "Hello there", *, stream: bool = False, headers=None, **more
) -> str:
    """Who answered."""
    body = {
        "model": "pool",
        "messages": [{"role": "user", "content": text}],
        "stream": stream,
        **more,
    }
    answer = await road.http.post(
        "/v1/chat/completions", json=body, headers={**BEARER, **(headers or {})}
    )
    assert answer.status_code == 200, answer.text
    return answer.headers["x-antiphon-deployment"].partition("/")[0]


def dollars(price: float, **more: float) -> dict[str, object]:
    return {"models": {"sim-small": {"prices": {"input": price, "output": price, **more}}}}


async def test_the_cheapest_is_asked_and_the_next_one_where_it_fails(tmp_path):
    prices = {"one": dollars(3), "two": dollars(1), "three": dollars(2)}
    async with road_by(tmp_path, "cheapest", providers_of=prices) as road:
        assert [await ask(road) for _ in range(3)] == ["two"] * 3
        road.second.arm(FaultRule(fault="server-error"))
        assert await ask(road) == "three"


async def test_the_cheapest_may_be_another_one_for_a_long_answer(tmp_path):
    prices = {
        "one": dollars(1, output=50),
        "two": dollars(20, output=1),
        "three": dollars(40),
    }
    async with road_by(tmp_path, "cheapest", providers_of=prices) as road:
        long = "word " * 2_000
        assert await ask(road, long, max_tokens=5) == "one"
        assert await ask(road, "short", max_tokens=500) == "two"


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
async def test_each_is_tried_and_then_the_fastest_is_asked(tmp_path, stream):
    slow, fast = Latency(first_token=0.3), Latency(first_token=0.001)
    async with road_by(tmp_path, "fastest", latencies=(slow, fast, slow)) as road:
        asked = [await ask(road, stream=stream) for _ in range(12)]
    assert sorted(asked[:3]) == sorted(NAMES)
    assert asked[3:] == ["two"] * 9


async def test_many_at_once_are_not_all_sent_to_one_that_nobody_has_measured(tmp_path):
    slow = Latency(first_token=0.2)
    async with road_by(tmp_path, ["fastest", "least_busy"], latencies=(slow,) * 3) as road:
        asked = Counter(await asyncio.gather(*(ask(road) for _ in range(9))))
    assert asked == dict.fromkeys(NAMES, 3)


async def test_the_least_busy_share_what_comes_at_once_as_they_weigh(tmp_path):
    slow = Latency(first_token=0.3)
    async with road_by(tmp_path, "least_busy", latencies=(slow,) * 3, weights=(1, 2, 1)) as road:
        asked = Counter(await asyncio.gather(*(ask(road, stream=True) for _ in range(12))))
        assert asked == {"one": 3, "two": 6, "three": 3}
        await road.at_rest()
        assert [each.pace.in_flight for each in road.gateway.deployments()] == [0, 0, 0]


async def test_weights_are_shares(tmp_path):
    async with road_by(tmp_path, "weighted", weights=(1, 1, 6)) as road:
        asked = Counter([await ask(road) for _ in range(120)])
    # Five standard deviations: it fails once in some million runs.
    assert 90 - 24 <= asked["three"] <= 90 + 24


async def test_a_conversation_stays_where_it_began(tmp_path):
    async with road_by(tmp_path, "sticky") as road:

        async def turns(name: str) -> list[str]:
            said = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": name}]
            homes = []
            for each in range(3):
                homes.append(await ask(road, messages=said))
                said += [
                    {"role": "assistant", "content": f"Answer {each}"},
                    {"role": "user", "content": f"Question {each}"},
                ]
            return homes

        homes = {f"talk {each}": await turns(f"talk {each}") for each in range(12)}
        assert all(len(set(each)) == 1 for each in homes.values())
        assert {each[0] for each in homes.values()} == set(NAMES)

        # One fails: only what was there moves, and it moves back.
        for _ in range(40):
            road.first.arm(FaultRule(fault="server-error"))
        for name, (home, *_) in homes.items():
            moved = set(await turns(name))
            assert moved == {home} if home != "one" else "one" not in moved
        road.first.rules.clear()


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"x-antiphon-conversation": "c{}"}, {}),
        ({"session_id": "c{}"}, {}),
        ({}, {"metadata": {"conversation_id": "c{}"}}),
        ({}, {"prompt_cache_key": "c{}"}),
        ({}, {"user": "c{}"}),
    ],
    ids=["header", "session", "metadata", "cache_key", "user"],
)
async def test_what_a_caller_calls_its_conversation_counts_and_not_what_is_said(
    tmp_path, headers, body
):
    def named(number: int, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: named(number, each) for name, each in value.items()}
        return value.format(number)

    async with road_by(tmp_path, "sticky") as road:
        homes = set()
        for number in range(8):
            asked = {
                await ask(road, text, headers=named(number, headers), **named(number, body))
                for text in ("one thing", "another", "a third")
            }
            assert len(asked) == 1
            homes |= asked
        assert len(homes) > 1


async def test_prompts_that_begin_alike_go_to_the_same(tmp_path):
    async with road_by(tmp_path, {"sticky": {"by": "prefix", "bytes": 256}}) as road:
        homes = set()
        for each in range(8):
            begin = f"{each} is the number of this prompt. " * 20
            asked = {await ask(road, begin + end) for end in ("What?", "Who?", "When?")}
            assert len(asked) == 1
            homes |= asked
        assert len(homes) > 1


async def test_two_gateways_send_a_conversation_to_the_same(tmp_path):
    homes = []
    for folder in ("first", "second"):
        (tmp_path / folder).mkdir()
        async with road_by(tmp_path / folder, "sticky") as road:
            homes.append([await ask(road, user=f"u{each}") for each in range(10)])
    assert homes[0] == homes[1]


async def test_a_conversation_with_too_much_at_once_overflows(tmp_path):
    slow = Latency(first_token=0.3)
    strategy = {"sticky": {"floor": 2}}
    async with road_by(tmp_path, strategy, latencies=(slow,) * 3) as road:
        asked = Counter(await asyncio.gather(*(ask(road, user="loud") for _ in range(12))))
    assert set(asked) == set(NAMES)
    assert max(asked.values()) <= 5


async def test_strategies_are_combined(tmp_path):
    models = {"one": dollars(1), "two": dollars(1), "three": dollars(1)}
    for name, quality in (("one", 60), ("two", 90), ("three", 85)):
        models[name]["models"]["sim-small"]["quality"] = quality
    slow = Latency(first_token=0.3)
    strategy = [{"quality": {"within": 10}}, "cheapest", "least_busy"]
    async with road_by(tmp_path, strategy, latencies=(slow,) * 3, providers_of=models) as road:
        asked = Counter(await asyncio.gather(*(ask(road) for _ in range(6))))
    assert asked == {"two": 3, "three": 3}


async def test_the_nearest_share_the_work_and_sick_ones_are_left_out(tmp_path):
    slow = Latency(first_token=0.2)
    regions = {"one": {"region": "us"}, "two": {"region": "eu"}, "three": {"region": "eu"}}
    async with road_by(
        tmp_path,
        ["nearest", "least_busy"],
        latencies=(slow,) * 3,
        providers_of=regions,
        server={"region": "eu"},
    ) as road:
        asked = Counter(await asyncio.gather(*(ask(road) for _ in range(6))))
        assert asked == {"two": 3, "three": 3}
        for _ in range(20):
            road.second.arm(FaultRule(fault="server-error"))
        asked = Counter([await ask(road) for _ in range(8)])
        assert asked == {"three": 8}
        # Its breaker has opened: it is not asked at all.
        before = len(road.second.received)
        assert await ask(road) == "three"
        assert len(road.second.received) == before
        for _ in range(30):
            road.simulators[2].arm(FaultRule(fault="server-error"))
        assert await ask(road) == "one"


async def test_nobody_stays_busy_after_whatever_happened(tmp_path):
    async with road_by(tmp_path, "least_busy", latencies=("fast",) * 3) as road:
        for fault in ("server-error", "reset-inside", "rate-limited", "html"):
            for simulator in road.simulators:
                simulator.arm(FaultRule(fault=fault))
        for each in range(8):
            body = {
                "model": "pool",
                "messages": [{"role": "user", "content": "Hi"}],
                "stream": bool(each % 2),
            }
            await road.http.post("/v1/chat/completions", json=body, headers=BEARER)
        # Some leave before it ends.
        hurried = [asyncio.ensure_future(ask(road, stream=True)) for _ in range(5)]
        await asyncio.sleep(0.01)
        for each in hurried:
            each.cancel()
        await asyncio.gather(*hurried, return_exceptions=True)
        await road.at_rest()
        assert {each.pace.in_flight for each in road.gateway.deployments()} == {0}
