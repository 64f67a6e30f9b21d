"""Tenants, people and the audit over HTTP: names, pages, and an entry for every act."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from antiphon.access.audit import Head
from tests.server.administering import ADMIN, administered
from tests.server.stage import stage

NAMES = [
    *("Größe & Co.", "王芳", "Ольга Петрова", "Νίκος", "שרה", "فاطمة الزهراء", "ศิริพร", "தமிழ்"),
    *("नेहा", "ქეთევან", "Հայկ", "한국 팀", "ゆうこ", "አበበ", "👩‍💻 team", "می‌خواهم", "O'Brien <b>"),
]
REFUSED = [
    *("", " ", " a", "a ", "a  b", "a\nb", "a\x00b", "a\u202eb", "a\u200bb", "\ud800", "\ue000"),
    *("a" + "\u0300" * 9, "x" * 101, "\ufeffa", "a\u00a0b", "\u2028"),
]
"""No names: empty, hidden, turned round, piled up, too long."""


@pytest.fixture
async def office(tmp_path):
    async with administered(tmp_path) as running:
        yield running


async def everything(office, path: str, **query: object) -> list[dict]:
    found, cursor = [], {}
    while cursor is not None:
        page = await office.get(path, **query, **cursor)
        assert set(page) == {"data", "next_cursor"}
        found += page["data"]
        cursor = {"cursor": page["next_cursor"]} if page["next_cursor"] else None
    return found


async def test_names_in_many_scripts(office):
    for kind in ("teams", "users", "departments", "organisations"):
        made = {name: await office.post(kind, {"name": name}) for name in NAMES}
        for name, facts in made.items():
            assert facts["name"] == name
            [found] = (await office.get(kind, name=name.upper()))["data"]
            assert found == facts
            answer = await office.ask("POST", kind, {"name": name.lower()})
            assert answer.status_code == 409, name
        for name in REFUSED:
            answer = await office.ask("POST", kind, {"name": name})
            assert answer.status_code == 400, repr(name)
            assert "name" in answer.text
    assert {each["name"] for each in await everything(office, "users", limit=3)} == set(NAMES)


async def test_pages_through_250_keys(office):
    def make() -> list[str]:
        from antiphon.access.desk import Access
        from antiphon.access.walls import operator_here

        access = Access(office.gateway.books.database, clock=office.gateway.clock)
        access.organisations(operator_here()).default()
        desk = access.at(operator_here(), "org_default")
        return [desk.keys.create(name=str(number)).facts.id for number in range(250)]

    made = await asyncio.to_thread(make)
    for limit in (1, 7, 100, 250, 500):
        if limit > 1:
            keys = await everything(office, "keys", limit=limit)
            assert [each["id"] for each in keys] == made[::-1]
    page = await office.get("keys", limit=100)
    await office.delete(f"keys/{page['next_cursor']}")
    after = await office.get("keys", limit=100, cursor=page["next_cursor"])
    assert [each["id"] for each in after["data"]] == made[149:49:-1], "a cursor outlives its key"
    other = (await office.post("organisations", {"name": "other"}))["id"]
    answer = await office.ask("GET", "keys", organisation=other, cursor=page["next_cursor"])
    assert answer.status_code == 400


async def test_every_act_has_an_entry(office):
    before = len(await everything(office, "audit", limit=500))
    department = (await office.post("departments", {"name": "d"}))["id"]
    team = (await office.post("teams", {"name": "t", "department": department}))["id"]
    user = (await office.post("users", {"name": "u", "team": team}))["id"]
    await office.patch(f"users/{user}", {"role": "operator"})
    key = (await office.post("keys", {"user": user}))["id"]
    answer = await office.ask("POST", f"keys/{key}/rotate", {"overlap": 5})
    for path in (f"keys/{key}", f"users/{user}", f"teams/{team}", f"departments/{department}"):
        await office.delete(path)
    await office.delete(f"users/{user}", erase=True)
    entries = (await everything(office, "audit", limit=3))[: -before or None][::-1]
    assert [(each["act"], each["target"]) for each in entries] == [
        ("department.create", department),
        ("team.create", team),
        ("user.create", user),
        ("user.change", user),
        ("key.create", key),
        ("key.rotate", key),
        ("key.revoke", key),
        ("user.remove", user),
        ("team.remove", team),
        ("department.remove", department),
        ("user.erase", user),
    ]
    assert {(each["actor"], each["via"], each["organisation"]) for each in entries} == {
        ("admin", "api", "org_default")
    }
    [rotated] = await everything(office, "audit", act="key.rotate")
    assert rotated["request"] == answer.headers["x-antiphon-request-id"]
    assert len({each["request"] for each in entries}) == len(entries)
    assert len(await everything(office, "audit", target=user)) == 4
    for earlier, later in itertools.pairwise(entries):
        assert later["previous"] == earlier["hash"]


async def test_the_proof(office):
    await office.post("teams", {"name": "web"})
    verdict = await office.get("audit/verify")
    assert verdict["holds"]
    assert verdict["findings"] == []
    head = Head(**verdict["head"])
    assert (await office.get("audit/verify", head=f"{head.number}:{head.hash}"))["holds"]
    with office.gateway.books.database.writing() as connection:
        connection.exec_driver_sql("UPDATE audit SET act = 'team.remove' WHERE act = 'team.create'")
    verdict = await office.get("audit/verify")
    assert not verdict["holds"]
    assert verdict["findings"][0]["kind"] == "altered"
    for text in ("x", "1:x", ":", "1" * 30 + ":" + "0" * 64, "-1:" + "0" * 64):
        answer = await office.ask("GET", "audit/verify", head=text)
        assert answer.status_code == 400, text
    for cursor in ("x", "-1", "9" * 50, "1.5", "²", ""):
        answer = await office.ask("GET", "audit", cursor=cursor)
        assert answer.status_code == 400, cursor


async def test_where_no_key_is_required_administration_needs_one(tmp_path):
    async with stage(tmp_path, auth={"admin_key": ADMIN}) as road:
        assert (await road.http.get("/api/v1/keys")).status_code == 401
        answer = await road.http.get("/api/v1/keys", headers={"x-api-key": ADMIN})
        assert answer.status_code == 200


async def test_what_the_document_says(office):
    schema = (await office.road.http.get("/openapi.json")).json()
    paths = schema["paths"]
    assert "key" in schema["components"]["schemas"]["NewVirtualKeyView"]["properties"]
    assert "key" not in schema["components"]["schemas"]["VirtualKeyView"]["properties"]
    for path in ("keys", "teams", "users", "departments", "organisations"):
        for operation in (*paths[f"/api/v1/{path}"].values(),):
            assert operation["summary"]
            assert operation["description"]
            assert operation["security"]
            assert {"401", "403", "400"} <= operation["responses"].keys()
        names = {each["name"] for each in paths[f"/api/v1/{path}"]["get"]["parameters"]}
        assert {"limit", "cursor", "removed"} <= names
