"""However often the configuration is replaced, what went leaves nothing behind."""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from pathlib import Path

from antiphon.simulator import SimulatorSpec
from tests.server.reloaded import Changeable, changeable
from tests.server.stage import HELLO

WARM = 10
WATCHED = {
    *("Snapshot", "Plan", "Chooser", "Deployment", "Face", "Provider", "Door", "KeyRing", "Key"),
    *("Health", "Pace", "Calibration", "Build", "Routes", "Settings", "Principal", "Pool"),
    *("DeploymentMeter", "RouteMeter", "Window", "Path", "Origin", "CachePolicy"),
    *("Tally", "TrustedProxy", "Budget", "Limit", "Reloaded", "Change", "Loaded", "Exchange"),
}
"""Not the counts of limits: those of a name that is gone go when there is no room for others."""


async def once(road: Changeable, number: int) -> None:
    """Another name, model, provider, key and limit; each is used, and gone with the next."""
    base = road.said["providers"]["one"]
    key = f"caller-{number:05}-0123456789abcdef"
    await road.reload(
        providers={
            "one": {**base, "api_key": f"sk-{number}"},
            f"other-{number}": {**base, "base_url": road.second.base_url},
        },
        models={
            f"name-{number}": {
                "deployments": [f"one/model-{number}", f"other-{number}/m"],
                "cache": {"ttl": 0.001},
            },
            "*": {"passthrough": True},
        },
        auth={**road.said["auth"], "keys": [{"key": key, "team": "web", "user": "app"}]},
        limits={"rules": [{"scope": "alias", "name": f"name-{number}", "requests": 1000}]},
    )
    for name in (f"name-{number}", f"other-{number}/passed-{number}"):
        asked = {"model": name, "messages": HELLO}
        headers = {"authorization": f"Bearer {key}"}
        answer = await road.http.post("/v1/chat/completions", json=asked, headers=headers)
        assert answer.status_code == 200, answer.text


async def held(road: Changeable) -> Counter[str]:
    await road.at_rest()
    await road.gateway.pipeline.caching.memory.sweep()
    for _ in range(2):
        gc.collect()
        await asyncio.sleep(0)
    found = Counter(type(each).__name__ for each in gc.get_objects())
    kept = Counter({name: found[name] for name in WATCHED})
    kept["series"] = (await road.metrics()).count("\n")
    kept["pools"] = len(road.gateway.transport._pools)
    kept["past"] = len(road.gateway.build._routes._past)
    kept["generations"] = len(road.gateway.generations._names)
    return kept


async def grown(folder: Path, times: int) -> tuple[Counter[str], Counter[str]]:
    """What is held after a few reloads, and after many more."""
    specs = [SimulatorSpec(name=name, seed=1) for name in ("one", "two")]
    async with changeable(folder, specs) as road:
        for number in range(WARM):
            await once(road, number)
        before = await held(road)
        for number in range(WARM, WARM + times):
            await once(road, number)
        return before, await held(road)


async def test_nothing_grows(tmp_path):
    before, after = await grown(tmp_path, 30)
    assert after == before
