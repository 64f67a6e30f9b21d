"""Tenants do not see or change one another, whatever ids they try.

A machine makes two organisations with teams, people and keys, and lets every kind of actor try
every act with every id that there is. What should be seen is worked out apart, from what was made.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from antiphon.access.allowances import Draft
from antiphon.access.desk import Desk
from antiphon.access.pages import MOST, Ask
from antiphon.access.refusals import Conflict
from antiphon.access.roles import Role
from antiphon.access.walls import Actor, actor_of
from antiphon.errors import CallerError, Forbidden, InvalidRequest, PathNotFound
from tests.unit.access.tenancy import ROOT, Process, Tenancy


class Made(NamedTuple):
    """A row, as it should be."""

    kind: str
    id: str
    organisation: str
    team: str = ""
    user: str = ""
    role: str = ""


PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
"""No shrinking: each step asks a database, and it would take minutes."""
INDEX = st.integers(0, 10**6)
TABLES = {
    "key": "virtual_keys",
    "team": "teams",
    "user": "users",
    "department": "departments",
    "budget": "allowances",
}
RANKS = [role.value for role in Role]


class Walls(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="antiphon-walls-"))
        self.tenancy = Tenancy(self.folder)
        self.rows: list[Made] = []
        self.texts: list[tuple[Made, bytes]] = []
        self.numbers = 0
        self.process = Process(self.tenancy.path, self.tenancy.clock)

    def teardown(self) -> None:
        self.process.close()
        self.tenancy.close()
        shutil.rmtree(self.folder)

    @initialize()
    def two_tenants(self) -> None:
        self.organisations = [self.tenancy.organisation(name) for name in ("one", "other")]
        for organisation in self.organisations:
            desk = self.root(organisation)
            department = desk.departments.create("d").id
            self.rows.append(Made("department", department, organisation))
            for name in ("a", "b"):
                team = desk.teams.create(name, department=department).id
                self.rows.append(Made("team", team, organisation, team))
                user = desk.users.create(name, team=team).id
                self.rows.append(Made("user", user, organisation, team, user, "member"))
                for role in ("admin", "operator", "read-only"):
                    self.key(desk, organisation, team=team, role=role)
                self.key(desk, organisation, team=team, user=user)
                for scope, target in (("team", team), ("user", user), ("key", self.rows[-1].id)):
                    self.budget(desk, organisation, scope, target, team=team)
            for role in RANKS:
                self.key(desk, organisation, role=role)
            for scope, target in (("team", ""), ("organisation", ""), ("key", self.rows[-1].id)):
                self.budget(desk, organisation, scope, target)

    def root(self, organisation: str) -> Desk:
        return self.tenancy.access.at(ROOT, organisation)

    def key(self, desk: Desk, organisation: str, team="", user="", role="member") -> None:
        made = desk.keys.create(team=team, user=user, role=role)
        row = Made("key", made.facts.id, organisation, made.facts.team, user, role)
        self.rows.append(row)
        self.texts.append((row, made.secret.reveal().encode()))

    def budget(self, desk: Desk, organisation: str, scope: str, target: str, team="") -> None:
        made = desk.budgets.create(Draft(scope, target, frozenset({"month"}), "{}", {}))
        # A user who loses the team takes the budget along.
        user = target if scope == "user" else ""
        self.rows.append(Made("budget", made.id, organisation, team, user))

    # ------------------------------------------------------------------ who, and what they see

    def actor(self, index: int) -> tuple[Made, Actor] | None:
        """One whose key opens."""
        row, text = self.texts[index % len(self.texts)]
        self.process.watch.look()
        principal = self.process.principal(text)
        if principal is None:
            return None
        assert (principal.key_id, principal.organisation) == (row.id, row.organisation)
        return row, actor_of(principal)

    def target(self, index: int, kind: str = "") -> Made:
        rows = [row for row in self.rows if not kind or row.kind == kind]
        return rows[index % len(rows)]

    @staticmethod
    def sees(who: Made, actor: Actor, row: Made) -> bool:
        """Whether a row lies within an actor's walls, told in other words than theirs."""
        if row.organisation != who.organisation:
            return False
        reads = "read" in actor.scopes
        if who.team and (row.kind == "department" or row.team != who.team):
            return False
        if reads:
            return True
        if row.kind == "budget":
            return False
        if row.kind == "key":
            return row.id == who.id or bool(who.user and row.user == who.user)
        return row.kind == "user" and bool(who.user) and row.id == who.user

    def told(self, organisation: str) -> dict[str, list[tuple[object, ...]]]:
        """Everything of a tenant, as it stands in the database."""
        with self.tenancy.database.reading() as connection:
            return {
                table: [
                    tuple(row)
                    for row in connection.exec_driver_sql(
                        f"SELECT * FROM {table} WHERE organisation = ? ORDER BY 1",
                        (organisation,),
                    )
                ]
                for table in (*TABLES.values(), "key_secrets", "audit")
            }

    def attempt(self, who: Made, visible: bool, act: Callable[[], object]) -> object:
        """Try something; nothing of another tenant changes, and nothing at all where it is refused."""
        before = {each: self.told(each) for each in self.organisations}
        done = refused(act)
        if isinstance(done, CallerError):
            assert {each: self.told(each) for each in self.organisations} == before
            if not visible:
                assert isinstance(done, (PathNotFound, Forbidden, InvalidRequest))
                others = {row.id for row in self.rows if row.organisation != who.organisation}
                assert not any(each in done.message for each in others)
            return done
        assert visible
        for other in self.organisations:
            if other != who.organisation:
                assert self.told(other) == before[other]
        return done

    # ------------------------------------------------------------------ what they try

    @rule(index=INDEX, on=INDEX, kind=st.sampled_from(sorted(TABLES)))
    def show(self, index: int, on: int, kind: str) -> None:
        if (acting := self.actor(index)) is None:
            return
        who, actor = acting
        row, desk = self.target(on), self.tenancy.access.at(actor)
        visible = row.kind == kind and self.sees(who, actor, row)
        found = self.attempt(who, visible, lambda: getattr(desk, f"{kind}s").show(row.id))
        if visible:
            assert getattr(found, "id", None) == row.id
        else:
            assert isinstance(found, PathNotFound)
            unknown = self.attempt(
                who, visible=False, act=lambda: getattr(desk, f"{kind}s").show("x_0")
            )
            assert str(found) == str(unknown), "no hint of what exists"

    @rule(index=INDEX, kind=st.sampled_from(sorted(TABLES)))
    def list_all(self, index: int, kind: str) -> None:
        if (acting := self.actor(index)) is None:
            return
        who, actor = acting
        page = getattr(self.tenancy.access.at(actor), f"{kind}s").list(Ask(limit=MOST, gone=True))
        seen = {row.id for row in self.rows if row.kind == kind and self.sees(who, actor, row)}
        assert {each.id for each in page.items} == seen

    @rule(index=INDEX, on=INDEX)
    def go_on_from_anothers_row(self, index: int, on: int) -> None:
        if (acting := self.actor(index)) is None:
            return
        who, actor = acting
        row, desk = self.target(on), self.tenancy.access.at(actor)
        visible = row.kind == "key" and self.sees(who, actor, row)
        found = self.attempt(who, visible, lambda: desk.keys.list(Ask(cursor=row.id)))
        assert isinstance(found, InvalidRequest) is not visible

    @rule(index=INDEX, other=st.booleans())
    def enter(self, index: int, other: bool) -> None:
        if (acting := self.actor(index)) is None:
            return
        who, actor = acting
        [theirs] = [each for each in self.organisations if each != who.organisation]
        there = theirs if other else who.organisation
        found = self.attempt(who, not other, lambda: self.tenancy.access.at(actor, there))
        assert isinstance(found, PathNotFound) is other

    @rule(index=INDEX)
    def read_the_audit(self, index: int) -> None:
        if (acting := self.actor(index)) is None:
            return
        who, actor = acting
        entries = self.tenancy.access.at(actor).entries(limit=MOST).items
        assert {entry.organisation for entry in entries} <= {who.organisation}
        if who.team:
            assert {entry.team for entry in entries} <= {who.team}
        if "read" not in actor.scopes:
            assert not entries

    @rule(index=INDEX, on=INDEX, act=st.sampled_from(["rotate", "revoke"]))
    def change_a_key(self, index: int, on: int, act: str) -> None:
        if (acting := self.actor(index)) is None:
            return
        who, actor = acting
        row, desk = self.target(on), self.tenancy.access.at(actor)
        visible = row.kind == "key" and self.sees(who, actor, row)
        found = self.attempt(who, visible, lambda: getattr(desk.keys, act)(row.id))
        if not visible:
            assert isinstance(found, PathNotFound)
        elif act == "rotate" and not isinstance(found, CallerError):
            self.texts.append((row, found.secret.reveal().encode()))
            assert row.id == who.id or RANKS.index(row.role) <= RANKS.index(who.role)

    @precondition(lambda self: len(self.rows) < 60)
    @rule(index=INDEX, team=INDEX, user=INDEX, which=st.integers(0, 3), role=st.sampled_from(RANKS))
    def make_a_key(self, index: int, team: int, user: int, which: int, role: str) -> None:
        if (acting := self.actor(index)) is None:
            return
        who, actor = acting
        desk, options = self.tenancy.access.at(actor), {"role": role}
        named: list[Made] = []
        for name, on, bit in (("team", team, 1), ("user", user, 2)):
            if which & bit:
                named.append(self.target(on, name))
                options[name] = named[-1].id
        visible = all(self.sees(who, actor, row) for row in named)
        found = self.attempt(who, visible, lambda: desk.keys.create(**options))
        if isinstance(found, CallerError):
            return
        assert "operate" in actor.scopes
        assert RANKS.index(role) <= RANKS.index(who.role)
        facts = found.facts
        assert not who.team or facts.team == who.team
        row = Made("key", facts.id, who.organisation, facts.team, facts.user, role)
        self.rows.append(row)
        self.texts.append((row, found.secret.reveal().encode()))

    @precondition(lambda self: len(self.rows) < 60)
    @rule(index=INDEX, on=INDEX, kind=st.sampled_from(["team", "user", "department"]))
    def make_another(self, index: int, on: int, kind: str) -> None:
        if (acting := self.actor(index)) is None:
            return
        who, actor = acting
        desk = getattr(self.tenancy.access.at(actor), f"{kind}s")
        above = self.target(on, {"team": "department", "user": "team"}.get(kind, "department"))
        options = {} if kind == "department" else {above.kind: above.id}
        visible = kind == "department" or self.sees(who, actor, above)
        self.numbers += 1
        found = self.attempt(who, visible, lambda: desk.create(f"n{self.numbers}", **options))
        if isinstance(found, CallerError):
            return
        assert "manage" in actor.scopes
        team = {"team": found.id, "user": getattr(found, "team", "")}.get(kind, "")
        user = found.id if kind == "user" else ""
        role = "member" if kind == "user" else ""
        self.rows.append(Made(kind, found.id, who.organisation, team, user, role))

    @rule(index=INDEX, on=INDEX, role=st.sampled_from(RANKS))
    def give_a_role(self, index: int, on: int, role: str) -> None:
        if (acting := self.actor(index)) is None:
            return
        who, actor = acting
        row, desk = self.target(on), self.tenancy.access.at(actor)
        visible = row.kind == "user" and self.sees(who, actor, row)
        found = self.attempt(who, visible, lambda: desk.users.change_role(row.id, role))
        if not visible:
            assert isinstance(found, PathNotFound)
        elif not isinstance(found, CallerError):
            self.rows[self.rows.index(row)] = row._replace(role=role)

    @rule(index=INDEX, on=INDEX, remove=st.booleans())
    def change_a_budget(self, index: int, on: int, remove: bool) -> None:
        if (acting := self.actor(index)) is None:
            return
        who, actor = acting
        row, desk = self.target(on), self.tenancy.access.at(actor)
        visible = row.kind == "budget" and self.sees(who, actor, row)
        self.numbers += 1
        other = f'{{"limit":"{self.numbers}"}}'

        def act() -> object:
            if remove:
                return desk.budgets.remove(row.id)
            return desk.budgets.change(
                row.id, lambda was: Draft(was.scope, was.target, frozenset({"month"}), other, {})
            )

        found = self.attempt(who, visible, act)
        if not visible:
            assert isinstance(found, PathNotFound)
        elif not isinstance(found, CallerError):
            assert "manage" in actor.scopes
            assert not who.team
            assert found.scope != "organisation"

    @rule(index=INDEX, on=INDEX, kind=st.sampled_from(["team", "user", "department"]))
    def remove(self, index: int, on: int, kind: str) -> None:
        if (acting := self.actor(index)) is None:
            return
        who, actor = acting
        row, desk = self.target(on), self.tenancy.access.at(actor)
        visible = row.kind == kind and self.sees(who, actor, row)
        found = self.attempt(who, visible, lambda: getattr(desk, f"{kind}s").remove(row.id))
        if not visible:
            assert isinstance(found, PathNotFound)
        elif not isinstance(found, CallerError) and kind == "team":
            # Its users stay, without a team.
            self.rows = [
                each._replace(team="")
                if each.team == row.id
                and (each.kind == "user" or (each.kind, bool(each.user)) == ("budget", True))
                else each
                for each in self.rows
            ]
        elif isinstance(found, Conflict):
            assert kind == "department"

    # ------------------------------------------------------------------ what always holds

    @invariant()
    def the_audit_holds(self) -> None:
        assert self.tenancy.access.verify(ROOT).holds

    @invariant()
    def a_key_opens_only_its_own_tenant(self) -> None:
        self.process.watch.look()
        for row, text in self.texts:
            principal = self.process.principal(text)
            if principal is not None:
                assert (principal.key_id, principal.organisation) == (row.id, row.organisation)
                assert principal.scopes <= {"inference", "read", "operate", "manage"}
                assert principal.team_id == row.team


def refused(act: Callable[[], object]) -> object:
    """What it gave, or what it was refused with."""
    try:
        return act()
    except CallerError as error:
        return error


TestWalls = Walls.TestCase
TestWalls.settings = settings(max_examples=8, stateful_step_count=25, deadline=None, phases=PHASES)


@pytest.mark.campaign
class TestWallsForLong(TestWalls):
    settings = settings(max_examples=150, stateful_step_count=60, deadline=None, phases=PHASES)
