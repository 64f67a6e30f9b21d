"""Every operation, with another tenant's ids in each place, by keys of every role."""

from __future__ import annotations

import itertools
from collections import Counter

import httpx2
import pytest

from tests.walls.asking import asking, check
from tests.walls.document import KINDS, NAMES, members_of, operations
from tests.walls.tenants import NOBODY, STATIC, STRANGER, Gateway, Tenant


@pytest.fixture(scope="module")
def tenants(gateway: Gateway) -> list[Tenant]:
    made = [gateway.tenant() for _ in range(2)]
    for tenant in made:
        for key in tenant.keys:
            tenant.chat(key)
    return made


def test_every_operation_with_another_tenant_s_ids(gateway, tenants):
    """One place at a time, and all at once."""
    own, other = tenants
    statuses: Counter[int] = Counter()
    turns = itertools.count()
    for operation in operations(gateway.document):
        members = [name for name in members_of(operation) if name in KINDS]
        places = [*operation.ids, *operation.asked, *members]
        chosen = [[place] for place in places] + ([places] if len(places) > 1 else [])
        for key in (*own.keys, STATIC, STRANGER, NOBODY):
            for foreign in chosen if key in own.keys else chosen[-1:]:

                def choose(pool: list[str]) -> str:
                    return pool[next(turns) % len(pool)]

                asked = asking(
                    operation,
                    own,
                    dict.fromkeys(foreign, other),
                    choose,
                    query=[name for name in operation.asked if name in foreign],
                    members=[name for name in members if name in foreign],
                )
                if operation.writes and not _is_foreign(foreign):
                    continue
                holder = own if key in own.keys else None
                statuses[check(gateway, asked, key, holder, tenants).status_code] += 1
    assert statuses[404] > 100
    assert statuses[401] > 50
    assert statuses[403] > 20
    assert statuses[200] > 20, "filters by what is another's find nothing"


def test_every_operation_within_a_tenant(gateway, tenants):
    """Keys of one team, and those that may not read: what is not theirs is not there."""
    own, _ = tenants
    asked_for: Counter[str] = Counter()
    for operation in operations(gateway.document):
        for key in own.keys:
            hidden = own.kept_from(key)
            members = [name for name in members_of(operation) if name in KINDS]
            for place in [None, *operation.ids, *operation.asked, *members]:
                kind = KINDS.get(place or "")
                for id_ in [each for each, what in hidden.items() if what == kind][:2] or [None]:
                    asked = asking(
                        operation,
                        own,
                        {},
                        lambda pool: pool[0],
                        query=[place] if place in operation.asked else [],
                        members=[place] if place in members else [],
                    )
                    if id_ is not None:
                        asked = asked.put(place, id_)
                    if operation.writes and id_ is None:
                        continue
                    check(gateway, asked, key, own, tenants)
                    asked_for[operation.method] += 1
    assert asked_for["GET"] > 100
    assert asked_for["POST"] > 20


def _is_foreign(places: list[str]) -> bool:
    return any(place not in NAMES for place in places)


def test_every_list_page_by_page(gateway, tenants):
    """The cursor of a page is for whoever got it, and for nobody else."""
    own, other = tenants
    paged = 0
    for operation in operations(gateway.document):
        if operation.writes:
            continue
        told = gateway.document["paths"][operation.path]["get"]
        names = {each["name"] for each in told.get("parameters", ())}
        cursor = "cursor" if "cursor" in names else "before"
        if "limit" not in names or cursor not in names:
            continue
        for key in own.keys:
            query, seen = {"limit": "1"}, 0
            while seen < 3:
                page = _page(gateway, operation.path, query, key.text)
                if page.status_code != 200:
                    assert page.status_code in {403, 404}, page.text
                    break
                assert other.canary not in page.text
                after = page.json().get("next_cursor") or page.json().get("next")
                if after is None:
                    break
                query, seen = {"limit": "1", cursor: after}, seen + 1
                elsewhere = _page(gateway, operation.path, query, other.keys[0].text)
                assert elsewhere.status_code in {200, 400, 403, 404}, elsewhere.text
                assert own.canary not in elsewhere.text
            paged += seen
    assert paged > 30


def _page(gateway: Gateway, path: str, query: dict[str, str], key: str) -> httpx2.Response:
    # By key there are several rows, of which a tenant sees its own.
    by = {"by": "key"} if path.endswith("/usage") else {}
    bearer = {"authorization": f"Bearer {key}"}
    return gateway.http.get(path, params={**by, **query}, headers=bearer)


SHORT = [
    *(("key", "key"), ("user", "user"), ("team", "team"), ("department", "department")),
    *(("alias", ""), ("deployment", ""), ("provider", ""), ("organisation", "organisation")),
]


def test_what_a_tenant_forbids_itself_is_not_forbidden_to_another(gateway, tenants):
    """Limits and budgets of nothing, on whatever another tenant has."""
    other = tenants[1]
    own = gateway.tenant()
    admin = {"authorization": f"Bearer {own.keys[0].text}"}
    theirs = {"alias": "fast", "deployment": "lab/sim-small", "provider": "lab"}
    made = 0
    for scope, kind in SHORT:
        shown = (
            gateway.root("GET", f"{kind}s/{other.ids[kind][0]}", **at(other, kind)) if kind else {}
        )
        for name in {shown.get("id", ""), shown.get("name", ""), theirs.get(scope, "")} | {""}:
            for path, measure in (("limits", {"requests": 0}), ("budgets", {"limit": 0})):
                body = {"scope": scope, "name": name, **measure}
                answer = gateway.http.post(f"/api/v1/{path}", json=body, headers=admin)
                assert answer.status_code in {201, 400, 403, 404, 409}, answer.text
                made += answer.status_code == 201
                if name and name not in theirs.values():
                    body["name"] = "key_0123456789abcdef"
                    nobody = gateway.http.post(f"/api/v1/{path}", json=body, headers=admin)
                    told = [
                        (each.status_code, each.json().get("detail")) for each in (answer, nobody)
                    ]
                    assert told[0] == told[1]
    assert made > 5
    for key in other.keys:
        if key.role != "read-only":
            other.chat(key)
            assert other.last == 200, key.role


def at(tenant: Tenant, kind: str) -> dict[str, str]:
    return {} if kind == "organisation" else {"organisation": tenant.id}


def test_both_were_left_as_they_were(gateway, tenants):
    for tenant in tenants:
        for key in tenant.keys:
            answer = gateway.http.get(
                f"/api/v1/keys/{key.id}", headers={"authorization": f"Bearer {key.text}"}
            )
            assert answer.json()["state"] == "active"


def test_the_canaries_are_there(gateway, tenants):
    """Whoever may see them does: what is not found elsewhere could be found."""
    for tenant in tenants:
        admin = tenant.keys[0]
        for path in ("teams", "users", "keys", "departments"):
            answer = gateway.http.get(
                f"/api/v1/{path}", headers={"authorization": f"Bearer {admin.text}"}
            )
            assert answer.text.count(tenant.canary) >= 1, path
        usage = gateway.http.get(
            "/api/v1/usage?by=key", headers={"authorization": f"Bearer {admin.text}"}
        )
        assert tenant.keys[0].id in usage.text
