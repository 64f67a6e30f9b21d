"""Callers keep asking while the configuration is replaced again and again."""

from __future__ import annotations

import asyncio
import gc
import random
from typing import NamedTuple

import pytest

from antiphon.errors import ConfigurationError
from antiphon.simulator import Latency, SimulatorSpec
from tests.server.reloaded import ADMIN_KEY, Changeable, changeable

CHANGES = 50
NAMES = ("fast", "both", "new", "odd")
POOLS = (
    ["one/sim-small"],
    ["two/sim-small"],
    ["one/sim-small", "two/sim-large"],
    ["two/sim-small", "one/sim-large"],
)
BROKEN = (
    "models: [",
    "models: {fast: nowhere/x}\n",
    "providers: {one: {base_url: 7}}\nmodels: {fast: one/x}\n",
    "auth: {keys: [{key: ''}]}\n",
    "",
)
CALLER_KEYS = [f"caller-key-{number:04}-0123456789" for number in range(CHANGES + 2)]
PROVIDER_KEYS = [f"sk-upstream-{number}" for number in range(CHANGES + 2)]


class Got(NamedTuple):
    """One answer, as it came."""

    model: str
    status: int
    generation: int
    deployment: str | None
    whole: bool


class Caller:
    """Asks one thing after the other until it is told to stop."""

    def __init__(self, road: Changeable, seed: int, *, stream: bool) -> None:
        self.road = road
        self.dice = random.Random(seed)
        self.stream = stream
        self.got: list[Got] = []
        self.key = CALLER_KEYS[1]
        self.stopped = False

    async def run(self) -> None:
        while not self.stopped:
            self.got.append(await self.ask(self.dice.choice(NAMES)))

    async def ask(self, model: str) -> Got:
        tokens = 40 if self.stream else 4
        messages = [{"role": "user", "content": f"[tokens: {tokens}]"}]
        asked = {"model": model, "stream": self.stream, "messages": messages}
        headers = {"authorization": f"Bearer {self.key}"}
        url = "/v1/chat/completions"
        async with self.road.http.stream("POST", url, json=asked, headers=headers) as answer:
            body = await answer.aread()
        whole = body.endswith(b"data: [DONE]\n\n" if self.stream else b"}")
        told = answer.headers
        return Got(
            model,
            answer.status_code,
            int(told["x-antiphon-generation"]),
            told.get("x-antiphon-deployment"),
            whole,
        )


def auth(number: int) -> dict[str, object]:
    """Two keys at a time: whoever heard of the new one uses it, the others the old one."""
    held = [{"key": key, "team": "web"} for key in CALLER_KEYS[number : number + 2]]
    return {"required": True, "keys": held, "admin_key": ADMIN_KEY}


def models_of(dice: random.Random) -> dict[str, list[str]]:
    chosen = [name for name in NAMES if dice.random() < 0.7] or ["fast"]
    return {name: dice.choice(POOLS) for name in chosen}


async def test_nobody_notices_but_by_the_generation(tmp_path):
    dice = random.Random(7)
    quick = Latency(tokens_per_second=2000)
    specs = [
        SimulatorSpec(name=name, seed=1, latency=quick, keys=frozenset(PROVIDER_KEYS[:1]))
        for name in ("one", "two")
    ]
    models = models_of(dice)
    maps = {1: models}
    async with changeable(
        tmp_path, specs, auth=auth(0), models=models, provider={"api_key": PROVIDER_KEYS[0]}
    ) as road:
        callers = [Caller(road, seed, stream=bool(seed % 2)) for seed in range(4)]
        async with asyncio.TaskGroup() as group:
            for caller in callers:
                group.create_task(caller.run())
            for number in range(1, CHANGES + 1):
                if number % 5 == 0:
                    road.file.write_text(BROKEN[number // 5 % len(BROKEN)])
                    with pytest.raises(ConfigurationError):
                        await road.gateway.reload()
                models = models_of(dice)
                for simulator in road.simulators:
                    # The old key is taken for as long as requests under way may show it.
                    simulator.set_keys(frozenset(PROVIDER_KEYS[number - 1 : number + 1]))
                providers = {
                    name: {**entry, "api_key": PROVIDER_KEYS[number]}
                    for name, entry in road.said["providers"].items()
                }
                done = await road.reload(models=models, auth=auth(number), providers=providers)
                assert done.generation == number + 1
                maps[done.generation] = models
                for caller in callers:
                    caller.key = CALLER_KEYS[number + 1]
                await asyncio.sleep(0.01)
            for caller in callers:
                caller.stopped = True
        await road.at_rest()
        gc.collect()
        assert (await road.health())["config"]["generations"] == [CHANGES + 1]
    got = [each for caller in callers for each in caller.got]
    assert len({each.generation for each in got}) > CHANGES / 2
    assert any(each.status == 404 for each in got)
    for each in got:
        models = maps[each.generation]
        if each.model in models:
            assert (each.status, each.whole) == (200, True), each
            assert each.deployment in models[each.model], each
        else:
            assert (each.status, each.deployment) == (404, None), each
