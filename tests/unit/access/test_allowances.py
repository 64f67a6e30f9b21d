"""Budgets and limits in the database: whose they are, who may change them, who hears of it."""

from __future__ import annotations

import msgspec
import pytest

from antiphon.access import allowances as module
from antiphon.access.allowances import Draft
from antiphon.access.pages import Ask
from antiphon.access.refusals import Conflict
from antiphon.access.standing import Standings, standing
from antiphon.errors import Forbidden, InvalidRequest, PathNotFound
from tests.unit.access.tenancy import ROOT


def draft(scope="team", name="", facets="month", terms="{}", **more) -> Draft:
    return Draft(scope, name, frozenset(facets.split()), terms, {"per": facets}, **more)


def terms(text: str):
    return lambda before: draft(before.scope, before.target, before.facets, text)


def in_force(tenancy):
    return [(each.target, each.terms) for each in standing(tenancy.database).allowances]


# ------------------------------------------------------------------ whose it is


def test_made_changed_removed(tenancy):
    desk = tenancy.default()
    team = desk.teams.create("web")
    made = desk.budgets.create(draft(name="web", terms='{"limit":"1"}'))
    assert (made.kind, made.scope, made.target, made.name) == ("budget", "team", team.id, "web")
    assert desk.budgets.show(made.id) == made
    assert desk.budgets.list().items == (made,)
    tenancy.clock.time = 1
    changed = desk.budgets.change(made.id, terms('{"limit":"2"}'))
    assert (changed.terms, changed.changed_at) == ('{"limit":"2"}', made.changed_at + 10**6)
    assert in_force(tenancy) == [(team.id, '{"limit":"2"}')]
    removed = desk.budgets.remove(made.id)
    assert removed.removed_at == made.created_at + 10**6
    assert desk.budgets.remove(made.id) == removed
    assert in_force(tenancy) == []
    assert desk.budgets.list().items == ()
    assert desk.budgets.list(Ask(gone=True)).items == (removed,)
    with pytest.raises(Conflict):
        desk.budgets.change(made.id, terms("{}"))


def test_budgets_and_limits_are_apart(tenancy):
    desk = tenancy.default()
    budget, limit = desk.budgets.create(draft()), desk.limits.create(draft())
    assert desk.budgets.list().items == (budget,)
    assert desk.limits.list().items == (limit,)
    for one, other in ((desk.budgets, limit), (desk.limits, budget)):
        for act in (one.show, one.remove, lambda id_, one=one: one.change(id_, terms("{}"))):
            with pytest.raises(PathNotFound):
                act(other.id)


def test_two_of_one_target(tenancy):
    desk = tenancy.default()
    team = desk.teams.create("web")
    made = desk.budgets.create(draft(name="web"))
    for name in ("web", "WEB", team.id):
        with pytest.raises(Conflict) as caught:
            desk.budgets.create(draft(name=name))
        assert made.id in caught.value.message
    desk.budgets.create(draft(name="web", facets="day"))
    desk.budgets.create(draft())
    desk.limits.create(draft(name="web"))
    other = tenancy.access.at(ROOT, tenancy.organisation("other"))
    other.budgets.create(draft())
    desk.budgets.remove(made.id)
    assert desk.budgets.create(draft(name="web")).id != made.id


def test_no_two_bound_the_same(tenancy):
    limits = tenancy.default().limits
    one = limits.create(draft(facets="requests/60 tokens/60"))
    for facets in ("tokens/60", "dollars/60 requests/60"):
        with pytest.raises(Conflict, match=one.id):
            limits.create(draft(facets=facets))
    other = limits.create(draft(facets="dollars/60"))
    with pytest.raises(Conflict, match=one.id):
        limits.change(other.id, lambda _: draft(facets="dollars/60 tokens/60", terms="1"))
    limits.change(one.id, lambda _: draft(facets="requests/60", terms="1"))
    limits.change(other.id, lambda _: draft(facets="dollars/60 tokens/60", terms="1"))


def test_nobody_of_that_name(tenancy):
    desk = tenancy.default()
    other = tenancy.access.at(ROOT, tenancy.organisation("other"))
    theirs = {
        "team": other.teams.create("web").id,
        "user": other.users.create("anna").id,
        "department": other.departments.create("sales").id,
        "key": other.keys.create().facts.id,
    }
    gone = desk.teams.create("gone").id
    desk.teams.remove(gone)
    for scope, target in theirs.items():
        for name in (target, "web", "anna", "sales", "\ud800", "x" * 300, gone, "gone"):
            with pytest.raises(PathNotFound, match=f"no such {scope}"):
                desk.budgets.create(draft(scope, name))
    assert in_force(tenancy) == []


def test_who_has_one_by_name(tenancy):
    budgets, teams = tenancy.default().budgets, tenancy.default().teams
    team = teams.create("web").id
    budgets.create(draft(name="web"))
    budgets.create(draft(name="shop", facets="day", configured=True))
    budgets.create(draft())
    assert budgets.named("team", "month") == {"web", team}
    assert budgets.named("team", "day") == {"shop"}
    assert budgets.ids("team", "WEB") == [team]
    assert budgets.ids("team", "shop") == []


def test_names_of_the_configuration(tenancy):
    desk = tenancy.default()
    assert desk.budgets.create(draft(name="web", configured=True)).target == "web"
    team = desk.teams.create("web")
    assert desk.budgets.create(draft(name="web", configured=True)).target == team.id
    other = tenancy.access.at(ROOT, tenancy.organisation("other"))
    with pytest.raises(PathNotFound):
        other.budgets.create(draft(name="web", configured=True))


def test_it_goes_with_whom_it_was_for(tenancy):
    desk = tenancy.default()
    department = desk.departments.create("sales").id
    team = desk.teams.create("web").id
    anna, berta = desk.users.create("anna").id, desk.users.create("berta").id
    of_team = desk.keys.create(team=team).facts.id
    of_anna = desk.keys.create(user=anna).facts.id
    alone = desk.keys.create().facts.id
    targets = [department, team, anna, berta, of_team, of_anna, alone]
    scopes = ["department", "team", "user", "user", "key", "key", "key"]
    for scope, target in zip(scopes, targets, strict=True):
        desk.budgets.create(draft(scope, target))
        desk.limits.create(draft(scope, target))
    each = desk.budgets.create(draft()).target

    def left():
        return {target for target, _ in in_force(tenancy)}

    assert left() == {*targets, each}
    desk.teams.remove(team)
    assert left() == {department, anna, berta, of_anna, alone, each}
    desk.users.remove(anna)
    assert left() == {department, berta, alone, each}
    desk.keys.revoke(alone)
    desk.departments.remove(department)
    assert left() == {berta, each}
    assert tenancy.access.verify(ROOT).holds


def test_a_removed_organisation_takes_all_of_it_along(tenancy):
    ours = tenancy.organisation("ours")
    tenancy.access.at(ROOT, ours).budgets.create(draft("organisation"))
    tenancy.default().budgets.create(draft("organisation"))
    tenancy.access.organisations(ROOT).remove(ours)
    [left] = standing(tenancy.database).allowances
    assert left.organisation == "org_default"
    assert tenancy.access.verify(ROOT).holds


def test_a_bounded_number(tenancy, monkeypatch):
    monkeypatch.setattr(module, "MOST", 5)
    monkeypatch.setattr(module, "MOST_OF_ONE", 3)
    one, other = (tenancy.access.at(ROOT, tenancy.organisation(name)) for name in "ab")
    made = [one.budgets.create(draft(facets=str(number))) for number in range(3)]
    with pytest.raises(Conflict):
        one.limits.create(draft())
    one.budgets.remove(made[0].id)
    one.limits.create(draft())
    other.budgets.create(draft())
    other.budgets.create(draft(facets="day"))
    with pytest.raises(Conflict):
        other.limits.create(draft())


# ------------------------------------------------------------------ who may


def test_roles(tenancy):
    desk = tenancy.default()
    desk.teams.create("web")
    made = desk.budgets.create(draft(name="web"))
    for role in ("read-only", "member", "operator", "admin"):
        who = tenancy.access.at(tenancy.actor(desk.keys.create(role=role)))
        reads, manages = role != "member", role == "admin"
        if reads:
            assert who.budgets.list().items == (made,)
        else:
            assert who.budgets.list().items == ()
            with pytest.raises(PathNotFound):
                who.budgets.show(made.id)
        if manages:
            other = who.budgets.create(draft(name="web", facets="day"))
            who.budgets.change(other.id, terms('{"limit":"3"}'))
            who.budgets.remove(other.id)
            continue
        with pytest.raises(Forbidden):
            who.budgets.create(draft(name="web", facets="day"))
        for act in (who.budgets.remove, lambda id_, who=who: who.budgets.change(id_, terms("{}"))):
            with pytest.raises(Forbidden if reads else PathNotFound):
                act(made.id)
    assert desk.budgets.show(made.id) == made


def test_an_admin_of_one_team_raises_nothing(tenancy):
    desk = tenancy.default()
    team, other = desk.teams.create("web").id, desk.teams.create("shop").id
    anna = desk.users.create("anna", team=team).id
    key = desk.keys.create(team=team, role="admin")
    mine = [
        desk.budgets.create(draft("team", team)),
        desk.budgets.create(draft("user", anna)),
        desk.budgets.create(draft("key", key.facts.id)),
    ]
    theirs = [
        desk.budgets.create(draft("team", other)),
        desk.budgets.create(draft("team")),
        desk.budgets.create(draft("organisation")),
        desk.budgets.create(draft("key", desk.keys.create(team=other).facts.id)),
    ]
    who = tenancy.access.at(tenancy.actor(key)).budgets
    assert set(who.list().items) == set(mine)
    for each in mine:
        with pytest.raises(Forbidden):
            who.change(each.id, terms('{"limit":"1000"}'))
        with pytest.raises(Forbidden):
            who.remove(each.id)
    for each in theirs:
        with pytest.raises(PathNotFound):
            who.change(each.id, terms('{"limit":"1000"}'))
        with pytest.raises(PathNotFound):
            who.remove(each.id)
    with pytest.raises(Forbidden):
        who.create(draft("team", team, "total"))


def test_nobody_raises_what_bounds_themselves(tenancy):
    ours = tenancy.organisation("ours")
    root = tenancy.access.at(ROOT, ours)
    made = root.budgets.create(draft("organisation"))
    admin = tenancy.access.at(tenancy.actor(root.keys.create(role="admin"))).budgets
    assert admin.show(made.id) == made
    with pytest.raises(Forbidden):
        admin.change(made.id, terms('{"limit":"1000"}'))
    with pytest.raises(Forbidden):
        admin.remove(made.id)
    with pytest.raises(Forbidden):
        admin.create(draft("organisation", facets="day"))


@pytest.mark.parametrize("scope", ["alias", "deployment", "provider", "provider_key"])
def test_what_all_tenants_are_in_together(tenancy, scope):
    desk, ours = tenancy.default(), tenancy.organisation("ours")
    with pytest.raises(InvalidRequest) as caught:
        tenancy.access.at(ROOT, ours).limits.create(draft(scope, "fast", configured=True))
    assert caught.value.param == "scope"
    with pytest.raises(PathNotFound):
        desk.limits.create(draft(scope, "fast"))
    made = desk.limits.create(draft(scope, "fast", configured=True))
    admin = tenancy.access.at(tenancy.actor(desk.keys.create(role="admin"))).limits
    with pytest.raises(Forbidden):
        admin.create(draft(scope, "slow", configured=True))
    assert admin.list().items == ()
    with pytest.raises(PathNotFound):
        admin.remove(made.id)


def test_whose_it_is_does_not_change(tenancy):
    desk = tenancy.default()
    made = desk.budgets.create(draft())
    with pytest.raises(InvalidRequest):
        desk.budgets.change(made.id, lambda _: draft("user"))
    assert desk.budgets.change(made.id, terms(made.terms)) == made


# ------------------------------------------------------------------ who hears of it


def test_every_act_is_in_the_audit(tenancy):
    desk = tenancy.default()
    team = desk.teams.create("web")
    made = desk.budgets.create(draft(name="web", terms='{"ask":"Berta"}'))
    desk.budgets.change(made.id, terms('{"ask":"Carl"}'))
    desk.budgets.change(made.id, terms('{"ask":"Carl"}'))
    desk.budgets.remove(made.id)
    entries = [each for each in desk.entries().items if each.target == made.id]
    assert [each.act for each in entries] == ["budget.remove", "budget.change", "budget.create"]
    assert {each.team for each in entries} == {team.id}
    told = msgspec.json.decode(entries[-1].details)
    assert told == {"per": "month", "scope": "team", "target": team.id}
    assert tenancy.access.verify(ROOT).holds


def test_the_audit_names_nobody(tenancy):
    desk = tenancy.default()
    anna = desk.users.create("anna").id
    desk.budgets.create(draft("user", "anna"))
    desk.budgets.create(draft("user", "otto", configured=True))
    told = [each.details for each in desk.entries().items if each.act == "budget.create"]
    assert [msgspec.json.decode(each).get("target") for each in told] == [None, anna]
    assert not any("otto" in each or "anna" in each for each in told)


def test_a_row_that_was_changed_behind_the_audit(tenancy):
    desk = tenancy.default()
    made = desk.budgets.create(draft())
    with tenancy.database.writing() as connection:
        connection.exec_driver_sql("UPDATE allowances SET entry = entry + 100")
    [finding] = tenancy.access.verify(ROOT).findings
    assert (finding.kind, made.id in finding.message) == ("unexplained", True)


def test_every_process_hears_of_every_change(tenancy):
    desk = tenancy.default()
    heard: list[list[str]] = []
    watch = Standings(
        tenancy.process().database,
        lambda found: heard.append([each.terms for each in found.allowances]),
    )
    watch.look()
    watch.look()
    assert heard == [[]]
    team = desk.teams.create("web").id
    made = desk.budgets.create(draft(name=team, terms="1"))
    desk.limits.create(draft(name=team, terms="2"))
    watch.look()
    watch.look()
    assert heard[1:] == [["1", "2"]]
    desk.budgets.change(made.id, terms("3"))
    watch.look()
    desk.budgets.remove(made.id)
    watch.look()
    assert heard[2:] == [["3", "2"], ["2"]]
    desk.teams.remove(team)
    desk.keys.create()
    watch.look()
    watch.look()
    assert heard[4:] == [[]]
