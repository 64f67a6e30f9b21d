"""What the management API shows of tenants, people and keys is what the facts of access hold."""

from __future__ import annotations

import types
from typing import Union, get_args, get_origin, get_type_hints

import pytest

from antiphon.access import audit, facts, verify
from antiphon.notices import shown
from antiphon.server import api_audit, api_groups, api_keys, api_notices, api_users
from antiphon.server.api_views import View
from tests.house.source import PACKAGE

MIRRORED = {
    api_groups.OrganisationView: facts.OrganisationFacts,
    api_groups.DepartmentView: facts.DepartmentFacts,
    api_groups.TeamView: facts.TeamFacts,
    api_users.UserView: facts.UserFacts,
    api_keys.SecretView: facts.SecretFacts,
    api_keys.VirtualKeyView: facts.KeyFacts,
    api_notices.NoticeView: shown.DeliveryFacts,
    api_audit.EntryView: audit.Entry,
    api_audit.HeadView: audit.Head,
    api_audit.FindingView: verify.Finding,
    api_audit.VerdictView: verify.Verdict,
}
MORE = {
    api_keys.NewVirtualKeyView: "a key with its text",
}
"""Views that are more than facts."""
ADDED = {api_audit.EntryView: {"hash"}, api_audit.VerdictView: {"holds"}}
"""What the facts work out."""


@pytest.mark.parametrize("view", MIRRORED, ids=lambda view: view.__name__)
def test_it_has_every_member_of_the_facts_and_no_other(view):
    held = get_type_hints(MIRRORED[view])
    assert set(view.model_fields) == set(held) | ADDED.get(view, set())
    for name, field in view.model_fields.items():
        if name in held:
            assert _may_be_none(field.annotation) == _may_be_none(held[name]), name


def test_every_view_of_administration_is_looked_at():
    modules = [path.stem for path in (PACKAGE / "server").glob("api_*.py")]
    found = {each for each in _all(View) if each.__module__.rpartition(".")[2] in modules}
    ours = {each for each in found if each.__module__.startswith("antiphon.server.api_")}
    known = {api_groups, api_users, api_keys, api_notices, api_audit}
    mine = {each for each in ours if each.__module__ in {module.__name__ for module in known}}
    assert mine == set(MIRRORED) | set(MORE)


def _all(view: type) -> set[type]:
    return {each for sub in view.__subclasses__() for each in ({sub} | _all(sub))}


def _may_be_none(annotation: object) -> bool:
    return get_origin(annotation) in {Union, types.UnionType} and type(None) in get_args(annotation)
