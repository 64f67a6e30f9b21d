"""`/api/v1/models`: how models do, as far as it is known, and as their servers tell."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from typing import Any

from antiphon.simulator import Latency, SimulatorSpec
from antiphon.simulator.rules import FaultRule
from tests.server.cached import ADMIN, AS_ADMIN, manage
from tests.server.stage import KEY, Stage, stage

BEARER = {"authorization": f"Bearer {KEY}"}
AUTH = {**ADMIN, "required": True, "keys": [{"key": KEY}]}
PACE = Latency(first_token=0.05, tokens_per_second=400)


@asynccontextmanager
async def serving(folder, **sections: Any):
    specs = [
        SimulatorSpec(name="one", seed=1, latency=PACE, keys=frozenset({"sk-upstream"})),
        SimulatorSpec(name="two", seed=2),
    ]
    models = {
        "pool": {"deployments": ["one/sim-small", "two/sim-small"], "retry": {"attempts": 1}},
        "local": "two/sim-large",
    }
    async with stage(folder, specs, models=models, auth=AUTH, **sections) as road:
        yield road


async def ask(road: Stage, model: str, *, stream: bool = False) -> int:
    body = {
        "model": model,
        "messages": [{"role": "user", "content": "Hello there, how do you do?"}],
        "stream": stream,
    }
    answer = await road.http.post("/v1/chat/completions", json=body, headers=BEARER)
    await road.at_rest()
    return answer.status_code


async def status(road: Stage) -> dict[str, Any]:
    return await manage(road, "/api/v1/models")


async def test_what_is_measured_and_what_is_active(tmp_path):
    async with serving(tmp_path) as road:
        before = await status(road)
        assert before["total_models"] == 4
        assert before["models"]["pool"] == {
            "active": None,
            "available": True,
            "deployments": ["one/sim-small", "two/sim-small"],
        }
        fresh = before["deployments"]["one/sim-small"]
        assert fresh["available"]
        assert fresh["in_flight"] == 0
        assert not any(
            fresh[name] for name in ("first_byte_ms", "tokens_per_second", "whole_ms", "loaded")
        )
        assert await ask(road, "pool", stream=True) == 200
        await road.http.put(
            "/api/v1/models/pool/active",
            json={"deployment": "one/sim-small"},
            headers=AS_ADMIN,
        )
        one = (await status(road))["deployments"]["one/sim-small"]
        assert one["first_byte_ms"] >= 45
        assert 0 < one["tokens_per_second"] < 1_000
        assert one["cached_share"] is not None


async def test_why_one_is_not_available(tmp_path):
    async with serving(tmp_path) as road:
        road.first.set_keys(frozenset({"another"}))
        await ask(road, "pool")
        told = await status(road)
        one = told["deployments"]["one/sim-small"]
        assert not one["available"]
        assert one["why_not"] == ["no key of it is live"]
        assert one["keys"]["live"] == 0
        assert told["models"]["pool"]["available"]
        assert not told["models"]["fast"]["available"]


async def test_until_when_one_is_rate_limited(tmp_path):
    async with serving(tmp_path) as road:
        road.first.arm(FaultRule(fault="rate-limited"))
        await ask(road, "pool")
        one = (await status(road))["deployments"]["one/sim-small"]
        assert one["rate_limited"]
        assert one["why_not"] == ["it is rate limited"]
        assert time.time() < one["rate_limited_until"] < time.time() + 60
        assert one["keys"] == {"live": 1, "dead": 0, "resting": 1}


async def test_what_is_in_memory_where_a_server_tells(tmp_path):
    async with serving(tmp_path, dialects={"two": "ollama"}) as road:
        before = (await status(road))["deployments"]
        assert before["one/sim-small"]["loaded"] is None
        assert before["two/sim-large"]["loaded"] is False
        assert before["two/sim-large"]["memory_bytes"] is None
        assert await ask(road, "local") == 200
        after = (await status(road))["deployments"]
        assert after["two/sim-large"]["loaded"] is True
        assert after["two/sim-large"]["memory_bytes"] > 0
        assert after["two/sim-small"]["loaded"] is False
        # One that does not answer tells nothing, and nobody waits long for it.
        road.second.arm(FaultRule(fault="server-error"))
        road.second.refuse(5)
        assert (await status(road))["deployments"]["two/sim-large"]["loaded"] is None


async def test_it_is_for_who_has_the_whole_gateway(tmp_path):
    async with serving(tmp_path) as road:
        for headers, code in ((BEARER, 403), ({}, 401)):
            assert (await road.http.get("/api/v1/models", headers=headers)).status_code == code
        made = await road.http.post("/api/v1/keys", json={"role": "admin"}, headers=AS_ADMIN)
        bearer = {"authorization": f"Bearer {made.json()['key']}"}
        assert (await road.http.get("/api/v1/models", headers=bearer)).status_code == 403
