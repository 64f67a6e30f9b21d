"""The configuration is replaced while the gateway runs."""

from __future__ import annotations

import asyncio
import gc
import json
import weakref

import pytest

from antiphon.clock import SystemClock
from antiphon.errors import ConfigurationError, Draining, Overloaded
from antiphon.gateway.gateway import Antiphon
from antiphon.simulator import Latency, SimulatorSpec
from tests.server.reloaded import ADMIN_KEY, AS_ADMIN, changeable
from tests.server.stage import HELLO, KEY

NAMED = ("one", "two")
LONG = [{"role": "user", "content": "[tokens: 150]"}]


class Jumping(SystemClock):
    """The time of day jumps; durations do not."""

    ahead = 0.0

    def now(self) -> float:
        return super().now() + self.ahead


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


async def test_a_stream_finishes_on_what_it_began_with(tmp_path):
    slow = [SimulatorSpec(name=name, latency=Latency(tokens_per_second=300)) for name in NAMED]
    async with changeable(tmp_path, slow) as road:
        gone = weakref.ref(road.gateway.snapshot.life)
        asked_for = {"model": "fast", "stream": True, "messages": LONG}
        async with road.http.stream("POST", "/v1/chat/completions", json=asked_for) as answer:
            pieces = answer.aiter_raw()
            first = await anext(pieces)
            two = {"two": road.said["providers"]["two"]}
            done = await road.reload(models={"new": "two/sim-small"}, providers=two)
            assert done.generation == 2
            assert (await road.health())["config"]["generations"] == [1, 2]
            assert (await asked(road)).status_code == 404
            assert (await asked(road, "new")).status_code == 200
            told = await road.metrics()
            assert 'model="sim-small",provider="one"' not in told.partition("requests_total")[2]
            rest = b"".join([piece async for piece in pieces])
        assert answer.headers["x-antiphon-generation"] == "1"
        assert (first + rest).endswith(b"data: [DONE]\n\n")
        assert (first + rest).count(b'"content"') > 100
        await road.at_rest()
        gc.collect()
        await asyncio.sleep(0)
        assert (await road.health())["config"]["generations"] == [2]
        assert gone() is None
        told = await road.metrics()
        assert 'provider="one"' not in told
        assert 'route="fast"' not in told
        assert 'route="new"' in told
        assert "one/sim-small" not in str(await road.health())


async def test_what_is_known_of_who_stays_goes_on(tmp_path):
    keys = ["sk-good", "sk-dead"]
    async with changeable(tmp_path, provider={"api_key": keys}) as road:
        gateway = road.gateway
        before = gateway.snapshot.plans["fast"].deployments[0]
        before.health.failed("timeout", gateway.clock.monotonic())
        dead = next(key for key in before.keys.live if key.secret.reveal() == "sk-dead")
        before.keys.set_aside(dead, "refused", by=before.name)
        providers = {
            name: {**entry, "api_key": ["sk-dead", "sk-new", "sk-good"]}
            for name, entry in road.said["providers"].items()
        }
        await road.reload(models={"fast": ["one/sim-small", "two/sim-large"]}, providers=providers)
        after = gateway.snapshot.plans["fast"].deployments[0]
        assert after is not before
        assert after.health is before.health
        assert after.calibration is before.calibration
        assert [key.live for key in after.keys.status()] == [False, True, True]
        assert before.keys is after.keys, "what runs on the old one learns of dead keys too"
        moved = {**providers, "one": {**providers["one"], "base_url": road.second.base_url}}
        await road.reload(providers=moved)
        elsewhere = gateway.snapshot.plans["fast"].deployments[0]
        assert elsewhere.health is not before.health, "another address is another deployment"
        assert [key.live for key in elsewhere.keys.status()] == [True, True, True]


async def test_names_that_pass_through_are_known_too(tmp_path):
    async with changeable(tmp_path) as road:
        assert (await asked(road, "one/sim-large")).status_code == 200
        gateway = road.gateway
        before = gateway.snapshot.plan("one/sim-large").deployments[0]
        for number in range(2):
            await road.reload(limits={"concurrency": 100 + number})
        assert gateway.snapshot.plan("one/sim-large").deployments[0].health is before.health


async def test_limits_count_on_and_stored_answers_are_given_again(tmp_path):
    limits = {"rules": [{"scope": "alias", "name": "fast", "requests": 2}]}
    cached = {"deployments": ["one/sim-small"], "cache": {}}
    async with changeable(tmp_path, limits=limits, models={"fast": cached}) as road:
        assert (await asked(road)).status_code == 200
        await road.reload(models={"fast": cached, "new": "two/sim-small"})
        second = await asked(road)
        assert second.headers["x-antiphon-cache"] == "hit"
        assert second.headers["x-antiphon-generation"] == "2"
        assert (await asked(road)).status_code == 429
        await road.reload(limits={"rules": [{"scope": "alias", "name": "fast", "requests": 3}]})
        third = await asked(road)
        assert third.headers["x-antiphon-cache"] == "hit"
        assert (await asked(road)).status_code == 429
        await road.reload(models={"fast": {**cached, "deployments": ["two/sim-small"]}}, limits={})
        assert (await asked(road)).headers["x-antiphon-cache"] == "miss", "another plan"


async def test_reloads_come_one_after_the_other(tmp_path):
    async with changeable(tmp_path) as road:
        road.write(models={"fast": "two/sim-small"})
        done = await asyncio.gather(*(road.gateway.reload() for _ in range(5)))
        assert [each.generation for each in done] == [2] * 5
        assert sum(bool(each.changes.changes) for each in done) == 1


async def test_a_gateway_that_does_not_run_loads_nothing(tmp_path):
    config = {
        "storage": {"data_dir": str(tmp_path)},
        "providers": {"one": {"base_url": "http://127.0.0.1:9/v1", "api_key": "any"}},
        "models": {"fast": "one/x"},
    }
    gateway = Antiphon.from_config(config, environ={})
    with pytest.raises(Overloaded, match=r"does not run \(yet\)"):
        await gateway.reload()
    async with gateway:
        done = await gateway.reload({**config, "models": {"fast": "one/y"}})
        assert done.changes.effects[0] == "callers of fast now get one/y first"
        await gateway.drain(0)
        with pytest.raises(Draining):
            await gateway.reload()
    with pytest.raises(Overloaded):
        await gateway.reload()


async def test_what_needs_a_restart_stays_and_is_named(tmp_path):
    async with changeable(tmp_path) as road:
        server = {**road.said["server"], "port": 4711, "heartbeat_seconds": 7}
        done = await road.reload(server=server)
        assert done.pending_restart == ("server.port",)
        assert road.gateway.settings.server.port == 0
        assert road.gateway.settings.server.heartbeat_seconds == 7
        assert (await road.health())["config"]["pending_restart"] == ["server.port"]
        again = await road.reload()
        assert (again.generation, again.pending_restart) == (2, ("server.port",))
        await road.reload(server={**server, "port": 0})
        assert (await road.health())["config"]["pending_restart"] == []


async def test_what_does_not_go_with_what_needs_a_restart_is_refused(tmp_path):
    """The file is right as it stands; but the listener stays open to other machines."""
    required = {"required": True, "admin_key": ADMIN_KEY, "keys": [{"key": KEY}]}
    async with changeable(tmp_path, auth=required, server={"host": "0.0.0.0"}) as road:
        here = {**road.said["server"], "host": "127.0.0.1"}
        with pytest.raises(ConfigurationError, match=r"server\.host changes with a restart only"):
            await road.reload(auth={"admin_key": ADMIN_KEY}, server=here)
        assert (await asked(road)).status_code == 401
        assert (await asked(road, headers={"authorization": f"Bearer {KEY}"})).status_code == 200


async def test_an_admin_key_that_nobody_was_shown_is_not_made(tmp_path):
    async with changeable(tmp_path) as road:
        done = await road.reload(auth={})
        assert done.pending_restart == ("auth.admin_key",)
        assert (await road.health())["config"]["generation"] == 1
        await road.reload(auth={"admin_key": f"{ADMIN_KEY}-2"})
        assert (await road.http.get("/metrics", headers=AS_ADMIN)).status_code == 401


async def test_the_clock_may_jump(tmp_path):
    clock = Jumping()
    async with changeable(tmp_path, clock=clock) as road:
        for days in (-400, 9000, 0):
            clock.ahead = days * 86_400.0
            name = f"at-{days}"
            await road.reload(models={name: "one/sim-small"})
            assert (await asked(road, name)).status_code == 200
            told = (await road.health())["config"]
            assert told["loaded_at"] == pytest.approx(clock.now(), abs=60)
        assert told["generation"] == 4


async def test_a_plan_of_a_text_shows_no_file_of_the_machine(tmp_path):
    outside = tmp_path.with_name(f"{tmp_path.name}-outside")
    outside.write_text("/the-SECRET-outside")
    (tmp_path / "beside").write_text("/the-SECRET-beside")
    async with changeable(tmp_path) as road:

        async def planned(path: str) -> str:
            server = {**road.said["server"], "root_path": f"${{file:{path}}}"}
            text = json.dumps({**road.said, "server": server})
            answer = await road.http.post(
                "/api/v1/config/plan", headers=AS_ADMIN, json={"name": "new.yaml", "text": text}
            )
            assert answer.status_code == 200, answer.text
            return answer.text

        told = await planned("beside")
        assert '"path":"server.root_path"' in told
        assert "SECRET" not in told
        for path in (outside, f"../{outside.name}", "/etc/hostname"):
            told = await planned(str(path))
            assert "is not read for a text that comes from elsewhere" in told
            assert '"where":"new.yaml:' in told
            assert "SECRET" not in told
