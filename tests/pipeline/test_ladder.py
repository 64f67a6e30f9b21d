"""Every combination of steps and failures: the answer is that of the first step that can."""

from __future__ import annotations

import asyncio
import tempfile
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.errors import AntiphonError
from antiphon.model.reply import StopReason
from antiphon.pipeline import course, descent
from tests.pipeline.fakes import (
    BAD_REQUEST,
    BUSY,
    DOWN,
    LATE,
    LIMITED,
    NO_MODEL,
    REFUSED,
    TOO_LONG,
    House,
    Script,
    answer,
    refusal,
    text_of,
    told,
)

GOOD = "good"
RESTING = refusal(429, "rate_limit_exceeded", retry_after=30)
FAILURES: dict[str, Script] = {
    "down": DOWN,
    "busy": BUSY,
    "limited": LIMITED,
    "resting": RESTING,
    "late": LATE,
    "refused": REFUSED,
    "no model": NO_MODEL,
    "asked wrongly": BAD_REQUEST,
    "too long": TOO_LONG,
}
THEIRS = {"asked wrongly", "too long"}
"""What says something of the request, where the route's own deployment says it."""


class Case(NamedTuple):
    """What is configured, and what happens."""

    own: str
    pool: str | None
    further: str | None
    stale: bool
    stored: bool
    canned: bool
    wait: bool
    stream: bool
    typed: bool


fates = st.sampled_from([GOOD, *FAILURES])
cases = st.builds(
    Case,
    own=fates,
    pool=st.none() | fates,
    further=st.none() | fates,
    stale=st.booleans(),
    stored=st.booleans(),
    canned=st.booleans(),
    wait=st.booleans(),
    stream=st.booleans(),
    typed=st.booleans(),
)


def expected(case: Case) -> str:
    """The reference: who answers, in a word."""
    if case.own == GOOD:
        return "one"
    if case.own == "resting" and case.wait:
        # It rests for 30 seconds; then it is well again.
        return "one"
    return "error" if case.own in THEIRS else _below(case)


def _below(case: Case) -> str:
    pools = [("two", case.pool), ("three", case.further)] if case.pool is not None else []
    for name, fate in pools:
        if fate is None:
            break
        if fate == GOOD:
            return name
    if case.stale and case.stored:
        return "stale"
    if case.canned and not case.typed:
        return "canned"
    return "error"


def script(fate: str, name: str, *, stream: bool) -> Script:
    if fate == GOOD:
        return told(name) if stream else answer(name)
    return FAILURES[fate]


def configured(case: Case) -> dict[str, object]:
    degrade: dict[str, object] = {}
    if case.wait:
        degrade["wait"] = 60
    if case.pool is not None:
        degrade["pool"] = "second"
    if case.stale:
        degrade["stale_for"] = 600
    if case.canned:
        degrade["canned"] = "canned"
    further = {"degrade": {"pool": "third"}} if case.further is not None else {}
    once = {"retry": {"attempts": 1, "calls": 1}}
    return {
        "road": {"deployments": ["one/m"], "degrade": degrade, **once},
        "second": {"deployments": ["two/m"], **further, **once},
        "third": {"deployments": ["three/m"], **once},
    }


@settings(max_examples=120, deadline=None)
@given(case=cases)
def test_the_first_step_that_can_gives_the_answer(case: Case):
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        house = House(folder, models=configured(case))
        # The waits move its clock.
        for module in (course, descent):
            patch.setattr(module, "sleep", house.clock.sleep)
        asyncio.run(_walk_down(house, case))


async def _walk_down(house: House, case: Case) -> None:
    members: dict[str, object] = {"response_format": {"type": "json_object"}} if case.typed else {}
    asks = 0
    pipeline = house.pipeline
    async with pipeline.caching:
        if case.stored:
            # What is stored is whatever the route said on a good day.
            house.script(one=script(GOOD, "stale", stream=case.stream))
            await _asked(house, case.stream, members)
            asks += 1
            house.clock.time += 10 if case.stale else 0
        own = script(case.own, "one", stream=case.stream)
        well = script(GOOD, "one", stream=case.stream)
        house.script(
            one=[own, well] if case.own == "resting" else own,
            two=script(case.pool or GOOD, "two", stream=case.stream),
            three=script(case.further or GOOD, "three", stream=case.stream),
        )
        try:
            text = await _asked(house, case.stream, members)
        except AntiphonError:
            text = "error"
        assert text == expected(case)
    last = pipeline.recorded[-1]
    word = {"one": "", "two": "pool", "three": "pool", "error": ""}.get(text, text)
    assert last.degraded == word
    assert (last.outcome is not None) == (text == "error")
    assert text == "error" or last.stop is StopReason.STOP
    assert len(pipeline.recorded) == asks + 1
    assert not pipeline.live
    assert all(attempt.closed for each in pipeline.recorded for attempt in each.attempts)
    assert house.journal.open_attempts == 0


async def _asked(house: House, stream: bool, members: dict[str, object]) -> str:
    return text_of(await house.stream(**members)) if stream else await house.ask(**members)
