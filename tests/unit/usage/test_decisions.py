"""Decisions from the journal to the database, and away again when their time is over."""

from __future__ import annotations

import threading
import zlib
from base64 import b64decode
from pathlib import Path

from antiphon.usage.config import LedgerSettings
from antiphon.usage.journal.record import DECISION_ROOM, Closed, Decided, Opened, Unanswered
from antiphon.usage.journal.scan import scan
from antiphon.usage.ledger.lookup import find_request
from antiphon.usage.ledger.retention import Retention
from antiphon.usage.ledger.scope import EVERYTHING, Scope
from tests.unit.usage.books import START, Office, StillClock, closed, opened, unanswered

DAY = 86_400


def decided(number: int = 1, decision: bytes = b"because") -> Decided:
    return Decided(f"req_{number:08x}", START + number, decision)


def ship(office: Office, journal) -> None:
    shipper = office.shipper(journal)
    stop = threading.Event()
    stop.set()
    shipper.run(stop)
    assert shipper.trouble == ""


def decisions(office: Office) -> list[tuple[object, ...]]:
    with office.database.reading() as connection:
        found = connection.exec_driver_sql("SELECT * FROM decisions ORDER BY request_id")
        return [tuple(row) for row in found]


def test_they_are_shipped_with_the_attempts_they_belong_to(office: Office):
    journal = office.journal(segment_bytes=1 << 16)
    for number in range(1, 101):
        entry = journal.open(opened(number))
        assert journal.decided(decided(number, b"%d" % number))
        journal.close(entry, closed(entry, number))
    ship(office, journal)
    assert [row[2] for row in decisions(office)] == sorted(
        [b"%d" % number for number in range(1, 101)], key=int
    )
    with office.database.reading() as connection:
        found = find_request(connection, "req_00000011", EVERYTHING)
        assert found is not None
        assert (found.decision, found.whole) == (b"17", True)
        assert find_request(connection, "req_00000011", Scope(key_id="another")) is None
    assert office.prove().difference == "", "they are no part of what is charged"


def test_the_dead_leave_theirs(office: Office):
    journal = office.journal()
    entry = journal.open(opened(1))
    journal.decided(decided(1))
    journal.close(entry, closed(entry, 1))
    journal.open(opened(2))
    journal.decided(decided(2, b"why"))
    journal.unanswered(unanswered(3))
    journal.dispose()
    ship(office, office.journal())
    assert [row[2] for row in decisions(office)] == [b"because", b"why"]
    assert len(office.rows()) == 2


def test_each_is_there_once_however_often_it_comes(office: Office):
    journal = office.journal()
    journal.decided(decided(1))
    journal.decided(decided(1, b"another"))
    ship(office, journal)
    assert [row[2] for row in decisions(office)] == [b"because"]


def test_a_long_one_is_not_written(office: Office):
    journal = office.journal()
    before = journal.segments[0].at
    assert not journal.decided(decided(1, b"x" * (DECISION_ROOM + 1)))
    assert journal.segments[0].at == before
    assert journal.decided(decided(1, b"x" * DECISION_ROOM))


def test_without_room_there_is_none(office: Office):
    journal = office.journal()
    journal.seal()
    assert not journal.decided(decided())


def test_they_go_when_their_time_is_over(office: Office):
    clock = StillClock()
    journal = office.journal()
    for days in (0, 20, 40):
        journal.decided(Decided(f"req_{days:08x}", START + days * DAY * 1_000_000, b"x"))
    entry = journal.open(opened(1, started_at=START + 40 * DAY * 1_000_000))
    journal.close(entry, closed(entry, 1, ended_at=START + 40 * DAY * 1_000_000))
    ship(office, journal)
    clock.time = 40.0 * DAY
    settings = LedgerSettings(keep_days=30, keep_hours_days=30)
    Retention(office.database, settings, clock=clock).sweep()
    assert [row[0] for row in decisions(office)] == [f"req_{20:08x}", f"req_{40:08x}"]


def test_a_segment_that_was_written_before_there_were_any_is_read():
    told = (Path(__file__).parent / "segment_of_0006.txt").read_text("ascii")
    found = scan(zlib.decompress(b64decode(told)))
    kinds = [type(record) for _, record in found.records]
    assert kinds == [Opened, Closed, Unanswered, Opened]
    assert [len(found.open), len(found.damage), found.torn] == [1, 0, 0]
    assert found.records[0][1] == opened(1)
