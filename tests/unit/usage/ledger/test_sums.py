"""However rows come in, usage is what Python adds up."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.usage.ledger.ledger import MOST_ROWS
from antiphon.usage.ledger.queries import pages, usage
from antiphon.usage.ledger.question import COLUMNS as BY_COLUMN
from antiphon.usage.ledger.question import GROUPS, TIMES, ask
from antiphon.usage.ledger.rows import AT
from antiphon.usage.ledger.scope import EVERYTHING, Scope
from antiphon.usage.ledger.tables import MEASURES, WORDS
from tests.unit.usage.ledger.written import DAY, HOUR, NOON, finish, opened_ledger, row, write

FIELDS = {
    "ended_at": st.integers(NOON - 3 * DAY, NOON + 3 * DAY)
    | st.integers(-3, 3).map(lambda n: NOON + n * HOUR)
    | st.integers(-3, 3).map(lambda n: NOON + 12 * HOUR + n * DAY),
    "key_id": st.sampled_from(["static-1", "static-2"]),
    "team": st.sampled_from(["", "web", "Ünï 'x'"]),
    "department": st.sampled_from(["", "sales"]),
    "subject": st.sampled_from(["", "sub_a", "sub_b"]),
    "alias": st.sampled_from(["fast", "*"]),
    "provider": st.sampled_from(["lab", "other"]),
    "model": st.sampled_from(["tiny", "a/b"]),
    "outcome": st.sampled_from(["ok", "failed"]),
    "charge": st.sampled_from(["reported", "estimated", "assumed", "nothing"]),
    "cost": st.integers(0, 1 << 40),
    "total": st.integers(0, 1 << 40),
    "usage": st.lists(st.integers(0, 1 << 30), min_size=len(WORDS), max_size=len(WORDS)),
}
SEGMENTS = st.dictionaries(
    st.tuples(st.sampled_from(["one", "two"]), st.integers(1, 3)),
    st.lists(st.fixed_dictionaries(FIELDS), max_size=5),
    min_size=1,
)
STEPS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.booleans()), max_size=20)
"""Segment, how many of its rows come before the crash, and whether it comes to its end."""


def ran(ledger, segments, steps) -> list:
    """Ships as whoever ships does: from the beginning of a segment, up to a crash or its end."""
    names, there = sorted(segments), {}
    for chosen, reach, to_the_end in steps:
        owner, segment = name = names[chosen % len(names)]
        rows = segments[name]
        if to_the_end:
            write(ledger, owner, segment, rows)
            finish(ledger, owner, segment, rows)
            written = rows
        else:
            written = rows[:reach]
            write(ledger, owner, segment, written)
        there |= {each[AT["request_id"]]: each for each in written}
    return list(there.values())


def key_of(each, word: str) -> str:
    if word in TIMES:
        at = datetime.fromtimestamp(each[AT["ended_at"]] // 1_000_000, UTC)
        return at.strftime(TIMES[word])
    return each[AT[BY_COLUMN[word]]]


def added(rows) -> tuple[int, ...]:
    sums = dict.fromkeys(MEASURES, 0)
    for each in rows:
        sums["attempts"] += 1
        sums["failures"] += each[AT["outcome"]] != "ok"
        sums["estimates"] += each[AT["charge"]] in {"estimated", "assumed"}
        sums["duration"] += each[AT["total"]]
        for name in (*WORDS, "cost"):
            sums[name] += each[AT[name]]
    return tuple(sums.values())


def groups(rows, by) -> dict[tuple[str, ...], tuple[int, ...]]:
    found = defaultdict(list)
    for each in rows:
        found[tuple(key_of(each, word) for word in by)].append(each)
    return {
        key: added(found[key]) for key in sorted(found, key=lambda key: [k.encode() for k in key])
    }


BOUNDS = st.none() | FIELDS["ended_at"]
BY = st.lists(st.sampled_from(GROUPS), min_size=1, max_size=3, unique=True)


@settings(max_examples=150, deadline=None)
@given(
    segments=SEGMENTS, steps=STEPS, by=BY, start=BOUNDS, end=BOUNDS, size=st.integers(1, 5),
    scope=st.sampled_from([EVERYTHING, Scope("static-1"), Scope("nobody")]),
    teams=st.sampled_from([[], ["web"], ["", "nobody"]]),
    models=st.sampled_from([[], ["tiny"], ["other/a/b", "lab/tiny"]]),
)  # fmt: skip
def test_every_grouping(*, segments, steps, by, start, end, size, scope, teams, models):
    if start is not None and end is not None and start > end:
        start, end = end, start
    segments = {
        (owner, number): [
            row(owner, number, 64 + 8 * place, **fields) for place, fields in enumerate(rows)
        ]
        for (owner, number), rows in segments.items()
    }
    with tempfile.TemporaryDirectory() as folder:
        ledger = opened_ledger(Path(folder, "ledger.db"))
        rows = [
            each
            for each in ran(ledger, segments, steps)
            if (start is None or each[AT["ended_at"]] >= start)
            and (end is None or each[AT["ended_at"]] < end)
            and scope.key_id in {None, each[AT["key_id"]]}
            and (not teams or each[AT["team"]] in teams)
            and (
                not models
                or each[AT["model"]] in models
                or f"{each[AT['provider']]}/{each[AT['model']]}" in models
            )
        ]
        question = ask(by, scope, start=start, end=end, chosen={"team": teams, "model": models})
        found = list(pages(ledger.database, question, size=size))
        assert [(each.names, each.sums) for page in found for each in page.rows] == list(
            groups(rows, by).items()
        )
        for page in found:
            assert page.totals == added(rows)
            assert not page.period.notes
            assert (page.period.begin, page.period.end) == (start, end)
        ledger.database.close()


def test_more_rows_than_a_statement_takes(tmp_path):
    ledger = opened_ledger(tmp_path / "ledger.db")
    rows = [row(position=64 + 8 * place) for place in range(3 * MOST_ROWS + 1)]
    write(ledger, "one", 1, rows)
    for _ in range(2):
        answer = usage(ledger.database, ask(["model"], EVERYTHING))
        assert answer.totals == added(rows)
        finish(ledger, "one", 1, rows)
    ledger.database.close()
