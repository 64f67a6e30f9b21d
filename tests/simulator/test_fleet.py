"""Several simulators at once."""

import pytest
from openai import AsyncOpenAI

from antiphon.simulator import Fleet, SimulatorSpec, fleet_specs


async def test_a_fleet_starts_and_stops_together() -> None:
    async with Fleet(fleet_specs(3, first_port=0, latency="instant")) as fleet:
        assert list(fleet) == ["simulator-1", "simulator-2", "simulator-3"]
        said = set()
        for name, simulator in fleet.items():
            async with AsyncOpenAI(base_url=simulator.base_url, api_key="any") as client:
                answer = await client.chat.completions.with_raw_response.create(
                    model="m", messages=[{"role": "user", "content": "hello"}]
                )
            assert answer.headers["x-antiphon-simulator"] == name
            said.add(answer.parse().choices[0].message.content)
        assert len(said) == 3
    assert not any(simulator.state().listening for simulator in fleet.values())


def test_ports_follow_each_other() -> None:
    assert [spec.port for spec in fleet_specs(2)] == [9100, 9101]


def test_names_are_unique() -> None:
    with pytest.raises(ValueError, match="same name"):
        Fleet([SimulatorSpec(), SimulatorSpec()])


async def test_a_fleet_that_cannot_start_leaves_nothing() -> None:
    async with Fleet([SimulatorSpec(name="a")]) as fleet:
        taken = fleet["a"].address[1]
        late = Fleet([SimulatorSpec(name="b"), SimulatorSpec(name="c", port=taken)])
        with pytest.raises(OSError, match="address already in use"):
            await late.__aenter__()
        assert not late["b"].state().listening
