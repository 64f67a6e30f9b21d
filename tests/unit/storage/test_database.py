"""What a database can be instead of ours, and that it is left as it was."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from antiphon.access.tables import SCHEMA as ACCESS
from antiphon.config.storage import StorageSettings
from antiphon.errors import StorageFailed
from antiphon.storage.database import Database, open_to_read
from antiphon.usage.captures.store import CaptureStore
from antiphon.usage.ledger.tables import SCHEMA


def opened(path: Path, **options: float) -> Database:
    return Database(f"sqlite:///{path}", [SCHEMA, ACCESS], **options)


def failure(path: Path, *, reading: bool = False) -> StorageFailed:
    """How it cannot be opened; in both ways the same."""
    way = open_to_read if reading else Database
    with pytest.raises(StorageFailed) as caught:
        way(f"sqlite:///{path}", [SCHEMA, ACCESS], busy_seconds=0.01)
    assert str(path) in caught.value.message, "it says which"
    assert "\n" not in caught.value.message
    return caught.value


def execute(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "antiphon.db"


@pytest.fixture
def ours(path):
    opened(path).close()
    return path


@pytest.mark.parametrize("reading", [False, True])
def test_of_a_newer_version(ours, reading):
    execute(ours, "UPDATE alembic_version SET version_num = '9999'")
    before = ours.read_bytes()
    found = failure(ours, reading=reading)
    assert found.code == "newer"
    assert "'9999'" in found.message
    assert ours.read_bytes() == before


STRANGERS = {
    "another program's": ["CREATE TABLE theirs (x)"],
    "another program's that uses Alembic": [
        "CREATE TABLE theirs (x)",
        "CREATE TABLE alembic_version (version_num VARCHAR(32))",
        "INSERT INTO alembic_version VALUES ('1975ea83b712')",
    ],
    "without a version": [
        "CREATE TABLE attempts (x)",
        "CREATE TABLE alembic_version (version_num VARCHAR(32))",
    ],
}


@pytest.mark.parametrize("reading", [False, True])
@pytest.mark.parametrize("kind", STRANGERS)
def test_foreign(path, kind, reading):
    execute(path, *STRANGERS[kind])
    before = path.read_bytes()
    assert failure(path, reading=reading).code == "foreign"
    assert path.read_bytes() == before, "not even its journal's mode was changed"
    assert [each.name for each in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("reading", [False, True])
def test_no_database_at_all(path, reading):
    path.write_text("this is a letter, and a long one\n" * 100)
    before = path.read_bytes()
    assert failure(path, reading=reading).code == "foreign"
    assert path.read_bytes() == before


@pytest.mark.parametrize("reading", [False, True])
def test_a_folder(path, reading):
    path.mkdir()
    assert failure(path, reading=reading).code == "unavailable"


def test_locked(ours):
    with closing(sqlite3.connect(ours, isolation_level=None)) as thief:
        thief.execute("BEGIN IMMEDIATE")
        found = failure(ours)
        assert found.code == "locked"
        assert "another process holds the database" in found.message
        with closing(open_to_read(f"sqlite:///{ours}", [SCHEMA, ACCESS])) as reader:
            assert reader, "who reads need not wait"
    opened(ours).close()


def test_it_waits_for_who_lets_go(ours):
    """The other lets go while we wait: nothing is told of it."""
    import threading

    with closing(sqlite3.connect(ours, isolation_level=None, check_same_thread=False)) as thief:
        thief.execute("BEGIN IMMEDIATE")
        timer = threading.Timer(0.2, thief.execute, ["ROLLBACK"])
        timer.start()
        opened(ours, busy_seconds=20).close()
        timer.join()


def test_a_folder_that_is_missing_is_made_for_us_alone(tmp_path):
    path = tmp_path / "a" / "b" / "antiphon.db"
    opened(path).close()
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    assert failure(tmp_path / "file" / "antiphon.db").code == "unavailable"


def test_to_read_none_is_made(path):
    assert failure(path, reading=True).code == "absent"
    assert failure(path.parent / "nowhere" / "antiphon.db", reading=True).code == "absent"
    assert list(path.parent.iterdir()) == []


def test_to_read_nothing_can_be_written(ours):
    with closing(open_to_read(f"sqlite:///{ours}", [SCHEMA, ACCESS])) as reader:
        for statement in ("DELETE FROM ledger", "CREATE TABLE x (y)", "PRAGMA user_version = 7"):
            with pytest.raises(StorageFailed) as caught, reader.reading() as connection:
                connection.exec_driver_sql(statement)
            assert caught.value.code == "read_only"


def test_an_empty_file_becomes_one(path):
    path.touch()
    opened(path).close()
    with closing(open_to_read(f"sqlite:///{path}", [SCHEMA, ACCESS])) as reader:
        assert reader


@pytest.mark.parametrize("name", ["a b?c=d&e#f%20.db", "Ünï.db", "it's.db"])
def test_names_of_any_letters(tmp_path, name):
    database = Database(f"sqlite:///{tmp_path / name}", [SCHEMA, ACCESS])
    database.close()
    assert [each.name for each in tmp_path.iterdir()] == [name]


def test_damaged(ours):
    content = bytearray(ours.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    ours.write_bytes(content)
    assert failure(ours).code == "damaged"


def test_full(ours):
    database = opened(ours)

    def fill() -> None:
        with database.writing() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 1")
            connection.exec_driver_sql("CREATE TABLE much (x)")
            connection.exec_driver_sql("INSERT INTO much VALUES (zeroblob(1000000))")

    with pytest.raises(StorageFailed) as caught:
        fill()
    assert caught.value.code == "full"
    with database.reading() as connection:
        tables = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE name = 'much'")
        assert tables.all() == []
    database.close()


def test_it_is_its_owner_s_alone(tmp_path):
    Database(f"sqlite:///{tmp_path}/private.db", [SCHEMA, ACCESS]).close()
    assert (tmp_path / "private.db").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("way", ["reading", "writing", "writing_through"])
def test_an_interrupt_inside_a_statement_comes_out_as_such(tmp_path, way):
    """SQLAlchemy gives such a connection up: there is nothing to roll back any more."""
    database = Database(f"sqlite:///{tmp_path}/interrupted.db", [SCHEMA, ACCESS])

    def interrupted() -> None:
        with getattr(database, way)() as connection:
            connection.invalidate()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    with database.reading() as connection:
        assert connection.exec_driver_sql("SELECT 1").scalar() == 1
    database.close()


def test_one_that_could_not_begin_leaves_its_connection_as_it_was(path):
    """What writes through to the disk is slow: the next writer must not find it so."""
    database = Database(f"sqlite:///{path}", [SCHEMA, ACCESS], busy_seconds=0.01)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageFailed), database.writing_through():
            pass
    with database.writing() as connection:
        (mode,) = connection.exec_driver_sql("PRAGMA synchronous").one()
    database.close()
    assert mode == 1, "NORMAL"


def test_the_files_of_a_folder_of_any_letters_stand_together(tmp_path):
    settings = StorageSettings(data_dir=tmp_path / "a%20b?c")
    Database(settings.database_url, [SCHEMA, ACCESS]).close()
    CaptureStore(settings.captures_file).close()
    assert [each.name for each in tmp_path.iterdir()] == ["a%20b?c"]
    assert {each.name for each in settings.data_dir.iterdir()} == {"antiphon.db", "captures.db"}
