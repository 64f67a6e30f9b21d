"""Every attempt as CSV: whole, in order, in bounded memory, and run by no spreadsheet."""

from __future__ import annotations

import csv
import gc
import io

import pytest
from sqlalchemy import RowMapping

from antiphon.usage.ledger.export import COLUMNS, export_csv
from antiphon.usage.ledger.ledger import MOST_ROWS
from antiphon.usage.ledger.sheet import harmless, written
from antiphon.usage.ledger.shown import dollars
from antiphon.usage.ledger.tables import attempts
from tests.unit.usage.ledger.written import HOUR, NOON, opened_ledger, row, ship, write


@pytest.fixture
def ledger(tmp_path):
    found = opened_ledger(tmp_path / "ledger.db")
    yield found
    found.database.close()


def read(pieces) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO("".join(pieces), newline="")))


def test_every_column_in_the_order_of_time(ledger):
    name = ledger.subject_ids(["alice"])["alice"]
    rows = [
        row(position=64 + 8 * n, ended_at=NOON + (-n) % 3 * HOUR, subject=name, cost=n)
        for n in range(9)
    ]
    ship(ledger, rows[:5])
    write(ledger, "one", 2, [row(segment=2, position=64, ended_at=NOON + HOUR, cost=1_234_567_890)])
    found = read(export_csv(ledger.database, size=2))
    assert tuple(found[0]) == (*attempts.columns.keys(), "user", "cost_usd")
    assert [each["ended_at"] for each in found] == sorted(each["ended_at"] for each in found)
    assert len(found) == 6
    assert found[0]["ended_at"] == "2026-09-21T12:00:00.000000Z"
    assert {each["user"] for each in found} == {"alice", ""}
    assert {each["cost_usd"] for each in found} == {
        *(f"0.00000000{n}" for n in range(5)), "1.234567890"
    }  # fmt: skip
    assert {each["stream"] for each in found} == {"0"}


def test_a_stretch(ledger):
    ship(ledger, [row(position=64 + 8 * n, ended_at=NOON + n) for n in range(5)])
    assert len(read(export_csv(ledger.database, NOON + 1, NOON + 3))) == 2


def test_nothing_is_a_line_of_names(ledger):
    assert "".join(export_csv(ledger.database)) == ",".join(COLUMNS) + "\r\n"


def test_who_was_erased_goes_by_id(ledger):
    name = ledger.subject_ids(["alice"])["alice"]
    ship(ledger, [row(subject=name)])
    with ledger.database.writing() as connection:
        connection.exec_driver_sql("DELETE FROM subjects")
    assert read(export_csv(ledger.database))[0]["user"] == name


def test_what_is_held_at_once_is_a_page_however_much_there_is(ledger):
    """Counted: the rows in all lists that are alive while a page is handed out."""
    size, pages = 50, 20
    for segment in range(1, size * pages // MOST_ROWS + 2):
        rows = [row(segment=segment, position=64 + 8 * n) for n in range(MOST_ROWS)]
        ship(ledger, rows, segment=segment)
    most = handed = 0
    for piece in export_csv(ledger.database, size=size):
        most = max(most, rows_held())
        handed += piece.count("\r\n")
    assert handed == MOST_ROWS * (size * pages // MOST_ROWS + 1) + 1
    assert 0 < most <= size, "the page that is handed out, and no other"


def rows_held() -> int:
    gc.collect()
    lists = (each for each in gc.get_objects() if isinstance(each, list) and each)
    return sum(len(each) for each in lists if isinstance(each[0], RowMapping))


@pytest.mark.campaign
def test_a_hundred_thousand_rows_without_growth(ledger):
    import tracemalloc

    for segment in range(100_000 // MOST_ROWS):
        write(
            ledger, "one", segment, [row(segment=segment, position=8 * n) for n in range(MOST_ROWS)]
        )
    pieces = export_csv(ledger.database)
    next(pieces)
    tracemalloc.start()
    kept = []
    for _ in pieces:
        gc.collect()
        kept.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert max(kept[-10:]) <= max(kept[:10]) * 1.1


def test_rows_that_come_while_it_is_written(ledger):
    ship(ledger, [row(position=64 + 8 * n, ended_at=NOON + n) for n in range(4)])
    pieces = export_csv(ledger.database, size=2)
    first = next(pieces)
    late = [row("two", position=64, ended_at=NOON + 9), row("two", position=72, ended_at=NOON - 9)]
    ship(ledger, late, owner="two")
    found = read([first, *pieces])
    assert [each["ended_at"] for each in found] == sorted(each["ended_at"] for each in found)
    assert len({each["request_id"] for each in found}) == len(found) == 5


EVIL = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", '=cmd|" /C calc"!A0']


@pytest.mark.parametrize("text", EVIL)
def test_a_cell_that_a_spreadsheet_would_run(text, ledger):
    assert harmless(text) == f"'{text}"
    ship(ledger, [row(team=text, model=text)])
    [found] = read(export_csv(ledger.database))
    assert (found["team"], found["model"]) == (f"'{text}", f"'{text}")


def test_cells_that_are_fine():
    assert [harmless(cell) for cell in ("a=1", "", -1, 2.5, "'x")] == ["a=1", "", -1, 2.5, "'x"]


def test_quotes_commas_and_lines():
    assert written([['a"b', "c,d", "e\r\nf", "", "汉"]]) == '"a""b","c,d","e\r\nf",,汉\r\n'


@pytest.mark.parametrize(
    ("billionths", "text"),
    [
        (0, "0.000000000"),
        (1, "0.000000001"),
        (-1, "-0.000000001"),
        (10**9, "1.000000000"),
        (123_456_789_012_345_678, "123456789.012345678"),
        (2**63 - 1, "9223372036.854775807"),
    ],
)
def test_dollars_are_exact(billionths, text):
    assert dollars(billionths) == text
