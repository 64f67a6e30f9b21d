"""What of the ledger a caller may see."""

from __future__ import annotations

from antiphon.gateway.seeing import scope_of
from antiphon.model.principal import ANONYMOUS, HOME, Principal
from antiphon.usage.ledger.scope import EVERYTHING, Scope

READS = frozenset({"inference", "read"})


def test_who_sees_what():
    assert scope_of(Principal(key_id="x", scopes=frozenset({"inference", "admin"}))) == EVERYTHING
    assert scope_of(Principal(key_id="x")) == Scope("x")
    assert scope_of(ANONYMOUS) == Scope("anonymous")
    person = Principal(key_id="proxy", subject="sub_1", organisation=HOME, proxied=True)
    assert scope_of(person) == Scope(subject="sub_1")


def test_a_tenants_key_never_sees_everything():
    scopes = READS | {"admin"}
    for organisation in (HOME, "org_other"):
        told = scope_of(Principal(key_id="x", scopes=scopes, organisation=organisation))
        assert told.keys is not None
