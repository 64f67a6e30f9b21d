"""The retry budget against the list of all that ever happened."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from antiphon.providers.recent import SECONDS, Recent
from antiphon.resilience.retry_budget import WINDOW, has_room, take


class Spending(RuleBasedStateMachine):
    """Requests come and retries are asked for, while time passes."""

    def __init__(self) -> None:
        super().__init__()
        self.recent = Recent()
        self.now = 5000.25
        self.asked: list[float] = []
        self.retried: list[tuple[float, bool]] = []
        self.floor, self.share = 3, 0.1

    @initialize(floor=st.integers(0, 4), share=st.sampled_from([0.0, 0.1, 0.5, 1.0]))
    def begins(self, floor: int, share: float) -> None:
        self.floor, self.share = floor, share

    @rule(seconds=st.sampled_from([0.1, 0.9, 1.0, 5.0, 10.0, 31.0, 1e6]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(count=st.integers(1, 40))
    def requests_come(self, count: int) -> None:
        self.recent.at(self.now).asked += count
        self.asked += [self.now] * count

    @rule(count=st.integers(1, 12))
    def retries_are_asked_for(self, count: int) -> None:
        for _ in range(count):
            free = sum(int(at) == int(self.now) for at, _ in self.retried) < self.floor
            since = int(self.now) - WINDOW
            beyond = sum(paid and int(at) > since for at, paid in self.retried)
            base = sum(int(at) > since for at in self.asked)
            allowed = free or beyond + 1 <= self.share * base
            assert has_room(self.recent, self.now, floor=self.floor, share=self.share) == allowed
            assert take(self.recent, self.now, floor=self.floor, share=self.share) == allowed
            if allowed:
                self.retried.append((self.now, not free))

    @invariant()
    def never_more_than_is_promised(self) -> None:
        """In any ten seconds: the floor of each, and the share of the requests."""
        since = int(self.now) - WINDOW
        made = sum(int(at) > since for at, _ in self.retried)
        # What was paid for a second ago was paid for by requests up to ten seconds before.
        base = sum(int(at) > since - WINDOW for at in self.asked)
        assert made <= self.floor * WINDOW + self.share * base

    @invariant()
    def it_takes_no_more_room(self) -> None:
        assert len(self.recent._ring) == SECONDS


TestRetryBudget = Spending.TestCase
TestRetryBudget.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_a_clock_that_jumps_back_lets_nobody_in_for_nothing() -> None:
    recent = Recent()
    for _ in range(3):
        assert take(recent, 1000.0, floor=3, share=0.0)
    assert not take(recent, 1000.9, floor=3, share=0.0)
    assert take(recent, 990.0, floor=3, share=0.0), "a second of its own"
    assert sum(each.retried for each in recent.last(WINDOW, 990.0)) == 1
