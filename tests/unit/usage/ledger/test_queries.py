"""Pages, names, scopes and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.errors import InvalidRequest
from antiphon.usage.ledger.cursors import cursor_behind, key_of
from antiphon.usage.ledger.queries import pages, usage
from antiphon.usage.ledger.question import ask
from antiphon.usage.ledger.scope import EVERYTHING, Scope
from antiphon.usage.ledger.tables import segments
from antiphon.usage.ledger.times import since, time_of, told
from tests.unit.usage.ledger.written import DAY, HOUR, NOON, finish, opened_ledger, row, ship, write


@pytest.fixture
def ledger(tmp_path):
    found = opened_ledger(tmp_path / "ledger.db")
    yield found
    found.database.close()


def models(answer) -> list[str]:
    return [row.names[0] for row in answer.rows]


def refused(call, param: str) -> str:
    with pytest.raises(InvalidRequest) as caught:
        call()
    assert caught.value.param == param
    assert param in caught.value.message
    return caught.value.message


# ------------------------------------------------------------------ pages


def test_pages_are_stable_while_rows_arrive(ledger):
    ship(ledger, [row(position=64 + 8 * n, model=f"m{2 * n}") for n in range(4)])
    question = ask(["model"], EVERYTHING)
    first = usage(ledger.database, question, limit=2)
    assert models(first) == ["m0", "m2"]
    write(ledger, "two", 1, [row("two", position=64 + 8 * n, model=f"m{n}") for n in (1, 2, 5, 6)])
    second = usage(ledger.database, question, limit=2, cursor=first.cursor)
    third = usage(ledger.database, question, limit=2, cursor=second.cursor)
    assert models(second) + models(third) == ["m4", "m5", "m6"]
    assert second.rows[0].sums[0] == 1
    assert third.cursor is None
    assert third.totals[0] == 8


def test_a_segment_that_becomes_whole_between_two_pages(ledger):
    rows = [row(position=64 + 8 * n, model=f"m{n}") for n in range(4)]
    write(ledger, "one", 1, rows)
    question = ask(["model"], EVERYTHING)
    first = usage(ledger.database, question, limit=2)
    finish(ledger, "one", 1, rows)
    second = usage(ledger.database, question, limit=2, cursor=first.cursor)
    assert models(first) + models(second) == ["m0", "m1", "m2", "m3"]
    assert first.totals == second.totals


def test_a_page_as_long_as_what_is_there_has_no_next(ledger):
    ship(ledger, [row(position=64 + 8 * n, model=f"m{n}") for n in range(4)])
    assert usage(ledger.database, ask(["model"], EVERYTHING), limit=4).cursor is None
    answers = list(pages(ledger.database, ask(["model"], EVERYTHING), size=3))
    assert [len(each.rows) for each in answers] == [3, 1]


def test_one_transaction_sees_one_moment(ledger):
    """A segment that is finished while a question is being answered is counted once."""
    from antiphon.usage.ledger import queries

    rows = [row(position=64 + 8 * n) for n in range(4)]
    write(ledger, "one", 1, rows)
    answered = queries.period

    def meanwhile(*arguments):
        found = answered(*arguments)
        finish(ledger, "one", 1, rows)
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(queries, "period", meanwhile)
        assert usage(ledger.database, ask(["model"], EVERYTHING)).totals[0] == 4
    assert usage(ledger.database, ask(["model"], EVERYTHING)).totals[0] == 4


def test_a_write_that_is_repeated_after_the_manifest_counts_nothing_twice(ledger):
    rows = [row(position=64 + 8 * n) for n in range(4)]
    ship(ledger, rows)
    write(ledger, "one", 1, rows)
    with ledger.database.reading() as connection:
        assert connection.execute(segments.select()).all(), "the segment is under way again"
    assert usage(ledger.database, ask(["model"], EVERYTHING)).totals[0] == 4


def test_an_empty_ledger(ledger):
    answer = usage(ledger.database, ask(["model", "hour"], EVERYTHING))
    assert answer.rows == ()
    assert set(answer.totals) == {0}
    assert answer.cursor is None


def test_an_empty_stretch(ledger):
    write(ledger, "one", 1, [row()])
    assert usage(ledger.database, ask(["day"], EVERYTHING, start=NOON, end=NOON)).rows == ()


# ------------------------------------------------------------------ cursors

QUESTION = ask(["model", "team"], EVERYTHING, start=0, chosen={"team": ["a"]})
OTHERS = [
    ask(["team", "model"], EVERYTHING, start=0, chosen={"team": ["a"]}),
    ask(["model", "team"], Scope("static-1"), start=0, chosen={"team": ["a"]}),
    ask(["model", "team"], EVERYTHING, start=1, chosen={"team": ["a"]}),
    ask(["model", "team"], EVERYTHING, start=0, chosen={"team": ["b"]}),
    ask(["model", "team"], EVERYTHING, start=0, chosen={"alias": ["a"]}),
]


@given(st.tuples(st.text(), st.text()))
def test_a_cursor_gives_the_key_back(key):
    assert key_of(cursor_behind(key, QUESTION, "name"), QUESTION, "name") == key


@pytest.mark.parametrize("other", OTHERS, ids=lambda each: repr(each.by))
def test_a_cursor_fits_its_question_only(other):
    cursor = cursor_behind(("m", "t"), QUESTION, "name")
    refused(lambda: key_of(cursor, other, "name"), "cursor")
    refused(lambda: key_of(cursor, QUESTION, "another ledger"), "cursor")


def test_a_cursor_that_was_altered():
    cursor = cursor_behind(("m", "t"), QUESTION, "name")
    for place, letter in enumerate(cursor):
        for other in ("A", "B", "_", "", "=", " ", "é", "\0"):
            if other != letter:
                altered = cursor[:place] + other + cursor[place + 1 :]
                refused(lambda altered=altered: key_of(altered, QUESTION, "name"), "cursor")


@given(st.text())
def test_garbage_is_no_cursor(text):
    refused(lambda: key_of(text, QUESTION, "name"), "cursor")


@pytest.mark.parametrize("cursor", ["", "=", "x", "A" * 100_000])
def test_more_garbage(cursor):
    refused(lambda: key_of(cursor, QUESTION, "name"), "cursor")


# ------------------------------------------------------------------ people


def test_people_go_by_name_and_by_id_once_they_are_erased(ledger):
    ids = ledger.subject_ids(["alice", "bob"])
    ship(
        ledger,
        [
            row(position=64, subject=ids["alice"]),
            row(position=72, subject=ids["bob"]),
            row(position=80),
        ],
    )
    question = ask(["user"], EVERYTHING)
    assert sorted(models(usage(ledger.database, question))) == ["", "alice", "bob"]
    chosen = ask(["user"], EVERYTHING, chosen={"user": ["alice"]})
    assert models(usage(ledger.database, chosen)) == ["alice"]
    first = usage(ledger.database, question, limit=1)
    with ledger.database.writing() as connection:
        connection.exec_driver_sql("DELETE FROM subjects WHERE name = 'alice'")
    rest = usage(ledger.database, question, cursor=first.cursor)
    assert sorted(models(first) + models(rest)) == sorted(["", ids["alice"], "bob"])
    assert usage(ledger.database, chosen).rows == ()
    by_id = ask(["user"], EVERYTHING, chosen={"user": [ids["alice"]]})
    assert models(usage(ledger.database, by_id)) == [ids["alice"]]


def test_a_key_sees_what_it_used(ledger):
    ship(ledger, [row(position=64, key_id="a", model="x"), row(position=72, key_id="b", model="y")])
    assert models(usage(ledger.database, ask(["model"], Scope("a")))) == ["x"]
    other = ask(["model"], Scope("a"), chosen={"key": ["b"]})
    assert usage(ledger.database, other).totals[0] == 0


# ------------------------------------------------------------------ questions


def test_words_may_stand_apart_or_together_and_count_once():
    assert ask(["model,team", " day", "team"], EVERYTHING).by == ("model", "team", "day")


@pytest.mark.parametrize("by", [[], [""], ["model,"], ["models"], ["subject_id"], ["x" * 10_000]])
def test_what_usage_cannot_be_grouped_by(by):
    assert len(refused(lambda: ask(by, EVERYTHING), "by")) < 300


def test_the_nearest_word_is_offered():
    assert "did you mean 'team'" in refused(lambda: ask(["teem"], EVERYTHING), "by")


def test_what_cannot_be_chosen():
    refused(lambda: ask(["day"], EVERYTHING, chosen={"team": ["x"] * 101}), "team")
    refused(lambda: ask(["day"], EVERYTHING, chosen={"team": ["\udcff"]}), "team")
    refused(lambda: ask(["day"], EVERYTHING, start=2, end=1), "from")


# ------------------------------------------------------------------ times

TIMES = {
    "2026-09-21": NOON - 12 * HOUR,
    "2026-09-21T12:00:00Z": NOON,
    "2026-09-21t12:00z": NOON,
    "2026-09-21 12:00": NOON,
    "2026-09-21T14:00:00+02:00": NOON,
    "2026-09-21T12:00:00.000001Z": NOON + 1,
    "2026-09-21T12:00:00.123456789": NOON + 123_456,
    "1970-01-01": 0,
    "9999-12-31": 253_402_214_400_000_000,
}


@pytest.mark.parametrize("text", TIMES)
def test_a_time(text):
    assert time_of(text, "from") == TIMES[text]
    assert since(text, 0, "from") == TIMES[text]


@pytest.mark.parametrize(
    "text",
    [
        *("", "today", "7d", "2026", "2026-13-01", "2026-02-30", "20260921", "2026-W39-1"),
        *("2026-09-21T25:00", "2026-09-21T12:00:60Z", "1969-12-31", "0000-01-01", "10000-01-01"),
        *("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-09-21T12:00+99:00"),
        *("٢٠٢٦-09-21", "2026-09-21\n", "1" * 10_000, "2026-09-21T12:00:00Zx"),
    ],
)
def test_what_is_no_time(text):
    if text.startswith("9999"):
        assert time_of(text, "to") > TIMES["9999-12-31"]
    else:
        assert len(refused(lambda: time_of(text, "to"), "to")) < 200


def test_a_plus_that_was_not_escaped_is_explained():
    assert "%2B" in refused(lambda: time_of("2026-09-21T12:00:00 02:00", "to"), "to")


@pytest.mark.parametrize(("text", "ago"), [("12h", HOUR * 12), ("7d", DAY * 7), ("4w", DAY * 28)])
def test_ago(text, ago):
    assert since(text, NOON / 1e6, "--since") == NOON - ago


def test_longer_ago_than_time_goes():
    assert since("999999w", NOON / 1e6, "--since") == 0
    refused(lambda: since("9999999w", NOON / 1e6, "--since"), "--since")


@given(st.integers(0, TIMES["9999-12-31"]))
def test_a_time_is_told_as_it_is_read(at):
    assert time_of(told(at), "from") == at


def test_a_time_beyond_all_years_is_told_as_a_number():
    assert told(1 << 62) == str(1 << 62)
