"""Whose limits a request meets, and what becomes of what it takes."""

from __future__ import annotations

import pytest

from antiphon.limits.config import LimitSettings, LimitsSettings, QueueSettings, compiled
from antiphon.limits.limit import Limit
from antiphon.limits.limits import Limits
from antiphon.limits.path import Demand, Gate
from antiphon.limits.taken import Taken
from antiphon.model.principal import Principal

ONE = Demand(1, 10, 100, 1, 50, 500)
ALICE = Principal(key_id="key-a", team="web", department="sales", user="alice")
BOB = Principal(key_id="key-b", team="web", department="sales", user="bob")
EVE = Principal(key_id="key-e", team="web", department="sales", user="eve", organisation="org_2")


class Hand:
    """A clock that is set."""

    def __init__(self) -> None:
        self.time = 1000.0

    def monotonic(self) -> float:
        return self.time

    def now(self) -> float:
        return self.time


def limit(layer: str = "", **members: object) -> tuple[Limit, ...]:
    return compiled(LimitSettings(**members), queue=QueueSettings(), layer=layer)


class Desk:
    def __init__(self, *limits: tuple[Limit, ...], most: int = 100_000) -> None:
        self.clock = Hand()
        self.limits = Limits(
            LimitsSettings(most_counts=most), [e for each in limits for e in each], clock=self.clock
        )

    def take(self, who: Principal, alias: str = "fast", demand: Demand = ONE) -> Taken | Gate:
        now = self.limits.now()
        return self.limits.take(self.limits.path(who, alias, now), demand, now)

    def served(self, who: Principal, times: int = 100, **more: object) -> int:
        """How often somebody is served in a row."""
        return sum(isinstance(self.take(who, **more), Taken) for _ in range(times))


def test_each_has_its_own_and_a_total_is_shared():
    desk = Desk(limit(scope="user", requests=3), limit(scope="user", share="total", requests=5))
    assert [desk.served(ALICE), desk.served(BOB)] == [3, 2]
    assert desk.served(EVE) == 3, "another organisation has its own total"


def test_a_limit_by_name_takes_the_place_of_that_of_each():
    desk = Desk(
        limit(scope="key", requests=3),
        limit(scope="key", name="key-b", requests=7),
        limit(scope="key", name="key-a", tokens=1000),
    )
    assert [desk.served(ALICE), desk.served(BOB)] == [3, 7], "of the same measure only"


def test_a_shadow_takes_no_place():
    desk = Desk(
        limit(scope="key", requests=3),
        limit(scope="key", name="key-a", requests=9, mode="shadow"),
    )
    assert desk.served(ALICE) == 3
    desk = Desk(
        limit(scope="key", requests=3, mode="shadow"),
        limit(scope="key", name="key-a", requests=9),
    )
    gates = desk.limits.path(ALICE, "fast", desk.limits.now()).gates
    assert sorted(each.bound for each in gates) == [3, 9], "and nobody takes one's place"


def test_names_are_walled_by_the_organisation():
    desk = Desk(
        limit(scope="team", name="web", requests=3),
        limit(scope="team", name="web", organisation="org_2", requests=2),
        limit(scope="organisation", name="org_2", requests=1),
    )
    assert [desk.served(ALICE), desk.served(BOB), desk.served(EVE)] == [3, 0, 1]


def test_an_organisation_cannot_lift_what_the_operator_set():
    desk = Desk(
        limit(scope="key", requests=3),
        limit("org_2", scope="key", name="key-e", requests=1000),
    )
    assert desk.served(EVE) == 3


def test_an_organisation_limits_itself_alone():
    desk = Desk(limit("org_2", scope="key", requests=2), limit("org_2", scope="user", requests=1))
    assert [desk.served(ALICE), desk.served(EVE)] == [100, 1]
    for foreign in (
        {"scope": "provider"},
        {"scope": "alias"},
        {"scope": "team", "organisation": "org_3"},
        {"scope": "organisation", "name": "org_3"},
    ):
        with pytest.raises(ValueError, match="organisation"):
            limit("org_2", requests=1, **foreign)


def test_all_or_nothing():
    desk = Desk(
        limit(scope="key", requests=10),
        limit(scope="team", tokens=25),
        limit(scope="alias", concurrency=9),
    )
    assert desk.served(ALICE) == 2
    path = desk.limits.path(ALICE, "fast", desk.limits.now())
    assert [each.total for each in path.meters] == [2, 20, 2]


def test_an_alias_has_one_count_for_all_callers():
    desk = Desk(limit(scope="alias", requests=4), limit(scope="alias", name="big", requests=1))
    assert [desk.served(ALICE), desk.served(EVE)] == [4, 0]
    assert desk.served(ALICE, alias="big") == 1


def test_more_than_the_limit_is_served_once_the_window_is_empty():
    """Pitfall: the first request is refused, since its reservation is over the limit."""
    desk = Desk(limit(scope="key", tokens=100))
    big = Demand(1, 5000, 0, 1, 5000, 0)
    taken = desk.take(ALICE, demand=big)
    assert isinstance(taken, Taken)
    assert desk.served(ALICE) == 0
    desk.limits.settle(taken, 30, 0, desk.limits.now())
    assert desk.served(ALICE) == 7


def test_what_an_estimate_missed_is_counted_when_it_is_known():
    """A stream may end long after the window of its beginning."""
    desk = Desk(limit(scope="key", tokens=100))
    taken = desk.take(ALICE)
    assert isinstance(taken, Taken)
    desk.clock.time += 300
    desk.limits.settle(taken, 110, 0, desk.limits.now())
    assert desk.served(ALICE) == 0
    desk.clock.time += 62
    assert desk.served(ALICE) == 10


def test_it_is_settled_once():
    desk = Desk(limit(scope="key", tokens=100, concurrency=5, requests=50))
    taken = desk.take(ALICE)
    assert isinstance(taken, Taken)
    for _ in range(3):
        desk.limits.settle(taken, 4, 0, desk.limits.now(), counts=False)
    path = desk.limits.path(ALICE, "fast", desk.limits.now())
    assert {each.key[3]: each.total for each in path.meters} == {0: 0, 1: 4, 3: 0}


def test_most_is_reserved_where_that_is_asked_for():
    desk = Desk(limit(scope="key", tokens=100, reserve="most"))
    assert desk.served(ALICE) == 2


def test_counts_survive_other_limits():
    desk = Desk(limit(scope="key", requests=5))
    assert desk.served(ALICE, 4) == 4
    desk.limits.replace(limit(scope="team", requests=50))
    assert desk.served(ALICE, 4) == 1, "what stays has its count"
    desk.limits.replace(limit(scope="key", name="key-a", requests=8))
    assert desk.served(ALICE) == 3, "another bound on the same count"
    desk.limits.replace(())
    assert desk.served(ALICE) == 0


def test_a_limit_of_zero_lets_nobody_pass():
    desk = Desk(limit(scope="key", requests=0))
    assert desk.served(ALICE) == 0
    desk = Desk(limit(scope="key", tokens=0))
    assert desk.served(ALICE) == 0
    assert desk.served(ALICE, demand=Demand(1, 0, 0, 1, 0, 0)) == 100, "it asks for no tokens"


def test_a_clock_that_jumps():
    desk = Desk(limit(scope="key", requests=3))
    assert desk.served(ALICE) == 3
    desk.clock.time -= 900
    assert desk.served(ALICE) == 0, "back: nothing is forgotten"
    desk.clock.time += 62
    assert desk.served(ALICE) == 3, "and time goes on from there"
    desk.clock.time += 10**9
    assert desk.served(ALICE) == 3


def test_memory_is_bounded_and_no_count_is_lost():
    desk = Desk(limit(scope="key", requests=3), most=100)
    crowd = [Principal(key_id=f"key-{number}") for number in range(1000)]
    assert [desk.served(each, 5) for each in crowd[:100]] == [3] * 100
    assert sum(desk.served(each, 5) for each in crowd[100:]) == 3, "newcomers are counted as one"
    assert [desk.served(each, 5) for each in crowd[:100]] == [0] * 100
    assert len(desk.limits.meters) == 101
    assert desk.limits.meters.together > 0
    desk.clock.time += 62
    assert [desk.served(each, 5) for each in crowd[100:200]] == [3] * 100, "there is room again"
    assert len(desk.limits.meters) <= 101


def test_a_count_in_use_is_never_dropped():
    desk = Desk(limit(scope="key", concurrency=1), most=100)
    held = desk.take(ALICE)
    assert isinstance(held, Taken)
    for number in range(500):
        other = desk.take(Principal(key_id=f"key-{number}"))
        assert isinstance(other, Taken)
        desk.limits.settle(other, 0, 0, desk.limits.now())
    assert desk.served(ALICE) == 0
    desk.limits.settle(held, 0, 0, desk.limits.now())
    assert desk.served(ALICE) == 1


def test_what_ends_after_its_count_was_dropped_is_counted():
    desk = Desk(limit(scope="key", tokens=100), most=100)
    taken = desk.take(ALICE)
    assert isinstance(taken, Taken)
    desk.clock.time += 500
    for number in range(100):
        assert desk.served(Principal(key_id=f"key-{number}"), 1) == 1
    assert not taken.meters[0].kept
    desk.clock.time += 500
    desk.limits.settle(taken, 400, 0, desk.limits.now())
    assert desk.served(ALICE) == 0
