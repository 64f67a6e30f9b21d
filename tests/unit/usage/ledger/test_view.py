"""`llm_usage`, as a management agent reads it (M-22): with SQLite alone, read-only."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from tests.unit.usage.ledger.written import NOON, opened_ledger, row, ship, write

USAGE = (1, 2, 4, 8, 16, 32, 64, 128, 256)


def test_the_view(tmp_path):
    path = tmp_path / "ledger.db"
    ledger = opened_ledger(path)
    ids = ledger.subject_ids(["alice", "gone"])
    ship(ledger, [row(position=64, subject=ids["alice"], usage=USAGE, ended_at=NOON + 999_999)])
    write(ledger, "one", 2, [row(segment=2, position=64, subject=ids["gone"], department="")])
    write(ledger, "one", 2, [row(segment=2, position=72, model="a/b")])
    with ledger.database.writing() as connection:
        connection.exec_driver_sql("DELETE FROM subjects WHERE name = 'gone'")
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        found = connection.execute(
            "SELECT model, department, user_id, input_tokens, output_tokens, timestamp "
            "FROM llm_usage ORDER BY timestamp, input_tokens DESC, model DESC"
        ).fetchall()
        names = [each[0] for each in connection.execute("SELECT * FROM llm_usage").description]
    assert found == [
        ("lab/tiny", "sales", "alice", 1 + 2 + 4 + 8 + 64 + 256, 16 + 32 + 128, NOON // 1_000_000),
        ("lab/tiny", "", ids["gone"], 0, 0, NOON // 1_000_000),
        ("lab/a/b", "sales", "", 0, 0, NOON // 1_000_000),
    ]
    assert names == [
        "model", "department", "user_id", "input_tokens", "output_tokens", "timestamp"
    ]  # fmt: skip
    ledger.database.close()
