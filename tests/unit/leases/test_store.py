"""What owners and the store say to each other, on real files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.clock import SystemClock
from antiphon.errors import PathNotFound, StorageFailed
from antiphon.leases.estates import Estates
from antiphon.leases.portion import portion
from antiphon.leases.store import LeaseStore
from antiphon.leases.terms import Mark, OwnerClosed, Pot, Standing, Wish
from antiphon.storage.database import Database
from antiphon.usage.ledger.tables import SCHEMA

TEAM = Pot("team", "web", "2026-11", 100)
OTHER = Pot("team", "ops", "2026-11", 100)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LeaseStore]:
    store = LeaseStore(tmp_path / "leases.db", clock=SystemClock())
    for owner in ("a", "b"):
        store.register(owner, tmp_path)
    yield store
    store.close()


def say(store: LeaseStore, owner: str, **what: object) -> Standing:
    """One exchange about the one pot."""
    wish = Wish(TEAM, 0, 1000, 0, 0)._replace(**what)
    [standing] = store.exchange(owner, [wish], [])
    return standing


def test_portions_of_two_processes_never_exceed_the_pot(store, tmp_path):
    beside = LeaseStore(tmp_path / "leases.db", clock=SystemClock())
    first = say(store, "a", want=900)
    second = say(beside, "b", want=900)
    assert first.taken == 500
    assert second.taken == 62  # a share of the rest, since there are two now
    assert say(beside, "b", keep=62, need=438).taken == 500
    assert say(store, "a", keep=500, need=1).taken == 500
    beside.close()


def test_the_same_may_be_said_again(store):
    for _ in range(3):
        standing = say(store, "a", spent=40, keep=100, need=100)
    # What it held and spent is as it said; each time it needed a hundred more.
    assert standing.taken == 200
    assert say(store, "b").others == 40


def test_a_report_never_shrinks(store):
    say(store, "a", spent=40, keep=40)
    assert say(store, "a", spent=10, keep=10).taken == 40


def test_what_was_spent_beyond_what_was_taken_is_out_of_the_pot(store):
    say(store, "a", need=100)
    say(store, "a", spent=950, keep=100)
    assert say(store, "b", need=51).taken == 0
    assert say(store, "b", need=50).taken == 50


def test_whoever_is_short_has_others_asked(store):
    say(store, "a", need=800)
    short = say(store, "b", need=300)
    assert (short.taken, short.best) == (0, 1000)
    assert say(store, "a", keep=800).asked
    assert say(store, "a", keep=500).taken == 500
    assert say(store, "b", need=300).taken == 300
    assert not say(store, "a", keep=500).asked


def test_nobody_is_asked_for_what_cannot_be(store):
    say(store, "a", spent=800, keep=900)
    short = say(store, "b", need=300)
    assert (short.taken, short.best) == (0, 200)
    assert not say(store, "a", spent=800, keep=900).asked


def test_a_share_is_told_once(store):
    steps = (500, 800, 950)
    assert say(store, "a", spent=499, keep=499, steps=steps).crossed == 0
    assert say(store, "a", spent=850, keep=850, steps=steps).crossed == 800
    assert say(store, "b", steps=steps).crossed == 0
    assert say(store, "a", spent=950, keep=950, steps=steps).crossed == 950


def test_an_owner_that_is_done_with_a_pot_begins_anew(store):
    say(store, "a", spent=300, keep=400)
    assert store.exchange("a", [Wish(TEAM, 0, 1000, 300, 300, done=True)], []) == []
    standing = say(store, "a", spent=20, keep=20)
    assert (standing.others, standing.best) == (300, 680)


def test_an_owner_that_leaves_gives_back_what_it_did_not_spend(store):
    say(store, "a", need=900)
    store.leave("a", [Wish(TEAM, 0, 1000, 120, 900)])
    with pytest.raises(OwnerClosed):
        say(store, "a")
    [balance] = Estates(store).balances("team", "web")
    assert (balance.spent, balance.held) == (120, 0)


def test_progress_is_kept_in_one_number_as_far_as_it_is_whole(store):
    store.exchange("a", [], [Mark(1, 100, True), Mark(3, 50, True), Mark(4, 7, False)])
    reported = Estates(store).reported("a")
    assert (reported.through, sorted(reported.marks)) == (1, [3, 4])
    store.exchange("a", [], [Mark(2, 100, True), Mark(4, 9, False)])
    reported = Estates(store).reported("a")
    assert (reported.through, reported.marks) == (3, {4: Mark(4, 9, False)})


def test_an_orphan_counts_as_spent_until_somebody_decides(store, tmp_path):
    estates = Estates(store)
    say(store, "a", need=700)
    say(store, "a", spent=100, keep=700)
    assert estates.orphan("a", "its journal is gone")
    assert not estates.orphan("a", "its journal is gone")
    assert say(store, "b", need=301).best == 300
    [orphan] = estates.orphans()
    assert (orphan.owner, orphan.pot, orphan.amount) == ("a", TEAM, 600)
    assert estates.write_off("a", by="ann", release=True) == 600
    assert say(store, "b", need=900).taken == 900
    with pytest.raises(PathNotFound):
        estates.write_off("a", by="ann")


def test_a_write_off_may_count_as_spent(store):
    estates = Estates(store)
    say(store, "a", need=700)
    estates.orphan("a", "its journal is gone")
    estates.write_off("a", by="ann")
    [balance] = estates.balances("team", "web")
    assert (balance.spent, balance.held, balance.written_off) == (0, 0, 700)
    assert say(store, "b").best == 300


def test_an_owner_that_lives_after_all_is_no_orphan(store):
    estates = Estates(store)
    say(store, "a", need=700)
    estates.orphan("a", "its journal is gone")
    say(store, "a", keep=700)
    assert estates.orphans() == []
    with pytest.raises(PathNotFound):
        estates.write_off("a", by="ann")


def test_adopting_twice_is_adopting_once(store):
    estates = Estates(store)
    say(store, "a", need=700)
    say(store, "a", spent=100, keep=700)
    [standing] = store.exchange("a", [], [])
    for _ in range(2):
        estates.adopt("a", {standing.number: 50})
    [balance] = estates.balances("team", "web")
    assert (balance.spent, balance.held) == (150, 0)


def test_nobody_sees_anothers_pots(store):
    say(store, "a", need=700)
    [other] = store.exchange("b", [Wish(OTHER, 0, 1000, 0, 0, need=10)], [])
    assert (other.pot, other.taken) == (OTHER, 10)
    assert [each.pot for each in Estates(store).balances("team", "ops")] == [OTHER]


def test_what_is_over_is_forgotten_unless_somebody_holds_it(store):
    say(store, "a", need=700)
    store.exchange("b", [Wish(OTHER, 0, 1000, 5, 5, done=True)], [])
    estates = Estates(store)
    assert estates.prune(100) == 0
    assert estates.prune(101) == 1
    assert estates.balances("team", "ops") == []
    assert len(estates.balances("team", "web")) == 1


def test_a_database_of_something_else_is_left_alone(tmp_path):
    Database(f"sqlite:///{tmp_path / 'antiphon.db'}", [SCHEMA]).close()
    with pytest.raises(StorageFailed) as caught:
        LeaseStore(tmp_path / "antiphon.db", clock=SystemClock())
    assert caught.value.code == "foreign"


def test_leases_of_a_newer_program_are_left_alone(tmp_path):
    store = LeaseStore(tmp_path / "leases.db", clock=SystemClock())
    with store.database.writing() as connection:
        connection.exec_driver_sql("PRAGMA user_version = 2")
    store.close()
    with pytest.raises(StorageFailed) as caught:
        LeaseStore(tmp_path / "leases.db", clock=SystemClock())
    assert caught.value.code == "newer"


amounts = st.integers(0, 10_000)


@given(st.integers(-100, 10_000), amounts, amounts, st.integers(1, 50), st.booleans())
def test_a_portion_is_never_more_than_there_is(available, need, want, sharers, contended):
    given = portion(available, need=need, want=want, sharers=sharers, contended=contended)
    assert 0 <= given <= max(available, 0)
    if 0 < need <= available:
        assert given >= need
    elif need > available:
        assert given == 0
