"""Each strategy alone: what it puts first, what it holds equal, and what it never does."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.model.ask import Ask, Fact
from antiphon.model.usage import Usage
from antiphon.routing.candidate import Candidate
from antiphon.routing.strategies.config import StrategySettings, order_of
from antiphon.routing.strategies.order import Order
from antiphon.routing.strategies.strategy import Surroundings, banded
from tests.unit.routing.pools import StillClock, asking, candidate, names, pool

CLOCK = StillClock()
NAMES = [name for name in StrategySettings.model_fields if name != "custom"]
NOW = 1_000.0


def order(*said: object, chance: object = None, region: str = "", clock: object = None) -> Order:
    around = Surroundings(chance or Random(7).random, clock or CLOCK, region)
    return order_of([StrategySettings.model_validate(each) for each in said], around)


def ordered(by: Order, candidates: list[Candidate], ask: Ask | None = None, now: float = NOW):
    return names(by.of(candidates, ask or asking(), now)[0])


def answered(each: Candidate, *, first: float, rate: float, at: float = NOW) -> None:
    pace = each.deployment.pace
    pace.begin(at - first)
    pace.end()
    pace.answered(at, Usage(input_tokens=10, output_tokens=int(rate)), first, 1.0)


def busy(each: Candidate, attempts: int) -> None:
    each.deployment.pace.in_flight = attempts


ten = pool(10)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_an_order_is_a_permutation_with_the_scores_of_each(data: st.DataObject):
    count = data.draw(st.integers(1, 10))
    candidates = [Candidate(each.deployment, data.draw(st.floats(0.01, 100))) for each in ten]
    candidates = candidates[:count]
    for each in candidates:
        pace = each.deployment.pace
        pace.in_flight = data.draw(st.integers(0, 50))
        pace.tried_at = data.draw(st.sampled_from([float("-inf"), 0.0, 990.0, NOW]))
        pace.first_byte = data.draw(st.sampled_from([0.0, 1e-4, 0.3, 900.0]))
        pace.rate = data.draw(st.sampled_from([0.0, 0.1, 80.0, 1e5]))
        pace.whole = data.draw(st.sampled_from([0.0, 3.0]))
        pace.cached = data.draw(st.floats(0, 1))
    chosen = data.draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True))
    ask = asking(
        tokens=data.draw(st.integers(0, 10**7)),
        answer=data.draw(st.integers(0, 10**6)),
        conversation=data.draw(st.text(max_size=20)),
    )
    by = order(*chosen)
    found, scores = by.of(candidates, ask, NOW)
    assert sorted(map(id, found)) == sorted(map(id, candidates))
    assert [len(each) for each in scores] == [len(chosen)] * count
    assert sorted(map(tuple, scores)) == list(map(tuple, scores))


def test_priority_keeps_the_order_given():
    assert ordered(order("priority"), ten) == names(ten)


def test_what_is_equal_is_left_to_the_next_and_in_the_end_to_the_order_given():
    one, two = candidate("cloud"), candidate("far")
    here, there = (
        candidate(name, base_url=f"http://127.0.0.1:{port}/v1")
        for name, port in (("here", 1), ("there", 2))
    )
    candidates = [one, here, two, there]
    assert ordered(order("local_first"), candidates) == ["here", "there", "cloud", "far"]
    busy(here, 3)
    assert ordered(order("local_first", "least_busy"), candidates) == [
        "there",
        "here",
        "cloud",
        "far",
    ]


def test_one_s_own_machines_are_private_addresses_and_rows_that_run_there():
    own = [
        candidate("lan", base_url="http://10.1.2.3:8000/v1"),
        candidate("gpu", base_url="https://gpu.internal/v1"),
        candidate("box", base_url="https://models.example.com/v1", catalog="ollama"),
    ]
    assert [each.local for each in own] == [True, True, True]
    assert not candidate("cloud").local


def test_weights_are_frequencies():
    # Chi-square with two degrees of freedom: above 13.8 once in a thousand seeds; this seed is
    # fixed.
    weights, draws = [1.0, 3.0, 6.0], 20_000
    candidates = pool(3, weights=weights)
    by, first, second = order("weighted", chance=Random(11).random), Counter(), Counter()
    for _ in range(draws):
        a, b, _ = ordered(by, candidates)
        first[a] += 1
        if a == "p2":
            second[b] += 1
    expected = {f"p{each}": draws * weight / 10 for each, weight in enumerate(weights)}
    assert sum((first[name] - much) ** 2 / much for name, much in expected.items()) < 13.8
    # Without the heaviest, the others share as they weigh: it is a draw without replacement.
    share = second["p1"] / second.total()
    assert abs(share - 0.75) < 4 * (0.75 * 0.25 / second.total()) ** 0.5


def test_whoever_only_asks_what_would_be_takes_no_chance():
    random = Random(3)
    by, candidates = order("weighted", chance=random.random), pool(3, weights=[1, 5, 2])
    before = random.getstate()
    found, scores = by.shown(candidates, asking(), NOW)
    assert names(found) == ["p1", "p2", "p0"]
    assert [[*each] for each in scores] == [[-5], [-2], [-1]]
    assert random.getstate() == before


def prices(dollars: float, **more: float) -> dict[str, object]:
    return {"prices": {"input": dollars, "output": dollars * 4, **more}}


def test_the_cheapest_is_what_this_prompt_and_its_answer_cost():
    steep = candidate("steep", model={"prices": {"input": 1, "output": 30}})
    flat = candidate("flat", model={"prices": {"input": 5, "output": 5}})
    assert ordered(order("cheapest"), [steep, flat], asking(tokens=10_000, answer=100)) == [
        "steep",
        "flat",
    ]
    assert ordered(order("cheapest"), [steep, flat], asking(tokens=100, answer=1_000)) == [
        "flat",
        "steep",
    ]


def test_what_a_provider_s_cache_has_costs_less():
    plain = candidate("plain", model=prices(2))
    cached = candidate("cached", model=prices(3, cache_read=0.3))
    ask = asking(tokens=20_000, answer=100)
    assert ordered(order("cheapest"), [plain, cached], ask) == ["plain", "cached"]
    cached.deployment.pace.cached = 0.9
    assert ordered(order("cheapest"), [plain, cached], ask) == ["cached", "plain"]


def test_free_ones_are_equal_and_come_before_all_that_cost():
    candidates = [
        candidate("dear", model=prices(9)),
        candidate("free", base_url="http://127.0.0.1:1/v1"),
        candidate("cheap", model=prices(1)),
        candidate("gratis", base_url="http://127.0.0.1:2/v1"),
    ]
    assert ordered(order("cheapest"), candidates) == ["free", "gratis", "cheap", "dear"]


def test_nearly_equal_prices_are_equal():
    candidates = [candidate("dearer", model=prices(1.01)), candidate("cheaper", model=prices(1))]
    assert ordered(order("cheapest"), candidates) == ["dearer", "cheaper"]


@given(st.lists(st.integers(0, 10**15), min_size=1, max_size=12))
def test_bands_keep_the_order_and_hold_what_is_near_the_least_equal(figures: list[int]):
    bands = banded(figures, 0.02)
    for figure, band in zip(figures, bands, strict=True):
        for other, its in zip(figures, bands, strict=True):
            assert band <= its if figure <= other else band >= its
    least = min(figures)
    near = [band for figure, band in zip(figures, bands, strict=True) if figure <= least * 1.019]
    assert set(near) == {0}


def test_the_fastest_counts_the_wait_and_the_rate():
    prompt, quick = candidate("prompt"), candidate("quick")
    answered(prompt, first=0.1, rate=10)
    answered(quick, first=2.0, rate=200)
    long, short = asking(answer=1_000), asking(answer=5)
    assert ordered(order("fastest"), [prompt, quick], long) == ["quick", "prompt"]
    assert ordered(order("fastest"), [prompt, quick], short) == ["prompt", "quick"]
    assert ordered(order({"fastest": {"tokens": 0}}), [quick, prompt], long) == ["prompt", "quick"]


def test_who_was_never_measured_is_asked_by_one_request_and_then_waits_for_its_answer():
    known, new = candidate("known"), candidate("new")
    answered(known, first=0.5, rate=50)
    assert ordered(order("fastest"), [known, new]) == ["new", "known"]
    new.deployment.pace.begin(NOW)
    assert ordered(order("fastest"), [known, new], now=NOW + 5) == ["known", "new"]
    new.deployment.pace.end()
    # It failed: no answer taught anything, so it stays behind, until that has faded too.
    assert ordered(order("fastest"), [known, new], now=NOW + 60) == ["known", "new"]
    assert ordered(order("fastest"), [known, new], now=NOW + 1_500) == ["new", "known"]


def test_an_idle_slow_one_is_asked_again_once_its_figures_have_faded():
    slow, fast = candidate("slow"), candidate("fast")
    answered(slow, first=3.0, rate=10)
    answered(fast, first=0.3, rate=100)
    assert ordered(order("fastest"), [fast, slow], now=NOW + 300) == ["fast", "slow"]
    assert ordered(order("fastest"), [fast, slow], now=NOW + 1_500) == ["slow", "fast"]
    slow.deployment.pace.begin(NOW + 1_500)
    assert ordered(order("fastest"), [fast, slow], now=NOW + 1_501) == ["fast", "slow"]
    slow.deployment.pace.end()
    answered(slow, first=0.1, rate=300, at=NOW + 1_502)
    answered(fast, first=0.3, rate=100, at=NOW + 1_502)
    assert ordered(order("fastest"), [fast, slow], now=NOW + 1_502) == ["slow", "fast"]


def test_nearly_equal_speeds_are_equal():
    candidates = [candidate("a"), candidate("b")]
    answered(candidates[0], first=0.55, rate=100)
    answered(candidates[1], first=0.5, rate=110)
    assert ordered(order("fastest"), candidates) == ["a", "b"]
    busy(candidates[0], 1)
    assert ordered(order("fastest", "least_busy"), candidates) == ["b", "a"]


def test_the_least_busy_counts_attempts_for_what_each_weighs():
    candidates = [candidate("small"), candidate("large", weight=4)]
    assert ordered(order("least_busy"), candidates) == ["large", "small"]
    busy(candidates[1], 3)
    assert ordered(order("least_busy"), candidates) == ["small", "large"]


def test_those_come_first_of_whose_keys_the_fewest_rest():
    limited, half, free = (
        candidate(name, api_key=[f"sk-{name}-1", f"sk-{name}-2"])
        for name in ("limited", "half", "free")
    )
    limited.deployment.rest(None, 30, NOW)
    half.deployment.rest(half.deployment.keys.live[0], 30, NOW)
    by = order("rate_limits")
    assert ordered(by, [limited, half, free]) == ["free", "half", "limited"]
    assert ordered(by, [limited, half, free], now=NOW + 31) == ["limited", "half", "free"]


def test_the_nearest_are_those_of_the_same_region():
    candidates = [
        candidate("us", region="us"),
        candidate("nowhere"),
        candidate("eu", region="eu"),
        candidate("eu2", region="eu"),
    ]
    by = order("nearest", region="eu")
    assert ordered(by, candidates) == ["eu", "eu2", "us", "nowhere"]


def test_quality_is_points_and_those_within_some_are_equal():
    candidates = [
        candidate("fair", model={"quality": 80}),
        candidate("best", model={"quality": 88}),
        candidate("poor", model={"quality": 40}),
        candidate("unknown"),
    ]
    assert ordered(order("quality"), candidates) == ["best", "fair", "poor", "unknown"]
    by = order({"quality": {"within": 10}})
    assert ordered(by, candidates) == ["fair", "best", "poor", "unknown"]


def test_facts_are_only_what_is_wanted():
    assert order("priority", "weighted", "least_busy").facts is Fact.NOTHING
    assert order("local_first", "cheapest").facts == Fact.TOKENS | Fact.ANSWER
    assert order({"sticky": {"by": "prefix"}}).facts == Fact.PREFIX
    assert order("sticky", "fastest").facts == Fact.CONVERSATION | Fact.ANSWER


@pytest.mark.parametrize(
    "said", ["sticky", {"sticky": {"by": "prefix"}}], ids=["conversation", "prefix"]
)
def test_where_nothing_tells_what_belongs_together_the_next_one_decides(said: object):
    candidates = pool(3)
    busy(candidates[0], 1)
    assert ordered(order(said, "least_busy"), candidates) == ["p1", "p2", "p0"]
