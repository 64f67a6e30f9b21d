"""What migrations make one after another is what a new database gets at once."""

from __future__ import annotations

import re
import sqlite3

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from antiphon.access.tables import SCHEMA as ACCESS
from antiphon.idempotency.tables import SCHEMA as IDEMPOTENCY
from antiphon.notices.tables import SCHEMA as NOTICES
from antiphon.storage import versions
from antiphon.storage.database import Database
from antiphon.storage.migrations.upgrade import upgrade
from antiphon.storage.versions import MIGRATED
from antiphon.usage.ledger.tables import SCHEMA as LEDGER

SCHEMAS = [LEDGER, ACCESS, NOTICES, IDEMPOTENCY]


@pytest.fixture
def made(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'made.db'}", SCHEMAS)
    yield database
    database.close()


@pytest.fixture
def migrated(tmp_path):
    database = Database(
        f"sqlite:///{tmp_path / 'migrated % of it.db'}",
        SCHEMAS,
        versions=MIGRATED._replace(bring_up=lambda connection, _: upgrade(connection)),
    )
    yield database
    database.close()


def told(database: Database) -> dict[tuple[str, str], str]:
    """Everything in the database, by kind and name, in SQL whose order and spaces do not count."""
    with database.reading() as connection:
        rows = connection.exec_driver_sql(
            "SELECT type, name, sql FROM sqlite_master WHERE name != 'alembic_version' AND sql != ''"
        ).all()
    return {(kind, name): sorted(re.findall(r"[^\s,()]+", sql)) for kind, name, sql in rows}


def columns(database: Database) -> dict[str, object]:
    names = [name for kind, name in told(database) if kind in {"table", "view"}]
    with database.reading() as connection:
        return {
            name: connection.exec_driver_sql(f"PRAGMA table_info({name})").all() for name in names
        }


def test_migrating_from_nothing_makes_what_a_new_database_has(made, migrated):
    assert told(migrated) == told(made)
    assert columns(migrated) == columns(made)
    assert told(made)["view", "llm_usage"]


@pytest.mark.parametrize("which", ["made", "migrated"])
def test_the_tables_are_what_the_code_says(which, request):
    database = request.getfixturevalue(which)
    with database.reading() as connection:
        context = MigrationContext.configure(connection)
        differences = compare_metadata(context, SCHEMAS)
        assert context.get_current_revision() == versions.HEAD
    assert [each for each in differences if "alembic_version" not in str(each)] == []


def test_it_happens_in_the_transaction_of_who_opens(tmp_path):
    def broken(connection, schemas):
        upgrade(connection)
        raise RuntimeError

    path = tmp_path / "none.db"
    with pytest.raises(RuntimeError):
        Database(f"sqlite:///{path}", SCHEMAS, versions=MIGRATED._replace(bring_up=broken))
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == []
    connection.close()


def test_the_versions_that_are_known_are_those_of_the_scripts():
    scripts = ScriptDirectory(str(versions_folder()))
    found = [each.revision for each in scripts.walk_revisions()]
    assert tuple(reversed(found)) == versions.KNOWN
    assert scripts.get_current_head() == versions.HEAD


def versions_folder():
    from pathlib import Path

    import antiphon.storage.migrations

    return Path(antiphon.storage.migrations.__file__).parent


def test_a_database_of_an_older_version_is_brought_up(tmp_path, monkeypatch):
    """With a version from before the first one: what will be true of every later one."""
    path = tmp_path / "old.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
    connection.close()
    monkeypatch.setattr(versions, "check", lambda connection, schemas: "0000")
    unknown = MIGRATED._replace(check=lambda connection, schemas: "0000")
    database = Database(f"sqlite:///{path}", SCHEMAS, versions=unknown)
    monkeypatch.undo()
    with database.reading() as connection:
        assert versions.check(connection, SCHEMAS) == versions.HEAD
    database.close()


def test_what_stood_in_a_database_of_the_first_version_stands_there_still(tmp_path):
    path = tmp_path / "old.db"
    ledger_only = MIGRATED._replace(bring_up=lambda connection, _: upgrade_to(connection, "0001"))
    old = Database(f"sqlite:///{path}", SCHEMAS, versions=ledger_only)
    with old.writing() as connection:
        connection.exec_driver_sql("INSERT INTO subjects VALUES ('sub_1', 'anna', 1)")
    old.close()
    database = Database(f"sqlite:///{path}", SCHEMAS)
    with database.reading() as connection:
        assert versions.check(connection, SCHEMAS) == versions.HEAD
        assert connection.exec_driver_sql("SELECT name FROM subjects").scalar() == "anna"
        assert connection.exec_driver_sql("SELECT count(*) FROM virtual_keys").scalar() == 0
    database.close()


def upgrade_to(connection, revision):
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(versions_folder()))
    config.set_main_option("path_separator", "os")
    command.upgrade(config, revision)
