"""Tenants that live beside one another: they hire, revoke and ask, and look over every wall."""

from __future__ import annotations

from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.walls.asking import asking, check
from tests.walls.document import KINDS, members_of, operations
from tests.walls.tenants import NOBODY, ROLES, STATIC, STRANGER, Gateway, Key, Tenant

WHICH = st.sampled_from([0, 1])
PLACES = st.sampled_from(["own", "other", "other", "elder"])


class Neighbours(RuleBasedStateMachine):
    """Two tenants, and one that was there before.

    Attributes:
        gateway: Where they live.
        elder: A tenant that does nothing.
    """

    gateway: ClassVar[Gateway]
    elder: ClassVar[Tenant]

    @initialize()
    def found(self) -> None:
        self.tenants = [self.gateway.tenant() for _ in range(2)]
        self.operations = operations(self.gateway.document)

    @rule(which=WHICH, role=st.sampled_from(ROLES), bound=st.booleans(), data=st.data())
    def make_a_key(self, which: int, role: str, bound: bool, data: st.DataObject) -> None:
        tenant = self.tenants[which]
        teams = sorted(tenant.canaries) if bound else []
        tenant.make_key(role, data.draw(st.sampled_from(teams)) if teams else "")

    @rule(which=WHICH, bound=st.booleans())
    def make_people(self, which: int, bound: bool) -> None:
        tenant = self.tenants[which]
        team = tenant.make_team()
        tenant.make_user(team if bound else "")

    @rule(which=WHICH, data=st.data())
    def chat(self, which: int, data: st.DataObject) -> None:
        tenant = self.tenants[which]
        tenant.chat(data.draw(st.sampled_from(tenant.keys)))

    @rule(which=WHICH, data=st.data())
    def revoke(self, which: int, data: st.DataObject) -> None:
        tenant = self.tenants[which]
        if len(tenant.keys) > 3:
            key = data.draw(st.sampled_from(tenant.keys))
            self.gateway.root("DELETE", f"keys/{key.id}", organisation=tenant.id)
            tenant.keys.remove(key)

    @rule(which=WHICH, data=st.data())
    def ask(self, which: int, data: st.DataObject) -> None:
        self._asked(self.tenants[which], data, data.draw(st.sampled_from(["own"] * 9 + ["none"])))

    @rule(data=st.data())
    def ask_from_outside(self, data: st.DataObject) -> None:
        self._asked(self.tenants[0], data, "none")

    def _asked(self, own: Tenant, data: st.DataObject, who: str) -> None:
        other = self.tenants[1 - self.tenants.index(own)]
        of = {"own": own, "other": other, "elder": self.elder}
        operation = data.draw(st.sampled_from(self.operations), label="operation")
        key: Key = data.draw(
            st.sampled_from(own.keys if who == "own" else [STATIC, STRANGER, NOBODY])
        )
        members = [name for name in members_of(operation) if name in KINDS]
        places = [*operation.ids, *operation.asked, *members]
        asked = asking(
            operation,
            own,
            {place: of[data.draw(PLACES, label=place)] for place in places},
            lambda pool: data.draw(st.sampled_from(pool)),
            query=[each for each in operation.asked if data.draw(st.booleans(), label=each)],
            members=[each for each in members if data.draw(st.booleans(), label=each)],
        )
        tenants = [*self.tenants, self.elder]
        answer = check(self.gateway, asked, key, own if who == "own" else None, tenants)
        if operation.writes and answer.is_success:
            own.look()
