"""A stream that breaks after content is gone on with: for every pair of dialects, at every frame.

The toy would start again, or end with an error, or show two beginnings, other ids, a text with a
hole or with words twice.
"""

from __future__ import annotations

import pytest

from tests.server.continued import (
    BACK,
    HEARD,
    TEXT,
    Heard,
    asked,
    check_frames,
    cut_at,
    cutting,
    simulator_of,
    struck,
)
from tests.server.stage import Stage

MOST_FRAMES = 40


async def whole(road: Stage, heard: str, spoken: str) -> Heard:
    for each in road.simulators:
        each.disarm()
    answer = await asked(road, heard, spoken)
    told = Heard(heard, answer.content)
    assert told.said == TEXT
    assert b"antiphon" not in answer.content
    return told


@pytest.mark.parametrize("spoken", HEARD)
async def test_a_stream_that_is_cut_at_any_frame(tmp_path, spoken):
    async with cutting(tmp_path) as road:
        for heard in HEARD:
            await cut_everywhere(road, heard, spoken)


async def cut_everywhere(road: Stage, heard: str, spoken: str) -> None:
    uncut = await whole(road, heard, spoken)
    simulator, back = simulator_of(road, spoken), simulator_of(road, BACK)
    marked = 0
    for at in range(1, MOST_FRAMES):
        # Between two cuts it is well.
        await whole(road, heard, spoken)
        simulator.forget()
        back.forget()
        struck(simulator, cut_at(at))
        answer = await asked(road, heard, spoken)
        where = (heard, at, answer.text)
        told = Heard(heard, answer.content)
        assert told.said == TEXT, where
        assert told.ended == 1, where
        assert not told.failed, where
        check_frames(heard, told.frames)
        assert told.reply.choices[0].stop == uncut.reply.choices[0].stop, where
        first, *more = [*simulator.received, *back.received]
        if first.outcome.value == "answered":
            break
        marked += b'"continued":[' in answer.content
        assert len(more) <= 1, where
    else:
        raise AssertionError("the fault still strikes")
    assert marked >= 5
