"""A small run of `make chaos`: the same weather, callers and books, and a few hundred requests."""

from __future__ import annotations

from pathlib import Path

from antiphon.simulator import FAULTS
from antiphon.simulator.wires import CHAT, GEMINI, MESSAGES, RESPONSES
from tests.chaos.figures import counted
from tests.chaos.run import Chaos, run
from tests.chaos.weather import REFUSALS, UNTRUE, failing, odd

SMALL = Chaos(requests=250, scale=0.05, rate=60, patience=0.5, apart=False)
FEW = 0.97
"""One or two of so few may fail by chance."""


def test_every_way_of_the_simulator_is_there():
    met = set(REFUSALS)
    for wire in (CHAT, MESSAGES, RESPONSES, GEMINI):
        for stream in (False, True):
            met |= {*failing(wire, stream=stream), *odd(wire, stream=stream)}
        assert len(failing(wire, stream=True)) >= 50
    known = {
        name for name, each in FAULTS.items() if each.wires & {CHAT, MESSAGES, RESPONSES, GEMINI}
    }
    assert known - met <= set().union(*UNTRUE.values())


async def test_a_small_run(tmp_path: Path):
    record = await run(SMALL, tmp_path, say=lambda _: None)
    figures = counted(record, FEW)
    # How long it takes is the machine's affair here.
    missed = [each for each in figures.missed if "deadline" not in each]
    assert not missed, figures.examples
    assert figures.kinds > 50
    assert figures.failing > 0.25
    assert figures.continued > 0
    assert figures.outages > 1
