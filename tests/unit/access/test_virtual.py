"""Virtual keys: made, shown once, listed, rotated, revoked."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from sqlalchemy import insert

from antiphon.access.lookup import _QUERY
from antiphon.access.pages import Ask
from antiphon.access.refusals import Conflict
from antiphon.access.roles import Role
from antiphon.access.tables import virtual_keys
from antiphon.access.virtual import DAY, MOST_SECRETS
from antiphon.errors import Forbidden, InvalidRequest, PathNotFound, StorageFailed
from antiphon.model.principal import Principal
from tests.unit.access.tenancy import ROOT


def test_whom_a_key_opens_to(tenancy):
    desk = tenancy.default()
    department = desk.departments.create("Sales")
    team = desk.teams.create("web", department=department.id)
    user = desk.users.create("anna", team=team.id)
    made = desk.keys.create(name="ci", user=user.id, models=["fast", "lab/tiny"])
    assert tenancy.process().principal(made) == Principal(
        key_id=made.facts.id,
        team="web",
        department="Sales",
        user="anna",
        subject=user.id,
        scopes=frozenset({"inference"}),
        models=frozenset({"fast", "lab/tiny"}),
        organisation="org_default",
        team_id=team.id,
        role="member",
    )


def test_the_text_is_kept_nowhere(tenancy):
    made = tenancy.default().keys.create(name="ci")
    text = made.secret.reveal()
    assert text not in repr(made)
    [secret] = made.facts.secrets
    assert secret.shown == f"ak-1…{text[40:44]}"
    tenancy.close()
    for file in tenancy.path.parent.iterdir():
        assert text.encode() not in file.read_bytes()
        assert text[4:44].encode() not in file.read_bytes()


def test_roles_and_what_they_may(tenancy):
    desk, process = tenancy.default(), tenancy.process()
    found = {
        role: process.principal(desk.keys.create(role=role)).scopes  # type: ignore[union-attr]
        for role in Role
    }
    assert found == {
        "read-only": {"read"},
        "member": {"inference"},
        "operator": {"inference", "read", "operate"},
        "admin": {"inference", "read", "operate", "manage"},
    }
    assert not any("admin" in scopes for scopes in found.values()), "that opens every tenant"


def test_no_key_may_more_than_who_holds_it(tenancy):
    desk, process = tenancy.default(), tenancy.process()
    user = desk.users.create("anna", role="operator")
    key = desk.keys.create(user=user.id, role="admin")
    assert process.principal(key).scopes == {"inference", "read", "operate"}
    desk.users.change_role(user.id, "member")
    process.watch.look()
    assert process.principal(key).scopes == {"inference"}


def test_it_expires_and_the_clock_is_put_back(tenancy):
    desk, process = tenancy.default(), tenancy.process()
    made = desk.keys.create(expires_in=60)
    assert process.principal(made)
    tenancy.clock.time += 59.9
    assert process.principal(made)
    tenancy.clock.time += 0.2
    assert process.principal(made) is None
    assert tenancy.process().principal(made) is None
    assert desk.keys.show(made.facts.id).state == "expired"
    assert desk.keys.show(made.facts.id).secrets == ()
    with pytest.raises(Conflict):
        desk.keys.rotate(made.facts.id)
    late = tenancy.process()
    assert late.principal(made) is None
    tenancy.clock.time -= 10
    assert late.principal(made), (
        "what was looked up while the clock was wrong is not held against it"
    )


def test_rotation_with_an_overlap(tenancy):
    desk, process = tenancy.default(), tenancy.process()
    first = desk.keys.create(name="ci")
    assert process.principal(first)
    second = desk.keys.rotate(first.facts.id, overlap=3600)
    process.watch.look()
    assert second.facts.id == first.facts.id
    assert second.secret.reveal() != first.secret.reveal()
    assert [each.ends_at is None for each in second.facts.secrets] == [True, False]
    assert process.principal(first) == process.principal(second)
    tenancy.clock.time += 3601
    assert process.principal(first) is None
    assert process.principal(second)
    assert len(desk.keys.show(first.facts.id).secrets) == 1


def test_rotation_without_an_overlap(tenancy):
    desk, process = tenancy.default(), tenancy.process()
    first = desk.keys.create()
    assert process.principal(first)
    second = desk.keys.rotate(first.facts.id, overlap=0)
    process.watch.look()
    assert process.principal(first) is None
    assert process.principal(second)


def test_a_shorter_overlap_ends_older_texts_too_and_a_longer_one_does_not_revive(tenancy):
    desk, process = tenancy.default(), tenancy.process()
    first = desk.keys.create()
    second = desk.keys.rotate(first.facts.id, overlap=60)
    third = desk.keys.rotate(first.facts.id, overlap=3600)
    tenancy.clock.time += 61
    assert [bool(process.principal(key)) for key in (first, second, third)] == [False, True, True]
    desk.keys.rotate(first.facts.id, overlap=1)
    tenancy.clock.time += 2
    process.watch.look()
    assert [bool(process.principal(key)) for key in (first, second, third)] == [False, False, False]


def test_texts_are_bounded(tenancy):
    keys = tenancy.default().keys
    made = keys.create()
    for _ in range(MOST_SECRETS - 1):
        keys.rotate(made.facts.id)
    with pytest.raises(Conflict) as caught:
        keys.rotate(made.facts.id)
    assert caught.value.status == 409
    assert len(keys.show(made.facts.id).secrets) == MOST_SECRETS, "nothing was done"
    tenancy.clock.time += DAY + 1
    assert len(keys.rotate(made.facts.id).facts.secrets) == 2


def test_revoked(tenancy):
    desk, process = tenancy.default(), tenancy.process()
    made = desk.keys.create()
    assert process.principal(made)
    facts = desk.keys.revoke(made.facts.id)
    assert facts.state == "revoked"
    process.watch.look()
    assert process.principal(made) is None
    number = desk.entries(limit=1).items[0].number
    tenancy.clock.time += 5
    assert desk.keys.revoke(made.facts.id) == facts, "once is enough"
    assert desk.entries(limit=1).items[0].number == number
    with pytest.raises(Conflict):
        desk.keys.rotate(made.facts.id)


def test_a_list_in_pages(tenancy):
    keys = tenancy.default().keys
    made = []
    for number in range(7):
        made.append(keys.create(name=f"k{number}").facts.id)
        tenancy.clock.time += number % 2
    keys.revoke(made[3])
    seen, ask = [], Ask(limit=3)
    while True:
        page = keys.list(ask)
        assert len(page.items) <= 3
        seen += [each.id for each in page.items]
        if page.cursor is None:
            break
        keys.create(name="made meanwhile")
        ask = ask._replace(cursor=page.cursor)
    assert sorted(seen) == sorted(set(made) - {made[3]})
    times = [keys.show(each).created_at for each in seen]
    assert times == sorted(times, reverse=True)
    assert made[3] in {each.id for each in keys.list(Ask(gone=True)).items}


def test_a_list_of_one_team_or_user(tenancy):
    desk = tenancy.default()
    web, shop = desk.teams.create("web").id, desk.teams.create("shop").id
    anna = desk.users.create("anna", team=web).id
    hers = desk.keys.create(user=anna).facts.id
    theirs = desk.keys.create(team=web).facts.id
    desk.keys.create(team=shop)
    assert {key.id for key in desk.keys.list(team=web).items} == {hers, theirs}
    assert [key.id for key in desk.keys.list(user=anna).items] == [hers]


@pytest.mark.parametrize(
    "options",
    [
        {"expires_in": 0},
        {"expires_in": -1},
        {"expires_in": float("nan")},
        {"expires_in": float("inf")},
        {"expires_in": 10**400},
        {"expires_in": True},
        {"expires_in": "60"},
        {"role": "root"},
        {"role": ""},
        {"role": "ADMIN"},
        {"name": "a\nb"},
        {"name": "x" * 101},
        {"models": "gpt"},
        {"models": ["x"] * 1001},
    ],
    ids=str,
)
def test_what_no_key_can_be(tenancy, options):
    desk = tenancy.default()
    with pytest.raises(InvalidRequest) as caught:
        desk.keys.create(**options)
    assert caught.value.param in options
    assert desk.keys.list().items == ()


@pytest.mark.parametrize("overlap", [-1, float("nan"), float("inf"), 31 * DAY, False, "1", None])
def test_no_overlap(tenancy, overlap):
    keys = tenancy.default().keys
    key = keys.create().facts
    with pytest.raises(InvalidRequest):
        keys.rotate(key.id, overlap=overlap)
    assert keys.show(key.id) == key


@pytest.mark.parametrize(
    "key", ["", "key_0", "x" * 100_000, "key_\x00", "' OR 1=1 --", "key_é", "%", "\ud800"]
)
def test_ids_that_are_none(tenancy, key):
    desk = tenancy.default()
    desk.keys.create()
    for ask in (desk.keys.show, desk.keys.revoke, desk.keys.rotate, desk.teams.show):
        with pytest.raises(PathNotFound) as caught:
            ask(key)
        assert "\ud800" not in caught.value.message
    if key:
        for options in ({"team": key}, {"user": key}):
            with pytest.raises(PathNotFound):
                desk.keys.create(**options)


@pytest.mark.parametrize("cursor", ["", "key_0", "x" * 100_000, "é", "\ud800", 7])
def test_cursors_that_are_none(tenancy, cursor):
    keys = tenancy.default().keys
    keys.create()
    with pytest.raises(InvalidRequest) as caught:
        keys.list(Ask(cursor=cursor))
    assert caught.value.param == "cursor"


@pytest.mark.parametrize("limit", [0, -1, 501, 10**30, True, "5", 2.5, None])
def test_limits_that_are_none(tenancy, limit):
    desk = tenancy.default()
    with pytest.raises(InvalidRequest):
        desk.keys.list(Ask(limit=limit))
    with pytest.raises(InvalidRequest):
        desk.entries(limit=limit)


class TestNobodyGivesAwayWhatTheyHaveNot:
    def test_roles(self, tenancy):
        desk = tenancy.default()
        admins = desk.keys.create(role="admin").facts.id
        operator = tenancy.access.at(tenancy.actor(desk.keys.create(role="operator")))
        for role in ("member", "operator", "read-only"):
            mine = operator.keys.create(role=role).facts.id
            operator.keys.rotate(mine)
            operator.keys.revoke(mine)
        with pytest.raises(Forbidden):
            operator.keys.create(role="admin")
        for change in (operator.keys.rotate, operator.keys.revoke):
            with pytest.raises(Forbidden):
                change(admins)
        for make in (operator.teams.create, operator.departments.create, operator.users.create):
            with pytest.raises(Forbidden):
                make("new")

    def test_models(self, tenancy):
        desk = tenancy.default()
        wide = desk.keys.create().facts.id
        narrow = desk.keys.create(role="operator", models=["fast", "smart"])
        operator = tenancy.access.at(tenancy.actor(narrow))
        operator.keys.rotate(operator.keys.create(models=["fast"]).facts.id)
        for models in ([], ["other"], ["fast", "other"]):
            with pytest.raises(Forbidden):
                operator.keys.create(models=models)
        with pytest.raises(Forbidden):
            operator.keys.rotate(wide)

    def test_a_member_has_its_own(self, tenancy):
        desk = tenancy.default()
        anna = desk.users.create("anna").id
        first, second = desk.keys.create(user=anna), desk.keys.create(user=anna, role="admin")
        others = desk.keys.create().facts.id
        member = tenancy.access.at(tenancy.actor(first))
        assert {key.id for key in member.keys.list().items} == {first.facts.id, second.facts.id}
        member.keys.rotate(first.facts.id)
        with pytest.raises(Forbidden):
            member.keys.rotate(second.facts.id)
        assert member.keys.revoke(second.facts.id).state == "revoked"
        for ask in (member.keys.show, member.keys.rotate, member.keys.revoke):
            with pytest.raises(PathNotFound):
                ask(others)
        with pytest.raises(Forbidden):
            member.keys.create()
        assert member.entries().items == ()
        assert member.teams.list().items == ()

    def test_read_only_changes_nothing(self, tenancy):
        desk = tenancy.default()
        key = desk.keys.create().facts.id
        reader = tenancy.access.at(tenancy.actor(desk.keys.create(role="read-only")))
        assert key in {each.id for each in reader.keys.list().items}
        assert reader.entries().items
        for change in (reader.keys.rotate, reader.keys.revoke):
            with pytest.raises(Forbidden):
                change(key)
        with pytest.raises(Forbidden):
            reader.keys.create(role="read-only")


def test_the_database_itself_keeps_the_walls(tenancy):
    ours, theirs = tenancy.organisation("ours"), tenancy.organisation("theirs")
    team = tenancy.access.at(ROOT, theirs).teams.create("web").id
    row = {"id": "key_x", "organisation": ours, "team": team, "name": "", "role": "member"}
    row |= {"models": "[]", "created_at": 1, "entry": 1}
    with pytest.raises(StorageFailed), tenancy.database.writing() as connection:
        connection.execute(insert(virtual_keys).values(row))


def test_a_look_up_goes_by_the_index(tenancy):
    """So that it costs the same among a million."""
    query = str(_QUERY.compile())
    with closing(sqlite3.connect(tenancy.path)) as connection:
        plan = connection.execute(f"EXPLAIN QUERY PLAN {query}", {"digest": b"x"}).fetchall()
    steps = [step for *_, step in plan]
    assert [step for step in steps if step.startswith("SEARCH key_secrets USING PRIMARY KEY")]
    assert [step for step in steps if step.startswith("SCAN")] == []
