"""Who is put last, for how long, and who never is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from antiphon.providers.health import Health
from antiphon.resilience.outliers import EJECTED_FOR, FEWEST, LONGEST, figures_of, judge

NOW = 1000.0


def deployment(ended: int = 0, failed: int = 0, at: float = NOW) -> Health:
    health = Health()
    second = health.recent.at(at)
    second.ended, second.failed = ended, failed
    return health


def test_one_that_fails_far_more_often_than_the_others_is_put_last():
    bad, good = deployment(20, 12), deployment(20, 2)
    assert judge(bad, [bad, good], NOW)
    assert not bad.is_well(NOW)
    assert bad.is_well(NOW + EJECTED_FOR)
    assert not judge(bad, [bad, good], NOW), "it is last already"


def test_not_by_too_few_attempts():
    bad, good = deployment(FEWEST - 1, FEWEST - 1), deployment(20, 0)
    assert not judge(bad, [bad, good], NOW)


def test_not_where_no_more_than_half_fail():
    bad, good = deployment(20, 10), deployment(20, 0)
    assert not judge(bad, [bad, good], NOW)


def test_not_where_the_others_fail_too():
    bad, others = deployment(20, 16), [deployment(20, 8), deployment(20, 6)]
    assert not judge(bad, [bad, *others], NOW)


def test_not_where_nothing_is_known_of_the_others():
    bad, unknown = deployment(20, 20), deployment()
    assert not judge(bad, [bad, unknown], NOW)


def test_not_by_what_is_long_past():
    bad, good = deployment(50, 50, at=NOW - 31), deployment(20, 0)
    assert figures_of(bad, NOW) == (0, 0)
    assert not judge(bad, [bad, good], NOW)


def test_it_is_last_for_longer_each_time_and_a_good_while_is_forgiven():
    bad, good, now = deployment(), deployment(), NOW
    for number in range(1, 15):
        for each, failed in ((bad, 20), (good, 0)):
            second = each.recent.at(now)
            second.ended, second.failed = 20, failed
        assert judge(bad, [bad, good], now)
        assert bad.ejected_until - now == min(EJECTED_FOR * number, LONGEST)
        now = bad.ejected_until
    now += LONGEST
    for each, failed in ((bad, 20), (good, 0)):
        second = each.recent.at(now)
        second.ended, second.failed = 20, failed
    assert judge(bad, [bad, good], now)
    assert bad.ejected_until - now == EJECTED_FOR


@given(
    st.lists(
        st.tuples(st.integers(0, 60), st.integers(0, 60)).map(lambda pair: (max(pair), min(pair))),
        min_size=1,
        max_size=8,
    )
)
def test_never_more_than_half_and_never_the_last(pool: list[tuple[int, int]]):
    healths = [deployment(*each) for each in pool]
    for health in healths * 2:
        judge(health, healths, NOW)
    assert sum(not each.is_well(NOW) for each in healths) <= len(healths) / 2
