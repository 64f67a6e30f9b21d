"""Keys that rest, die and come back, at two deployments of one provider."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from antiphon.clock import NEVER
from antiphon.dialects.registry import DIALECTS
from antiphon.errors import Disposition, Kind, UpstreamRefused
from antiphon.providers.catalog import load_catalog
from antiphon.providers.config import ProviderSettings
from antiphon.providers.deployment import LONGEST_REST
from antiphon.providers.keys import DEAD_FOR
from antiphon.providers.provider import Provider

CATALOG = load_catalog()
ENTRY = {
    "dialect": "openai_chat",
    "base_url": "http://127.0.0.1:9/v1",
    "api_key": ["sk-a", "sk-b", "sk-c"],
}
KEYS = st.integers(0, 2)
WHERE = st.sampled_from([0, 1])


class Moved:
    """Time that is moved."""

    def __init__(self) -> None:
        self.time = 1000.0

    def monotonic(self) -> float:
        return self.time

    def now(self) -> float:
        # It may as well go backwards.
        return 1.7e9 - self.time


def refused(kind: Kind) -> UpstreamRefused:
    return UpstreamRefused("No.", kind=kind, disposition=Disposition.DEAD_KEY, code="refused")


class KeyMachine(RuleBasedStateMachine):
    """The model: until when each key is dead for all, and rests at each deployment."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Moved()
        entry = ProviderSettings.model_validate(ENTRY)
        provider = Provider("lab", entry, catalog=CATALOG, dialects=DIALECTS, clock=self.clock)
        self.places = [provider.deployment("one"), provider.deployment("two")]
        self.keys = list(provider.keys.live)
        self.dead = [0.0] * 3
        self.rests = [[0.0] * 3, [0.0] * 3]
        self.answered = [[0.0] * 3, [0.0] * 3]
        self.doubted = [0.0] * 3

    @property
    def now(self) -> float:
        return self.clock.time

    def usable(self, where: int) -> list[int]:
        return [
            key
            for key in range(3)
            if self.dead[key] <= self.now and self.rests[where][key] <= self.now
        ]

    @rule(seconds=st.sampled_from([0.5, 5.0, DEAD_FOR, LONGEST_REST]))
    def time_passes(self, seconds: float) -> None:
        self.clock.time += seconds

    @rule(where=WHERE)
    def one_is_taken(self, where: int) -> None:
        usable = self.usable(where)
        if usable:
            taken = {self.keys.index(self.places[where].take_key(self.now)) for _ in range(6)}
            assert taken <= set(usable)
            assert taken == set(usable) or len(usable) > 1
            return
        with pytest.raises(UpstreamRefused) as raised:
            self.places[where].take_key(self.now)
        waits = [
            self.rests[where][key]
            for key in range(3)
            if self.dead[key] <= self.now and self.rests[where][key] < NEVER
        ]
        assert raised.value.code == ("keys_rest" if waits else "no_live_key")
        assert raised.value.retry_after == (min(waits) - self.now if waits else None)

    @rule(where=WHERE, key=KEYS)
    def one_answers(self, where: int, key: int) -> None:
        self.keys[key].answered[self.places[where].name] = self.now
        self.answered[where][key] = self.now

    @rule(where=WHERE, key=KEYS, quota=st.booleans())
    def one_is_refused(self, where: int, key: int, quota: bool) -> None:
        kind = Kind.QUOTA_EXHAUSTED if quota else Kind.UPSTREAM_AUTH
        left = self.places[where].set_aside(self.keys[key], refused(kind), self.now)
        until = self.now + DEAD_FOR if quota else NEVER
        if self.answered[1 - where][key] > self.doubted[key]:
            # The other model takes it: it is this one alone.
            self.doubted[key] = self.now
            self.rests[where][key] = max(self.rests[where][key], until)
        else:
            self.dead[key] = until
        assert left == bool(self.usable(where))

    @rule(where=WHERE, key=KEYS, seconds=st.sampled_from([0.25, 1.0, 7.0, 31_536_000.0, 1e300]))
    def one_asks_for_rest(self, where: int, key: int, seconds: float) -> None:
        self.places[where].rest(self.keys[key], seconds, self.now)
        until = self.now + min(seconds, LONGEST_REST)
        self.rests[where][key] = max(self.rests[where][key], until)

    @rule(where=WHERE)
    def all_are_asked_to_rest(self, where: int) -> None:
        self.places[where].rest(None, 2.0, self.now)
        for key in range(3):
            if self.dead[key] <= self.now:
                self.rests[where][key] = max(self.rests[where][key], self.now + 2.0)

    @rule(where=WHERE)
    def one_is_reset(self, where: int) -> None:
        self.places[where].reset()
        self.dead = [0.0] * 3
        self.rests[where] = [0.0] * 3

    @invariant()
    def when_it_wakes_is_known(self) -> None:
        for where, place in enumerate(self.places):
            live = [key for key in range(3) if self.dead[key] <= self.now]
            waits = [self.rests[where][key] for key in live]
            soonest = min(waits, default=0.0)
            expected = soonest if self.now < soonest < NEVER else 0.0
            assert place.wakes_at(self.now) == expected

    @invariant()
    def what_is_shown_is_so(self) -> None:
        shown = [each.live for each in self.places[0].keys.status()]
        assert self.places[0].keys.alive == any(each <= self.now for each in self.dead)
        assert shown == [each <= self.now for each in self.dead]


TestKeys = KeyMachine.TestCase
TestKeys.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
