"""Faults that are armed before the request comes."""

import pytest

from antiphon.simulator import FaultRule, Match, Simulator, SimulatorSpec
from tests.simulator.callers import Raw


async def statuses(raw: Raw, times: int, **asked: object) -> list[int]:
    return [int((await raw(**asked))[9:12]) for _ in range(times)]


async def test_a_rule_strikes_as_often_as_told(simulator: Simulator, raw: Raw) -> None:
    simulator.arm(FaultRule("server-error", after=1, count=2))
    assert await statuses(raw, 5) == [200, 500, 500, 200, 200]


async def test_the_first_rule_that_strikes_wins(simulator: Simulator, raw: Raw) -> None:
    simulator.arm(FaultRule("overloaded", count=1))
    simulator.arm("rate-limited")
    assert await statuses(raw, 3) == [503, 429, 429]
    simulator.disarm()
    assert await statuses(raw, 1) == [200]


@pytest.mark.parametrize(
    ("match", "asked"),
    [
        (Match(model="a"), {"model": "a"}),
        (Match(stream=True), {"stream": True}),
        (Match(contains="needle"), {"text": "hay needle hay"}),
        (Match(headers={"X-Tenant": "red"}), {"headers": "x-tenant: red\r\n"}),
        (Match(path="/v1/chat/completions", model="a"), {"model": "a"}),
    ],
)
async def test_a_rule_means_only_what_it_matches(
    simulator: Simulator, raw: Raw, match: Match, asked: dict
) -> None:
    simulator.arm(FaultRule("server-error", match=match))
    assert await statuses(raw, 1) == [200]
    assert await statuses(raw, 1, **asked) == [500]


async def test_chance_is_decided_by_the_seed(raw: Raw, simulator: Simulator) -> None:
    simulator.arm(FaultRule("server-error", probability=0.5))
    first = await statuses(raw, 40)
    assert 8 < first.count(500) < 32
    simulator.disarm()
    simulator.arm(FaultRule("server-error", probability=0.5))
    assert await statuses(raw, 40) == first


async def test_what_a_request_asks_for_itself_comes_first(simulator: Simulator, raw: Raw) -> None:
    simulator.arm("server-error")
    assert await statuses(raw, 1, model="fault:overloaded") == [503]


def test_an_unknown_fault_cannot_be_armed() -> None:
    with pytest.raises(ValueError, match="nonsense"):
        Simulator(SimulatorSpec(faults=(FaultRule("nonsense"),)))


async def test_a_spec_arms_faults(raw: Raw) -> None:
    async with Simulator(SimulatorSpec(faults=(FaultRule("quota", count=1),))) as lab:
        assert [state.rule.fault for state in lab.rules.listed()] == ["quota"]
