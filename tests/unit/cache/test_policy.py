"""Keys and walls, what may be stored, and what may be configured."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from antiphon.cache.config import CacheSettings, RouteCacheSettings
from antiphon.cache.directives import NO_WISHES, Wishes
from antiphon.cache.policy import CachePolicy
from antiphon.cache.storable import Ending, WhyNot, why_not
from antiphon.cache.wall import Scope, Tenant, wall
from antiphon.model.principal import Principal
from antiphon.model.reply import StopReason

BODY = b'{"model":"m","messages":[]}'
ANNA = Tenant("k1", "anna", "web", "acme")


def policy(
    alias: str = "fast", plan: bytes = b"plan", *, stale_for: float = 0, **settings: object
) -> CachePolicy:
    made = RouteCacheSettings.model_validate(settings)
    return CachePolicy(made, alias=alias, plan=plan, stale_for=stale_for)


def key(tenant: Tenant = ANNA, *, dialect="openai_chat", body=BODY, headers=b"", **route) -> bytes:
    found = policy(**route).key(tenant, dialect, body, headers)
    assert found is not None
    return found


def test_everything_in_the_key_tells_two_requests_apart():
    keys = {
        key(),
        key(alias="slow"),
        key(plan=b"other"),
        key(dialect="anthropic_messages"),
        key(headers=b"anthropic-beta: x\r\n"),
        key(body=b'{"model":"m","messages":[1]}'),
        key(Tenant("k1", "bert", "web", "acme")),
        key(scope="key"),
        key(scope="team"),
        key(scope="organisation"),
        key(scope="global"),
    }
    assert len(keys) == 11
    assert key() == key(body=b'{ "messages": [], "stream": true, "model": "m" }')
    assert {len(each) for each in keys} == {32}


@pytest.mark.parametrize(
    ("scope", "other", "shared"),
    [
        ("user", Tenant("k2", "anna", "web", "acme"), True),
        ("user", Tenant("k1", "bert", "web", "acme"), False),
        ("user", Tenant("k1", "anna", "sales", "acme"), False),
        ("key", Tenant("k2", "anna", "web", "acme"), False),
        ("key", Tenant("k1", "bert", "web", "acme"), True),
        ("team", Tenant("k2", "bert", "web", "acme"), True),
        ("team", Tenant("k2", "bert", "web", "evil"), False),
        ("organisation", Tenant("k2", "bert", "sales", "acme"), True),
        ("organisation", Tenant("k1", "anna", "web", "evil"), False),
        ("global", Tenant("k9", "x", "y", "z"), True),
    ],
)
def test_who_shares_with_anna(scope: str, other: Tenant, shared: bool):
    assert (key(scope=scope) == key(other, scope=scope)) is shared


@pytest.mark.parametrize(
    ("scope", "tenant", "as_if"),
    [
        (Scope.USER, Tenant("k1"), Scope.KEY),
        (Scope.TEAM, Tenant("k1", "anna"), Scope.USER),
        (Scope.TEAM, Tenant("k1"), Scope.KEY),
        (Scope.ORGANISATION, Tenant("k1", "anna", "web"), Scope.TEAM),
        (Scope.ORGANISATION, Tenant("k1"), Scope.KEY),
    ],
)
def test_a_gap_narrows_the_wall(scope: Scope, tenant: Tenant, as_if: Scope):
    assert wall(tenant, scope) == wall(tenant, as_if)


IDS = st.text(max_size=4)
TENANTS = st.builds(Tenant, st.text(min_size=1, max_size=4), IDS, IDS, IDS)
WALLED = st.sampled_from([scope for scope in Scope if scope is not Scope.GLOBAL])


@given(one=TENANTS, other=TENANTS, scope=WALLED)
def test_no_choice_of_names_leads_over_a_wall(one: Tenant, other: Tenant, scope: Scope):
    assume(_meant(one, scope) != _meant(other, scope))
    assert wall(one, scope) != wall(other, scope)


def _meant(tenant: Tenant, scope: Scope) -> tuple[str, ...]:
    if scope is Scope.ORGANISATION and tenant.organisation:
        return ("organisation", tenant.organisation)
    if scope in (Scope.ORGANISATION, Scope.TEAM) and tenant.team:
        return ("team", tenant.organisation, tenant.team)
    if scope is not Scope.KEY and tenant.user:
        return ("user", tenant.organisation, tenant.team, tenant.user)
    return ("key", tenant.key_id)


def test_a_principal_is_the_person_behind_its_key():
    app = Principal("k1", team="web", user="app")
    assert Tenant.of(app) == Tenant("k1", "app", "web")
    person = Principal("k1", team="web", user="app", subject="sub_1")
    assert Tenant.of(person, organisation="acme") == Tenant("k1", "sub_1", "web", "acme")


def test_a_name_that_stands_twice_files_nothing_under_another_question():
    """Which of the two the provider reads is its own affair; the others must not get its answer."""
    twice = b'{"model":"m","messages":[{"content":"evil","content":"good"}]}'
    good = b'{"model":"m","messages":[{"content":"good"}]}'
    for scope in ("team", "organisation", "global"):
        assert key(body=twice, scope=scope) != key(body=good, scope=scope)


def test_what_depends_on_more_than_the_body_has_no_key():
    assert policy().key(ANNA, "openai_responses", b'{"conversation":"c"}') is None


# ------------------------------------------------------------------ what may be stored


@pytest.mark.parametrize(
    ("ending", "reason"),
    [
        (Ending(StopReason.STOP), None),
        (Ending(None), WhyNot.UNFINISHED),
        (Ending(None, vectors=True), None),
        (Ending(StopReason.PAUSE), WhyNot.UNFINISHED),
        (Ending(StopReason.LENGTH), WhyNot.TRUNCATED),
        (Ending(StopReason.CONTEXT), WhyNot.TRUNCATED),
        (Ending(StopReason.FILTER), WhyNot.REFUSED),
        (Ending(StopReason.REFUSAL), WhyNot.REFUSED),
        (Ending(StopReason.ERROR), WhyNot.INCOMPLETE),
        (Ending(StopReason.TOOL), WhyNot.TOOLS),
        (Ending(StopReason.STOP, complete=False), WhyNot.INCOMPLETE),
        (Ending(StopReason.STOP, fallback=True), WhyNot.FALLBACK),
        (Ending(StopReason.STOP, degraded=True), WhyNot.DEGRADED),
        (Ending(StopReason.STOP, capped=True), WhyNot.CAPPED),
        (Ending(None, vectors=True, fallback=True), WhyNot.FALLBACK),
    ],
)
def test_what_is_stored(ending: Ending, reason: WhyNot | None):
    assert why_not(ending, policy(), NO_WISHES) is reason


def test_no_reason_to_stop_is_forgotten():
    storable = {each for each in StopReason if why_not(Ending(each), policy(), NO_WISHES) is None}
    assert storable == {StopReason.STOP}


def test_what_caller_and_route_say_of_storing():
    good = Ending(StopReason.STOP)
    assert why_not(good, policy(), Wishes(stores=False)) is WhyNot.CALLER
    assert why_not(good, policy(), Wishes(looks=False)) is None
    assert why_not(good, policy(ttl=0), NO_WISHES) is WhyNot.SWITCHED_OFF
    assert why_not(good, policy(ttl=0, stale_for=60), NO_WISHES) is None
    assert why_not(Ending(StopReason.TOOL), policy(tool_calls=True), NO_WISHES) is None


# ------------------------------------------------------------------ configuration


@pytest.mark.parametrize(
    "settings",
    [
        {"ttl": -1},
        {"ttl": float("inf")},
        {"ttl": float("nan")},
        {"stale_for": 60},
        {"scope": "everyone"},
        {"life": 5},
    ],
)
def test_what_a_route_may_not_say(settings: dict[str, object]):
    with pytest.raises(ValidationError):
        RouteCacheSettings.model_validate(settings)


@pytest.mark.parametrize(
    "settings",
    [
        {"max_bytes": 0},
        {"max_bytes": 1 << 16, "max_entry_bytes": 1 << 17},
        {"max_entries": 0},
        {"size": 3},
    ],
)
def test_what_the_section_may_not_say(settings: dict[str, object]):
    with pytest.raises(ValidationError):
        CacheSettings.model_validate(settings)


def test_by_default_an_answer_belongs_to_one_user_for_an_hour():
    default = policy()
    assert (default.scope, default.ttl, default.stale_for) == (Scope.USER, 3600, 0)
    assert (default.share, default.tool_calls) == (True, False)
    assert not any(scope.shared for scope in (Scope.USER, Scope.KEY))
