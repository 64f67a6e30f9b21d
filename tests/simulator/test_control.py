"""The control API, for whoever is not in this process."""

from collections.abc import AsyncIterator

import pytest
from httpx2 import AsyncClient

from antiphon.simulator import FAULTS, Simulator
from tests.simulator.callers import GUIDE, Raw


@pytest.fixture
async def control(simulator: Simulator) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(base_url=f"{simulator.url}/_simulator") as http:
        yield http


async def test_faults_are_listed_armed_and_disarmed(
    simulator: Simulator, control: AsyncClient, raw: Raw
) -> None:
    listed = (await control.get("/faults")).json()
    assert listed["faults"] == {
        name: {
            "description": fault.description,
            "expected": fault.expected,
            "wires": sorted(fault.wires),
        }
        for name, fault in simulator.faults.items()
    }
    assert simulator.faults.keys() > FAULTS.keys()
    rule = {"fault": "quota", "count": 3, "match": {"model": "sim-small"}}
    armed = (await control.post("/faults", json=rule)).json()["armed"]
    assert armed[0]["rule"]["count"] == 3
    assert b"insufficient_quota" in await raw()
    assert (await control.get("/faults")).json()["armed"][0]["struck"] == 1
    await control.delete("/faults")
    assert b"insufficient_quota" not in await raw()


@pytest.mark.parametrize(
    "rule", ["{", "{}", '{"fault": "nonsense"}', '{"fault": "quota", "odd": 1}', '{"fault": 1}']
)
async def test_a_bad_rule_is_refused(control: AsyncClient, rule: str) -> None:
    answer = await control.post("/faults", content=rule)
    assert answer.status_code == 400
    assert answer.json()["error"]


async def test_received_requests_are_shown_without_keys(control: AsyncClient, raw: Raw) -> None:
    await raw(text="needle", headers="Authorization: Bearer sk-secret\r\n")
    shown = await control.get("/received")
    assert "sk-secret" not in shown.text
    [one] = shown.json()["received"]
    assert "needle" in one["body"]
    assert one["outcome"] == "answered"
    assert ["Authorization", "***"] in one["headers"]
    assert (await control.delete("/received")).json() == {"received": []}


async def test_state_counts(control: AsyncClient, raw: Raw) -> None:
    await raw()
    state = (await control.get("/state")).json()
    assert state["name"] == "lab"
    assert state["requests"] == 1
    assert state["open_connections"] == 1
    assert state["outcomes"]["answered"] == 1
    assert state["recordings"] == 7


async def test_latency_and_keys_change(control: AsyncClient, simulator: Simulator) -> None:
    assert (await control.put("/latency", json={"profile": "fast"})).status_code == 200
    assert simulator.latency.tokens_per_second == 400
    await control.put("/latency", json={"first_token": 0.001})
    assert (simulator.latency.first_token, simulator.latency.jitter) == (0.001, 0)
    assert (await control.put("/latency", json={"profile": "warp"})).status_code == 400
    assert (await control.put("/latency", json={"first_token": -1})).status_code == 400
    assert (await control.put("/keys", json={"keys": ["a"]})).json()["accepted"] == 1
    assert simulator.keys == {"a"}
    await control.put("/keys", json={"keys": None})
    assert simulator.keys is None


async def test_recordings_are_listed(control: AsyncClient) -> None:
    listed = (await control.get("/recordings")).json()
    assert listed["count"] == len(listed["recordings"]) == 7


async def test_the_door_is_closed_for_a_while(control: AsyncClient, simulator: Simulator) -> None:
    answer = await control.post("/refuse", json={"seconds": 60})
    assert answer.json() == {"refusing_for": 60}
    assert not simulator.state().listening
    assert simulator.running == 1
    await simulator.start()
    assert (await control.get("/state")).json()["listening"]


async def test_an_unknown_control_tells_the_known_ones(control: AsyncClient) -> None:
    answer = await control.get("/nonsense")
    assert answer.status_code == 404
    assert "POST /_simulator/faults" in answer.json()["controls"]


async def test_every_control_is_in_the_guide(control: AsyncClient) -> None:
    guide = GUIDE.read_text()
    for known in (await control.get("/nonsense")).json()["controls"]:
        assert known.endswith("/") or f"| `{known}` |" in guide


async def test_control_needs_no_key_and_meets_no_fault(
    control: AsyncClient, simulator: Simulator
) -> None:
    simulator.set_keys(frozenset())
    simulator.arm("reset")
    assert (await control.get("/")).status_code == 200
    assert simulator.requests == 0
