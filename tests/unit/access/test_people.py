"""Organisations, departments, teams and users."""

from __future__ import annotations

import pytest

from antiphon.access.pages import Ask
from antiphon.access.refusals import Conflict, NameTaken
from antiphon.access.walls import actor_of
from antiphon.errors import Forbidden, InvalidRequest, PathNotFound
from antiphon.model.principal import ANONYMOUS, Principal
from tests.unit.access.tenancy import ROOT


def test_there_is_always_one_organisation(tenancy):
    all_of_them = tenancy.access.organisations(ROOT)
    assert all_of_them.default() == all_of_them.default()
    assert [each.name for each in all_of_them.list().items] == ["default"]
    with pytest.raises(Conflict):
        all_of_them.remove("org_default")
    with pytest.raises(NameTaken):
        all_of_them.create("Default")


def test_the_name_of_the_default_one_is_kept_free(tenancy):
    with pytest.raises(NameTaken):
        tenancy.access.organisations(ROOT).create("DEFAULT")


def test_a_removed_organisation(tenancy):
    ours = tenancy.organisation("ours")
    desk, process = tenancy.access.at(ROOT, ours), tenancy.process()
    key = desk.keys.create()
    assert process.principal(key)
    all_of_them = tenancy.access.organisations(ROOT)
    removed = all_of_them.remove(ours)
    assert all_of_them.remove(ours) == removed
    process.watch.look()
    assert process.principal(key) is None
    with pytest.raises(PathNotFound):
        tenancy.access.at(ROOT, ours)
    with pytest.raises(NameTaken):
        all_of_them.create("ours")
    late = desk.keys.create()
    assert process.principal(late) is None, "made by who came in before"


@pytest.mark.parametrize("which", ["departments", "teams", "users"])
def test_a_name_is_unique_while_it_lasts(tenancy, which):
    one = getattr(tenancy.access.at(ROOT, tenancy.organisation("one")), which)
    other = getattr(tenancy.access.at(ROOT, tenancy.organisation("other")), which)
    made = one.create("Sales")
    for name in ("Sales", "sales", "\uff33\uff21\uff2c\uff25\uff33", "Sa\u200cles"):
        with pytest.raises(NameTaken) as caught:
            one.create(name)
        assert (caught.value.status, caught.value.param) == (409, "name")
    other.create("Sales")
    assert one.list().items == (made,)
    removed = one.remove(made.id)
    assert removed.removed_at is not None
    assert one.remove(made.id) == removed
    assert one.list().items == ()
    assert one.list(Ask(gone=True)).items == (removed,)
    assert one.create("SALES").id != made.id


@pytest.mark.parametrize("which", ["departments", "teams", "users"])
def test_pages(tenancy, which):
    desk = getattr(tenancy.default(), which)
    made = {desk.create(f"n{number}").id for number in range(5)}
    first = desk.list(Ask(limit=3))
    second = desk.list(Ask(limit=3, cursor=first.cursor))
    assert [len(first.items), len(second.items), second.cursor] == [3, 2, None]
    assert {each.id for each in (*first.items, *second.items)} == made
    assert desk.list(Ask(limit=5)).cursor is None


@pytest.mark.parametrize("which", ["departments", "teams", "users"])
def test_names_that_are_none(tenancy, which):
    desk = getattr(tenancy.default(), which)
    for name in ("", "a\u202eb", "x" * 101, None, "\ud800"):
        with pytest.raises(InvalidRequest):
            desk.create(name)
    assert desk.list().items == ()


def test_a_department_with_teams_stays(tenancy):
    desk = tenancy.default()
    department = desk.departments.create("Sales")
    team = desk.teams.create("web", department=department.id)
    assert desk.teams.show(team.id).department == department.id
    with pytest.raises(Conflict):
        desk.departments.remove(department.id)
    desk.teams.remove(team.id)
    desk.departments.remove(department.id)
    with pytest.raises(PathNotFound):
        desk.teams.create("shop", department=department.id)


def test_a_removed_team_takes_its_keys_with_it(tenancy):
    desk, process = tenancy.default(), tenancy.process()
    team, other = desk.teams.create("web").id, desk.teams.create("shop").id
    anna = desk.users.create("anna", team=team).id
    gone = [desk.keys.create(team=team), desk.keys.create(user=anna)]
    kept = desk.keys.create(team=other)
    assert all(map(process.principal, [*gone, kept]))
    desk.teams.remove(team)
    process.watch.look()
    assert [process.principal(key) for key in gone] == [None, None]
    assert process.principal(kept)
    assert desk.users.show(anna).team == ""
    for options in ({"team": team}, {"team": "team_0"}):
        with pytest.raises(PathNotFound):
            desk.keys.create(**options)
    with pytest.raises(PathNotFound):
        desk.users.create("berta", team=team)


def test_a_removed_user_takes_their_keys_with_them(tenancy):
    desk, process = tenancy.default(), tenancy.process()
    anna = desk.users.create("anna").id
    key, other = desk.keys.create(user=anna), desk.keys.create()
    assert process.principal(key)
    desk.users.remove(anna)
    process.watch.look()
    assert process.principal(key) is None
    assert process.principal(other)
    with pytest.raises(PathNotFound):
        desk.keys.create(user=anna)
    with pytest.raises(PathNotFound):
        desk.users.change_role(anna, "admin")


def test_an_erased_user_has_no_name_any_more(tenancy):
    desk = tenancy.default()
    anna = desk.users.create("Anna Müller-Lüdenscheidt").id
    key = desk.keys.create(user=anna, name="Müller-Lüdenscheidt's").facts.id
    desk.users.remove(anna)
    assert desk.users.show(anna).name == "Anna Müller-Lüdenscheidt"
    erased = desk.users.remove(anna, erase=True)
    assert erased.name == anna
    assert desk.keys.show(key).name == ""
    assert desk.users.remove(anna, erase=True) == erased
    assert [row for row in _rows(tenancy) if "denscheidt" in repr(row).casefold()] == []


def _rows(tenancy):
    with tenancy.database.reading() as connection:
        tables = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'")
        return [
            row
            for (name,) in tables.all()
            for row in connection.exec_driver_sql(f'SELECT * FROM "{name}"').all()
        ]


def test_a_users_keys_are_of_the_users_team(tenancy):
    desk = tenancy.default()
    web, shop = desk.teams.create("web").id, desk.teams.create("shop").id
    anna, berta = desk.users.create("anna", team=web).id, desk.users.create("berta").id
    assert desk.keys.create(user=anna).facts.team == web
    with pytest.raises(InvalidRequest) as caught:
        desk.keys.create(user=anna, team=shop)
    assert caught.value.param == "team"
    assert desk.keys.create(user=berta, team=shop).facts.team == shop
    assert desk.keys.create(user=berta).facts.team == ""


class TestAnAdministratorOfOneTeam:
    def test_sees_the_team_and_no_more(self, tenancy):
        desk = tenancy.default()
        web, shop = desk.teams.create("web").id, desk.teams.create("shop").id
        anna, carl = desk.users.create("anna", team=web).id, desk.users.create("carl").id
        ours = desk.keys.create(team=web, role="admin")
        theirs = desk.keys.create(team=shop).facts.id
        wide = desk.keys.create().facts.id
        desk.departments.create("Sales")
        here = tenancy.access.at(tenancy.actor(ours))
        assert [each.id for each in here.teams.list().items] == [web]
        assert [each.id for each in here.users.list().items] == [anna]
        assert [each.id for each in here.keys.list().items] == [ours.facts.id]
        assert here.departments.list().items == ()
        assert {entry.target for entry in here.entries().items} == {web, anna, ours.facts.id}
        for key in (theirs, wide):
            for ask in (here.keys.show, here.keys.rotate, here.keys.revoke):
                with pytest.raises(PathNotFound):
                    ask(key)
        for ask in (here.users.show, here.users.remove):
            with pytest.raises(PathNotFound):
                ask(carl)

    def test_makes_what_belongs_to_the_team(self, tenancy):
        desk = tenancy.default()
        web, shop = desk.teams.create("web").id, desk.teams.create("shop").id
        carl = desk.users.create("carl").id
        here = tenancy.access.at(tenancy.actor(desk.keys.create(team=web, role="admin")))
        assert here.keys.create().facts.team == web
        user = here.users.create("new", team=web)
        assert here.keys.create(user=user.id, role="admin").facts.team == web
        for options in ({"team": shop}, {"user": carl}):
            with pytest.raises(PathNotFound):
                here.keys.create(**options)
        for team in ("", shop):
            with pytest.raises(PathNotFound):
                here.users.create("other", team=team)
        for change in (
            lambda: here.teams.create("x"),
            lambda: here.teams.remove(web),
            lambda: here.departments.create("x"),
        ):
            with pytest.raises(Forbidden):
                change()


def test_a_tenants_key_never_has_the_whole_gateway(tenancy):
    desk = tenancy.default()
    actor = tenancy.actor(desk.keys.create(role="admin"))
    forged = actor._replace(scopes=actor.scopes | {"admin"})
    other = tenancy.organisation("other")
    for each in (actor, forged):
        with pytest.raises(Forbidden):
            tenancy.access.organisations(each)
        with pytest.raises(Forbidden):
            tenancy.access.verify(each)
        with pytest.raises(PathNotFound) as caught:
            tenancy.access.at(each, other)
        with pytest.raises(PathNotFound) as unknown:
            tenancy.access.at(each, "org_0")
        assert caught.value.message == unknown.value.message, "no hint of what exists"


def test_who_has_the_whole_gateway_and_who_has_none_of_it(tenancy):
    tenancy.default()
    for scopes in ({"inference", "admin"}, {"admin"}):
        admin = actor_of(Principal(key_id="admin", scopes=frozenset(scopes)))
        assert tenancy.access.at(admin, "org_default").teams.list().items == ()
        for organisation in ("", "org_0", "\ud800"):
            with pytest.raises(PathNotFound):
                tenancy.access.at(admin, organisation)
    # As from the configuration, or on loopback.
    nobody = [ANONYMOUS, Principal(key_id="static-1", scopes=frozenset({"inference", "manage"}))]
    for principal in nobody:
        for organisation in ("", "org_default"):
            with pytest.raises(PathNotFound):
                tenancy.access.at(actor_of(principal), organisation)
