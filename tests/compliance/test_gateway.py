"""Our own gateway is a provider too: it passes in every dialect, over providers of every other."""

import pytest

from antiphon.simulator import SimulatorSpec
from antiphon.testing.compliance import Outcome, Place, provider_checks
from antiphon.testing.compliance.subject import SHIPPED
from tests.server.stage import KEY, stage

DOORS = ("openai_chat", "openai_responses", "anthropic_messages")
PAIRS = [(door, spoken) for door in DOORS for spoken in DOORS]
LEFT_OUT = {"output.json", "beside.counted", "beside.vectors", "answers.stop"}
"""What a pair may leave out; all else is passed."""


@pytest.mark.parametrize(("door", "spoken"), PAIRS, ids=[f"{a}-over-{b}" for a, b in PAIRS])
async def test_a_pair(door, spoken, tmp_path):
    spec = SimulatorSpec(name="one", seed=1)
    auth = {"required": True, "keys": [{"key": KEY}]}
    async with stage(tmp_path, [spec], dialects={"one": spoken}, auth=auth) as road:
        place = Place(f"{road.address}/v1", SHIPPED[door], "fast", KEY, embedding_model="one/embed")
        results = [await check.run() for check in provider_checks(place)]
    outcomes = {each.check: each for each in results}
    if spoken == "anthropic_messages":
        # JSON is asked for in words there, which the simulator does not follow.
        del outcomes["output.json"]
    failed = [each for each in outcomes.values() if each.outcome is Outcome.FAILED]
    assert failed == []
    left_out = {name for name, each in outcomes.items() if each.outcome is Outcome.NOT_SUPPORTED}
    assert left_out <= LEFT_OUT
