"""Money of which nobody can say whether it was spent: listed, and decided about by a person."""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
from contextlib import closing

import httpx2
import pytest
import yaml

ASKED = {"model": "fast", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 9}


@pytest.fixture
def orphaned(configured):
    """A gateway was killed, and its journal is gone; another has looked for it."""
    file = configured.home / "antiphon.yaml"
    config = yaml.safe_load(file.read_text())
    for provider in config["providers"].values():
        provider["models"] = {"sim-small": {"prices": {"input": 1, "output": 2}}}
    limits = [{"scope": "organisation", "limit": "0.01"}, {"scope": "key", "limit": "0.01"}]
    file.write_text(yaml.safe_dump({**config, "budgets": {"limits": limits}}))
    with configured.serving() as served:
        assert ask(served.address) == 200
        appears(configured, "antiphon.db", "SELECT 1 FROM attempts")
        served.process.kill()
        served.process.wait()
    shutil.rmtree(configured.home / "data" / "journal")
    return configured


def ask(address: str) -> int:
    return httpx2.post(f"{address}/v1/chat/completions", json=ASKED, timeout=20).status_code


def orphans(configured) -> list[dict[str, str]]:
    """As the proof tells them; it fails in any case, since a segment of the journal is gone."""
    proof = json.loads(configured("ledger", "prove", "--json", status=1).stdout)
    return proof["leases"]["orphans"]


def appears(configured, file: str, row: str) -> None:
    """Wait for a row that another process writes."""
    with closing(sqlite3.connect(configured.home / "data" / file)) as database:
        for _ in range(600):
            if database.execute(row).fetchall():
                return
            time.sleep(0.05)
    raise AssertionError(row)


def entries(configured) -> list[tuple[str, str, str]]:
    with closing(sqlite3.connect(configured.home / "data" / "antiphon.db")) as database:
        return database.execute(
            "SELECT act, target, details FROM audit WHERE act LIKE 'leases%'"
        ).fetchall()


def test_it_is_written_off(orphaned):
    with orphaned.serving():
        appears(orphaned, "antiphon-leases.db", "SELECT 1 FROM owners WHERE orphaned <> ''")
        found = orphans(orphaned)
        assert {each["scope"] for each in found} == {"organisation", "key"}
        assert {each["reason"] for each in found} == {"its journal is gone"}
        [owner] = {each["owner"] for each in found}
        told = orphaned("ledger", "prove", status=1).stdout
        assert f"orphan {owner}: 0.00" in told
        assert "antiphon ledger write-off ORPHAN" in told

        assert "No orphan" in orphaned("ledger", "write-off", "nobody", status=1).stderr
        assert entries(orphaned) == [], "what was not done is not entered"

        done = json.loads(orphaned("ledger", "write-off", owner, "--unspent", "--json").stdout)
        assert done["unspent"] is True
        assert done["pots"] == found
        assert json.loads(orphaned("ledger", "prove", "--json").stdout)["leases"]["orphans"] == []
        [(act, target, details)] = entries(orphaned)
        assert (act, target) == ("leases.write_off", owner)
        assert json.loads(details)["unspent"] is True
        assert "all is well" in orphaned("audit", "verify").stdout
        # What was decided is told, and is no difference any more.
        told = orphaned("ledger", "prove").stdout
        assert "1 segments are gone" in told


def test_leases_that_say_more_than_the_ledger(orphaned):
    with closing(sqlite3.connect(orphaned.home / "data" / "antiphon-leases.db")) as leases:
        leases.execute("UPDATE pots SET closed = closed + 1000000000 WHERE scope = 'key'")
        leases.commit()
    told = orphaned("ledger", "prove", status=1).stdout
    assert "the leases say that" in told
    assert "key org_default/anonymous" in told
