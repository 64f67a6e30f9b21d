"""Several processes that make the same database and the same folder at the same moment."""

from __future__ import annotations

import fcntl
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from antiphon.storage.database import Database
from antiphon.usage.journal.folder import OwnFolder, dead
from antiphon.usage.ledger.tables import SCHEMA

STARTS, ROUNDS = 4, 10


def test_all_of_them_have_a_database(tmp_path: Path):
    for number in range(ROUNDS):
        url, gate = f"sqlite:///{tmp_path / str(number) / 'antiphon.db'}", Barrier(STARTS)

        def start(url: str = url, gate: Barrier = gate) -> str:
            gate.wait(10)
            database = Database(url, [SCHEMA])
            with database.reading() as connection:
                mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar()
            database.close()
            return mode

        with ThreadPoolExecutor(STARTS) as threads:
            modes = [each.result() for each in [threads.submit(start) for _ in range(STARTS)]]
        assert modes == ["wal"] * STARTS


@pytest.mark.parametrize("before", ["open", "lock", "rename"])
def test_an_adopter_that_finds_a_directory_in_the_making(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: str
):
    """It tidies up what it takes for a dead process's; its maker makes it again."""
    turns: list[object] = []

    def meddled(known):
        def call(*arguments, **options):
            if not turns:
                turns.append(None)
                assert list(dead(tmp_path)) == []
            return known(*arguments, **options)

        return call

    if before == "open":
        monkeypatch.setattr(Path, "mkdir", after_second_call(tmp_path))
    elif before == "lock":
        flock = meddled(fcntl.flock)
        monkeypatch.setattr("antiphon.usage.journal.folder.fcntl.flock", flock)
    else:
        rename = Path.rename

        def late(path: Path, target: Path) -> Path:
            if not turns:
                turns.append(None)
                path.rmdir()
            return rename(path, target)

        monkeypatch.setattr(Path, "rename", late)
    own = OwnFolder(tmp_path, "me")
    assert own.path == tmp_path / "me"
    monkeypatch.undo()
    assert list(dead(tmp_path)) == []
    own.leave()
    assert list(tmp_path.iterdir()) == []


def after_second_call(folder: Path):
    """`Path.mkdir` whose first draft is gone as soon as it is made."""
    known, calls = Path.mkdir, []

    def mkdir(path: Path, *arguments, **options) -> None:
        known(path, *arguments, **options)
        calls.append(path)
        if len(calls) == 2:
            assert path.parent == folder
            path.rmdir()

    return mkdir
