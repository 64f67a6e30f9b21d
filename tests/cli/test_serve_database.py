"""`antiphon serve` with a database that it cannot use: it says why in one line, and exits with 1."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from antiphon.access.tables import SCHEMA as ACCESS
from antiphon.storage.database import Database
from antiphon.usage.ledger.ledger import Ledger
from antiphon.usage.ledger.tables import SCHEMA
from tests.cli.processes import COMMAND, environment
from tests.unit.usage.ledger.written import FakeClock

AS_ANYBODY = """
import ctypes, os, sys
DROP, OVERRIDE, SEARCH = 24, 1, 2
if os.geteuid() == 0:
    for right in (OVERRIDE, SEARCH):
        ctypes.CDLL(None).prctl(DROP, right, 0, 0, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""
"""Runs a command: root may write everywhere; without two of its rights it may not.

Not between fork and exec: where a loop ran before, uvloop closes descriptors there.
"""


def refused(antiphon, command: str = "serve", status: int = 1) -> str:
    done = subprocess.run(
        [sys.executable, "-c", AS_ANYBODY, *COMMAND, command],
        cwd=antiphon.home,
        env=environment(antiphon.home),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    if status:
        assert done.stdout == ""
        assert done.stderr.count("\n") == 1, done.stderr
        assert str(antiphon.home / "data" / "antiphon.db") in done.stderr
    return done.stderr


@pytest.fixture
def ours(configured):
    path = configured.home / "data" / "antiphon.db"
    database = Database(f"sqlite:///{path}", [SCHEMA, ACCESS])
    Ledger(database, clock=FakeClock())
    database.close()
    return path


def test_newer(configured, ours):
    with closing(sqlite3.connect(ours)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    assert "written by a newer Antiphon" in refused(configured)


def test_foreign(configured, ours):
    ours.unlink()
    with closing(sqlite3.connect(ours)) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    assert "not one of Antiphon's" in refused(configured)


def test_no_database(configured, ours):
    ours.write_text("a letter\n" * 1000)
    assert "the file is not a database" in refused(configured)


def test_a_file_that_is_read_only(configured, ours):
    ours.chmod(0o400)
    assert "can be read but not written" in refused(configured)


def test_a_folder_that_is_read_only(configured, ours):
    ours.parent.chmod(0o500)
    try:
        assert "can be read but not written" in refused(configured)
        ours.parent.chmod(0o700)
        ours.unlink()
        ours.parent.chmod(0o500)
        assert "must be this user's to write" in refused(configured)
        ours.parent.chmod(0o700)
        ours.parent.rmdir()
        configured.home.chmod(0o500)
        assert "cannot be kept there: Permission denied" in refused(configured)
    finally:
        configured.home.chmod(0o700)


def test_reading_what_is_read_only(configured, ours):
    ours.chmod(0o400)
    ours.parent.chmod(0o500)
    try:
        assert refused(configured, "usage", 0) == ""
        ours.parent.chmod(0)
        assert "Permission denied" in refused(configured, "usage")
    finally:
        ours.parent.chmod(0o700)


def test_locked(configured, ours):
    with closing(sqlite3.connect(ours, isolation_level=None)) as thief:
        thief.execute("BEGIN IMMEDIATE")
        assert "another process holds the database" in refused(configured)


def test_a_folder_in_its_place(configured):
    (configured.home / "data" / "antiphon.db").mkdir(parents=True)
    assert "this is a folder" in refused(configured)
