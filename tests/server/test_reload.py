"""The configuration is replaced while the gateway runs."""

from __future__ import annotations

import pytest

from antiphon.errors import ConfigurationError
from tests.server.reloaded import AS_ADMIN, changeable
from tests.server.stage import HELLO


async def asked(road, model="fast", **more):
    return await road.http.post(
        "/v1/chat/completions", json={"model": model, "messages": HELLO}, **more
    )


async def test_another_model_is_there_and_the_generation_grows(tmp_path):
    async with changeable(tmp_path) as road:
        first = await asked(road)
        assert first.headers["x-antiphon-generation"] == "1"
        done = await road.reload(models={"fast": "two/sim-large", "new": "one/sim-small"})
        assert done.generation == 2
        second = await asked(road)
        assert second.headers["x-antiphon-generation"] == "2"
        assert second.headers["x-antiphon-deployment"] == "two/sim-large"
        assert (await asked(road, "new")).status_code == 200
        gone = await asked(road, "both")
        assert gone.status_code == 404
        assert gone.headers["x-antiphon-generation"] == "2"


async def test_nothing_changed_is_no_generation(tmp_path):
    async with changeable(tmp_path) as road:
        done = await road.reload()
        assert (done.generation, done.changes.changes) == (1, ())


async def test_a_bad_file_leaves_the_old_one_and_says_why(tmp_path, caplog):
    async with changeable(tmp_path) as road:
        road.file.write_text(
            "models:\n  fast: {deploymnts: [one/sim-small]}\nproviders: {one: {}\n"
        )
        with pytest.raises(ConfigurationError) as caught:
            await road.gateway.reload()
        assert "antiphon.yaml:" in str(caught.value)
        assert (await asked(road)).headers["x-antiphon-generation"] == "1"
        told = (await road.health())["config"]
        assert told["generation"] == 1
        assert told["error"] == "The file has 1 mistake."
        assert told["mistakes"][0].startswith(f"{road.file}:4:")
        assert "stays in force" in caplog.text
        assert told["mistakes"][0] in caplog.text
        health = await road.health()
        assert (health["status"], health["reasons"]) == ("degraded", ["configuration_refused"])
        await road.reload()
        assert (await road.health())["config"]["error"] == ""


async def test_the_api_reloads_and_plans(tmp_path):
    async with changeable(tmp_path) as road:
        road.write(models={"fast": ["two/sim-small", "one/sim-small"]})
        plan = await road.http.post("/api/v1/config/plan", headers=AS_ADMIN)
        assert plan.status_code == 200, plan.text
        assert "callers of fast now get two/sim-small first" in plan.json()["effects"]
        assert (await asked(road)).headers["x-antiphon-generation"] == "1"
        done = await road.http.post("/api/v1/config/reload", headers=AS_ADMIN)
        assert done.status_code == 200, done.text
        assert done.json()["generation"] == 2
        assert done.json()["changes"] == plan.json()["changes"]
        shown = (await road.http.get("/api/v1/config", headers=AS_ADMIN)).json()
        assert shown["generation"] == 2
        assert "sk-upstream" not in str(shown)
        assert "admin-key-of" not in str(shown)
        audit = (await road.http.get("/api/v1/audit", headers=AS_ADMIN)).json()["data"]
        [entry] = [each for each in audit if each["act"] == "configuration.reload"]
        assert (entry["actor"], entry["via"], entry["target"]) == ("admin", "api", "generation 2")
        road.file.write_text("providers: [")
        refused = await road.http.post("/api/v1/config/reload", headers=AS_ADMIN)
        assert refused.status_code == 409
        assert refused.json()["errors"][0]["param"].startswith(f"{road.file}:")
        assert (await asked(road)).headers["x-antiphon-generation"] == "2"
