"""The active model: switched by the API, in force at once and everywhere, kept over a restart."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import Any

import pytest

from antiphon.simulator import SimulatorSpec
from antiphon.simulator.rules import FaultRule
from tests.server.cached import ADMIN, AS_ADMIN, manage
from tests.server.stage import KEY, Stage, stage

BEARER = {"authorization": f"Bearer {KEY}"}
SPECS = [SimulatorSpec(name=name, seed=1) for name in ("one", "two", "three")]
AUTH = {**ADMIN, "required": True, "keys": [{"key": KEY}]}
NAMES = [f"{each.name}/sim-small" for each in SPECS]


def models(*names: str, **more: object) -> dict[str, object]:
    return {"pool": {"deployments": list(names or NAMES), "aliases": ["also"], **more}}


@asynccontextmanager
async def serving(folder, routes: dict[str, object] | None = None, **sections: Any):
    async with stage(folder, SPECS, models=routes or models(), auth=AUTH, **sections) as road:
        yield road


async def ask(road: Stage, model: str = "pool") -> str:
    body = {"model": model, "messages": [{"role": "user", "content": "Hi"}]}
    answer = await road.http.post("/v1/chat/completions", json=body, headers=BEARER)
    assert answer.status_code == 200, answer.text
    return answer.headers["x-antiphon-deployment"]


async def put(road: Stage, model: str, deployment: str, **headers: str):
    return await road.http.put(
        f"/api/v1/models/{model}/active",
        json={"deployment": deployment},
        headers={**AS_ADMIN, **headers},
    )


async def comes(road: Stage, deployment: str, model: str = "pool") -> None:
    """Wait until this one answers: within the second that is promised, and much less."""
    async with asyncio.timeout(1):
        while await ask(road, model) != deployment:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_a_switch_is_in_force_and_the_others_follow(tmp_path):
    async with serving(tmp_path) as road:
        assert await ask(road) == "one/sim-small"
        told = (await put(road, "pool", "three/sim-small")).json()
        assert (told["model"], told["deployment"], told["in_force"]) == (
            "pool",
            "three/sim-small",
            True,
        )
        assert told["deployments"] == NAMES
        await comes(road, "three/sim-small")
        await comes(road, "three/sim-small", "also")
        road.simulators[2].arm(FaultRule(fault="server-error"))
        assert await ask(road) == "one/sim-small"
        [route] = [each for each in await manage(road, "/api/v1/routes") if each["name"] == "pool"]
        assert route["active"] == "three/sim-small"

        gone = await road.http.delete("/api/v1/models/also/active", headers=AS_ADMIN)
        assert gone.json()["deployment"] is None
        await comes(road, "one/sim-small")
        again = await road.http.delete("/api/v1/models/pool/active", headers=AS_ADMIN)
        assert again.status_code == 404


async def test_it_is_kept_over_a_restart_and_seen_by_a_gateway_beside(tmp_path):
    async with serving(tmp_path) as road, serving(tmp_path) as beside:
        assert (await put(road, "also", "two/sim-small")).status_code == 200
        await comes(beside, "two/sim-small")
        await comes(road, "two/sim-small")
    async with serving(tmp_path) as road:
        # At once: nobody waits for a look.
        assert await ask(road) == "two/sim-small"


async def test_it_is_entered_in_the_audit_once_for_each_change(tmp_path):
    async with serving(tmp_path) as road:
        for deployment in ("two/sim-small", "two/sim-small", "three/sim-small"):
            await put(road, "pool", deployment)
        await road.http.delete("/api/v1/models/pool/active", headers=AS_ADMIN)
        entries = (await manage(road, "/api/v1/audit"))["data"]
        assert [(each["act"], each["target"], each["details"]) for each in entries[:3]] == [
            ("model.reset", "pool", {"before": "three/sim-small"}),
            (
                "model.switch",
                "pool",
                {"before": "two/sim-small", "deployment": "three/sim-small"},
            ),
            ("model.switch", "pool", {"before": "", "deployment": "two/sim-small"}),
        ]
        assert (await manage(road, "/api/v1/audit/verify"))["holds"]


async def test_what_is_not_there_is_refused(tmp_path):
    async with serving(tmp_path) as road:
        unknown = await put(road, "nobody", "one/sim-small")
        assert unknown.status_code == 404
        assert unknown.json()["detail"] == "There is no such model."
        assert (await put(road, "one/sim-small", "one/sim-small")).status_code == 404
        foreign = await put(road, "fast", "two/sim-small")
        assert foreign.status_code == 400
        assert "'fast' has no deployment 'two/sim-small'; it has one/sim-small" in foreign.text
        for body in ({}, {"deployment": 3}, {"deployment": "one/sim-small", "x": 1}, []):
            path = "/api/v1/models/pool/active"
            answer = await road.http.put(path, json=body, headers=AS_ADMIN)
            assert answer.status_code == 400
        assert [each["deployment"] for each in (await active(road))] == [None] * 3


async def active(road: Stage) -> list[dict[str, Any]]:
    return (await manage(road, "/api/v1/models/active"))["data"]


@pytest.mark.parametrize("role", ["admin", "operator", "member"])
async def test_only_who_has_the_whole_gateway_switches(tmp_path, role):
    async with serving(tmp_path) as road:
        made = await road.http.post("/api/v1/keys", json={"role": role}, headers=AS_ADMIN)
        assert made.status_code == 201
        bearer = {"authorization": f"Bearer {made.json()['key']}"}
        for method, path in (
            ("GET", "/api/v1/models/active"),
            ("GET", "/api/v1/models/pool/active"),
            ("PUT", "/api/v1/models/pool/active"),
            ("DELETE", "/api/v1/models/pool/active"),
        ):
            body = {"deployment": "two/sim-small"} if method == "PUT" else None
            answer = await road.http.request(method, path, json=body, headers=bearer)
            assert answer.status_code == 403, (method, path)
        assert (await road.http.get("/api/v1/models/active", headers=BEARER)).status_code == 403


async def test_a_switch_to_what_is_gone_is_kept_without_force(tmp_path):
    async with serving(tmp_path) as road:
        await put(road, "pool", "three/sim-small")
    async with serving(tmp_path, models("one/sim-small", "two/sim-small")) as road:
        assert await ask(road) == "one/sim-small"
        shown = await manage(road, "/api/v1/models/pool/active")
        assert (shown["deployment"], shown["in_force"]) == ("three/sim-small", False)
        assert shown["why_not"] == "the model has no such deployment"
    async with serving(tmp_path, {"other": "one/sim-small"}) as road:
        [shown] = [each for each in await active(road) if each["deployment"]]
        assert (shown["model"], shown["why_not"]) == (
            "pool",
            "the configuration has no such model",
        )
    async with serving(tmp_path) as road:
        assert await ask(road) == "three/sim-small"


async def test_one_that_is_gone_can_be_reset(tmp_path):
    async with serving(tmp_path) as road:
        await put(road, "pool", "three/sim-small")
    async with serving(tmp_path, {"other": "one/sim-small"}) as road:
        gone = await road.http.delete("/api/v1/models/pool/active", headers=AS_ADMIN)
        assert gone.status_code == 200
        assert [each["model"] for each in await active(road)] == ["both", "fast", "other"]


async def test_it_comes_before_strategies_and_not_before_privacy(tmp_path):
    closed = {"clearance": "internal"}
    open_ = {"clearance": "restricted"}
    async with serving(
        tmp_path,
        models(strategy="cheapest"),
        providers_of={"one": open_, "two": open_, "three": closed},
    ) as road:
        await put(road, "pool", "three/sim-small")
        await comes(road, "three/sim-small")
        body = {"model": "pool", "messages": [{"role": "user", "content": "Hi"}]}
        answer = await road.http.post(
            "/v1/chat/completions",
            json=body,
            headers={**BEARER, "x-antiphon-sensitivity": "restricted"},
        )
        assert answer.headers["x-antiphon-deployment"] == "one/sim-small"


async def test_a_name_with_a_slash_can_be_switched(tmp_path):
    routes = {"team/best": {"deployments": NAMES}}
    async with serving(tmp_path, routes) as road:
        assert (await put(road, "team/best", "two/sim-small")).status_code == 200
        await comes(road, "two/sim-small", "team/best")


async def test_the_same_request_again_is_done_once(tmp_path):
    async with serving(tmp_path) as road:
        first = await put(road, "pool", "two/sim-small", **{"idempotency-key": "k"})
        again = await put(road, "pool", "two/sim-small", **{"idempotency-key": "k"})
        assert again.headers["idempotent-replayed"] == "true"
        assert again.json() == first.json()
