"""Between rows and the road: what is kept of a budget or limit, and what is made of it again."""

from __future__ import annotations

import logging

import msgspec
import pytest
from msgspec import structs

from antiphon.access.allowances import Draft
from antiphon.access.facts import AllowanceFacts
from antiphon.config.settings import Settings
from antiphon.errors import InvalidRequest
from antiphon.gateway.allowances import Allowed, budget_of, limit_of
from antiphon.limits.config import LimitSettings
from antiphon.usage.budgets.config import BudgetSettings

SETTINGS = Settings.model_validate(
    {
        "auth": {"keys": [{"key": "k" * 20, "team": "web", "department": "sales", "user": "otto"}]},
        "providers": {
            "lab": {
                "dialect": "openai_chat",
                "base_url": "http://127.0.0.1:9/v1",
                "limits": {"requests_per_minute": 5},
            }
        },
        "models": {"fast": "lab/tiny"},
        "budgets": {"ask": "finance", "time_zone": "Europe/Berlin"},
    }
)
ALLOWED = Allowed(SETTINGS)


def row(draft: Draft, kind: str, organisation: str = "org_1") -> AllowanceFacts:
    times = {"created_at": 0, "changed_at": 0, "removed_at": None}
    return AllowanceFacts(
        id="x_1",
        organisation=organisation,
        kind=kind,
        scope=draft.scope,
        target="team_1",
        name="web",
        facets="",
        terms=draft.terms,
        **times,
    )


def test_a_budget_there_and_back():
    said = BudgetSettings(scope="team", name="web", limit="2.50", when_short="cap", ask="Berta")
    draft = ALLOWED.budget_draft(said)
    assert (draft.scope, draft.name, draft.facets) == ("team", "web", {"month"})
    kept = row(draft, "budget")
    assert budget_of(kept) == said.model_copy(update={"organisation": "org_1"})
    [budget] = ALLOWED.budgets([kept])
    assert (budget.organisation, budget.name, budget.limit) == ("org_1", "web", 2_500_000_000)
    assert (budget.caps, budget.ask, budget.kept, str(budget.zone)) == (
        True, "Berta", True, "Europe/Berlin",
    )  # fmt: skip


def test_defaults_are_written_out_and_nobody_is_named_in_the_audit():
    draft = ALLOWED.budget_draft(BudgetSettings(scope="team", limit=1, ask="Berta"))
    terms = msgspec.json.decode(draft.terms)
    assert terms == {
        "limit": "1", "per": "month", "when_short": "refuse", "bound": "hard",
        "warn_at": [0.8, 0.95], "ask": "Berta",
    }  # fmt: skip
    assert draft.told == {name: value for name, value in terms.items() if name != "ask"}


def test_a_limit_there_and_back():
    said = LimitSettings(scope="team", name="web", requests=5, tokens=9, per=90, mode="shadow")
    draft = ALLOWED.limit_draft(said)
    assert draft.facets == {"requests/90/each/shadow", "tokens/90/each/shadow"}
    kept = row(draft, "limit")
    assert limit_of(kept) == said
    limits = ALLOWED.limits([kept])
    assert {(each.organisation, each.layer, each.name) for each in limits} == {
        ("org_1", "org_1", "web")
    }


def test_a_limit_of_all_tenants_has_no_layer():
    draft = ALLOWED.limit_draft(LimitSettings(scope="alias", name="fast", requests=5))
    kept = structs.replace(row(draft, "limit", "org_default"), name="fast")
    [limit] = ALLOWED.limits([kept])
    assert (limit.organisation, limit.layer, limit.name) == ("", "", "fast")


def test_an_organisation_is_not_named_in_its_own_limit():
    with pytest.raises(InvalidRequest):
        ALLOWED.limit_draft(LimitSettings(scope="organisation", name="org_1", requests=5))


def test_what_this_release_does_not_understand(caplog):
    good = row(ALLOWED.budget_draft(BudgetSettings(scope="team", limit=1)), "budget")
    newer = structs.replace(good, id="x_2", terms='{"limit":"1","per":"century"}')
    with caplog.at_level(logging.ERROR, "antiphon.allowances"):
        assert len(ALLOWED.budgets([newer, good])) == 1
    assert "x_2 is not in force" in caplog.text


@pytest.mark.parametrize(
    ("scope", "known", "unknown"),
    [
        ("team", "web", "shop"),
        ("department", "sales", "web"),
        ("user", "otto", "anna"),
        ("key", "anonymous", "key_1"),
        ("alias", "fast", "slow"),
        ("alias", "lab/anything", "other/anything"),
        ("deployment", "lab/tiny", "other/tiny"),
        ("provider", "lab", "fast"),
    ],
)
def test_names_that_the_configuration_knows(scope, known, unknown):
    assert ALLOWED.knows(scope, known)
    assert not ALLOWED.knows(scope, unknown)


def test_what_entries_of_providers_say_is_among_the_limits():
    [limit] = ALLOWED.configured_limits()
    assert (limit.scope, limit.name, limit.requests) == ("provider", "lab", 5)
