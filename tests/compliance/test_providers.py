"""The suite for providers: the simulator passes, broken ones do not."""

import pytest

from antiphon.dialects.registry import EMBEDDING_AT
from antiphon.simulator import Simulator, SimulatorSpec
from antiphon.simulator.wires import WIRES
from antiphon.testing.compliance import CheckFailed, Outcome, Place, provider_checks
from antiphon.testing.compliance.provider.suite import CHECKS, cost_of
from antiphon.testing.compliance.subject import SHIPPED
from tests.compliance.parrot import parrot

SPOKEN = sorted(name for name in SHIPPED if name.replace("_", "-") in WIRES)
KEY = "sk-right"


def place_at(url, name="openai_chat", **more):
    return Place(url, SHIPPED[name], "sim-small", **more)


async def failed(place):
    results = [await check.run() for check in provider_checks(place)]
    return {each.check for each in results if each.outcome is Outcome.FAILED}


@pytest.mark.parametrize("name", SPOKEN)
async def test_the_simulator_passes_in_every_dialect_that_it_speaks(name):
    async with Simulator(SimulatorSpec(keys=frozenset({KEY}))) as simulator:
        place = place_at(simulator.url, name, key=KEY, embedding_model="sim-embed")
        checks = provider_checks(place)
        results = {check.name: await check() for check in checks}
        assert simulator.requests <= cost_of(checks).requests
        for check in checks:
            before = simulator.requests
            await check.run()
            assert simulator.requests - before <= check.cost.requests, check.name
    passed = {name for name, each in results.items() if each.outcome is Outcome.PASSED}
    assert results.keys() - passed <= {
        *("refusals.model", "answers.stop", "tools.forced"),
        *("output.json", "beside.counted"),
        *(() if name in EMBEDDING_AT else ("beside.vectors",)),
    }


FAULTS = [
    ("no-usage", {"answers.streamed", "answers.usage"}),
    ("no-done", {"answers.streamed"}),
    ("no-finish", {"answers.streamed", "tools.streamed", "tools.parallel"}),
    ("type-json", {"answers.streamed"}),
    (
        "error-event",
        {"answers.streamed", "answers.characters", "answers.usage"}
        | {"tools.streamed", "tools.parallel"},
    ),
    (
        "negative-usage",
        {"answers.whole", "answers.streamed", "answers.conversation", "answers.large"}
        | {"answers.usage", "answers.cancelled"},
    ),
]


@pytest.mark.parametrize(("fault", "meant"), FAULTS, ids=[fault for fault, _ in FAULTS])
async def test_a_fault_is_found(fault, meant):
    async with Simulator() as simulator:
        simulator.arm(fault)
        assert await failed(place_at(simulator.url)) == meant


@pytest.mark.parametrize(
    "fault", ["html", "error-200", "truncated", "invalid-utf8", "server-error"]
)
async def test_what_is_no_answer_is_found_everywhere(fault):
    async with Simulator() as simulator:
        simulator.arm(fault)
        seen = await failed(place_at(simulator.url))
    assert {"answers.whole", "answers.conversation", "answers.usage", "answers.cancelled"} <= seen


async def test_a_provider_that_hears_nothing():
    async with parrot() as url:
        place = place_at(url, key=KEY, embedding_model="m")
        results = {check.name: await check.run() for check in provider_checks(place)}
    passed = {name for name, each in results.items() if each.outcome is Outcome.PASSED}
    assert passed == {"answers.whole", "answers.conversation"}
    ignored = {name for name, each in results.items() if each.outcome is Outcome.NOT_SUPPORTED}
    assert ignored == {"tools.auto", "tools.parallel", "refusals.model", "beside.counted"}


async def test_a_provider_that_is_not_there(unused_tcp_port):
    check, *_ = provider_checks(place_at(f"http://127.0.0.1:{unused_tcp_port}/v1", key=KEY))
    with pytest.raises(CheckFailed, match="ConnectFailed") as caught:
        await check()
    assert KEY not in str(caught.value)


def test_a_place_shows_no_key_and_must_be_one():
    assert KEY not in repr(place_at("http://127.0.0.1:9", key=KEY))
    for wrong in ({"url": "127.0.0.1"}, {"key": "sk\r\nx: y"}, {"auth": "no colon"}):
        with pytest.raises(ValueError, match=r"."):
            provider_checks(
                place_at(**{"url": "http://127.0.0.1:9", **wrong, "key": wrong.get("key", KEY)})
            )


async def test_another_header_for_the_key():
    async with Simulator(SimulatorSpec(keys=frozenset({KEY}))) as simulator:
        [check] = provider_checks(
            place_at(simulator.url, key=KEY, auth="api-key: {key}"), ["answers.whole"]
        )
        await check()
        assert simulator.received[0].header(b"api-key") == KEY.encode()
        assert simulator.received[0].header(b"authorization") is None


def test_every_check_has_a_sentence_and_a_cost():
    for name, (run, cost) in CHECKS.items():
        assert (run.__doc__ or "").partition("\n")[0].endswith("."), name
        assert cost.requests > 0
