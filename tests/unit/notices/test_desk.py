"""Walls around deliveries: what is another's is as unknown as what never was."""

from __future__ import annotations

import pytest

from antiphon.access.roles import SCOPES, Role
from antiphon.access.verify import verify
from antiphon.access.walls import Actor, operator_here
from antiphon.egress.webhooks.signing import new_webhook_secret
from antiphon.errors import Forbidden, InvalidRequest, PathNotFound
from antiphon.gateway.notice_desk import NoticeDesk
from antiphon.notices.config import NoticesSettings
from antiphon.notices.shown import Wanted
from tests.unit.notices.conftest import Store

ROOT = operator_here()
WHOSE = {"ours": "", "a-hook": "org_a", "b-hook": "org_b"}
SETTINGS = NoticesSettings.model_validate(
    {
        "webhooks": {
            name: {
                "url": "https://hooks.example.com/",
                "secret": new_webhook_secret(),
                "organisation": organisation,
            }
            for name, organisation in WHOSE.items()
        }
    }
)


def desk(store: Store, actor: Actor, organisation: str | None = None) -> NoticeDesk:
    return NoticeDesk(
        store.database,
        SETTINGS.webhooks,
        actor,
        organisation or actor.organisation or None,
        clock=store.clock,
        send=lambda: None,
    )


def of(organisation: str, role: Role = Role.ADMIN, *, team: str = "") -> Actor:
    return Actor("key_1", SCOPES[role], organisation, team)


@pytest.fixture
def ids(store: Store) -> dict[str, str]:
    return {whose: store.enter(name, webhook=name, whose=whose)[0] for name, whose in WHOSE.items()}


def test_each_sees_its_own_and_the_operator_all(store: Store, ids: dict[str, str]) -> None:
    for organisation in ("org_a", "org_b"):
        for asked in (None, "", "org_a", "org_b"):
            found, _ = desk(store, of(organisation, Role.READ_ONLY)).list(Wanted(asked))
            assert [each.id for each in found] == [ids[organisation]]
    assert {each.id for each in desk(store, ROOT).list(Wanted(None))[0]} == set(ids.values())
    assert [each.id for each in desk(store, ROOT, "org_b").list(Wanted(None))[0]] == [ids["org_b"]]


def test_what_is_another_s_is_what_never_was(store: Store, ids: dict[str, str]) -> None:
    mine = desk(store, of("org_a"))
    told: set[str] = set()
    for id_ in (ids["org_b"], ids[""], "dlv_0000000000000000"):
        for act in (mine.show, mine.retry):
            with pytest.raises(PathNotFound) as caught:
                act(id_)
            told.add(caught.value.message)
        with pytest.raises(InvalidRequest) as refused:
            mine.list(Wanted(None, cursor=id_))
        told.add(refused.value.message)
    assert len(told) == 2
    for name in ("b-hook", "ours", "none"):
        with pytest.raises(PathNotFound):
            mine.test(name)
    assert mine.show(ids["org_a"]).id == mine.retry(ids["org_a"]).id == ids["org_a"]


def test_tests_go_to_one_s_own(store: Store) -> None:
    assert [each.webhook for each in desk(store, of("org_a")).test()] == ["a-hook"]
    assert {each.webhook for each in desk(store, ROOT).test()} == set(WHOSE)
    assert [each.webhook for each in desk(store, ROOT).test("b-hook")] == ["b-hook"]


@pytest.mark.parametrize("role", [Role.READ_ONLY, Role.OPERATOR])
def test_who_may_only_look(store: Store, ids: dict[str, str], role: Role) -> None:
    looking = desk(store, of("org_a", role))
    with pytest.raises(Forbidden):
        looking.retry(ids["org_a"])
    with pytest.raises(Forbidden):
        looking.test()
    # Not even whether another's exists.
    with pytest.raises(PathNotFound):
        looking.retry(ids["org_b"])


@pytest.mark.parametrize(
    "actor",
    [of("org_a", Role.MEMBER), of("org_a", team="team_1"), of(""), Actor("k", frozenset())],
)
def test_who_may_not_even_look(store: Store, actor: Actor) -> None:
    with pytest.raises(Forbidden):
        desk(store, actor)


def test_a_tenant_that_calls_itself_admin_is_none(store: Store, ids: dict[str, str]) -> None:
    scopes = frozenset({"admin", "read", "manage"})
    found, _ = desk(store, Actor("key_1", scopes, "org_a")).list(Wanted(None))
    assert [each.id for each in found] == [ids["org_a"]]


def test_what_was_done_is_in_the_audit(store: Store, ids: dict[str, str]) -> None:
    desk(store, of("org_a")).retry(ids["org_a"])
    made = desk(store, ROOT).test("ours")
    with store.database.reading() as connection:
        assert verify(connection).holds
        rows = connection.exec_driver_sql(
            "SELECT act, target, organisation, actor FROM audit ORDER BY number"
        ).all()
    assert [tuple(row) for row in rows] == [
        ("notice.retry", ids["org_a"], "org_a", "key_1"),
        ("notice.test", made[0].id, "", "local"),
    ]


def test_what_is_being_sent_is_left_as_it_is(store: Store, ids: dict[str, str]) -> None:
    [claim] = store.deliveries.claim("a-hook", 1, seconds=40)
    assert desk(store, of("org_a")).retry(claim.id).attempts == 0
    assert store.deliveries.waiting() == {"b-hook": 1, "ours": 1}
    with store.database.reading() as connection:
        assert not connection.exec_driver_sql("SELECT 1 FROM audit").all()
