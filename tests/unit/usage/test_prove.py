"""What `prove` finds: every way in which somebody, or something, may change the figures."""

from __future__ import annotations

import threading

import pytest

from tests.unit.usage.books import Office, closed, opened


@pytest.fixture
def kept(office: Office) -> Office:
    """Three segments in the ledger, and a living journal with rows shipped and not shipped."""
    stop = threading.Event()
    stop.set()
    for begin in (1, 101, 201):
        journal = office.journal(segment_bytes=1 << 16)
        office.work(journal, range(begin, begin + 20))
        journal.seal()
        office.shipper(journal).run(stop)
        journal.dispose()
    office.living = office.journal()  # type: ignore[attr-defined]
    office.work(office.living, range(301, 306))  # type: ignore[attr-defined]
    office.shipper(office.living).run(stop)  # type: ignore[attr-defined]
    office.work(office.living, range(306, 309))  # type: ignore[attr-defined]
    return office


def test_all_is_well(kept: Office):
    proof = kept.prove()
    assert proof.difference == ""
    assert (proof.manifests, proof.rows, proof.pending, proof.open) == (3, 65, 3, 0)
    assert len(proof.head) == 64


WHERE = "WHERE request_id = 'req_00000068'"
CHANGES: dict[str, tuple[str, str]] = {
    "a cost": (f"UPDATE attempts SET cost = 1 {WHERE}", "attempt 1 of request req_00000068"),
    "a name": (f"UPDATE attempts SET team = 'other' {WHERE}", "attempt 1 of request req_00000068"),
    "a row with its checksum": (
        f"UPDATE attempts SET output_tokens = 3, checksum = 1 {WHERE}",
        "attempt 1 of request req_00000068",
    ),
    "a row that is gone": (
        f"DELETE FROM attempts {WHERE}",
        "has 19 rows, and its manifest says 20",
    ),
    "a row of a living segment that is gone": (
        "DELETE FROM attempts WHERE request_id = 'req_0000012e'",
        "attempt 1 of request req_0000012e",
    ),
    "a row of a living segment": (
        "UPDATE attempts SET cost = 1 WHERE request_id = 'req_0000012e'",
        "is not what the journal of segment",
    ),
    "a manifest": ("UPDATE manifests SET cost = 1 WHERE number = 2", "manifest 2"),
    "a manifest that is gone": ("DELETE FROM manifests WHERE number = 2", "manifest 2 is missing"),
    "the last manifest": (
        "DELETE FROM manifests WHERE number = 3",
        "has rows, but no manifest and no journal",
    ),
    "a segment that is forgotten": (
        "INSERT INTO segments VALUES ('ffff', 1, 500)",
        "segment ffff/1 was begun, and is nowhere",
    ),
    "a sum": ("UPDATE usage_daily SET cost = cost + 1", "the days of"),
    "a sum of another measure": ("UPDATE usage_daily SET failures = 1", "the days of"),
    "whose sum it is": ("UPDATE usage_daily SET team = 'other'", "the days of"),
    "an hour": ("UPDATE usage_hourly SET team = 'other', cost = cost * 2", "the hours of"),
    "hours that are gone": ("DELETE FROM usage_hourly", "the hours of"),
    "days that are gone": ("DELETE FROM usage_daily", "the days of"),
}


@pytest.mark.parametrize(("change", "told"), CHANGES.values(), ids=CHANGES)
def test_a_change(kept: Office, change: str, told: str):
    kept.sql(change)
    assert told in kept.prove().difference


def copied(**changes: str) -> str:
    """SQL that puts a row of the ledger there once more, changed."""
    from antiphon.usage.ledger.rows import COLUMNS

    names = ", ".join(COLUMNS)
    values = ", ".join(changes.get(name, name) for name in COLUMNS)
    return f"INSERT INTO attempts ({names}) SELECT {values} FROM attempts {WHERE}"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (copied(attempt="2"), "attempt 2 of request req_00000068"),
        (copied(attempt="2", position="position + 1"), "attempt 2 of request req_00000068"),
        (copied(attempt="2", owner="'eeee'"), "segment eeee/1 has rows, but no manifest"),
    ],
    ids=["in its segment", "at another place", "in no segment"],
)
def test_a_doubled_row(kept: Office, change: str, told: str):
    kept.sql(change)
    assert told in kept.prove().difference


def test_a_journal_that_is_gone(kept: Office):
    for each in kept.living.segments:  # type: ignore[attr-defined]
        each.path.unlink()
    assert "was begun, and is nowhere" in kept.prove().difference


def test_a_segment_between_two_that_is_gone(kept: Office):
    kept.sql("DELETE FROM segments")
    journal = kept.living  # type: ignore[attr-defined]
    while len(journal.segments) < 3:
        kept.work(journal, range(400, 401))
    journal.segments[1].path.unlink()
    assert f"segment {journal.owner}/2 is missing" in kept.prove().difference


def test_a_chain_that_was_written_anew(kept: Office):
    """Somebody with the whole database can make it agree with itself, but not with a kept head."""
    head = kept.prove().head
    assert kept.prove(head).difference == ""
    assert "no manifest has the hash" in kept.prove("ab" * 32).difference
    journal = kept.living  # type: ignore[attr-defined]
    journal.seal()
    stop = threading.Event()
    stop.set()
    kept.shipper(journal).run(stop)
    later = kept.prove(head)
    assert later.difference == ""
    assert later.head != head


def test_a_row_that_was_wrong_before_its_manifest(kept: Office):
    """The manifest is made of the journal, so it cannot bless what was changed before."""
    kept.sql("UPDATE attempts SET cost = 1 WHERE request_id = 'req_0000012e'")
    journal = kept.living  # type: ignore[attr-defined]
    path = journal.segments[0].path
    journal.seal()
    stop = threading.Event()
    stop.set()
    kept.shipper(journal).run(stop)
    assert path.exists(), "what proves it stays"
    assert "is not what the journal of segment" in kept.prove().difference


def test_beside_a_living_gateway(kept: Office):
    """Shipping, sealing and adopting go on while it looks: nothing that is not there is found."""
    journal = kept.living  # type: ignore[attr-defined]
    shipper = kept.shipper(journal)
    stop, done = threading.Event(), threading.Event()

    def works() -> None:
        for number in range(1000, 3000):
            entry = journal.open(opened(number))
            journal.close(entry, closed(entry, number))
        done.set()

    threads = [threading.Thread(target=works), threading.Thread(target=shipper.run, args=(stop,))]
    for thread in threads:
        thread.start()
    found = []
    while not done.is_set() or not found:
        found.append(kept.prove().difference)
    stop.set()
    shipper.stop()
    for thread in threads:
        thread.join()
    assert set(found) == {""}
    assert kept.prove().rows == 2065 + 3
