"""Our own gateway is a provider too: it passes in every dialect, over providers of every other."""

import pytest

from antiphon.model.needs import Need
from antiphon.simulator import SimulatorSpec
from antiphon.testing.compliance import Outcome, Place, provider_checks
from antiphon.testing.compliance.subject import CALLERS_ONLY, SHIPPED
from tests.server.stage import KEY, stage

DOORS = sorted(SHIPPED.keys() - CALLERS_ONLY)
PAIRS = [(door, spoken) for door in DOORS for spoken in DOORS]
BASES = {"gemini": "", "ollama": ""}
"""Where the doors of a dialect stand, as its clients are told; `/v1` for the others."""
LOST = {"output.json": Need.JSON_MODE, "tools.forced": Need.FORCED_TOOL}
"""Checks that ask for what a dialect may have declared as lost."""
LEFT_OUT = {*LOST, "beside.counted", "beside.vectors", "answers.stop"}
"""What a pair may leave out; all else is passed."""


@pytest.mark.parametrize(("door", "spoken"), PAIRS, ids=[f"{a}-over-{b}" for a, b in PAIRS])
async def test_a_pair(door, spoken, tmp_path):
    spec = SimulatorSpec(name="one", seed=1)
    auth = {"required": True, "keys": [{"key": KEY}]}
    # It keeps to a schema; what a server that is only like Messages does is not the matter here.
    facts = {"models": {"sim-small": {"json_schema": True}}}
    async with stage(tmp_path, [spec], dialects={"one": spoken}, auth=auth, provider=facts) as road:
        url = road.address + BASES.get(door, "/v1")
        place = Place(url, SHIPPED[door], "fast", KEY, embedding_model="one/embed")
        results = [await check.run() for check in provider_checks(place)]
    declared = {name for name, need in LOST.items() if need in SHIPPED[spoken].losses}
    failed = {each.check: each for each in results if each.outcome is Outcome.FAILED}
    assert failed.keys() <= declared, failed
    left_out = {each.check for each in results if each.outcome is Outcome.NOT_SUPPORTED}
    assert left_out <= LEFT_OUT
