"""The breaker against a model of K-06 that is written down differently."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from antiphon.providers import breaking
from antiphon.providers.health import Health
from antiphon.resilience import breaker
from antiphon.resilience.breaker import LOST_AFTER, State

FIGURES = breaking.Breaking(failures=3, open_for=60.0)


class Attempt:
    """One call; equal only to itself."""

    def __init__(self, *, probes: bool) -> None:
        self.probes = probes


class Breaking(RuleBasedStateMachine):
    """Attempts begin, end and are lost in any order, while time passes.

    The model keeps the whole history: the attempts that count since the last success, when it
    opened, and who holds the place of a probe since when.
    """

    def __init__(self) -> None:
        super().__init__()
        self.health = Health()
        self.now = 1000.0
        self.running: list[Attempt] = []
        self.row = 0
        self.opened_at: float | None = None
        self.holder: Attempt | None = None
        self.held_since = 0.0

    # what the model says

    @property
    def may_ask(self) -> bool:
        if self.opened_at is None:
            return True
        return self.now >= self.opened_at + FIGURES.open_for and self.is_free

    @property
    def is_free(self) -> bool:
        return self.holder is None or self.now >= self.held_since + LOST_AFTER

    def end(self, attempt: Attempt) -> None:
        self.running.remove(attempt)

    def ended(self, data: st.DataObject) -> Attempt:
        return data.draw(st.sampled_from(self.running))

    # what happens

    @rule(seconds=st.sampled_from([0.0, 0.5, 30.0, 60.0, 61.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(forced=st.booleans())
    def one_is_asked(self, forced: bool) -> None:
        """In its turn, or as the last resort."""
        allowed = self.health.is_askable(self.now)
        assert allowed == self.may_ask
        assert breaker.is_free(self.health, self.now) == self.is_free
        if not allowed and not (forced and self.is_free):
            return
        attempt = Attempt(probes=self.health.opened)
        if self.health.opened:
            breaker.begin(self.health, attempt, self.now, FIGURES)
            self.holder, self.held_since = attempt, self.now
        self.running.append(attempt)

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def one_is_answered(self, data: st.DataObject) -> None:
        attempt = self.ended(data)
        self.end(attempt)
        self.health.succeeded(self.now)
        self.row = 0
        closed = breaker.succeeded(self.health, attempt)
        assert closed == (self.opened_at is not None and attempt is self.holder)
        if closed:
            self.opened_at = self.holder = None

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def one_fails(self, data: st.DataObject) -> None:
        attempt = self.ended(data)
        self.end(attempt)
        self.health.failed("x", self.now)
        self.row += 1
        opened = breaker.failed(self.health, attempt, self.now, FIGURES)
        if self.opened_at is None:
            assert opened == (self.row >= FIGURES.failures)
        else:
            assert opened == (attempt is self.holder)
        if opened:
            self.opened_at, self.holder = self.now, None

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def one_says_nothing(self, data: st.DataObject) -> None:
        """Its caller left, or was at fault, or it was rate limited."""
        attempt = self.ended(data)
        self.end(attempt)
        breaker.leave(self.health, attempt)
        if attempt is self.holder:
            self.holder = None

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def one_is_lost(self, data: st.DataObject) -> None:
        self.end(self.ended(data))

    @rule()
    def it_is_reset(self) -> None:
        self.health.reset()
        self.row, self.opened_at, self.holder = 0, None, None

    @rule()
    def its_provider_is_there_again(self) -> None:
        hastened = breaker.hasten(self.health, self.now)
        opens = None if self.opened_at is None else self.opened_at + FIGURES.open_for
        assert hastened == (opens is not None and self.now < opens)
        if hastened:
            self.opened_at = self.now - FIGURES.open_for

    # what is always so

    @invariant()
    def the_state_is_that_of_the_model(self) -> None:
        if self.opened_at is None:
            assert breaker.state_of(self.health, self.now) is State.CLOSED
            assert breaker.seconds_to_probe(self.health, self.now) == 0.0
            return
        left = self.opened_at + FIGURES.open_for - self.now
        assert breaker.seconds_to_probe(self.health, self.now) == max(left, 0.0)
        half = left <= 0 or self.holder is not None
        assert breaker.state_of(self.health, self.now) is (State.HALF_OPEN if half else State.OPEN)

    @invariant()
    def one_probe_at_a_time(self) -> None:
        """Of those of whom something may still be heard."""
        assert (self.health.probe is self.holder) or self.opened_at is None

    @invariant()
    def it_never_stays_shut_for_ever(self) -> None:
        later = self.now + FIGURES.open_for + LOST_AFTER
        assert self.health.is_askable(later)


TestBreaker = Breaking.TestCase
TestBreaker.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
