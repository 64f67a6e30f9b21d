"""`antiphon ledger prove`: beside a server, after it, and when somebody has changed something."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import httpx2

from tests.cli.processes import ended

ASKED = {"model": "fast", "messages": [{"role": "user", "content": "Hi"}]}


def change(configured, statement: str) -> None:
    with closing(sqlite3.connect(configured.home / "data" / "antiphon.db")) as database:
        database.execute(statement)
        database.commit()


def test_beside_a_server_and_after_it(configured):
    with configured.serving() as served:
        for _ in range(5):
            url = f"{served.address}/v1/chat/completions"
            assert httpx2.post(url, json=ASKED, timeout=20).status_code == 200
        beside = json.loads(configured("ledger", "prove", "--json").stdout)
        assert beside["ok"]
        assert beside["manifests"] == 0
        assert beside["rows"] + beside["pending"] == 5
        assert ended(served.process) == 0
    after = configured("ledger", "prove").stdout
    assert after.startswith("5 rows, 1 manifests: all is well\nhead: ")
    head = after.split("head: ")[1].split()[0]
    assert "all is well" in configured("ledger", "prove", "--head", head).stdout

    other = configured("ledger", "prove", "--head", "ab" * 32, status=1).stdout
    assert "the chain was written anew" in other
    change(configured, "UPDATE attempts SET cost = cost + 1 WHERE number = 3")
    told = configured("ledger", "prove", status=1).stdout
    assert "attempt 1 of request req_" in told
    assert "was changed" in told
    assert json.loads(configured("ledger", "prove", "--json", status=1).stdout)["ok"] is False


def test_without_a_ledger(configured):
    done = configured("ledger", "prove", status=1)
    assert "antiphon.db" in done.stderr
    assert not (configured.home / "data").exists()
