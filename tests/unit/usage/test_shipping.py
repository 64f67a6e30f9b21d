"""From the journal to the ledger: every row once, whoever ships it and however often."""

from __future__ import annotations

import errno
import sqlite3
import threading
from pathlib import Path

import msgspec
import pytest

from antiphon.model.usage import Usage
from antiphon.usage.adoption import Adoption
from antiphon.usage.journal.folder import DAMAGED, dead
from antiphon.usage.journal.journal import nowhere
from antiphon.usage.journal.segment import FIRST
from antiphon.usage.ledger.ledger import Ledger
from tests.unit.usage.books import Office, closed, opened, unanswered


def ship(office: Office, journal) -> None:
    """One turn of a shipper of its own, as a thread would take it."""
    shipper = office.shipper(journal)
    stop = threading.Event()
    stop.set()
    shipper.run(stop)
    assert shipper.trouble == ""


def test_rows(office: Office):
    journal = office.journal(segment_bytes=1 << 16)
    office.work(journal, range(1, 201))
    journal.unanswered(unanswered(7))
    ship(office, journal)
    assert office.rows("request_id, cost, input_tokens, checksum > 0") == [
        (f"req_{number:08x}", number * 10, number, 1) for number in range(1, 201)
    ]
    with office.database.reading() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM unanswered").scalar() == 1


def test_a_full_segment_gets_its_manifest_and_goes(office: Office):
    journal = office.journal()
    shipper = office.shipper(journal)
    stop = threading.Event()
    stop.set()
    number = 0
    while len(journal.segments) < 3:
        number += 1
        office.work(journal, range(number, number + 1))
    paths = [each.path for each in journal.segments]
    shipper.run(stop)
    assert [path.exists() for path in paths] == [False, False, True]
    assert len(journal.segments) == 1
    proof = office.prove()
    assert proof.difference == ""
    assert (proof.manifests, proof.pending) == (2, 0)
    journal.seal()
    shipper.run(stop)
    journal.dispose()
    assert list(office.folder.iterdir()) == []
    assert office.prove().manifests == 3
    with office.database.reading() as connection:
        for table in ("usage_hourly", "usage_daily"):
            sums = connection.exec_driver_sql(
                f"SELECT sum(attempts), sum(input_tokens), sum(cost) FROM {table}"
            ).one()
            assert tuple(sums) == (number, number * (number + 1) // 2, number * (number + 1) * 5)


def test_an_attempt_that_is_open_keeps_its_segment(office: Office):
    journal = office.journal()
    entry = journal.open(opened(1))
    journal.wear()
    office.work(journal, range(2, 3))
    ship(office, journal)
    assert [row[0] for row in office.rows("request_id")] == ["req_00000002"]
    assert len(journal.segments) == 2
    journal.close(entry, closed(entry, 1))
    ship(office, journal)
    assert len(office.rows()) == 2
    assert len(journal.segments) == 1


def test_the_dead_are_adopted(office: Office):
    journal = office.journal()
    office.work(journal, range(1, 4))
    journal.open(opened(4))
    journal.unanswered(unanswered(1))
    journal.dispose()
    other = office.journal()
    ship(office, other)
    rows = office.rows("request_id, outcome, charge, cost, input_tokens, output_tokens")
    assert rows[3] == ("req_00000004", "lost", "assumed", 7000, 1000, 500)
    assert [row[2] for row in rows[:3]] == ["reported"] * 3
    assert [path.name for path in office.folder.iterdir()] == [other.owner]
    assert office.prove().difference == ""


def test_the_living_are_left_alone(office: Office):
    journal, other = office.journal(), office.journal()
    office.work(journal, range(1, 4))
    ship(office, other)
    assert office.rows() == []
    assert list(dead(office.folder)) == []
    ship(office, journal)
    assert len(office.rows()) == 3


def test_only_one_adopts(office: Office):
    journal = office.journal()
    office.work(journal, range(1, 2))
    journal.dispose()
    first = dead(office.folder)
    held = next(first)
    assert list(dead(office.folder)) == []
    held.leave()
    again = next(dead(office.folder))
    assert again.owner == journal.owner
    again.leave()


def test_two_adopters_at_once(tmp_path: Path):
    """Threads that race for forty journals: each row stands there once."""
    office = Office(tmp_path)
    for number in range(40):
        journal = office.journal()
        office.work(journal, range(number * 10, number * 10 + 10))
        journal.dispose()
    adopters = [Adoption(office.folder, office.ledger, seam=nowhere) for _ in range(2)]
    threads = [threading.Thread(target=each.adopt) for each in adopters]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(office.rows()) == 400
    assert sum(each.adopted for each in adopters) == 40
    proof = office.prove()
    assert (proof.difference, proof.manifests) == ("", 40)


@pytest.mark.parametrize("until", ["batch", "batched", "manifest", "manifested", "removed"])
def test_a_shipper_that_dies_is_repeated(office: Office, until: str):
    """At each of its steps: what it has done is not done twice."""

    class DiedError(BaseException):
        pass

    def dies(point: str) -> None:
        if point == until:
            raise DiedError

    journal = office.journal()
    office.work(journal, range(1, 6))
    journal.seal()
    shipper = office.shipper(journal, seam=dies)
    stop = threading.Event()
    stop.set()
    with pytest.raises(DiedError):
        shipper.run(stop)
    journal.dispose()
    other = office.journal()
    ship(office, other)
    assert len(office.rows()) == 5
    proof = office.prove()
    assert (proof.difference, proof.manifests, proof.pending) == ("", 1, 0)


@pytest.mark.parametrize("until", ["adopt", "adopted", "unlinked", "left"])
def test_an_adopter_that_dies_is_repeated(office: Office, until: str):
    class DiedError(BaseException):
        pass

    def dies(point: str) -> None:
        if point == until:
            raise DiedError

    journal = office.journal()
    office.work(journal, range(1, 6))
    journal.open(opened(6))
    journal.dispose()
    with pytest.raises(DiedError):
        Adoption(office.folder, office.ledger, seam=dies).adopt()
    Adoption(office.folder, office.ledger, seam=nowhere).adopt()
    assert len(office.rows()) == 6
    assert office.prove().difference == ""
    assert list(office.folder.iterdir()) == []


def test_an_adopter_that_dies_between_two_batches_leaves_no_difference(office: Office):
    class DiedError(BaseException):
        pass

    def dies(point: str) -> None:
        if point == "adopted":
            raise DiedError

    journal = office.journal(segment_bytes=1 << 16)
    office.work(journal, range(1, 101))
    journal.dispose()
    with pytest.raises(DiedError):
        Adoption(office.folder, office.ledger, seam=dies).adopt()
    proof = office.prove()
    assert (proof.difference, proof.rows, proof.pending) == ("", 64, 36)
    Adoption(office.folder, office.ledger, seam=nowhere).adopt()
    assert len(office.rows()) == 100
    assert office.prove().difference == ""


def test_damage_is_told_and_kept(office: Office):
    journal = office.journal()
    first = journal.open(opened(1))
    journal.close(first, closed(first, 1))
    second = journal.open(opened(2))
    journal.close(second, closed(second, 2))
    third = journal.open(opened(3))
    journal.close(third, closed(third, 3))
    path = journal.segments[0].path
    journal.dispose()
    data = bytearray(path.read_bytes())
    data[second[1] + 40] ^= 0xFF
    path.write_bytes(data)
    ship(office, office.journal())
    rows = office.rows("request_id, cost, alias, provider, team")
    assert rows == [
        ("req_00000001", 10, "fast", "lab", "web"),
        ("req_00000002", 20, "?", "lab", "?"),
        ("req_00000003", 30, "fast", "lab", "web"),
    ]
    assert [each.name for each in (office.folder / DAMAGED).iterdir()] == [
        f"{journal.owner}-00000001.segment"
    ]
    with office.database.reading() as connection:
        found = connection.exec_driver_sql("SELECT owner, segment, position FROM damage").all()
    assert [tuple(row) for row in found] == [(journal.owner, 1, second[1])]
    assert office.prove().difference == ""


def test_damage_to_a_living_journal(office: Office):
    """Somebody writes into the file of a running process: the rest is shipped all the same."""
    journal = office.journal(segment_bytes=1 << 16)
    shipper = office.shipper(journal)
    stop = threading.Event()
    stop.set()
    office.work(journal, range(1, 3))
    first = journal.segments[0]
    hurt = journal.open(opened(3))
    journal.close(hurt, closed(hurt, 3))
    left_open = journal.open(opened(4))
    with first.path.open("r+b") as file:
        file.seek(hurt[1] + 40)
        file.write(b"\xff\xff")
    shipper.run(stop)
    assert len(office.rows()) == 2
    office.work(journal, range(5, 7))
    shipper.run(stop)
    assert len(office.rows()) == 4, "what comes after goes into another segment"
    journal.close(left_open, closed(left_open, 4))
    shipper.run(stop)
    rows = office.rows("request_id, cost, alias")
    assert [row[1] for row in rows] == [10, 20, 30, 40, 50, 60]
    assert rows[2] == ("req_00000003", 30, "?")
    assert [each.name for each in (office.folder / DAMAGED).iterdir()] == [
        f"{journal.owner}-00000001.segment"
    ]
    assert len(journal.segments) == 1
    assert office.prove().difference == ""


def test_an_end_that_was_damaged_is_charged_its_bound(office: Office):
    journal = office.journal()
    entry = journal.open(opened(1))
    at = journal.segments[0].at
    journal.close(entry, closed(entry, 1))
    office.work(journal, range(2, 3))
    path = journal.segments[0].path
    journal.dispose()
    data = bytearray(path.read_bytes())
    data[at + 20] ^= 0xFF
    path.write_bytes(data)
    ship(office, office.journal())
    assert office.rows("outcome, cost") == [("lost", 7000), ("ok", 20)]


def test_a_head_that_was_damaged_stops_nothing_else(office: Office):
    bad, good = office.journal(), office.journal()
    office.work(bad, range(1, 2))
    office.work(good, range(2, 3))
    path = bad.segments[0].path
    bad.dispose()
    good.dispose()
    data = bytearray(path.read_bytes())
    data[20] ^= 0xFF
    path.write_bytes(data)
    adoption = Adoption(office.folder, office.ledger, seam=nowhere)
    adoption.adopt()
    assert [row[0] for row in office.rows("request_id")] == ["req_00000002"]
    assert list(adoption.strangers.values()) == ["its head is damaged"]
    assert path.exists()


def test_a_segment_that_was_never_finished_is_no_stranger(office: Office):
    """Its maker died between the file and its head: nothing was written there."""
    journal = office.journal()
    office.work(journal, range(1, 3))
    draft = journal.segments[0].path.with_name("00000002.draft")
    journal.dispose()
    draft.touch()
    adoption = Adoption(office.folder, office.ledger, seam=nowhere)
    assert adoption.adopt() == 2
    assert adoption.strangers == {}
    assert list(office.folder.iterdir()) == []


def test_a_segment_has_its_head_before_it_has_its_name(
    office: Office, monkeypatch: pytest.MonkeyPatch
):
    journal = office.journal()
    seen: list[list[str]] = []

    def mapped(*_arguments: object) -> None:
        seen.append(sorted(path.name for path in journal.segments[0].path.parent.iterdir()))
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr("antiphon.usage.journal.segment.mmap.mmap", mapped)
    journal.prepare()
    assert seen == [["00000001.segment", "00000002.draft"]]
    assert [path.name for path in journal.segments[0].path.parent.iterdir()] == ["00000001.segment"]


def test_journals_of_another_ledger_are_left_alone(office: Office, tmp_path: Path):
    (tmp_path / "other").mkdir()
    other = Office(tmp_path / "other")
    journal = other.journal()
    other.work(journal, range(1, 3))
    journal.dispose()
    office.folder.mkdir()
    (other.folder / journal.owner).rename(office.folder / journal.owner)
    adoption = Adoption(office.folder, office.ledger, seam=nowhere)
    assert adoption.adopt() == 0
    assert office.rows() == []
    assert list(adoption.strangers.values()) == ["it belongs to another ledger"]
    assert office.prove().difference == ""
    (office.folder / journal.owner).rename(other.folder / journal.owner)
    adoption.adopt()
    assert adoption.strangers == {}, "somebody has put it where it belongs"


def test_a_database_that_is_gone_for_a_while(office: Office):
    """Locked by another process: the shipper says so, keeps nothing in memory, and goes on."""
    journal = office.journal()
    office.database.close()
    office.database = type(office.database)(f"sqlite:///{office.path}", [], busy_seconds=0.01)
    office.ledger = Ledger(office.database, clock=office.clock)
    shipper = office.shipper(journal)
    stop = threading.Event()
    stop.set()
    assert shipper.lag() == (0, 0, 0.0)
    thief = sqlite3.connect(office.path, isolation_level=None)
    thief.execute("BEGIN EXCLUSIVE")
    office.work(journal, range(1, 100))
    office.clock.time += 30
    shipper.run(stop)
    assert "another process holds the database" in shipper.trouble
    assert shipper.lag().attempts == 99
    office.work(journal, range(100, 200))
    office.clock.time += 30
    lag = shipper.lag()
    written = sum(segment.at - FIRST for segment in journal.segments)
    assert (lag.attempts, lag.bytes, lag.seconds) == (199, written, 60.0)
    thief.execute("ROLLBACK")
    thief.close()
    shipper.run(stop)
    assert shipper.trouble == ""
    assert shipper.lag() == (0, 0, 0.0)
    assert len(office.rows()) == 199
    assert office.prove().difference == ""


def test_a_ledger_that_was_changed_behind_its_back_is_told(office: Office):
    journal = office.journal()
    shipper = office.shipper(journal)
    stop = threading.Event()
    stop.set()
    office.work(journal, range(1, 3))
    shipper.run(stop)
    assert shipper.differing == 0
    office.sql("UPDATE attempts SET cost = cost + 1")
    journal.seal()
    shipper.run(stop)
    assert shipper.differing == 1
    assert shipper.lag() == (0, 0, 0.0)


def test_absurd_figures_do_not_stop_the_shipper(office: Office):
    journal = office.journal()
    entry = journal.open(opened(1))
    huge = msgspec.structs.astuple(Usage(input_tokens=10**10))
    journal.close(entry, closed(entry, 1, usage=huge, cost=1 << 50))
    office.work(journal, range(2, 4))
    journal.seal()
    ship(office, journal)
    assert office.rows("cost") == [(1 << 50,), (20,), (30,)]
    assert office.prove().difference == ""


def test_an_empty_journal_leaves_nothing(office: Office):
    journal = office.journal()
    assert journal.segments[0].at == FIRST
    journal.seal()
    ship(office, journal)
    journal.dispose()
    assert list(office.folder.iterdir()) == []
    proof = office.prove()
    assert (proof.difference, proof.manifests) == ("", 0)


def test_flush_waits_for_what_was_written(office: Office):
    journal = office.journal()
    shipper = office.shipper(journal)
    stop = threading.Event()
    thread = threading.Thread(target=shipper.run, args=(stop,))
    thread.start()
    try:
        for number in range(1, 20):
            office.work(journal, range(number, number + 1))
            assert shipper.flush(10)
            assert len(office.rows()) == number
    finally:
        stop.set()
        shipper.stop()
        thread.join()
