"""Several owners, deaths at every step, adoption, lost journals, jumping clocks.

Whatever happens: no pot is ever overspent, counting what is under way at its bound. And in the end,
when the dead are adopted and what nobody can tell is written off, every cent is accounted for, and
all the rest of every budget can be spent, to the last billionth.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from antiphon.model.principal import Principal
from antiphon.usage.budgets.budget import Budget, Scope
from antiphon.usage.budgets.periods import period_of
from tests.unit.usage.budgets.bank import ALICE, BOB, Attempt, Bank, Died, Owner

BUDGETS = (
    Budget(Scope.ORGANISATION, "", 1000, per="total"),
    Budget(Scope.TEAM, "web", 600, per="month"),
    Budget(Scope.USER, "", 300, per="day"),
    Budget(Scope.KEY, "key-b", 150, per="total"),
)
NAMES = ("org_default", *(f"org_default/{each}" for each in ("web", "sub_b", "key-b")))
LIMITS = {"organisation": 1000, "team": 600, "user": 300, "key": 150}
MOST_OWNERS = 4
number = st.integers(0, 11)
asking = st.tuples(
    number,
    st.sampled_from([ALICE, BOB]),
    st.integers(1, 160),
    st.none() | st.floats(0, 1),
    st.booleans(),
)
"""Which owner, for whom, at which bound, ended at which share of it, with turns or without."""
DAY = 86_400.0


class Machine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.place = Path(tempfile.mkdtemp())
        self.bank = Bank(self.place)
        self.owners: list[Owner] = []
        self.spent: Counter[tuple[str, str, str]] = Counter()
        """What was really spent, by pot, the open attempts of the dead at their bounds."""
        self.lost: set[tuple[str, str, str]] = set()
        """Pots of which something was held by those whose journals cannot be read."""

    # what processes do

    @initialize(count=st.integers(1, MOST_OWNERS))
    def start(self, count: int) -> None:
        self.owners = [self.bank.owner(*BUDGETS) for _ in range(count)]

    @precondition(lambda self: len(self.owners) < MOST_OWNERS)
    @rule()
    def another(self) -> None:
        self.owners.append(self.bank.owner(*BUDGETS))

    @precondition(lambda self: self.owners)
    @rule(asked=st.lists(asking, min_size=1, max_size=6))
    def work(self, asked: list[tuple[int, Principal, int, float | None, bool]]) -> None:
        """Attempts begin, here and there; some end."""
        for which, principal, bound, share, turns in asked:
            owner = self.pick(which)
            owner.begin(principal, bound)
            if turns:
                owner.turn()
            if share is not None and owner.attempts:
                self.finish(owner, owner.attempts[0], share)
            if turns:
                owner.turn()

    @precondition(lambda self: any(owner.attempts for owner in self.owners))
    @rule(which=number, share=st.floats(0, 1))
    def end(self, which: int, share: float) -> None:
        owner = self.busy(which)
        while owner.attempts:
            self.finish(owner, owner.attempts[0], share)

    @precondition(lambda self: self.owners)
    @rule(times=st.integers(1, 3))
    def turns(self, times: int) -> None:
        for owner in self.owners * times:
            owner.turn()

    @precondition(lambda self: self.owners)
    @rule(which=number, leaves=st.booleans())
    def nobody_waits(self, which: int, leaves: bool) -> None:
        owner = self.pick(which)
        owner.give_up()
        owner.turn()
        if leaves and not owner.attempts:
            owner.leave()
            self.owners.remove(owner)

    # how they die

    @precondition(lambda self: self.owners)
    @rule(which=number, point=st.sampled_from(["", "exchange", "exchanged", "applied", "leave"]))
    def die(self, which: int, point: str) -> None:
        owner = self.pick(which)
        owner.dies_at = point
        with contextlib.suppress(Died):
            if point:
                owner.turn()
                owner.sharing.leave()
        self.bury(owner)

    @precondition(lambda self: any(owner.attempts for owner in self.owners))
    @rule(which=number, share=st.floats(0, 1), point=st.sampled_from(["close", "closed", ""]))
    def die_at_an_end(self, which: int, share: float, point: str) -> None:
        owner = self.busy(which)
        attempt = owner.attempts[0]
        owner.dies_at = point
        cost = int(attempt.reservation.bound * share)
        with contextlib.suppress(Died):
            owner.end(attempt, cost, settles=False)
        if point == "close":  # nothing of it was written: it is charged its bound
            cost = attempt.reservation.bound
        if attempt in owner.attempts:
            owner.attempts.remove(attempt)
        self.charge(attempt, cost)
        self.bury(owner)

    @precondition(lambda self: any(owner.sharing._known for owner in self.owners))
    @rule(which=number, how=st.sampled_from(["never written", "gone", "damaged"]))
    def die_with_something_lost(self, which: int, how: str) -> None:
        known = [owner for owner in self.owners if owner.sharing._known]
        owner = known[which % len(known)]
        path = self.bank.folder / owner.journal.owner
        if how == "never written":
            owner.reserve(BOB, 5)
            self.bury(owner)
            return
        self.lost.update(owner.budgets.purses)
        self.bury(owner)
        if how == "gone":
            shutil.rmtree(path)
        else:
            for segment in path.glob("*.segment"):
                segment.write_bytes(segment.read_bytes()[:-200].replace(b"req_", b"gone"))

    # what comes after

    @rule(dies=st.booleans())
    def adopt(self, dies: bool) -> None:
        self.bank.adopt(dies=dies)

    @rule()
    def write_off(self) -> None:
        for owner in {orphan.owner for orphan in self.bank.estates.orphans()}:
            self.bank.estates.write_off(owner, by="somebody")

    @rule(
        days=st.sampled_from([0, 0, -40, -1, -1 / 24, 0.5, 1, 40]),
        seconds=st.sampled_from([0.5, 6.0]),
    )
    def time_passes_and_the_clock_jumps(self, days: float, seconds: float) -> None:
        self.bank.times.wall += days * DAY
        self.bank.times.passed += seconds
        for owner in self.owners:
            owner.turn()

    # what holds

    @invariant()
    def nothing_is_overspent(self) -> None:
        most = Counter(self.spent)
        for owner in self.owners:
            for attempt in owner.attempts:
                for purse in attempt.reservation.hard:
                    most[purse.pot[:3]] += attempt.reservation.bound
        for pot, spent in most.items():
            assert spent <= LIMITS[pot[0]], pot

    def teardown(self) -> None:
        try:
            self.settle_everything()
        finally:
            self.bank.close()
            shutil.rmtree(self.place)

    def settle_everything(self) -> None:
        for owner in list(self.owners):
            self.bury(owner)
        self.bank.adopt()
        self.write_off()
        for scope, name in (
            *(
                ("organisation", "org_default"),
                ("team", "org_default/web"),
                ("key", "org_default/key-b"),
            ),
            *(("user", "org_default/sub_a"), ("user", "org_default/sub_b")),
        ):
            for balance in self.bank.estates.balances(scope, name):
                pot = balance.pot[:3]
                accounted = balance.spent + balance.written_off
                assert balance.held == 0
                assert accounted <= LIMITS[scope]
                if pot in self.lost:
                    assert accounted >= self.spent[pot]
                else:
                    assert accounted == self.spent[pot], pot
        self.the_rest_can_be_spent()

    def the_rest_can_be_spent(self) -> None:
        """By somebody new, at once, to the last billionth."""
        left = []
        for budget, name in zip(BUDGETS, NAMES, strict=True):
            period = period_of(budget.per, self.bank.now(), budget.zone).name
            used = [
                each.spent + each.written_off
                for each in self.bank.estates.balances(budget.scope, name)
                if each.pot.period == period
            ]
            left.append(budget.limit - sum(used))
        rest = min(left)
        if rest > 0:
            heir = self.bank.owner(*BUDGETS)
            heir.begin(BOB, rest)
            heir.turn()
            assert [attempt.reservation.bound for attempt in heir.attempts] == [rest]
            heir.begin(BOB, 1)
            heir.turn()
            assert len(heir.attempts) == 1
            heir.die()

    # how it is told

    def pick(self, which: int) -> Owner:
        return self.owners[which % len(self.owners)]

    def busy(self, which: int) -> Owner:
        busy = [owner for owner in self.owners if owner.attempts]
        return busy[which % len(busy)]

    def finish(self, owner: Owner, attempt: Attempt, share: float) -> None:
        cost = int(attempt.reservation.bound * share)
        owner.end(attempt, cost)
        self.charge(attempt, cost)

    def charge(self, attempt: Attempt, cost: int) -> None:
        for purse in attempt.reservation.hard:
            self.spent[purse.pot[:3]] += cost

    def bury(self, owner: Owner) -> None:
        for attempt in owner.attempts:
            self.charge(attempt, attempt.reservation.bound)
        owner.die()
        self.owners.remove(owner)


MOSTLY = [HealthCheck.too_slow, HealthCheck.filter_too_much]


class TestMachine(Machine.TestCase):
    settings = settings(
        max_examples=25, stateful_step_count=30, deadline=None, suppress_health_check=MOSTLY
    )


@pytest.mark.campaign
@pytest.mark.timeout(3600)
class TestMachineForLong(Machine.TestCase):
    settings = settings(
        max_examples=1500, stateful_step_count=60, deadline=None, suppress_health_check=MOSTLY
    )
