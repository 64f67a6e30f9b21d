"""`antiphon usage` and `antiphon ledger export`: beside a server, and without one."""

from __future__ import annotations

import csv
import io
import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import httpx2
import pytest

from antiphon.access.tables import SCHEMA as ACCESS
from antiphon.storage.database import Database
from antiphon.usage.ledger.ledger import Ledger
from antiphon.usage.ledger.tables import SCHEMA
from tests.cli.processes import COMMAND, environment
from tests.unit.usage.ledger.written import FakeClock, row, ship

DAY = 86_400_000_000
NOW = 1_795_000_000_000_000


@pytest.fixture
def filled(antiphon):
    """A home whose ledger was written before; the newest row is the oldest that a clock allows."""
    path = antiphon.home / "data" / "antiphon.db"
    database = Database(f"sqlite:///{path}", [SCHEMA, ACCESS])
    ledger = Ledger(database, clock=FakeClock())
    ids = ledger.subject_ids(["alice", "王芳"])
    rows = [
        row(
            position=64, ended_at=NOW, subject=ids["alice"], cost=1_234_567_890, usage=(1_234_567,)
        ),
        row(position=72, ended_at=NOW - DAY, subject=ids["王芳"], team="=data", cost=1),
        row(position=80, ended_at=NOW - 3 * DAY, model="\x1b[2Jevil", cost=0, outcome="failed"),
    ]
    ship(ledger, rows)
    database.close()
    return antiphon


def lines(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_a_table(filled):
    out = filled("usage", "--by", "user,team").stdout
    head, *rows, total = lines(out)
    assert head == ["user", "team", "attempts", "failed", "estimated", "input", "output", "cost"]
    assert sorted(rows) == sorted(
        [
            ["-", "web", "1", "1", "0", "0", "0", "$0.000000"],
            ["alice", "web", "1", "0", "0", "1,234,567", "0", "$1.234568"],
            ["王芳", "=data", "1", "0", "0", "0", "0", "<$0.000001"],
        ]
    )
    assert total == ["total", "3", "1", "0", "1,234,567", "0", "$1.234568"]
    ends = {
        len(line) + sum("\u4e00" <= letter <= "\u9fff" for letter in line)
        for line in out.splitlines()
    }
    assert len(ends) == 1, "aligned, also where letters are wide"


def test_nothing_drives_the_terminal(filled):
    out = filled("usage").stdout
    assert "\x1b" not in out
    assert "evil" in out


def test_times_and_choices(filled):
    assert "nothing was used" in filled("usage", "--until", "2020-01-01").stdout
    assert lines(filled("usage", "--since", "2026-11-18").stdout)[-1][1] == "1"
    assert lines(filled("usage", "--team", "web", "--team", "=data").stdout)[-1][1] == "3"
    assert lines(filled("usage", "--user", "alice", "--model", "lab/tiny").stdout)[-1][1] == "1"
    assert lines(filled("usage", "--key", "nobody").stdout)[0] == ["nothing", "was", "used"]
    for option in ("--provider", "--alias", "--department"):
        assert lines(filled("usage", option, "nobody").stdout)[0] == ["nothing", "was", "used"]


def test_json_and_csv(filled):
    found = json.loads(filled("usage", "--by", "team", "--json").stdout)
    assert [each["team"] for each in found["rows"]] == ["=data", "web"]
    assert found["totals"]["cost_usd"] == "1.234567891"
    assert found["next_cursor"] is None
    rows = read(filled("usage", "--by", "team", "--csv").stdout)
    assert [each["team"] for each in rows] == ["'=data", "web"]
    assert len(read(filled("usage", "--by", "team", "--csv", "--limit", "1").stdout)) == 1


def test_a_limit(filled):
    done = filled("usage", "--by", "day", "--limit", "2")
    assert len(lines(done.stdout)) == 4
    assert lines(done.stdout)[-1][:2] == ["total", "3"]
    assert "--limit" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--by", "teem"], "did you mean 'team'"),
        (["--since", "yesterday"], "--since"),
        (["--until", "2026-02-30"], "--until"),
        (["--since", "2026-02-01", "--until", "2026-01-01"], "from"),
        (["--limit", "0"], "--limit"),
        (["--team", "\udcff"], "team"),
        (["--by", ""], "by"),
        (["--json", "--csv"], "--csv"),
    ],
)
def test_asked_wrongly(filled, arguments, told):
    assert told in filled("usage", *arguments, status=2).stderr


def test_export(filled, tmp_path):
    printed = filled("ledger", "export").stdout
    rows = read(printed)
    assert [each["user"] for each in rows] == ["", "王芳", "alice"]
    assert rows[1]["team"] == "'=data"
    file = filled.home / "all.csv"
    filled("ledger", "export", "--output", "all.csv", "--since", "2026-01-01")
    assert file.read_bytes().decode() == printed
    assert file.stat().st_mode & 0o777 == 0o600
    filled("ledger", "export", "-o", "all.csv", "--until", "2026-01-01")
    assert read(file.read_text()) == []
    assert [each.name for each in filled.home.iterdir() if "part" in each.name] == []
    assert "cannot be written" in filled("ledger", "export", "-o", "no/such.csv", status=1).stderr
    assert "cannot be written" in filled("ledger", "export", "-o", "data", status=1).stderr
    assert filled("ledger", "export", "-o", os.devnull).stdout == ""
    assert not Path(os.devnull).is_file()
    assert "--since" in filled("ledger", "export", "--since", "x", status=2).stderr


def test_a_reader_who_has_had_enough(filled):
    import subprocess

    command = " ".join([*COMMAND, "ledger", "export", "|", "head", "-c", "1"])
    done = subprocess.run(
        command, shell=True, cwd=filled.home, env=environment(filled.home), capture_output=True,
        text=True, check=True, timeout=20,
    )  # fmt: skip
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", [["usage"], ["ledger", "export"]])
def test_there_is_no_ledger_yet(antiphon, command):
    error = antiphon(*command, status=1).stderr
    assert "there is no database yet" in error
    assert error.count("\n") == 1
    assert not (antiphon.home / "data").exists(), "and none was made"


def test_a_database_that_is_not_ours(antiphon):
    path = antiphon.home / "data" / "antiphon.db"
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    before = path.read_bytes()
    assert "not one of Antiphon's" in antiphon("usage", status=1).stderr
    assert path.read_bytes() == before


def test_nothing_is_changed_by_looking(filled):
    folder = filled.home / "data"
    before = (folder / "antiphon.db").read_bytes()
    filled("usage")
    filled("ledger", "export")
    assert (folder / "antiphon.db").read_bytes() == before


def test_while_a_server_runs_and_after_it(configured):
    asked = {"model": "fast", "messages": [{"role": "user", "content": "Hi"}]}
    with configured.serving() as served:
        answer = httpx2.post(f"{served.address}/v1/chat/completions", json=asked, timeout=20)
        assert answer.status_code == 200
        for _ in range(100):
            found = json.loads(configured("usage", "--json").stdout)
            if found["totals"]["attempts"]:
                break
        assert found["totals"]["attempts"] == 1
        assert found["rows"][0]["input_total"] > 0
        over_http = served.get("/api/v1/usage", served.admin_key).json()
        assert over_http["totals"] == found["totals"]
    after = json.loads(configured("usage", "--json").stdout)
    assert after["rows"] == found["rows"]


def test_a_configuration_by_its_path(filled):
    (filled.home / "elsewhere").mkdir()
    filled.write("storage: {database: 'sqlite:///data/antiphon.db'}", "elsewhere.yaml")
    assert lines(filled("usage", "-c", "elsewhere.yaml").stdout)[-1][1] == "3"
