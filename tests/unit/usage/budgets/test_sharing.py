"""Several processes and one budget: who has what, and when it goes back."""

from __future__ import annotations

from antiphon.model.principal import Principal
from antiphon.usage.budgets.budget import Budget, Scope
from tests.unit.usage.budgets.bank import ALICE, BOB, Bank, Owner

TEAM = Budget(Scope.TEAM, "web", 1000, steps=(500, 800))


def has(owner: Owner, principal: Principal = ALICE) -> list[tuple[int, int, int]]:
    return [
        (purse.taken, purse.spent, purse.free) for purse in owner.budgets.path(principal).purses
    ]


def spends(owner: Owner, amount: int, principal: Principal = ALICE) -> None:
    owner.begin(principal, amount)
    owner.turn()
    while owner.attempts:
        attempt = owner.attempts[0]
        owner.end(attempt, attempt.reservation.bound)
    owner.turn()


def turns(*owners: Owner) -> None:
    """Until everybody was asked for what he does not use, and has given it."""
    for owner in owners * 4:
        owner.turn()


def test_the_last_billionth_is_spent_by_whoever_needs_it(bank: Bank):
    first, second = bank.owner(TEAM), bank.owner(TEAM)
    for owner in (first, second) * 30:
        spends(owner, 16)
    first.begin(ALICE, 40)
    turns(first, second)
    first.end(first.attempts[0], 40)
    first.turn()
    assert bank.sums(Scope.TEAM, "web") == (1000, 0, 0)
    assert first.begin(ALICE, 1) is second.begin(ALICE, 1) is None


def test_what_one_does_not_use_goes_to_another_who_waits(bank: Bank):
    first, second = bank.owner(TEAM), bank.owner(TEAM)
    first.begin(ALICE, 100)
    first.turn()
    assert has(first)[0][0] > 100
    second.begin(BOB, 900)
    turns(first, second)
    assert [each.reservation.bound for each in second.attempts] == [900]
    assert has(first) == [(100, 0, 0)]


def test_a_portion_that_nobody_uses_goes_back_and_the_purse_goes(bank: Bank):
    owner = bank.owner(TEAM)
    spends(owner, 100)
    assert bank.sums(Scope.TEAM, "web")[1] > 0
    bank.times.passed += 5.0
    owner.turn()
    assert bank.sums(Scope.TEAM, "web") == (100, 0, 0)
    assert owner.budgets.purses == {}
    spends(owner, 900)
    assert bank.sums(Scope.TEAM, "web") == (1000, 0, 0)


def test_an_attempt_that_cost_more_than_its_bound(bank: Bank):
    owner = bank.owner(TEAM)
    owner.begin(ALICE, 100)
    owner.turn()
    owner.end(owner.attempts[0], 950)
    for _ in range(2):
        owner.turn()
    assert bank.sums(Scope.TEAM, "web")[0] == 950
    assert owner.begin(ALICE, 51) is None
    owner.turn()
    assert owner.attempts == []


def test_settling_twice_is_settling_once(bank: Bank):
    owner = bank.owner(TEAM)
    owner.begin(ALICE, 100)
    owner.turn()
    [attempt] = owner.attempts
    for cost in (30, 60):
        owner.budgets.settle(attempt.reservation, cost)
    assert has(owner)[0][1] == 30


def test_the_share_used_and_its_warnings(bank: Bank):
    owner, other = bank.owner(TEAM), bank.owner(TEAM)
    spends(owner, 300)
    other.begin(ALICE, 300)
    turns(owner, other)
    other.end(other.attempts[0], 300)
    turns(other, owner)
    path = owner.budgets.path(ALICE)
    assert owner.budgets.share(path) == 0.6
    assert owner.budgets.warnings(path) == ["60 % of the budget of team web for 2026-09 is used."]
    assert [each.share for each in owner.crossings + other.crossings] == [500]
    assert owner.budgets.share(owner.budgets.path(Principal(key_id="k", team="ops"))) == 0.0


def test_each_has_its_own_but_those_with_a_budget_by_name(bank: Bank):
    each, bobs = Budget(Scope.USER, "", 100), Budget(Scope.USER, "bob", 300)
    owner = bank.owner(TEAM, each, bobs)
    for who, limits in ((ALICE, [1000, 100]), (BOB, [1000, 300])):
        path = owner.budgets.path(who)
        owner.budgets.renew(path, bank.now())
        assert [purse.budget.limit for purse in path.purses] == limits
        assert path.purses[1].pot.name == f"org_default/{who.subject}"
    nobody = owner.budgets.path(Principal(key_id="anonymous"))
    owner.budgets.renew(nobody, bank.now())
    assert nobody.purses == ()


def test_a_new_day_and_the_clock_set_back(bank: Bank):
    daily = Budget(Scope.TEAM, "web", 100, per="day")
    owner = bank.owner(daily)
    spends(owner, 100)
    owner.begin(ALICE, 1)
    owner.turn()
    assert owner.attempts == []
    owner.give_up()
    bank.times.wall += 86_400
    spends(owner, 100)
    bank.times.wall -= 86_400
    owner.begin(ALICE, 1)
    owner.turn()
    assert owner.attempts == []
    assert [each.spent for each in bank.estates.balances("team", "org_default/web")] == [100, 100]


def test_an_attempt_over_midnight_is_settled_where_it_was_reserved(bank: Bank):
    owner = bank.owner(Budget(Scope.TEAM, "web", 100, per="day"))
    owner.begin(ALICE, 60)
    owner.turn()
    bank.times.wall += 86_400
    owner.end(owner.attempts[0], 50)
    spends(owner, 100)
    newer, older = bank.estates.balances("team", "org_default/web")
    assert (newer.spent, older.spent) == (100, 50)


def test_other_budgets_from_now_on(bank: Bank):
    owner = bank.owner(TEAM)
    owner.begin(ALICE, 100)
    owner.turn()
    owner.budgets.replace([Budget(Scope.TEAM, "web", 150), Budget(Scope.KEY, "", 90)])
    owner.end(owner.attempts[0], 100)
    spends(owner, 50)
    assert bank.sums(Scope.TEAM, "web")[0] == 150
    assert bank.sums(Scope.KEY, "key-a")[0] == 50
    owner.budgets.replace([])
    for _ in range(2):
        owner.turn()
    assert owner.budgets.purses == {}
    assert bank.sums(Scope.TEAM, "web") == (150, 0, 0)


def test_a_store_that_fails_is_told_the_same_again(bank: Bank):
    owner = bank.owner(TEAM)
    spends(owner, 100)
    with bank.store.database.writing() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER stop BEFORE UPDATE ON portions BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
    owner.begin(ALICE, 10)
    spends(owner, 20)
    assert owner.sharing.trouble
    assert bank.sums(Scope.TEAM, "web")[0] == 100
    with bank.store.database.writing() as connection:
        connection.exec_driver_sql("DROP TRIGGER stop")
    owner.turn()
    assert owner.sharing.trouble == ""
    assert bank.sums(Scope.TEAM, "web")[0] == owner.budgets.path(ALICE).purses[0].spent > 100


def test_nobody_leaves_with_something_open(bank: Bank):
    owner = bank.owner(TEAM)
    owner.begin(ALICE, 100)
    owner.turn()
    assert not owner.sharing.leave()
    owner.end(owner.attempts[0], 40)
    owner.leave()
    assert bank.sums(Scope.TEAM, "web") == (40, 0, 0)
    assert bank.estates.known(bank.folder) == frozenset()


def test_a_segment_goes_only_when_all_of_it_is_reported(bank: Bank):
    owner = bank.owner(TEAM)
    [segment] = owner.journal.segments
    owner.begin(ALICE, 100)
    owner.turn()
    owner.end(owner.attempts[0], 40)
    owner.journal.seal()
    assert not owner.sharing.is_reported(segment)
    owner.turn()
    assert owner.sharing.is_reported(segment)


def test_without_a_journal_no_money_is_leased(bank: Bank):
    owner = bank.owner(TEAM)
    (bank.folder / owner.journal.owner).rename(bank.folder.parent / "elsewhere")
    owner.begin(ALICE, 100)
    owner.turn()
    assert "no journal" in owner.sharing.trouble
    assert owner.attempts == []


def test_whoever_spends_fast_does_not_wait_after_a_turn_that_gave_nothing(bank: Bank):
    large = Budget(Scope.TEAM, "web", 10**9)
    owner = bank.owner(large)
    waited = 0
    for number in range(2000):
        if number % 97 == 0:
            bank.times.passed += 1.0
            owner.turn()  # as it comes once a second, whatever there is to say
        waited += owner.begin(ALICE, 1000) is None
        [purse] = owner.budgets.path(ALICE).purses
        if purse.hungry or purse.waiting:
            bank.times.passed += 0.005
            owner.turn()
        for each in list(owner.attempts):
            owner.end(each, 300)
    assert waited <= 1
