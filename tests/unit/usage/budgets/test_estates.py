"""What journals of the dead tell, and what they do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from antiphon.leases.terms import Estate, Mark
from antiphon.usage.budgets.budget import Budget, Scope
from antiphon.usage.budgets.estates import Unreadable, unreported
from antiphon.usage.journal.folder import dead, segments_of
from antiphon.usage.journal.scan import scan_file
from antiphon.usage.journal.segment import FIRST
from antiphon.usage.shipper import Shipper
from tests.unit.usage.books import Office, closed, opened
from tests.unit.usage.budgets.bank import ALICE, Bank, Owner

TEAM = Budget(Scope.TEAM, "web", 100_000)
NOTHING = Estate(0, {})


@pytest.fixture
def owner(bank: Bank) -> Owner:
    """One that has spent ten times a hundred, of which the store knows nothing, and died."""
    owner = bank.owner(TEAM)
    owner.begin(ALICE, 5000)
    owner.turn()
    [number] = owner.attempts[0].reservation.numbers
    for each in range(150):
        entry = owner.journal.open(opened(each, pots=(number,)))
        owner.journal.close(entry, closed(entry, each, cost=100))
    owner.die()
    return owner


def test_what_was_closed_and_the_bound_of_what_was_not(bank: Bank, owner: Owner):
    paths = segments_of(bank.folder / owner.journal.owner)
    assert len(paths) > 1
    assert unreported(paths, NOTHING) == {1: 150 * 100 + 5000}


def test_what_was_reported_is_not_counted_again(bank: Bank, owner: Owner):
    paths = segments_of(bank.folder / owner.journal.owner)
    whole = unreported(paths, NOTHING)[1]
    second = unreported(paths[1:], Estate(1, {}))[1]
    assert 0 < second < whole
    assert unreported(paths, Estate(0, {1: Mark(1, 1 << 20, True)}))[1] == second
    # Whatever was said to be spent, an attempt that nobody closed is charged its bound.
    end = scan_file(paths[0]).end
    assert unreported(paths, Estate(0, {1: Mark(1, end, False)}))[1] == second + 5000
    with pytest.raises(Unreadable, match="damage"):
        unreported(paths, Estate(0, {1: Mark(1, end + 8, False)}))


def test_a_record_that_was_never_finished_is_no_damage_and_a_changed_one_is(
    bank: Bank, owner: Owner
):
    path = segments_of(bank.folder / owner.journal.owner)[-1]
    data, last = path.read_bytes(), scan_file(path).records[-1][0]
    end = len(data[:-FIRST].rstrip(b"\0"))
    for cut in range(last, end - 1):
        path.write_bytes(data[:cut] + bytes(len(data) - cut))
        # Its last attempt is charged its bound instead of what it cost.
        assert unreported([path], Estate(path_number(path) - 1, {}))
    path.write_bytes(data[: end - 1] + b"!" + data[end:])
    with pytest.raises(Unreadable, match="damage"):
        unreported([path], Estate(path_number(path) - 1, {}))


def path_number(path: Path) -> int:
    return int(path.stem)


def test_a_segment_that_is_gone(bank: Bank, owner: Owner):
    paths = segments_of(bank.folder / owner.journal.owner)
    with pytest.raises(Unreadable, match=r"segment 1 .* is gone"):
        unreported(paths[1:], NOTHING)
    last = len(paths)
    with pytest.raises(Unreadable, match=f"segment {last} .* is gone"):
        unreported(paths[:-1], Estate(0, {last: Mark(last, FIRST, False)}))


@pytest.mark.parametrize("how", ["damaged", "no segment", "unreadable"])
def test_a_segment_that_cannot_be_read_makes_an_orphan(bank: Bank, owner: Owner, how: str):
    path = segments_of(bank.folder / owner.journal.owner)[0]
    if how == "damaged":
        data = bytearray(path.read_bytes())
        data[2000] ^= 255
        path.write_bytes(data)
    elif how == "no segment":
        path.write_bytes(b"what is this?")
    else:
        path.unlink()
        path.mkdir()
    folder = path.parent
    for _ in range(2):
        [found] = dead(bank.folder)
        bank.heirs.settle(found)
        found.leave()
    [orphan] = bank.estates.orphans()
    assert (orphan.owner, bank.heirs.orphaned, bank.heirs.settled) == (folder.name, 1, 0)
    assert bank.sums(Scope.TEAM, "web")[1] == orphan.amount > 0


def test_a_journal_that_is_gone_makes_an_orphan(bank: Bank, owner: Owner):
    for path in segments_of(bank.folder / owner.journal.owner):
        path.unlink()
    (bank.folder / owner.journal.owner).rmdir()
    bank.heirs.look()
    [orphan] = bank.estates.orphans()
    assert (orphan.owner, orphan.reason) == (owner.journal.owner, "its journal is gone")


def test_the_shipper_settles_for_the_dead_before_it_ships_them(bank: Bank, tmp_path):
    office = Office(tmp_path)
    died = bank.owner(TEAM)
    died.journal.ledger = office.ledger.name
    journal = office.journal()
    died.begin(ALICE, 5000)
    died.turn()
    assert bank.sums(Scope.TEAM, "web")[1] > 0
    died.die()
    shipper = Shipper(journal, office.ledger, clock=office.clock, heirs=[bank.heirs])
    shipper._ship()
    assert bank.sums(Scope.TEAM, "web") == (5000, 0, 0)
    journal.seal()
    journal.dispose()
    office.database.close()


def test_a_segment_stays_until_it_may_go(tmp_path):
    office = Office(tmp_path)
    journal, allowed = office.journal(), []
    office.work(journal, range(1, 4))
    journal.seal()
    shipper = Shipper(journal, office.ledger, clock=office.clock, may_go=allowed.__contains__)
    shipper._ship()
    [segment] = journal.segments
    assert len(office.rows()) == 3
    assert segment.path.exists()
    allowed.append(segment)
    shipper._ship()
    assert (journal.segments, segment.path.exists()) == ([], False)
    assert office.prove().difference == ""
    journal.dispose()
    office.database.close()
