"""A pool whose deployments fail by chance and by turns still answers, and asks little more for it.

The first figure of `make chaos`, on a clock that is moved: a breaker as strict as K-06's would leave
all four alone at times, and answer less than half.
"""

from __future__ import annotations

from random import Random

import pytest

from antiphon.errors import AntiphonError
from tests.pipeline.fakes import BROKEN, BUSY, DOWN, LATE, LIMITED, REFUSED, answer

FAULTS = (BROKEN, BUSY, DOWN, LATE, LIMITED, REFUSED)
NAMES = ("one", "two", "three", "four")
REQUESTS = 2_500


class Weather:
    """Decides what becomes of each call."""

    def __init__(self, h, *, faults: float, seed: int = 7) -> None:
        self.h = h
        self.faults = faults
        self.random = Random(seed)
        h.upstream.on_call = self.decide

    def is_down(self, name: str) -> bool:
        """Two are down for 10 s in every 60, one after the other."""
        second = self.h.clock.time % 60
        return (name == "one" and second < 10) or (name == "two" and 10 <= second < 20)

    def decide(self) -> None:
        name = self.h.upstream.asked[-1]
        fails = self.is_down(name) or self.random.random() < self.faults
        script = self.random.choice(FAULTS) if fails else answer(name)
        self.h.upstream.scripts[name] = [script]


async def outcome(h, rate: float) -> tuple[float, float]:
    """The share of answers, and calls for each request."""
    answered = 0
    for number in range(REQUESTS):
        h.clock.time = max(h.clock.time, 1000.0 + number / rate)
        try:
            await h.ask()
        except AntiphonError:
            continue
        answered += 1
    return answered / REQUESTS, len(h.upstream.calls) / REQUESTS


@pytest.mark.parametrize("rate", [20, 100])
async def test_four_that_fail_answer_all_the_same(house, rate):
    h = house(*NAMES)
    h.pipeline.chance = Random(11).random
    Weather(h, faults=0.3)
    answered, calls = await outcome(h, rate)
    assert answered >= 0.999
    assert calls <= 1.8


async def refused(h) -> float:
    """Ask five hundred times, a hundred a second, for nothing; the seconds that it took."""
    began = h.clock.time
    for number in range(500):
        h.clock.time = max(h.clock.time, began + number / 100)
        with pytest.raises(AntiphonError):
            await h.ask()
    return h.clock.time - began


async def test_a_total_outage_is_no_storm(house):
    """R7: all is 503, and calls stay near the number of requests, and three a second."""
    h = house("one", "two")
    Weather(h, faults=0)
    h.upstream.on_call = lambda: h.script(one=BUSY, two=BUSY)
    seconds = await refused(h)
    assert len(h.upstream.calls) <= 1.2 * 500 + 3 * (seconds + 1)


@pytest.mark.parametrize("attempts", [None, 3, 20])
async def test_one_deployment_that_is_down_is_left_alone(house, attempts):
    """R7 for one: the breaker ends what the retry budget bounds."""
    retry = {} if attempts is None else {"attempts": attempts}
    h = house("one", **retry)
    h.script(one=BUSY)
    seconds = await refused(h)
    assert len(h.upstream.calls) <= 5 + 1 + seconds / 60


async def test_the_retry_budget_bounds_an_outage_that_the_breaker_does_not_see(house):
    """R7 for rate limits, which say nothing of health: 1.2 calls a request, and 3 a second."""
    h = house("one", attempts=4, backoff=0)
    h.script(one=LIMITED)
    seconds = await refused(h)
    assert len(h.upstream.calls) <= 1.2 * 500 + 3 * (seconds + 1)


async def test_one_that_is_down_for_a_while_is_left_alone_and_comes_back(house):
    """R8: down for 30 s under steady load, with another beside it."""
    h = house("one", "two")
    began, rate, seconds = h.clock.time, 10, 100
    answers: list[tuple[float, str]] = []
    asked: list[float] = []
    for number in range(rate * seconds):
        h.clock.time = max(h.clock.time, began + number / rate)
        is_down = h.clock.time < began + 30
        h.script(one=BUSY if is_down else answer("1"), two=answer("2"))
        before = h.upstream.asked.count("one")
        answers.append((h.clock.time - began, await h.ask()))
        asked += [h.clock.time - began] * (h.upstream.asked.count("one") - before)
    opened = 5 / rate
    assert len([at for at in asked if opened <= at < opened + 59]) == 0, "not while it is open"
    back = min(at for at, by in answers if by == "1")
    assert back <= opened + 61
    assert all(by == "1" for at, by in answers if at > back)
