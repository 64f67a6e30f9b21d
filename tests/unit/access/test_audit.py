"""The chain of acts: what it holds, and what is found when it was touched."""

from __future__ import annotations

import json
import logging
import shutil
import sqlite3
import threading
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.access.audit import Act, Head, enter
from antiphon.access.desk import verify_audit
from antiphon.access.refusals import NameTaken
from antiphon.access.tables import SCHEMA
from antiphon.access.verify import verify
from antiphon.access.walls import Actor
from antiphon.errors import InvalidRequest, StorageFailed
from antiphon.storage.database import Database, open_to_read
from antiphon.usage.ledger.tables import SCHEMA as LEDGER
from tests.unit.access.tenancy import ROOT, Tenancy


def busy(tenancy: Tenancy) -> None:
    """Twelve acts of every kind."""
    desk = tenancy.default()
    department = desk.departments.create("Sales")
    team = desk.teams.create("web", department=department.id)
    user = desk.users.create("anna", team=team.id)
    key = desk.keys.create(user=user.id, name="ci", models=["fast"]).facts.id
    desk.keys.rotate(key)
    desk.keys.revoke(desk.keys.create().facts.id)
    desk.users.change_role(user.id, "operator")
    desk.users.remove(user.id, erase=True)
    desk.teams.remove(team.id)
    other = tenancy.organisation("other")
    tenancy.access.at(ROOT, other).keys.create()
    tenancy.access.organisations(ROOT).remove(other)


def kinds(tenancy: Tenancy, kept: Head | None = None) -> set[str]:
    found = tenancy.access.verify(ROOT, kept=kept).findings
    assert all(each.message for each in found)
    return {each.kind for each in found}


def execute(tenancy: Tenancy, *statements: str) -> None:
    with closing(sqlite3.connect(tenancy.path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    tenancy = Tenancy(tmp_path_factory.mktemp("audit"))
    busy(tenancy)
    verdict = tenancy.access.verify(ROOT)
    assert verdict.holds
    assert verdict.entries == verdict.head.number == 15
    tenancy.close()
    return tenancy


@pytest.fixture
def proven(copied, tmp_path):
    shutil.copy(copied.path, tmp_path)
    tenancy = Tenancy(tmp_path)
    yield tenancy
    tenancy.close()


def test_every_act_is_entered_with_who_and_what(tenancy):
    desk = tenancy.default()
    key = desk.keys.create(role="admin", name="boss")
    actor = tenancy.actor(key)._replace(request="req_1")
    here = tenancy.access.at(actor)
    team = here.teams.create("web")
    made = here.keys.create(team=team.id, models=["fast"], expires_in=60).facts
    newest = here.entries(limit=1).items[0]
    assert newest.act == "key.create"
    assert (newest.target, newest.team, newest.organisation) == (made.id, team.id, "org_default")
    assert (newest.actor, newest.via, newest.request) == (key.facts.id, "api", "req_1")
    assert json.loads(newest.details) == {
        "expires_at": made.expires_at,
        "models": ["fast"],
        "role": "member",
        "user": "",
    }
    acts = [entry.act for entry in here.entries().items]
    assert acts == ["key.create", "team.create", "key.create", "organisation.create"]
    page = here.entries(limit=2).items
    assert [each.act for each in here.entries(before=page[-1].number).items] == acts[2:]


@pytest.mark.parametrize("before", [-1, 10**30, "5", True, 1.5])
def test_numbers_that_are_none(tenancy, before):
    with pytest.raises(InvalidRequest):
        tenancy.default().entries(before=before)


def test_a_tenant_sees_its_own_acts_only(proven):
    theirs = proven.organisation("third")
    desk = proven.access.at(ROOT, theirs)
    actor = proven.actor(desk.keys.create(role="admin"))
    entries = proven.access.at(actor).entries().items
    assert {entry.organisation for entry in entries} == {theirs}
    assert [entry.act for entry in entries] == ["key.create", "organisation.create"]


def test_no_name_of_a_person_stands_in_it(tenancy):
    desk = tenancy.default()
    user = desk.users.create("Annegret Unverwechselbar").id
    desk.keys.create(user=user, name="Annegrets key")
    desk.users.remove(user)
    assert "nnegret" not in repr(desk.entries().items)


def test_what_is_not_done_is_not_entered(proven):
    before = proven.access.verify(ROOT)
    desk = proven.default()
    desk.teams.create("shop")
    for _ in range(2):
        with pytest.raises(NameTaken):
            desk.teams.create("Shop")
    assert proven.access.verify(ROOT).entries == before.entries + 1


def test_an_act_that_is_undone_leaves_no_entry(proven):
    before = proven.access.verify(ROOT)
    with pytest.raises(ZeroDivisionError):
        _undone(proven)
    assert proven.access.verify(ROOT) == before


def _undone(tenancy: Tenancy) -> None:
    with tenancy.database.writing() as connection:
        enter(connection, ROOT, Act("key.create", "key_x"), at=1)
        raise ZeroDivisionError


def test_each_entry_goes_to_the_log(tenancy, caplog):
    caplog.set_level(logging.INFO, "antiphon.audit")
    tenancy.default()
    head = tenancy.access.verify(ROOT).head
    assert caplog.messages == [f"entry 1 {head.hash}"]


def test_an_empty_one_holds(tenancy):
    verdict = tenancy.access.verify(ROOT)
    assert verdict.holds
    assert verdict.head.number == 0
    assert kinds(tenancy, kept=verdict.head) == set()


def test_a_database_that_is_only_read_can_be_proven(proven):
    database = open_to_read(f"sqlite:///{proven.path}", [SCHEMA, LEDGER])
    assert verify_audit(database) == proven.access.verify(ROOT)
    database.close()


TOUCHED = {
    "a detail": "UPDATE audit SET details = '{}' WHERE number = 5",
    "who": "UPDATE audit SET actor = 'somebody' WHERE number = 15",
    "when": "UPDATE audit SET at = at + 1 WHERE number = 1",
    "the first one gone": "DELETE FROM audit WHERE number = 1",
    "one gone": "DELETE FROM audit WHERE number = 7",
    "several gone": "DELETE FROM audit WHERE number BETWEEN 3 AND 12",
    "all gone": "DELETE FROM audit",
    "the last one gone": "DELETE FROM audit WHERE number = 15",
    "the tail gone": "DELETE FROM audit WHERE number > 9",
    "one put in": "INSERT INTO audit SELECT 16, at, organisation, team, actor, via, request, act, "
    "target, details, hash, previous FROM audit WHERE number = 15",
    "one put before": "INSERT INTO audit SELECT -1, at, organisation, team, actor, via, request, "
    "act, target, details, previous, hash FROM audit WHERE number = 15",
    "a hash": "UPDATE audit SET hash = previous WHERE number = 4",
    "a link": "UPDATE audit SET previous = hash WHERE number = 4",
    "the head": "UPDATE audit_head SET hash = 'x'",
    "the head gone": "DELETE FROM audit_head",
    "a row that no act made": "INSERT INTO organisations SELECT 'org_x', 'x', 'x', 1, NULL, 99 ",
    "a key that was revived": "UPDATE virtual_keys SET revoked_at = NULL, entry = 1 "
    "WHERE revoked_at IS NOT NULL",
}


@pytest.mark.parametrize("what", TOUCHED)
def test_what_was_touched_is_found(proven, what):
    execute(proven, TOUCHED[what])
    assert kinds(proven)


def test_entries_that_changed_places_are_found(proven):
    execute(
        proven,
        "UPDATE audit SET number = -5 WHERE number = 5",
        "UPDATE audit SET number = 5 WHERE number = 6",
        "UPDATE audit SET number = 6 WHERE number = -5",
    )
    assert kinds(proven) >= {"altered", "unchained"}


def test_a_gap_that_was_closed_is_found(proven):
    execute(
        proven,
        "DELETE FROM audit WHERE number = 7",
        *(f"UPDATE audit SET number = {n - 1} WHERE number = {n}" for n in range(8, 16)),
    )
    assert kinds(proven) >= {"altered", "unchained", "cut_off"}


def cut(tenancy: Tenancy, last: int) -> None:
    """Take the tail away, and put the head back to where it was."""
    execute(
        tenancy,
        f"DELETE FROM audit WHERE number > {last}",
        "UPDATE audit_head SET (number, hash) = "
        "(SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1)",
    )


@pytest.mark.parametrize("last", range(1, 15))
def test_a_tail_that_was_cut_with_its_head_is_found_by_the_rows(proven, last):
    cut(proven, last)
    assert kinds(proven) == {"unexplained"}


def test_a_whole_new_chain_is_found_by_what_was_kept_elsewhere(tenancy):
    """Whoever owns the database can make another history; not another past of what was kept."""
    tenancy.default()
    kept = tenancy.access.verify(ROOT).head
    assert kinds(tenancy, kept=kept) == set()
    tenancy.default().teams.create("web")
    assert kinds(tenancy, kept=kept) == set(), "it goes on"
    with tenancy.database.writing() as connection:
        rows = connection.exec_driver_sql("SELECT act, target FROM audit ORDER BY number").all()
        connection.exec_driver_sql("DELETE FROM audit")
        connection.exec_driver_sql("DELETE FROM audit_head")
        for act, target in rows:
            enter(connection, Actor("nobody", frozenset()), Act(act, target, "org_default"), at=1)
    assert kinds(tenancy) == set()
    assert kinds(tenancy, kept=kept) == {"not_kept"}
    assert kinds(tenancy, kept=Head(99, kept.hash)) == {"not_kept"}


def test_findings_are_bounded(proven):
    busy_again(proven)
    execute(proven, "UPDATE audit SET details = 'x'")
    assert len(proven.access.verify(ROOT).findings) == 100


def busy_again(tenancy: Tenancy) -> None:
    with tenancy.database.writing() as connection:
        for _ in range(150):
            enter(connection, ROOT, Act("test", "x"), at=1)


def test_more_than_a_page(proven):
    for _ in range(7):
        busy_again(proven)
    verdict = proven.access.verify(ROOT)
    assert verdict.holds
    assert verdict.entries == 15 + 7 * 150


COLUMNS = ("at", "organisation", "team", "actor", "via", "request", "act", "target", "details")


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 15), st.sampled_from(COLUMNS), st.text("ab{}:\"0'", max_size=4), st.data())
def test_no_change_of_one_value_goes_unseen(copied, number, column, text, data):
    value = data.draw(st.integers(0, 9)) if column == "at" else text
    memory = Database(f"sqlite:///{copied.path}", [SCHEMA, LEDGER])
    try:
        with memory.writing() as connection, connection.begin_nested() as undone:
            changed = connection.exec_driver_sql(
                f"UPDATE audit SET {column} = ? WHERE number = ? AND {column} != ?",
                (value, number, value),
            ).rowcount
            verdict = verify(connection)
            undone.rollback()
    finally:
        memory.close()
    kinds = {each.kind for each in verdict.findings}
    assert kinds - {"unexplained"} == ({"altered"} if changed else set())


def test_two_processes_that_act_at_once_make_one_chain(tenancy):
    tenancy.default()
    others = [Tenancy(tenancy.path.parent) for _ in range(3)]
    errors: list[StorageFailed] = []

    def act(each: Tenancy) -> None:
        try:
            for _ in range(5):
                each.access.at(ROOT, "org_default").keys.create()
        except StorageFailed as error:
            errors.append(error)

    threads = [threading.Thread(target=act, args=(each,)) for each in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for each in others:
        each.close()
    assert errors == []
    verdict = tenancy.access.verify(ROOT)
    assert verdict.holds
    assert verdict.entries == 16
