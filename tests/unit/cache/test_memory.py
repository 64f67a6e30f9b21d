"""The exact cache: what it finds, what it forgets, and what it weighs."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from collections import OrderedDict

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from antiphon.cache.config import CacheSettings, RouteCacheSettings
from antiphon.cache.directives import NO_WISHES, Wishes
from antiphon.cache.entry import Entry, Piece, pack
from antiphon.cache.memory import ExactCache
from antiphon.cache.policy import CachePolicy
from antiphon.cache.storable import WhyNot
from antiphon.model.usage import Usage


class StillClock:
    def __init__(self) -> None:
        self.time = 1000.0

    def monotonic(self) -> float:
        return self.time

    def now(self) -> float:
        return 1.7e9 + self.time


def policy(*, stale_for: float = 0, **route: object) -> CachePolicy:
    made = RouteCacheSettings.model_validate(route)
    return CachePolicy(made, alias="fast", plan=b"", stale_for=stale_for)


def entry(body: bytes = b"hi", *, at: float = 1000.0, keeps: float = 3600.0, **more) -> Entry:
    return Entry(False, (body,), (body,), at, keeps, **more)


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def cache(clock: StillClock) -> ExactCache:
    return ExactCache(CacheSettings(), clock=clock)


def test_what_was_stored_is_found_under_its_key_only(cache: ExactCache):
    route, stored = policy(), entry()
    assert cache.find(b"a", route, NO_WISHES) is None
    assert cache.keep(b"a", stored, route) is None
    assert cache.find(b"a", route, NO_WISHES) is stored
    assert cache.find(b"b", route, NO_WISHES) is None
    assert (route.tally.hits, route.tally.misses, route.tally.stored) == (1, 2, 1)


def test_an_answer_lives_as_long_as_its_route_says(cache: ExactCache, clock: StillClock):
    route = policy(ttl=10, stale_for=20)
    cache.keep(b"a", entry(keeps=route.keeps), route)
    clock.time += 9.9
    assert cache.find(b"a", route, NO_WISHES) is not None
    clock.time += 0.1
    assert cache.find(b"a", route, NO_WISHES) is None
    assert cache.find_stale(b"a", route, NO_WISHES) is not None
    clock.time += 20
    assert cache.find_stale(b"a", route, NO_WISHES) is None
    assert (len(cache), cache.bytes) == (0, 0)
    assert route.tally.stale == 1


def test_a_life_that_is_shortened_counts_at_once(cache: ExactCache, clock: StillClock):
    cache.keep(b"a", entry(), policy(ttl=3600))
    clock.time += 60
    assert cache.find(b"a", policy(ttl=30), NO_WISHES) is None
    assert cache.find(b"a", policy(ttl=3600), NO_WISHES) is not None


def test_without_stale_for_nothing_is_given_late(cache: ExactCache, clock: StillClock):
    cache.keep(b"a", entry(keeps=100), policy(ttl=10))
    clock.time += 50
    assert cache.find_stale(b"a", policy(ttl=10), NO_WISHES) is None


def test_what_the_caller_wants(cache: ExactCache, clock: StillClock):
    route = policy(ttl=100, stale_for=100)
    cache.keep(b"a", entry(keeps=200), route)
    clock.time += 30
    assert cache.find(b"a", route, Wishes(max_age=30)) is not None
    assert cache.find(b"a", route, Wishes(max_age=29)) is None
    assert cache.find(b"a", route, Wishes(looks=False)) is None
    assert cache.find(b"a", route, Wishes(stores=False)) is not None
    assert route.tally.skipped == 1
    assert cache.find_stale(b"a", route, Wishes(max_age=29)) is None
    assert cache.find_stale(b"a", route, Wishes(looks=False)) is None
    assert cache.find_stale(b"a", route, NO_WISHES) is not None


def test_what_was_not_asked_for_the_longest_goes_first(clock: StillClock):
    cache = ExactCache(CacheSettings(max_entries=3), clock=clock)
    route = policy()
    for name in (b"a", b"b", b"c"):
        cache.keep(name, entry(name), route)
    cache.find(b"a", route, NO_WISHES)
    cache.keep(b"d", entry(), route)
    assert [name in cache for name in (b"a", b"b", b"c", b"d")] == [True, False, True, True]
    assert cache.statistics().evicted == 1


def test_bytes_are_bounded(clock: StillClock):
    cache = ExactCache(CacheSettings(max_bytes=1 << 17, max_entry_bytes=1 << 16), clock=clock)
    route = policy()
    for number in range(100):
        cache.keep(b"%d" % number, entry(bytes(5000)), route)
        assert cache.bytes <= 1 << 17
    assert len(cache) == (1 << 17) // entry(bytes(5000)).size
    assert b"99" in cache


def test_what_is_too_large_pushes_nothing_out(clock: StillClock):
    cache = ExactCache(CacheSettings(max_bytes=1 << 17, max_entry_bytes=1 << 16), clock=clock)
    route = policy()
    cache.keep(b"a", entry(), route)
    assert cache.keep(b"b", entry(bytes(70_000)), route) is WhyNot.TOO_LARGE
    assert b"a" in cache
    assert b"b" not in cache
    assert route.tally.not_stored == {"too_large": 1}


def test_a_new_answer_takes_the_place_of_the_old(cache: ExactCache):
    route, newer = policy(), entry(b"new")
    cache.keep(b"a", entry(bytes(1000)), route)
    cache.keep(b"a", newer, route)
    assert cache.find(b"a", route, NO_WISHES) is newer
    assert (len(cache), cache.bytes) == (1, newer.size)


def test_what_somebody_wants_gone_is_gone(cache: ExactCache):
    route = policy()
    for number, person in enumerate(["anna", "bert", "anna"]):
        cache.keep(b"%d" % number, entry(subject=person), route)
    assert cache.drop(lambda each: each.subject == "anna") == 2
    assert b"1" in cache
    assert cache.drop() == 1
    assert (len(cache), cache.bytes, cache.statistics().dropped) == (0, 0, 3)


def test_a_sweep_removes_what_is_over_and_lets_others_work(cache: ExactCache, clock: StillClock):
    route = policy()
    for number in range(2500):
        cache.keep(b"%d" % number, entry(keeps=10 if number % 2 else 100), route)
    clock.time += 50

    async def sweep() -> int:
        sweeping = asyncio.ensure_future(cache.sweep())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        # Amid the sweep somebody stores, and somebody empties.
        assert not sweeping.done()
        cache.keep(b"new", entry(at=clock.time), route)
        cache.drop(lambda each: each.keeps == 100)
        return await sweeping

    assert asyncio.run(sweep()) == 1250
    assert list(cache._entries) == [b"new"]
    assert cache.statistics().expired == 1250


def test_pieces_are_packed_into_as_few_objects_as_can_be():
    usage = Piece(b"usage", b"")
    shown, bare = pack([Piece.of(b"a"), Piece.of(b"b"), usage, Piece.of(b"end")])
    assert (shown, bare) == ((b"ab", b"usage", b"end"), (b"ab", b"", b"end"))
    assert bare[0] is shown[0]
    alike, same = pack([Piece.of(b"a"), Piece.of(b"b")])
    assert same is alike
    stored = Entry(True, shown, bare, 0.0, 1.0)
    assert (stored.body(usage=True), stored.body(usage=False)) == (b"abusageend", b"abend")
    assert pack([]) == ((), ())


def test_an_entry_weighs_what_is_its_own():
    plain = entry(b"hi")
    assert entry(bytes(1002)).size == plain.size + 1000
    assert entry(b"hi", alias="x" * 1000, deployment="y" * 1000).size == plain.size
    assert entry(b"hi", request="x" * 1000).size == plain.size + 1000
    assert entry(b"hi", warnings=("lost",)).size > plain.size
    assert entry(b"hi", usage=Usage(input_tokens=7)).size > plain.size


def test_what_is_counted_is_what_is_held(clock: StillClock):
    """A quick look; the campaign takes a long one."""
    cache, route = ExactCache(CacheSettings(max_bytes=1 << 20), clock=clock), policy()
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for number in range(2_000):
            body = bytes(500 + number % 500)
            cache.keep(number.to_bytes(32, "big"), entry(body, at=number + 0.5), route)
        gc.collect()
        held = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert 0.85 < held / cache.bytes <= 1.01
    assert cache.bytes <= 1 << 20


class Remembering(RuleBasedStateMachine):
    """Against a plain list in order of use, whatever is stored, found, dropped and outlived."""

    MOST = 1 << 16

    def __init__(self) -> None:
        super().__init__()
        self.clock = StillClock()
        self.cache = ExactCache(
            CacheSettings(max_bytes=self.MOST, max_entries=6, max_entry_bytes=30_000),
            clock=self.clock,
        )
        self.route = policy(ttl=10, stale_for=5)
        self.model: OrderedDict[bytes, Entry] = OrderedDict()

    KEYS = st.integers(0, 9).map(lambda number: b"%d" % number)

    @rule(key=KEYS, size=st.sampled_from([0, 10, 9_000, 20_000, 40_000]))
    def keep(self, key: bytes, size: int) -> None:
        made = entry(bytes(size), at=self.clock.time, keeps=self.route.keeps)
        refused = self.cache.keep(key, made, self.route)
        assert (refused is not None) == (size == 40_000)
        if refused is None:
            self.model.pop(key, None)
            self.model[key] = made
            while len(self.model) > 6 or sum(each.size for each in self.model.values()) > self.MOST:
                self.model.popitem(last=False)

    @rule(key=KEYS, stale=st.booleans(), max_age=st.none() | st.integers(0, 20))
    def find(self, key: bytes, stale: bool, max_age: int | None) -> None:
        look = self.cache.find_stale if stale else self.cache.find
        found = look(key, self.route, Wishes(max_age=max_age))
        expected = self.model.get(key)
        if expected is not None:
            age = self.clock.time - expected.stored_at
            if age >= 15:
                del self.model[key]
                expected = None
            elif age >= (15 if stale else 10) or (max_age is not None and age > max_age):
                expected = None
            else:
                self.model.move_to_end(key)
        assert found is expected

    @rule(seconds=st.integers(1, 8))
    def wait(self, seconds: int) -> None:
        self.clock.time += seconds

    @rule()
    def sweep(self) -> None:
        asyncio.run(self.cache.sweep())
        for key, each in list(self.model.items()):
            if self.clock.time - each.stored_at >= 15:
                del self.model[key]

    @invariant()
    def both_hold_the_same(self) -> None:
        assert list(self.cache._entries.items()) == list(self.model.items())
        assert self.cache.bytes == sum(each.size for each in self.model.values())
        assert self.cache.bytes <= self.MOST


class TestRemembering(Remembering.TestCase):
    settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
