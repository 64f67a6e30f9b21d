"""What goes, what stays, and whom a clock that is wrong can hurt."""

from __future__ import annotations

import logging
from itertools import pairwise

import pytest

from antiphon.storage.database import Database
from antiphon.usage.config import LedgerSettings
from antiphon.usage.journal.record import Unanswered
from antiphon.usage.journal.scan import Damage
from antiphon.usage.ledger.manifests import manifest_of
from antiphon.usage.ledger.prove import prove
from antiphon.usage.ledger.queries import Answer, pages
from antiphon.usage.ledger.question import ask
from antiphon.usage.ledger.retention import Retention
from antiphon.usage.ledger.rows import unanswered_row
from antiphon.usage.ledger.scope import EVERYTHING
from antiphon.usage.ledger.tables import attempts, manifests
from antiphon.usage.ledger.tally import Tally
from tests.unit.usage.ledger.written import DAY, HOUR, NOON, FakeClock, opened_ledger, row, ship

SECONDS = 86_400.0


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def ledger(tmp_path, clock):
    found = opened_ledger(tmp_path / "ledger.db", clock)
    yield found
    found.database.close()


def retention(ledger, clock, **settings: int) -> Retention:
    return Retention(ledger.database, LedgerSettings(**settings), clock=clock)


def filled(ledger, days: int, *, per_day: int = 3) -> None:
    """A segment for each day up to now, the oldest first."""
    for ago in range(days, -1, -1):
        rows = [
            row(
                "one",
                days - ago + 1,
                64 + 8 * n,
                ended_at=NOON - ago * DAY - n * HOUR,
                cost=n + ago,
            )
            for n in range(per_day)
        ]
        ship(ledger, rows, segment=days - ago + 1)


def count(database: Database, table: str, where: str = "1") -> int:
    with database.reading() as connection:
        return connection.exec_driver_sql(
            f"SELECT COUNT(*) FROM {table} WHERE {where}"
        ).scalar_one()


def by(ledger, *words: str, **bounds: int) -> tuple[list, tuple, tuple]:
    found: list[Answer] = list(pages(ledger.database, ask(words, EVERYTHING, **bounds), size=7))
    rows = [(each.names, each.sums) for page in found for each in page.rows]
    return rows, found[0].totals, found[0].period.notes


def swept(keeper: Retention) -> int:
    rounds = 1
    while keeper.sweep():
        rounds += 1
    return rounds


def test_old_rows_go_by_whole_segments_and_sums_stay(ledger, clock):
    filled(ledger, 30)
    before = {
        words: by(ledger, *words) for words in (("day",), ("hour", "team"), ("month",), ("model",))
    }
    keeper = retention(ledger, clock, keep_days=10)
    assert swept(keeper) > 1, "a few at a time"
    assert keeper.retired == 20
    assert count(ledger.database, "attempts") == 11 * 3
    assert count(ledger.database, "attempts", f"ended_at < {NOON - 10 * DAY - 2 * HOUR}") == 0
    assert {words: by(ledger, *words) for words in before} == before
    assert not keeper.sweep()
    assert keeper.retired == 20


def test_each_leaves_a_manifest_in_the_chain(ledger, clock):
    filled(ledger, 12)
    swept(retention(ledger, clock, keep_days=10))
    with ledger.database.reading() as connection:
        found = connection.execute(manifests.select().order_by(manifests.c.number)).mappings().all()
    links = [manifest_of(each) for each in found]
    assert [link.number for link, _ in links] == list(range(1, len(links) + 1))
    for (link, written), (after, _) in pairwise(links):
        assert link.hash == written == after.previous
    shipped = {link.segment: link for link, _ in links if link.kind == "shipped"}
    retired = [link for link, _ in links if link.kind == "retired"]
    assert [link.segment for link in retired] == [1, 2]
    for link in retired:
        same = shipped[link.segment]
        assert (link.owner, link.rows, link.sums, link.digest) == (
            same.owner, same.rows, same.sums, same.digest
        )  # fmt: skip
        assert link.made_at == int(clock.now() * 1e6)


def test_the_proof_tells_deletion_from_tampering(ledger, clock, tmp_path):
    journals = tmp_path / "journal"
    journals.mkdir()
    filled(ledger, 20)
    head = prove(ledger.database, journals).head
    swept(retention(ledger, clock, keep_days=10, keep_hours_days=10))
    proof = prove(ledger.database, journals, head=head)
    assert (proof.difference, proof.rows) == ("", 33)
    with ledger.database.writing() as connection:
        connection.exec_driver_sql("DELETE FROM attempts WHERE segment = 15")
    assert "segment one/15 has 0 rows" in prove(ledger.database, journals).difference


def test_a_segment_with_one_young_row_stays_whole(ledger, clock):
    ship(ledger, [row(position=64, ended_at=NOON - 50 * DAY), row(position=72, ended_at=NOON)])
    assert not retention(ledger, clock, keep_days=10).sweep()
    assert count(ledger.database, "attempts") == 2


def test_a_segment_that_is_not_whole_stays(ledger, clock):
    ledger.write("one", 1, rows=[row(ended_at=NOON - 50 * DAY)], unanswered_rows=[], shipped=1)
    ship(ledger, [row(segment=2)], segment=2)
    assert not retention(ledger, clock, keep_days=10).sweep()
    assert count(ledger.database, "attempts") == 2


@pytest.mark.parametrize("change", ["UPDATE attempts SET cost = cost + 1", "DELETE FROM attempts"])
def test_what_was_tampered_with_is_not_swept_away(ledger, clock, change, caplog):
    filled(ledger, 20)
    with ledger.database.writing() as connection:
        connection.exec_driver_sql(f"{change} WHERE segment = 3 AND position = 72")
    keeper = retention(ledger, clock, keep_days=10)
    with caplog.at_level(logging.CRITICAL, "antiphon.ledger"):
        swept(keeper)
        keeper.sweep()
    assert keeper.retired == 9
    assert len(caplog.records) == 1, "told once"
    assert count(ledger.database, "attempts", "segment = 3") > 0
    assert count(ledger.database, "manifests", "kind = 'retired' AND segment = 3") == 0


def test_requests_without_an_answer_and_notes_of_damage_go_too(ledger, clock):
    for ago in (20, 5):
        record = Unanswered(
            *(f"req_{ago}", NOON - ago * DAY, "k", "t", "d", "", "fast", "openai_chat", False),
            *(429, "rate_limited", "no", 0, 5),
        )
        ledger.write(
            "one", 9, rows=[], unanswered_rows=[unanswered_row("one", 9, record)], shipped=1
        )
        clock.at = (NOON - ago * DAY) / 1e6
        ledger.finish("one", ago, Tally(), damaged=[Damage(ago, 8)])
    clock.at = NOON / 1e6
    ship(ledger, [row()])
    retention(ledger, clock, keep_days=10).sweep()
    assert count(ledger.database, "unanswered") == 1
    assert count(ledger.database, "damage") == 1


def test_sums_by_hour_go_by_whole_days_and_those_by_day_stay(ledger, clock):
    filled(ledger, 30)
    days, hours = by(ledger, "day"), by(ledger, "hour")
    swept(retention(ledger, clock, keep_days=5, keep_hours_days=10))
    first_kept = NOON - 10 * DAY - 12 * HOUR
    assert count(ledger.database, "usage_hourly", f"begins < {first_kept}") == 0
    assert count(ledger.database, "usage_hourly") == 11 * 3
    assert by(ledger, "day") == days
    rows, totals, _ = by(ledger, "hour")
    assert totals == hours[1], "nothing is missed"
    lengths = [len(names[0]) for names, _ in rows]
    assert lengths == [10] * 20 + [20] * 33, "days whose hours are gone stand as days"
    assert rows[20:] == hours[0][-33:]


def test_0_keeps_for_ever(ledger, clock):
    filled(ledger, 30)
    keeper = retention(ledger, clock, keep_days=0, keep_hours_days=0)
    assert not keeper.sweep()
    assert count(ledger.database, "attempts") == 93
    assert count(ledger.database, "usage_hourly") == 93


# ------------------------------------------------------------------ borders


def test_a_border_inside_an_hour_is_exact_while_its_rows_are_kept(ledger):
    filled(ledger, 3)
    start = NOON - 2 * DAY - HOUR + 1
    rows, totals, notes = by(ledger, "day", start=start, end=NOON)
    assert not notes
    assert totals[0] == 1 + 3 + 2
    assert [sums[0] for _, sums in rows] == [1, 3, 2]


def test_a_border_goes_outward_to_the_hour_where_its_rows_are_gone(ledger, clock):
    filled(ledger, 30)
    swept(retention(ledger, clock, keep_days=10))
    old = NOON - 20 * DAY
    rows, totals, notes = by(ledger, "model", start=old - HOUR + 5, end=old - 5)
    assert totals[0] == 1, "the hour of eleven, whole"
    assert rows[0][1] == totals
    assert len(notes) == 2
    assert "from is 2026-09-01T11:00:00Z instead of 2026-09-01T11:00:00.000005Z" in notes[0]
    assert "to is 2026-09-01T12:00:00Z" in notes[1]
    _, totals, notes = by(ledger, "model", start=old + 5, end=old + 10)
    assert totals[0] == 1, "both borders in one hour"
    assert len(notes) == 2


def test_and_to_the_day_where_its_hours_are_gone(ledger, clock):
    filled(ledger, 30)
    swept(retention(ledger, clock, keep_days=5, keep_hours_days=10))
    old = NOON - 20 * DAY
    _, totals, notes = by(ledger, "day", start=old - HOUR, end=old)
    assert totals[0] == 3
    assert "from is 2026-09-01T00:00:00Z" in notes[0]
    assert "to is 2026-09-02T00:00:00Z" in notes[1]
    _, totals, notes = by(ledger, "day", start=old - HOUR, end=NOON)
    assert totals[0] == 3 * 20 + 2
    assert len(notes) == 1


def test_rows_outlive_hours_where_that_is_set(ledger, clock):
    filled(ledger, 30)
    swept(retention(ledger, clock, keep_days=0, keep_hours_days=10))
    old = NOON - 20 * DAY
    _, totals, notes = by(ledger, "day", start=old - HOUR, end=old + 1)
    assert (totals[0], notes) == (2, ())


# ------------------------------------------------------------------ clocks


def test_a_clock_that_jumps_ahead_deletes_nothing_while_nothing_happens(ledger, clock):
    filled(ledger, 30)
    clock.at += 365 * SECONDS
    assert not retention(ledger, clock, keep_days=100).sweep()
    assert count(ledger.database, "attempts") == 93


def test_nor_what_it_would_not_have_deleted_when_rows_come_with_its_time(ledger, clock, caplog):
    filled(ledger, 30)
    keeper = retention(ledger, clock, keep_days=100)
    assert not keeper.sweep()
    clock.at += 365 * SECONDS
    clock.running += 3600
    ship(ledger, [row("two", ended_at=int(clock.at * 1e6))], owner="two")
    with caplog.at_level(logging.WARNING, "antiphon.ledger"):
        for _ in range(24):
            clock.pass_by(3600)
            assert not keeper.sweep()
    assert caplog.records
    assert count(ledger.database, "attempts") == 94


def test_a_clock_that_was_put_right_is_followed(ledger, clock):
    filled(ledger, 30)
    keeper = retention(ledger, clock, keep_days=10)
    clock.at -= 20_000 * SECONDS
    assert not keeper.sweep()
    clock.at += 20_000 * SECONDS
    swept(keeper)
    assert count(ledger.database, "attempts") == 33


def test_a_clock_that_stays_ahead_is_believed_in_the_end(ledger, clock):
    filled(ledger, 30)
    keeper = retention(ledger, clock, keep_days=100)
    keeper.sweep()
    clock.at += 90 * SECONDS
    ship(ledger, [row("two", ended_at=int(clock.at * 1e6))], owner="two")
    for _ in range(30):
        clock.pass_by(3600)
        swept(keeper)
    assert count(ledger.database, "attempts") == 94, "the day it is believed in is not yet old"
    for _ in range(70):
        clock.pass_by(3600)
        swept(keeper)
    assert count(ledger.database, "attempts") < 94


def test_age_is_measured_against_the_newest_row_where_the_clock_is_far_ahead(ledger, clock):
    filled(ledger, 30)
    clock.at += 365 * SECONDS
    swept(retention(ledger, clock, keep_days=10))
    assert count(ledger.database, "attempts") == 33


def test_an_empty_ledger(ledger, clock):
    assert not retention(ledger, clock).sweep()


def test_nothing_is_lost_when_the_database_fails(ledger, clock):
    """A manifest without the deletion, or the other way round, there is not."""
    filled(ledger, 12)
    with ledger.database.writing() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER no BEFORE DELETE ON attempts BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
    from antiphon.errors import StorageFailed

    with pytest.raises(StorageFailed):
        retention(ledger, clock, keep_days=10).sweep()
    assert count(ledger.database, "manifests", "kind = 'retired'") == 0
    assert count(ledger.database, attempts.name) == 39
