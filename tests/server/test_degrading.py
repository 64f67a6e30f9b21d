"""The ladder where nobody answers: wait, another model, a stale answer, a canned one, the error."""

from __future__ import annotations

import json

import pytest

from antiphon.simulator import SimulatorSpec
from tests.server.cached import LaterClock, request
from tests.server.degraded import ADMIN, PATHS, SORRY, ask, ladder
from tests.server.limited import AUTH
from tests.server.purses import budgets
from tests.server.stage import stage

THREE = [SimulatorSpec(name=name, seed=1) for name in ("one", "two", "three")]
FORMS = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


@FORMS
@pytest.mark.parametrize("dialect", PATHS)
async def test_another_model_answers_and_is_named(tmp_path, dialect, stream):
    models = ladder(pool="other", canned=SORRY)
    async with stage(tmp_path, models=models, auth=ADMIN) as road:
        road.first.arm("server-error")
        answer = await ask(road, dialect, stream=stream)
        assert answer.status_code == 200
        headers = answer.headers
        assert headers["x-antiphon-degraded"] == "pool"
        assert headers["x-antiphon-deployment"] == "two/sim-small"
        assert headers["x-antiphon-attempts"] == "2"
        facts = await request(road, answer)
        assert (facts["outcome"], facts["degraded"], facts["route"]) == ("ok", "pool", "fast")
        assert facts["warnings"] == ["degraded: pool other"]
        assert [each["provider"] for each in facts["attempts"]] == ["one", "two"]
        metrics = road.gateway.metrics.exposition().decode()
        assert 'antiphon_degraded_total{route="fast",step="pool"} 1' in metrics


@FORMS
async def test_pools_lead_on_and_their_error_lists_everybody(tmp_path, stream):
    models = {
        "fast": {"deployments": ["one/sim-small"], "degrade": {"pool": "second"}},
        "second": {"deployments": ["two/sim-small"], "degrade": {"pool": "third-too"}},
        "third": {"deployments": ["three/sim-small"], "aliases": ["third-too"]},
    }
    for each in models.values():
        each["retry"] = {"attempts": 1}
    async with stage(tmp_path, THREE, models=models) as road:
        road.simulators[0].arm("server-error")
        road.simulators[1].arm("server-error")
        answer = await ask(road, stream=stream)
        assert answer.headers["x-antiphon-deployment"] == "three/sim-small"
        road.simulators[2].arm("server-error")
        answer = await ask(road, stream=stream)
        assert answer.status_code == 502
        assert "x-antiphon-degraded" not in answer.headers
        told = [each["deployment"] for each in answer.json()["error"]["attempts"]]
        assert told == ["one/sim-small", "two/sim-small", "three/sim-small"]


async def test_a_caller_needs_no_right_to_the_name_of_the_pool(tmp_path):
    auth = {"keys": [{"key": "only-fast-0123456789ab", "models": ["fast"]}]}
    async with stage(tmp_path, models=ladder(pool="other"), auth=auth) as road:
        road.first.arm("server-error")
        held = {"authorization": "Bearer only-fast-0123456789ab"}
        assert (await ask(road, headers=held)).status_code == 200
        assert (await ask(road, model="other", headers=held)).status_code in {403, 404}


@FORMS
async def test_the_pool_is_never_one_that_is_not_cleared(tmp_path, stream):
    models = ladder(pool="other", canned=SORRY)
    models["fast"]["sensitivity"] = "confidential"
    clearances = {"one": {"clearance": "restricted"}, "two": {"clearance": "internal"}}
    async with stage(tmp_path, models=models, providers_of=clearances) as road:
        road.first.arm("server-error")
        answer = await ask(road, stream=stream)
        assert answer.headers["x-antiphon-degraded"] == "canned"
        assert road.second.requests == 0


async def test_a_request_marked_by_its_caller_stays_where_it_is_cleared(tmp_path):
    clearances = {"one": {"clearance": "restricted"}, "two": {"clearance": "internal"}}
    async with stage(tmp_path, models=ladder(pool="other"), providers_of=clearances) as road:
        road.first.arm("server-error")
        answer = await ask(road, headers={"x-antiphon-sensitivity": "restricted"})
        assert (answer.status_code, road.second.requests) == (502, 0)
        assert (await ask(road)).headers["x-antiphon-degraded"] == "pool"


async def test_what_the_pool_refuses_is_not_what_the_caller_is_told(tmp_path):
    async with stage(tmp_path, models=ladder(pool="other")) as road:
        road.first.arm("server-error")
        road.second.arm("bad-request")
        answer = await ask(road)
        assert answer.status_code == 502
        assert len(answer.json()["error"]["attempts"]) == 2


@FORMS
@pytest.mark.parametrize("fault", ["server-error", "rate-limited", "refused", "hangup"])
async def test_the_order_of_the_steps(tmp_path, stream, fault):
    """K-07: other model, then the last good answer, then a text; never a bare 500."""
    clock = LaterClock()
    models = ladder(pool="other", stale_for=600, canned=SORRY)
    async with stage(tmp_path, models=models, clock=clock, auth=ADMIN) as road:
        fresh = await ask(road, stream=stream)
        assert fresh.headers["x-antiphon-cache"] == "miss"
        road.first.arm(fault)
        assert (await ask(road, stream=stream)).headers["x-antiphon-degraded"] == "pool"
        road.second.arm(fault)
        stale = await ask(road, stream=stream)
        assert stale.headers["x-antiphon-degraded"] == "stale"
        assert stale.headers["x-antiphon-cache"] == "stale"
        assert stale.headers["x-antiphon-deployment"] == "one/sim-small"
        assert stale.content == fresh.content
        facts = await request(road, stale)
        assert (facts["degraded"], facts["cache"]) == ("stale", "stale")
        other = await ask(road, text="Another question", stream=stream)
        assert other.headers["x-antiphon-degraded"] == "canned"
        clock.later += 601
        assert (await ask(road, stream=stream)).headers["x-antiphon-degraded"] == "canned"
        if fault == "refused":
            return
        road.first.disarm()
        again = await ask(road, stream=stream)
        assert "x-antiphon-degraded" not in again.headers
        assert again.headers["x-antiphon-cache"] == "miss"


async def test_what_the_pool_said_is_not_kept_as_the_answer(tmp_path):
    models = ladder(pool="other", stale_for=600)
    async with stage(tmp_path, models=models) as road:
        road.first.arm("server-error")
        assert (await ask(road)).headers["x-antiphon-degraded"] == "pool"
        road.second.arm("server-error")
        assert (await ask(road)).status_code == 502


@pytest.mark.parametrize("said", ["no-cache", "no-store"])
async def test_who_wants_no_stored_answer_gets_none(tmp_path, said):
    models = ladder(stale_for=600, canned=SORRY)
    async with stage(tmp_path, models=models) as road:
        held = {"cache-control": said}
        await ask(road, headers=held if said == "no-store" else None)
        road.first.arm("server-error")
        answer = await ask(road, headers=held)
        assert answer.headers["x-antiphon-degraded"] == "canned"


LIMIT = {"scope": "user", "requests": 1, "per": "hour"}


@pytest.mark.parametrize("covers", [(), ("limits",)], ids=["not-covered", "covered"])
@FORMS
async def test_a_limit_of_the_callers_own(tmp_path, covers, stream):
    models = ladder(pool="other", stale_for=600, canned=SORRY, covers=covers)
    limits = {"rules": [LIMIT]}
    async with stage(tmp_path, models=models, auth=AUTH, limits=limits) as road:
        assert "x-antiphon-degraded" not in (await ask(road, stream=stream)).headers
        second = await ask(road, stream=stream)
        other = await ask(road, text="Another question", stream=stream)
        if covers:
            assert second.headers["x-antiphon-degraded"] == "stale"
            assert other.headers["x-antiphon-degraded"] == "canned"
            assert "limit / fast" in other.text
        else:
            assert (second.status_code, other.status_code) == (429, 429)
        # Another model would be a way round.
        assert (road.first.requests, road.second.requests) == (1, 0)


@pytest.mark.parametrize("covers", [(), ("budgets",)], ids=["not-covered", "covered"])
async def test_a_budget_of_the_callers_own(tmp_path, covers):
    models = ladder(pool="other", canned=SORRY, covers=covers)
    held = budgets({"scope": "user", "name": "alice", "limit": "0.000001"})
    async with stage(tmp_path, models=models, **held) as road:
        answer = await ask(road, max_tokens=100)
        if covers:
            assert answer.headers["x-antiphon-degraded"] == "canned"
            assert "budget / fast" in answer.text
        else:
            assert answer.status_code == 402
        assert (road.first.requests, road.second.requests) == (0, 0)


@FORMS
async def test_a_limit_of_a_deployment_is_waited_for(tmp_path, stream):
    """`wait`: the deployment's window has room again after a moment; without it the pool answers."""
    limit = {"scope": "deployment", "name": "one/sim-small", "requests": 1, "per": "second"}
    models = ladder(wait=5, pool="other")
    server = {"heartbeat_seconds": 0.2}
    async with stage(tmp_path, models=models, limits={"rules": [limit]}, server=server) as road:
        assert "x-antiphon-degraded" not in (await ask(road, stream=stream)).headers
        answer = await ask(road, stream=stream)
        assert answer.status_code == 200
        assert answer.content.startswith(b":\n\n") == stream
        assert "x-antiphon-degraded" not in answer.headers
        assert (road.first.requests, road.second.requests) == (2, 0)
        metrics = road.gateway.metrics.exposition().decode()
        assert 'antiphon_degraded_total{route="fast",step="wait"} 1' in metrics


async def test_who_comes_back_too_late_is_not_waited_for(tmp_path):
    limit = {"scope": "deployment", "name": "one/sim-small", "requests": 1, "per": "hour"}
    models = ladder(wait=5, pool="other")
    async with stage(tmp_path, models=models, limits={"rules": [limit]}) as road:
        await ask(road)
        assert (await ask(road)).headers["x-antiphon-degraded"] == "pool"


@FORMS
async def test_callers_who_ask_the_same_share_what_the_pool_says(tmp_path, stream):
    models = ladder(pool="other")
    models["fast"]["cache"] = {"ttl": 60}
    async with stage(tmp_path, models=models) as road:
        road.first.arm("server-error")
        answer = await ask(road, stream=stream)
        assert answer.headers["x-antiphon-degraded"] == "pool"
        # It is not the route's best: nobody is given it again.
        again = await ask(road, stream=stream)
        assert again.headers["x-antiphon-cache"] == "miss"


@pytest.mark.parametrize("steps", [{"canned": SORRY}, {"stale_for": 600}], ids=["canned", "stale"])
async def test_after_heartbeats_it_still_comes(tmp_path, steps):
    """The status is out, so the mark stands in the ledger; the text is a whole stream."""
    models = ladder(**steps)
    models["fast"]["deadline"] = 30
    server = {"heartbeat_seconds": 0.05}
    provider = {"timeouts": {"first_byte": 0.4}}
    async with stage(tmp_path, models=models, server=server, provider=provider, auth=ADMIN) as road:
        fresh = await ask(road, stream=True)
        road.first.arm("stall")
        answer = await ask(road, stream=True)
        assert answer.status_code == 200
        assert answer.content.startswith(b":\n\n")
        said = [
            json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: {")
        ]
        assert said[-1]["choices"][0]["finish_reason"] == "stop"
        step = next(iter(steps)).removesuffix("_for")
        assert f"\n\n: x-antiphon-degraded: {step}\n\n" in answer.text
        if "canned" in steps:
            assert "late / fast" in answer.text
        else:
            assert answer.content.endswith(fresh.content)
        facts = await request(road, answer)
        assert facts["degraded"] == step


async def test_after_content_nothing_stands_in(tmp_path):
    models = ladder(pool="other", canned=SORRY)
    async with stage(tmp_path, models=models) as road:
        road.first.arm("cut")
        answer = await ask(road, text="[say: one two three four five six]", stream=True)
        assert "Sorry" not in answer.text
        assert "error" in answer.text
