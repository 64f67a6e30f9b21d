"""A window that slides: never more than the bound in any stretch of its length."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.limits.meter import NEVER, PARTS, Meter

SECOND = 1_000_000
MINUTE = 60 * SECOND


def meter(seconds: float = 60, now: int = 0) -> Meter:
    return Meter(("key", "", "k", 0, seconds), now)


def test_there_is_no_double_burst_at_an_edge():
    """The toy counts in whole minutes: sixty at 0:59 and sixty more at 1:00 pass it."""
    made = meter()
    for _ in range(60):
        made.add(59 * SECOND, 1)
    assert made.see(60 * SECOND) == 60
    assert made.see(118 * SECOND) == 60
    assert made.see(119 * SECOND + SECOND) == 0


def test_room_comes_back_part_by_part():
    made = meter()
    for second in range(0, 60, 10):
        made.add(second * SECOND, 10)
    assert made.see(59 * SECOND) == 60
    assert made.opens_at(10, 60) == 61 * SECOND
    assert made.see(61 * SECOND - 1) == 60
    assert made.see(61 * SECOND) == 50
    assert made.opens_at(25, 60) == 81 * SECOND
    assert made.empties_at() == 111 * SECOND
    assert made.see(111 * SECOND) == 0
    assert made.empties_at() == 0


@given(
    st.sampled_from([1, 7, 60, 3600]),
    st.lists(st.tuples(st.integers(0, 3 * SECOND), st.integers(1, 9)), max_size=60),
    st.integers(1, 20),
)
def test_it_never_forgets_too_early(seconds, steps, bound):
    """Against a list of every event: what is admitted fits into each window of that length."""
    made, now, taken = meter(seconds), 0, []
    stretch = seconds * SECOND
    for wait, amount in steps:
        now += wait * seconds // 3
        seen = made.see(now)
        real = sum(each for at, each in taken if at > now - stretch)
        late = sum(each for at, each in taken if at > now - stretch - 2 * made.grain)
        assert real <= seen <= late
        if seen + amount <= bound:
            made.add(now, amount)
            taken.append((now, amount))
        elif amount <= bound:
            opens = made.opens_at(amount, bound)
            assert opens > now
            for at, fits in ((opens, True), (opens - 1, False)):
                other = Meter(made.key, 0)
                other.last, other.slots, other.total = made.last, [*made.slots], made.total
                assert (other.see(at) + amount <= bound) is fits


def test_what_is_taken_back_is_taken_back_where_it_was_counted():
    made = meter()
    made.add(0, 5)
    made.add(30 * SECOND, 7)
    made.lower(0, 3)
    assert made.see(30 * SECOND) == 9
    assert made.see(61 * SECOND) == 7, "only what is left of the first is forgotten"
    made.lower(0, 2)
    assert made.see(61 * SECOND) == 7, "what is forgotten is not taken back again"


def test_what_is_under_way_is_not_forgotten():
    made = meter(0)
    made.add(0, 1)
    assert made.see(10**15) == 1
    assert made.opens_at(1, 1) == NEVER
    other = meter()
    other.add(0, 1)
    assert other.opens_at(1, 0) == NEVER, "a limit of zero never has room"
    assert made.empties_at() == 0


def test_more_than_the_bound_needs_all_of_it():
    made = meter()
    assert made.opens_at(500, 100) == 0
    made.add(0, 1)
    assert made.opens_at(500, 100) == 61 * SECOND


@pytest.mark.parametrize("seconds", [1, 7, 60, 86_400, 31 * 86_400])
def test_no_window_is_shorter_than_it_is_said_to_be(seconds):
    made = meter(seconds)
    assert made.grain * PARTS >= seconds * SECOND
    assert made.grain * PARTS < seconds * SECOND + PARTS
    made.add(0, 1)
    assert made.see(seconds * SECOND - 1) == 1
    assert made.see(10**18) == 0


def test_a_long_sleep_costs_nothing():
    made = meter(1)
    made.add(0, 3)
    made.add(10**15, 1)
    assert made.total == 1
    assert made.see(10**15 + 2 * SECOND) == 0
