"""A stream that breaks after content is gone on with: for every pair of dialects, at every frame.

The toy would start again, or end with an error, or show two beginnings, other ids, a text with a
hole or with words twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from antiphon.model.parts import Reasoning
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
THINKING: Mapping[str, dict[str, Any]] = {
    "openai_chat": {"reasoning_effort": "low"},
    "anthropic_messages": {"thinking": {"type": "enabled", "budget_tokens": 1024}},
    "openai_responses": {
        "reasoning": {"effort": "low", "summary": "auto"},
        "include": ["reasoning.encrypted_content"],
    },
    "gemini": {"generationConfig": {"thinkingConfig": {"includeThoughts": True}}},
    "ollama": {"think": True},
}


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


@pytest.mark.parametrize(
    ("spoken", "at"), [("anthropic_messages", -7), ("openai_responses", -7), ("gemini", -3)]
)
async def test_behind_a_thought_that_is_whole(tmp_path, spoken, at):
    """It was told, with its seal, and is told once; nobody thinks again."""
    async with cutting(tmp_path, model="sim-reason") as road:
        for heard in HEARD:
            whole = Heard(heard, (await asked(road, heard, spoken, **THINKING[heard])).content)
            struck(simulator_of(road, spoken), cut_at(at))
            answer = await asked(road, heard, spoken, **THINKING[heard])
            told = Heard(heard, answer.content)
            assert (told.said, told.ended) == (TEXT, 1), (heard, answer.text)
            assert b'"continued":[' in answer.content
            check_frames(heard, told.frames)
            assert thoughts_of(told) == thoughts_of(whole), heard
            road.simulators[0].disarm()
            simulator_of(road, spoken).disarm()


def thoughts_of(heard: Heard) -> list[tuple[str, tuple[str, ...]]]:
    parts = heard.reply.choices[0].turn.parts
    return [
        (part.text, part.summary)
        for part in parts
        if isinstance(part, Reasoning) and (part.text or part.summary)
    ]
