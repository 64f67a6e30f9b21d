"""What is counted of limits is told without moving it."""

from __future__ import annotations

from antiphon.limits.figures import figures
from antiphon.limits.limit import Limit, Measure, Scope
from antiphon.limits.meters import Meters
from antiphon.limits.path import key_of

MINUTE = 60_000_000
EACH = Limit(scope=Scope.TEAM, measure=Measure.REQUESTS, bound=10, seconds=60)


def counted(meters: Meters, limit: Limit, tenant: str, name: str, now: int, count: int) -> None:
    meters.of(key_of(limit, tenant, name), now).add(now, count)


def told(meters: Meters, limit: Limit, now: int, tenant: str = "one", **more: int):
    return [(each.name, each.counted) for each in figures(meters, limit, tenant, now, **more)]


def test_of_each_the_largest_first_and_no_other_tenant():
    meters = Meters(100)
    for name, count in (("a", 1), ("b", 3), ("c", 2)):
        counted(meters, EACH, "one", name, 0, count)
    counted(meters, EACH, "other", "d", 0, 9)
    assert told(meters, EACH, 0) == [("b", 3), ("c", 2), ("a", 1)]
    assert told(meters, EACH, 0, most=1) == [("b", 3)]
    assert told(meters, EACH, 0, "other") == [("d", 9)]
    assert told(meters, EACH, 0, "nobody") == []


def test_by_name_and_all_together():
    meters = Meters(100)
    named = Limit(scope=Scope.TEAM, measure=Measure.REQUESTS, bound=10, seconds=60, name="a")
    total = Limit(scope=Scope.TEAM, measure=Measure.REQUESTS, bound=10, seconds=60, total=True)
    assert told(meters, named, 0) == [("a", 0)]
    counted(meters, named, "one", "a", 0, 4)
    counted(meters, total, "one", "a", 0, 5)
    assert told(meters, named, 0) == [("a", 4)]
    assert told(meters, total, 0) == [("", 5)]
    assert told(meters, EACH, 0) == [("a", 4)], "not what all share"


def test_the_organisation_and_what_all_tenants_share():
    meters = Meters(100)
    whole = Limit(scope=Scope.ORGANISATION, measure=Measure.TOKENS, bound=10, seconds=60)
    alias = Limit(scope=Scope.ALIAS, measure=Measure.REQUESTS, bound=10, seconds=60, name="fast")
    counted(meters, whole, "", "one", 0, 3)
    counted(meters, whole, "", "other", 0, 4)
    counted(meters, alias, "", "fast", 0, 5)
    assert told(meters, whole, 0) == [("one", 3)]
    assert told(meters, alias, 0) == [("fast", 5)]


def test_what_is_not_counted():
    prompt = Limit(scope=Scope.TEAM, measure=Measure.PROMPT, bound=10)
    assert told(Meters(100), prompt, 0) == []


def test_it_slides_as_the_meter_does_and_moves_nothing():
    meters, seen = Meters(100), Meters(100)
    for at in range(0, 3 * MINUTE, 7_000_000):
        for each in (meters, seen):
            counted(each, EACH, "one", "a", at, 1)
        for later in (0, 1_000_000, 29_500_000, MINUTE, 3 * MINUTE):
            before = [(meter.last, meter.total, [*meter.slots]) for meter in meters]
            [(_, count)] = told(meters, EACH, at + later)
            assert [(meter.last, meter.total, [*meter.slots]) for meter in meters] == before
            copy = Meters(100)
            for earlier in range(0, at + 1, 7_000_000):
                counted(copy, EACH, "one", "a", earlier, 1)
            assert count == copy.of(key_of(EACH, "one", "a"), at).see(at + later)
