"""Whatever fails, rests, is left alone or may not be retried: a walk ends, in so many steps."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import suppress
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.errors import AntiphonError
from antiphon.pipeline import course
from antiphon.resilience import breaker
from tests.pipeline.fakes import (
    BAD_KEY,
    BROKEN,
    BUSY,
    DOWN,
    FORBIDDEN,
    LATE,
    LIMITED,
    NO_MODEL,
    NO_MONEY,
    REFUSED,
    ROLE,
    TOO_LONG,
    House,
    Script,
    chunk,
    refusal,
    streamed,
)

LIMITED_A_WHILE = refusal(429, "rate_limit_exceeded", retry_after=2)
LIMITED_LONG = refusal(429, "rate_limit_exceeded", retry_after=3600)
BUSY_A_WHILE = refusal(503, "server_is_overloaded", retry_after=1)
CUT = streamed(ROLE, chunk("a word"))
NAMES = ("one", "two", "three")
MOST_LOOKS, MOST_WAITS = 4_000, 60
"""At the clock by one request, and waits of it: it may make twenty calls."""
TRANSIENT = (DOWN, BUSY, BUSY_A_WHILE, LIMITED, LIMITED_A_WHILE, LIMITED_LONG, LATE, REFUSED)
LASTING = (BROKEN, BAD_KEY, NO_MONEY, FORBIDDEN, NO_MODEL, TOO_LONG)
fates = st.sampled_from((*TRANSIENT, *LASTING))


class State(NamedTuple):
    """What a deployment is before the request.

    Attributes:
        opened: Its breaker is open, and `probed` says whether somebody has its probe.
        rests: Seconds for which its key rests.
        spent: Its budget of retries is.
    """

    opened: bool
    probed: bool
    rests: float
    spent: bool


class Case(NamedTuple):
    """A request, and who may answer it."""

    scripts: list[list[Script]]
    states: list[State]
    retry: dict[str, object]
    deadline: float
    stream: bool
    chance: float


states = st.builds(
    State, st.booleans(), st.booleans(), st.sampled_from([0.0, 0.5, 5.0, 60.0]), st.booleans()
)
retries = st.fixed_dictionaries(
    {},
    optional={
        "attempts": st.integers(1, 4),
        "calls": st.integers(1, 20),
        "backoff": st.sampled_from([0, 0.5, 5]),
        "jitter": st.sampled_from(["full", "none"]),
        "budget": st.just({"floor": 0, "share": 0}),
    },
)
cases = st.builds(
    Case,
    scripts=st.lists(st.lists(fates, min_size=1, max_size=4), min_size=3, max_size=3),
    states=st.lists(states, min_size=3, max_size=3),
    retry=retries,
    deadline=st.sampled_from([1.0, 30.0, 600.0]),
    stream=st.booleans(),
    chance=st.sampled_from([0.0, 0.5, 1.0]),
)


@settings(max_examples=60, deadline=None)
@given(case=cases)
def test_it_ends(case: Case):
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        house = House(folder, NAMES, deadline=case.deadline, **case.retry)
        # The waits move its clock.
        patch.setattr(course, "sleep", house.clock.sleep)
        asyncio.run(_ends(house, case))


async def _ends(house: House, case: Case) -> None:
    now, steps = house.clock.time, 0
    for name, scripts, state in zip(NAMES, case.scripts, case.states, strict=True):
        ways = [*scripts, CUT] if case.stream else scripts
        house.script(**{name: ways * 20})
        _put(house, name, state, now)
    house.pipeline.chance = lambda: case.chance
    monotonic = house.clock.monotonic

    def counted() -> float:
        nonlocal steps
        steps += 1
        assert steps < MOST_LOOKS, "it goes round and round"
        return monotonic()

    house.clock.monotonic = counted
    with suppress(AntiphonError):
        await (house.stream() if case.stream else house.ask())
    assert len(house.upstream.calls) <= min(case.retry.get("calls", 20), 20)
    assert len(house.clock.slept) <= MOST_WAITS
    assert house.clock.time - now <= case.deadline + 1
    assert not house.pipeline.live
    for name in NAMES:
        probe = house.deployment(name).health.probe
        assert probe is None or probe == "another", "its probe is lost"


def _put(house: House, name: str, state: State, now: float) -> None:
    deployment = house.deployment(name)
    health = deployment.health
    if state.opened:
        health.opened, health.probe_at = True, now + 30
        if state.probed:
            breaker.begin(health, "another", now, deployment.breaking)
    if state.rests:
        deployment.rest(deployment.take_key(now), state.rests, now)
    if state.spent:
        health.recent.at(now).retried += 1000
