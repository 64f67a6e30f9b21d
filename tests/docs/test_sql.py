"""The SQL of the pages runs, on a ledger with something in it, through a connection that only reads."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from tests.docs.pages import blocks
from tests.unit.usage.ledger.written import FakeClock, opened_ledger, row, ship

QUERIES = blocks("sql")


def test_there_are_some():
    assert {"docs/guides/usage-and-cost.md", "docs/operating/database.md"} <= {
        each.page for each in QUERIES
    }


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    import time

    found = tmp_path_factory.mktemp("ledger") / "antiphon.db"
    now = int(time.time() * 1e6)
    ledger = opened_ledger(found, FakeClock())
    ship(ledger, [row(position=64 + 8 * n, ended_at=now, team=f"t{n}") for n in range(3)])
    ledger.database.close()
    return found


@pytest.mark.parametrize("block", QUERIES, ids=lambda block: block.where)
def test_a_query_gives_something(block, path):
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        assert connection.execute(block.text).fetchall()


def test_a_copy_that_sees_one_moment(path):
    [copy] = [each for each in blocks("sh", "docs/operating/database.md") if "VACUUM" in each.text]
    statement = copy.text.split('"')[1].replace("copy.db", str(path.with_name("copy.db")))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(statement)
    with closing(sqlite3.connect(path.with_name("copy.db"))) as connection:
        assert connection.execute("SELECT COUNT(*) FROM llm_usage").fetchone() == (3,)
