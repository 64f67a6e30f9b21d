"""Callers who come, wait, leave and end in any order, while the clock does what it likes.

Whatever happens: never more than the bound at once, nor in any window; nobody waits where there is
room; nobody is overtaken for longer than priorities are worth; and when all have ended, nothing is
held, and what was counted is what was used.
"""

from __future__ import annotations

from collections import Counter, deque

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from antiphon.limits.path import Demand
from antiphon.limits.taken import Taken
from antiphon.limits.waiting import State, Waiter
from antiphon.model.principal import Principal
from tests.unit.limits.test_limits import limit
from tests.unit.limits.test_queue import Hall, queued

STEP = 5.0
QUEUE = {"length": 4, "seconds": 40, "step": STEP}
CALLERS = [
    Principal(key_id=f"key-{number}", team=("web", "data")[number % 2]) for number in range(4)
]
LIMITS = (
    queued(concurrency=2, queue=QUEUE),
    limit(scope="team", concurrency=3, requests=12, when_full="queue", queue=QUEUE),
    limit(scope="team", share="total", tokens=400, per=30, when_full="queue", queue=QUEUE),
    limit(scope="key", name="key-3", requests=3, per="second"),
    limit(scope="user", requests=0, mode="shadow"),
)
TEAM_REQUESTS = 12


class Machine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.hall = Hall(*LIMITS)
        self.under_way: list[tuple[Principal, Taken]] = []
        self.waiting: list[tuple[Principal, Waiter]] = []
        self.began: dict[str, deque[float]] = {"web": deque(), "data": deque()}
        self.used = Counter[str]()

    @rule(
        who=st.sampled_from(CALLERS),
        priority=st.sampled_from([-1, 0, 1]),
        tokens=st.integers(0, 300),
    )
    def comes(self, who, priority, tokens):
        demand = Demand(1, tokens, tokens * 10, 1, tokens, tokens * 10)
        made = self.hall.come(who, priority, demand)
        if isinstance(made, Taken):
            self.go(who, made)
        else:
            self.waiting.append((who, made))

    @precondition(lambda self: self.under_way)
    @rule(number=st.integers(0, 50), tokens=st.integers(0, 500))
    def ends(self, number, tokens):
        who, taken = self.under_way.pop(number % len(self.under_way))
        self.used[who.team] += tokens
        self.hall.end(taken, tokens)

    @precondition(lambda self: self.under_way)
    @rule(number=st.integers(0, 50))
    def fails_before_it_was_sent(self, number):
        who, taken = self.under_way.pop(number % len(self.under_way))
        at = taken.at / 1e6
        if at in self.began[who.team]:
            self.began[who.team].remove(at)
        limits = self.hall.limits
        limits.settle(taken, 0, 0, limits.now(), counts=False)

    @precondition(lambda self: self.waiting)
    @rule(number=st.integers(0, 50))
    def leaves(self, number):
        _, waiter = self.waiting[number % len(self.waiting)]
        self.hall.limits.queue.leave(waiter, self.hall.limits.now())

    @rule(seconds=st.sampled_from([0.01, 0.4, 3.0, 17.0, 70.0]))
    def time_passes(self, seconds):
        self.hall.pass_time(seconds)

    @rule(seconds=st.sampled_from([1.0, 900.0]))
    def the_clock_jumps_back(self, seconds):
        self.hall.clock.time -= seconds
        self.hall.limits.now()

    @rule()
    def limits_are_put_in_force_again(self):
        stood = [each for _, each in self.waiting]
        self.hall.limits.replace(())
        assert all(each.state is State.AGAIN for each in stood)

    def go(self, who: Principal, taken: Taken) -> None:
        self.under_way.append((who, taken))
        self.began[who.team].append(taken.at / 1e6)

    def look(self) -> None:
        """Those who were served are under way; others have gone."""
        for who, waiter in list(self.waiting):
            if waiter.state is not State.WAITING:
                self.waiting.remove((who, waiter))
            if waiter.taken is not None:
                self.go(who, waiter.taken)

    @invariant()
    def never_more_than_the_bound(self):
        self.look()
        keys = Counter(who.key_id for who, _ in self.under_way)
        teams = Counter(who.team for who, _ in self.under_way)
        assert all(each <= 2 for each in keys.values())
        assert all(each <= 3 for each in teams.values())
        now = self.hall.limits.now() / 1e6
        for began in self.began.values():
            while began and began[0] <= now - 60:
                began.popleft()
            assert len(began) <= TEAM_REQUESTS

    @invariant()
    def nobody_waits_where_there_is_room(self):
        limits = self.hall.limits
        assert limits.queue.due() > limits.now()
        assert limits.queue.waiting == sum(each.state is State.WAITING for _, each in self.waiting)

    @invariant()
    def nobody_waits_longer_than_the_queue_lets_him(self):
        now = self.hall.limits.now()
        for _, each in self.waiting:
            assert each.state is not State.WAITING or now - each.arrived < QUEUE["seconds"] * 1e6

    def teardown(self):
        self.look()
        while self.waiting:
            # Who leaves may let others go.
            self.hall.limits.queue.leave(self.waiting[0][1], self.hall.limits.now())
            self.look()
        while self.under_way:
            self.look()
            who, taken = self.under_way.pop()
            self.used[who.team] += 3
            self.hall.end(taken, 3)
            self.look()
        limits = self.hall.limits
        assert limits.queue.waiting == 0
        for who in CALLERS:
            for meter in limits.path(who, "fast", limits.now()).meters:
                assert not meter.waiting
                if not meter.key[4]:
                    assert meter.total == 0
                assert meter.total == sum(meter.slots)
                assert all(each >= 0 for each in meter.slots)
        self.hall.pass_time(100)
        for who in CALLERS:
            now = limits.now()
            assert all(each.see(now) == 0 for each in limits.path(who, "fast", now).meters)


TestMachine = Machine.TestCase
TestMachine.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
