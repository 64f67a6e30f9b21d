"""Following a ledger: each request once, however late it comes and whatever is deleted."""

from __future__ import annotations

import pytest

from antiphon.usage.ledger.arrivals import Arrivals
from antiphon.usage.ledger.lookup import Filters
from antiphon.usage.ledger.scope import EVERYTHING, Scope
from tests.unit.usage.books import Office, closed, opened, unanswered


class Follower:
    """Somebody who follows, from now on."""

    def __init__(self, office: Office, scope: Scope = EVERYTHING, **filters: object) -> None:
        self.office = office
        begun = int(office.clock.now() * 1e6)
        self.arrivals = Arrivals(Filters(**filters), scope, begun_at=begun)  # type: ignore[arg-type]
        with office.database.reading() as connection:
            self.arrivals.skip(connection)

    def look(self) -> list[str]:
        seen: list[str] = []
        while True:
            with self.office.database.reading() as connection:
                found = self.arrivals.next(connection)
            if not found:
                return seen
            seen += [each.id for each in found]


@pytest.fixture
def office(tmp_path) -> Office:
    return Office(tmp_path)


def ids(numbers: range) -> list[str]:
    return [f"req_{number:08x}" for number in numbers]


def test_what_comes_is_given_once(office):
    journal = office.journal(segment_bytes=1 << 20)
    shipper = office.shipper(journal)
    office.work(journal, range(1, 5))
    shipper._ship()
    follower = Follower(office)
    assert follower.look() == []
    for begin in range(5, 2000, 500):
        office.work(journal, range(begin, begin + 500))
        shipper._ship()
        assert follower.look() == ids(range(begin, begin + 500))
        assert follower.look() == []


def test_from_an_empty_ledger(office):
    follower = Follower(office)
    journal = office.journal()
    office.work(journal, range(1, 4))
    journal.unanswered(unanswered(9))
    office.shipper(journal)._ship()
    assert set(follower.look()) == {*ids(range(1, 4)), "req_u0000009"}
    assert follower.look() == []


def test_a_long_request_comes_when_it_ends(office):
    journal = office.journal(segment_bytes=1 << 20)
    shipper = office.shipper(journal)
    entry = journal.open(opened(1))
    follower = Follower(office)
    office.work(journal, range(2, 600))
    shipper._ship()
    assert len(follower.look()) == 598
    journal.close(entry, closed(entry, 1))
    shipper._ship()
    assert follower.look() == ids(range(1, 2))


def test_one_with_an_early_end_that_comes_late(office):
    """What lay in a dead process's journal is adopted long after."""
    journal = office.journal(segment_bytes=1 << 20)
    shipper = office.shipper(journal)
    office.work(journal, range(100, 110))
    shipper._ship()
    follower = Follower(office)
    office.work(journal, range(1, 3))
    shipper._ship()
    assert follower.look() == ids(range(1, 3))


def test_attempts_before_the_last_one_are_not_given_apart(office):
    journal = office.journal()
    shipper = office.shipper(journal)
    follower = Follower(office)
    entry = journal.open(opened(1))
    journal.close(entry, closed(entry, 1, last=False, outcome="refused"))
    shipper._ship()
    assert follower.look() == []
    entry = journal.open(opened(1, attempt=2))
    journal.close(entry, closed(entry, 1, attempt=2))
    shipper._ship()
    assert follower.look() == ids(range(1, 2))


def test_one_that_lacks_an_attempt_is_waited_for_and_then_given(office):
    journal = office.journal()
    shipper = office.shipper(journal)
    follower = Follower(office)
    entry = journal.open(opened(1, attempt=2))
    journal.close(entry, closed(entry, 1, attempt=2))
    shipper._ship()
    looks = [follower.look() for _ in range(30)]
    assert [each for each in looks if each] == [ids(range(1, 2))]
    assert looks[0] == []


def test_the_missing_attempt_comes(office):
    journal = office.journal()
    shipper = office.shipper(journal)
    follower = Follower(office)
    late = journal.open(opened(1))
    entry = journal.open(opened(1, attempt=2))
    journal.close(entry, closed(entry, 1, attempt=2))
    shipper._ship()
    assert follower.look() == []
    journal.close(late, closed(late, 1, last=False))
    shipper._ship()
    assert follower.look() == ids(range(1, 2))
    assert follower.look() == []


@pytest.mark.parametrize("which", ["all", "newest", "oldest", "half"])
def test_retention(office, which):
    """Numbers of rows are used again when the newest rows are deleted."""
    conditions = {
        "all": "1",
        "newest": "number > 7",
        "oldest": "number < 4",
        "half": "number > 3 AND number % 2",
    }
    journal = office.journal(segment_bytes=1 << 20)
    shipper = office.shipper(journal)
    office.work(journal, range(1, 6))
    shipper._ship()
    follower = Follower(office)
    # The clock of the follower stands behind what comes from now on.
    office.work(journal, range(2000, 2005))
    shipper._ship()
    assert follower.look() == ids(range(2000, 2005))
    office.sql(f"DELETE FROM attempts WHERE {conditions[which]}")
    office.work(journal, range(3000, 3020))
    shipper._ship()
    assert follower.look() == ids(range(3000, 3020))
    assert follower.look() == []


def test_retention_of_everything_and_nothing_new(office):
    journal = office.journal()
    shipper = office.shipper(journal)
    office.work(journal, range(1, 6))
    journal.unanswered(unanswered(7))
    shipper._ship()
    follower = Follower(office)
    for table in ("attempts", "unanswered"):
        office.sql(f"DELETE FROM {table}")
    assert follower.look() == []
    journal.unanswered(unanswered(2_000_000_000))
    shipper._ship()
    assert follower.look() == ["req_u77359400"]


def test_only_what_is_meant(office):
    journal = office.journal()
    follower = Follower(office, team="web", errors=True)
    other = Follower(office, Scope("static-2"))
    for number, changes in ((1, {}), (2, {"team": "shop"}), (3, {"key_id": "static-2"})):
        entry = journal.open(opened(number, **changes))
        failed = {"outcome": "cancelled", "code": "client_closed"} if number > 1 else {}
        journal.close(entry, closed(entry, number, **failed))
    office.shipper(journal)._ship()
    assert follower.look() == ["req_00000003"]
    assert other.look() == ["req_00000003"]
