"""Several owners, deaths at every step, adoption, lost journals, jumping clocks.

Whatever happens: no pot is ever overspent, counting what is under way at its bound. And in the end,
when the dead are adopted and what nobody can tell is written off, every cent is accounted for, and
all the rest of every budget can be spent, to the last billionth.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from antiphon.usage.budgets.budget import Budget, Scope
from antiphon.usage.budgets.periods import period_of
from tests.unit.usage.budgets.bank import ALICE, BOB, Attempt, Bank, Died, Owner

BUDGETS = (
    Budget(Scope.ORGANISATION, "", 1000, per="total"),
    Budget(Scope.TEAM, "web", 600, per="month"),
    Budget(Scope.USER, "", 300, per="day"),
    Budget(Scope.KEY, "key-b", 150, per="total"),
)
LIMITS = {"organisation": 1000, "team": 600, "user": 300, "key": 150}
MOST_OWNERS = 4
who = st.sampled_from([ALICE, BOB])
number = st.integers(0, 1000)
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
    @rule(which=number, principal=who, bound=st.integers(1, 400))
    def attempt(self, which: int, principal: object, bound: int) -> None:
        self.pick(which).begin(principal, bound)

    @precondition(lambda self: any(owner.attempts for owner in self.owners))
    @rule(which=number, of=number, share=st.floats(0, 1))
    def end(self, which: int, of: int, share: float) -> None:
        owner = self.busy(which)
        self.finish(owner, owner.attempts[of % len(owner.attempts)], share)

    @precondition(lambda self: self.owners)
    @rule(which=number)
    def turn(self, which: int) -> None:
        self.pick(which).turn()

    @precondition(lambda self: self.owners)
    @rule()
    def turns(self) -> None:
        for _ in range(2):
            for owner in self.owners:
                owner.turn()

    @precondition(lambda self: self.owners)
    @rule(which=number)
    def nobody_waits(self, which: int) -> None:
        self.pick(which).give_up()

    @precondition(lambda self: any(not owner.attempts for owner in self.owners))
    @rule()
    def leave(self) -> None:
        owner = next(owner for owner in self.owners if not owner.attempts)
        owner.give_up()
        owner.turn()
        if not owner.attempts:
            owner.leave()
            self.owners.remove(owner)

    # how they die

    @precondition(lambda self: self.owners)
    @rule(which=number)
    def die(self, which: int) -> None:
        self.bury(self.pick(which))

    @precondition(lambda self: self.owners)
    @rule(which=number, point=st.sampled_from(["exchange", "exchanged", "applied", "leave"]))
    def die_in_a_turn(self, which: int, point: str) -> None:
        owner = self.pick(which)
        owner.dies_at = point
        try:
            owner.turn()
            owner.sharing.leave()
        except Died:
            pass
        self.bury(owner)

    @precondition(lambda self: any(owner.attempts for owner in self.owners))
    @rule(which=number, share=st.floats(0, 1), point=st.sampled_from(["close", "closed", ""]))
    def die_at_an_end(self, which: int, share: float, point: str) -> None:
        owner = self.busy(which)
        attempt = owner.attempts[0]
        owner.dies_at = point
        cost = int(attempt.reservation.bound * share)
        try:
            owner.end(attempt, cost, settles=False)
        except Died:
            pass
        if point == "close":  # nothing of it was written: it is charged its bound
            cost = attempt.reservation.bound
        if attempt in owner.attempts:
            owner.attempts.remove(attempt)
        self.charge(attempt, cost)
        self.bury(owner)

    @precondition(lambda self: self.owners)
    @rule(which=number, principal=who, bound=st.integers(1, 100))
    def die_before_it_is_written(self, which: int, principal: object, bound: int) -> None:
        owner = self.pick(which)
        owner.reserve(principal, bound)
        self.bury(owner)

    @precondition(lambda self: any(owner.sharing._known for owner in self.owners))
    @rule(which=number, how=st.sampled_from(["gone", "damaged"]))
    def die_and_lose_the_journal(self, which: int, how: str) -> None:
        known = [owner for owner in self.owners if owner.sharing._known]
        owner = known[which % len(known)]
        self.lost.update(owner.budgets.purses)
        path = self.bank.folder / owner.journal.owner
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

    @rule(days=st.sampled_from([-40, -1, -1 / 24, 1 / 24, 0.5, 1, 40]))
    def the_clock_jumps(self, days: float) -> None:
        self.bank.times.wall += days * DAY

    @rule(seconds=st.sampled_from([0.5, 6.0]))
    def time_passes(self, seconds: float) -> None:
        self.bank.times.passed += seconds

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
            *(("organisation", "all"), ("team", "web"), ("key", "key-b")),
            *(("user", "sub_a"), ("user", "sub_b")),
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
        for budget, name in zip(BUDGETS, ("all", "web", "sub_b", "key-b"), strict=True):
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


TestMachine = Machine.TestCase
TestMachine.settings = settings(
    max_examples=25,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
