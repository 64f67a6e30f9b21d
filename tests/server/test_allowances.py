"""Budgets and limits that are made, changed and removed while the gateway serves."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.server.administering import ADMIN, Administered, administered
from tests.server.purses import AUTH, OTHER, PRICED, budgets
from tests.server.stage import HELLO, KEY

SECTIONS: dict[str, Any] = {"auth": {**AUTH, "admin_key": ADMIN}, "provider": PRICED}
SOON = 10
"""Seconds: what is promised is one."""


async def ask(office: Administered, key: str = KEY) -> httpx2.Response:
    body = {"model": "fast", "messages": HELLO, "max_tokens": 50}
    headers = {"authorization": f"Bearer {key}"}
    return await office.road.http.post("/v1/chat/completions", json=body, headers=headers)


async def until(office: Administered, status: int, key: str = KEY) -> httpx2.Response:
    """What is answered once it has this status, which it has soon."""
    async with asyncio.timeout(SOON):
        while (answer := await ask(office, key)).status_code != status:
            assert answer.status_code in {200, 402, 403, 429}, answer.text
    return answer


async def keys_of(office: Administered, name: str, *roles: str) -> tuple[str, dict[str, str]]:
    """An organisation with a team `web`, and a key of each role in it."""
    organisation = (await office.post("organisations", {"name": name}))["id"]
    await office.post("teams", {"name": "web"}, organisation=organisation)
    keys = {}
    for role in roles:
        made = await office.post("keys", {"role": role}, organisation=organisation)
        keys[role] = made["key"]
    return organisation, keys


# ------------------------------------------------------------------ in force within a second


async def test_a_budget_while_it_serves(tmp_path):
    async with administered(tmp_path, **SECTIONS) as office:
        assert (await ask(office)).status_code == 200
        terms = {"scope": "team", "name": "web", "per": "total", "ask": "#finance"}
        made = await office.post("budgets", {**terms, "limit": "0.00001"}, status=201)
        refused = await until(office, 402)
        assert "please contact #finance" in refused.json()["error"]["message"]
        assert (await ask(office, OTHER)).status_code == 200
        path = f"budgets/{made['id']}"
        assert (await office.patch(path, {"limit": 1}))["limit"] == "1"
        await until(office, 200)
        await office.patch(path, {"limit": "0"})
        await until(office, 402)
        assert (await office.delete(path))["removed_at"]
        await until(office, 200)


async def test_a_limit_while_it_serves(tmp_path):
    async with administered(tmp_path, **SECTIONS) as office:
        terms = {"scope": "team", "name": "web", "per": "hour"}
        made = await office.post("limits", {**terms, "requests": 1}, status=201)
        refused = await until(office, 429)
        assert "retry-after" in refused.headers
        assert (await ask(office, OTHER)).status_code == 200
        path = f"limits/{made['id']}"
        [use] = (await office.get(path))["uses"]
        assert (use["name"], use["measure"], use["bound"]) == ("web", "requests", "1")
        assert int(use["used"]) >= 1
        await office.patch(path, {"requests": 1000})
        await until(office, 200)
        await office.patch(path, {"requests": 0})
        await until(office, 403)
        await office.delete(path)
        await until(office, 200)


async def test_a_restart_keeps_it_from_the_first_request_on(tmp_path):
    async with administered(tmp_path, **SECTIONS) as office:
        await office.post("budgets", {"scope": "team", "name": "web", "limit": 0}, status=201)
        limit = {"scope": "team", "name": "data", "requests": 0}
        await office.post("limits", limit, status=201)
    async with administered(tmp_path, **SECTIONS) as office:
        assert (await ask(office)).status_code == 402
        assert (await ask(office, OTHER)).status_code == 403


async def test_leases_that_cannot_be_opened(tmp_path, caplog):
    """What held before holds on, and the budget comes into force when they can."""
    async with administered(tmp_path, **SECTIONS) as office:
        in_the_way = tmp_path / "antiphon-leases.db"
        in_the_way.mkdir()
        made = await office.post("budgets", {"scope": "team", "limit": 0}, status=201)
        async with asyncio.timeout(SOON):
            while "cannot be seen" not in caplog.text:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert (await ask(office)).status_code == 200
        assert (await office.get(f"budgets/{made['id']}"))["uses"] == []
        in_the_way.rmdir()
        await until(office, 402)


async def test_what_is_used(tmp_path):
    async with administered(tmp_path, **SECTIONS) as office:
        named = {"scope": "team", "name": "web", "limit": "2", "per": "total"}
        made = await office.post("budgets", named, status=201)
        [use] = made["uses"]
        assert (use["name"], use["period"], use["spent_usd"]) == ("web", "total", "0.000000000")
        assert (use["left_usd"], use["resets_at"]) == ("2.000000000", None)
        each = {"scope": "team", "limit": "1", "per": "total"}
        each_of_them = await office.post("budgets", each, status=201)
        month = {"scope": "organisation", "limit": "1", "per": "month"}
        of_all = await office.post("budgets", month, status=201)
        paths = [f"budgets/{each['id']}" for each in (made, each_of_them, of_all)]

        async def spent() -> list[float]:
            await office.road.at_rest()
            return [
                sum(float(use["spent_usd"]) for use in (await office.get(path))["uses"])
                for path in paths
            ]

        async with asyncio.timeout(SOON):
            while not all(before := await spent()):
                for key in (KEY, OTHER):
                    assert (await ask(office, key)).status_code == 200
        for key in (KEY, OTHER):
            await ask(office, key)
        web, data, both = (now - then for now, then in zip(await spent(), before, strict=True))
        assert web > 0
        assert data > 0
        assert both == pytest.approx(web + data)
        [use] = (await office.get(paths[0]))["uses"]
        assert use["share"] == pytest.approx(float(use["spent_usd"]) / 2)
        [use] = (await office.get(paths[1]))["uses"]
        assert use["name"] == "data", "web has one of its own"
        [use] = (await office.get(paths[2]))["uses"]
        assert use["name"] == "org_default"
        assert use["resets_at"].endswith("-01T00:00:00Z")
    async with administered(tmp_path, **SECTIONS) as office:
        [again] = (await office.get(paths[2]))["uses"]
        assert again["spent_usd"] == use["spent_usd"], "after a restart as well"


# ------------------------------------------------------------------ beside the configuration


async def test_both_hold(tmp_path):
    sections = budgets({"scope": "team", "limit": "0"}, {"scope": "user", "limit": "100"})
    sections["auth"] = SECTIONS["auth"]
    async with administered(tmp_path, **sections) as office:
        more = {"scope": "team", "name": "web", "per": "total", "limit": 1000}
        made = await office.post("budgets", more, status=201)
        less = {"scope": "user", "name": "alice", "per": "total", "limit": 0}
        await office.post("budgets", less, status=201)
        listed = await office.get("budgets")
        fixed = listed["data"][0]
        assert [each["source"] for each in listed["data"]] == ["configuration"] * 2 + [
            "database"
        ] * 2
        assert (await ask(office)).status_code == 402, "what the file says is not lifted"
        await office.patch(f"budgets/{fixed['id']}", {"limit": 1}, status=409)
        await office.delete(f"budgets/{fixed['id']}", status=409)
        assert (await office.get(f"budgets/{fixed['id']}"))["limit"] == "0"
        await office.get("budgets/cfg_0000000000000000", status=404)
        await office.delete("budgets/cfg_0000000000000000", status=404)
        assert (await office.get(f"budgets/{made['id']}"))["limit"] == "1000"


async def test_one_of_the_database_holds_beside_the_file(tmp_path):
    sections = budgets({"scope": "team", "limit": "100"})
    sections["auth"] = SECTIONS["auth"]
    async with administered(tmp_path, **sections) as office:
        assert (await ask(office)).status_code == 200
        less = {"scope": "team", "per": "total", "limit": 0}
        await office.post("budgets", less, status=201)
        await until(office, 402)


async def test_pages(tmp_path):
    sections = budgets({"scope": "team", "limit": "1"}, {"scope": "key", "limit": "1"})
    sections["auth"] = SECTIONS["auth"]
    async with administered(tmp_path, **sections) as office:
        whole = [each["id"] for each in (await office.get("budgets"))["data"]]
        for scope in ("user", "department", "organisation"):
            made = await office.post("budgets", {"scope": scope, "limit": 1}, status=201)
            whole.insert(2, made["id"])
        for size in range(1, 7):
            found, cursor = [], None
            while cursor is not None or not found:
                query = {} if cursor is None else {"cursor": cursor}
                answer = await office.get("budgets", limit=size, **query)
                assert len(answer["data"]) <= size
                found += [each["id"] for each in answer["data"]]
                cursor = answer["next_cursor"]
            assert found == whole, size
        only = await office.get("budgets", scope="key")
        assert [each["id"] for each in only["data"]] == [whole[1]]
        for cursor in ("cfg_0", "bud_0", "\u2028"):
            await office.get("budgets", cursor=cursor, status=400)


# ------------------------------------------------------------------ whose it is, and who may


async def test_a_tenant_bounds_itself_alone(tmp_path):
    async with administered(tmp_path, **SECTIONS) as office:
        (one, ours), (_, theirs) = [
            await keys_of(office, name, "member", "admin") for name in ("one", "other")
        ]
        body = {"scope": "team", "limit": 0}
        made = await office.post("budgets", body, status=201, key=ours["admin"])
        assert made["organisation"] == one
        await office.get(f"budgets/{made['id']}", key=theirs["admin"], status=404)
        for method, change in (("PATCH", {"limit": 5}), ("DELETE", None)):
            path = f"budgets/{made['id']}"
            answer = await office.ask(method, path, change, key=theirs["admin"])
            assert answer.status_code == 404
        assert (await office.get("budgets", key=theirs["admin"]))["data"] == []
        assert (await office.get("budgets"))["data"] == []
        organisation = {"organisation": one}
        [seen] = (await office.get("budgets", **organisation))["data"]
        assert seen["id"] == made["id"]
        await office.get("budgets", key=theirs["admin"], status=404, **organisation)
        # Its keys have no team, so that budget is nobody's yet; that of each key is.
        await office.post("budgets", {"scope": "key", "limit": 0}, key=ours["admin"], status=201)
        await until(office, 402, ours["member"])
        assert (await ask(office, theirs["member"])).status_code == 200
        assert (await ask(office)).status_code == 200


async def test_who_may(tmp_path):
    async with administered(tmp_path, **SECTIONS) as office:
        one, keys = await keys_of(office, "one", "read-only", "member", "operator", "admin")
        body = {"scope": "team", "name": "web", "limit": 5}
        made = await office.post("budgets", body, organisation=one, status=201)
        path = f"budgets/{made['id']}"
        for role, sees in (("read-only", 200), ("member", 404), ("operator", 200)):
            key = keys[role]
            await office.get(path, key=key, status=sees)
            changed = 403 if sees == 200 else 404
            await office.post("budgets", {**body, "per": "day"}, key=key, status=403)
            await office.patch(path, {"limit": 6}, key=key, status=changed)
            await office.delete(path, key=key, status=changed)
        await office.patch(path, {"limit": 6}, key=keys["admin"])
        whole = {"scope": "organisation", "limit": 5}
        await office.post("budgets", whole, key=keys["admin"], status=403)
        await office.get("budgets", key=None, status=401)
        acts = (await office.get("audit", organisation=one))["data"]
        told = [each["act"] for each in acts if each["target"] == made["id"]]
        assert told == ["budget.change", "budget.create"]


async def test_a_team_does_not_raise_its_own(tmp_path):
    async with administered(tmp_path, **SECTIONS) as office:
        team = await office.post("teams", {"name": "shop"})
        key = (await office.post("keys", {"role": "admin", "team": team["id"]}))["key"]
        body = {"scope": "team", "name": "shop", "limit": 0}
        made = await office.post("budgets", body, status=201)
        await office.post("budgets", {"scope": "team", "limit": 1}, status=201)
        [seen] = (await office.get("budgets", key=key))["data"]
        assert (seen["id"], seen["target"]) == (made["id"], team["id"])
        await office.patch(f"budgets/{made['id']}", {"limit": 9}, key=key, status=403)
        await office.delete(f"budgets/{made['id']}", key=key, status=403)
        await office.post("limits", {"scope": "team", "requests": 9}, key=key, status=403)
        await until(office, 402, key)


async def test_limits_that_all_tenants_are_in_together(tmp_path):
    async with administered(tmp_path, **SECTIONS) as office:
        one, keys = await keys_of(office, "one", "admin", "member")
        body = {"scope": "alias", "name": "fast", "requests": 0}
        await office.post("limits", body, key=keys["admin"], status=403)
        await office.post("limits", body, organisation=one, status=400)
        await office.post("limits", {**body, "name": "nothing"}, status=404)
        await office.post("limits", body, status=201)
        await until(office, 403)
        assert (await ask(office, keys["member"])).status_code == 403


# ------------------------------------------------------------------ what cannot be


@pytest.mark.parametrize("limit", [-1, "-0.01", "1e30", 1e12, "nan", "Infinity", True, "", "x", []])
async def test_amounts_that_are_none(office, limit):
    answer = await office.ask("POST", "budgets", {"scope": "team", "limit": limit})
    assert answer.status_code == 400, answer.text
    [flaw, *_] = answer.json()["errors"]
    assert flaw["pointer"] == "#/limit"
    assert (await office.get("budgets"))["data"] == []


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("budgets", {"scope": "planet", "limit": 1}),
        ("budgets", {"scope": "organisation", "name": "x", "limit": 1}),
        ("budgets", {"scope": "team", "limit": 1, "per": "week"}),
        ("budgets", {"scope": "team", "limit": 1, "warn_at": [2]}),
        ("budgets", {"scope": "team", "limit": 1, "organisation": "org_default"}),
        ("budgets", {"scope": "team", "limit": 1, "surprise": 1}),
        ("limits", {"scope": "team"}),
        ("limits", {"scope": "team", "requests": -1}),
        ("limits", {"scope": "team", "requests": 1e30}),
        ("limits", {"scope": "team", "requests": 1, "per": 0}),
        ("limits", {"scope": "team", "dollars": "nan"}),
        ("limits", {"scope": "organisation", "name": "org_default", "requests": 1}),
    ],
)
async def test_what_cannot_be(office, kind, body):
    answer = await office.ask("POST", kind, body)
    assert answer.status_code == 400, answer.text
    assert (await office.get(kind))["data"] == []


async def test_not_a_number_in_the_body(office):
    answer = await office.road.http.post(
        "/api/v1/budgets",
        content=b'{"scope": "team", "limit": NaN}',
        headers={"authorization": f"Bearer {ADMIN}", "content-type": "application/json"},
    )
    assert answer.status_code == 400
    made = await office.post("budgets", {"scope": "team", "limit": 1}, status=201)
    for change in ({"limit": -1}, {"limit": None}, {"scope": "key"}, {"per": "week"}, []):
        await office.patch(f"budgets/{made['id']}", change, status=400)
    assert (await office.get(f"budgets/{made['id']}"))["limit"] == "1"


async def test_two_alike(office):
    body = {"scope": "team", "name": "web", "limit": 1}
    made = await office.post("budgets", body, status=201)
    answer = await office.ask("POST", "budgets", {**body, "limit": 2})
    assert answer.status_code == 409
    assert made["id"] in answer.json()["detail"]
    day = await office.post("budgets", {**body, "per": "day"}, status=201)
    await office.patch(f"budgets/{day['id']}", {"per": "month"}, status=409)
    await office.post("budgets", {**body, "name": "nobody"}, status=404)


@pytest.fixture
async def office(tmp_path: Path):
    async with administered(tmp_path, **SECTIONS) as office:
        yield office
