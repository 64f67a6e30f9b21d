"""`GET /api/v1/usage` and `/api/v1/ledger.csv`: who sees what, in which form, and what is refused."""

from __future__ import annotations

import asyncio
import csv
import io

import pytest

from tests.server.stage import HELLO, KEY, stage

ADMIN = "admin-key-0123456789abcdef"
OTHER = "other-key-0123456789abcdef"
AUTH = {
    "required": True,
    "admin_key": ADMIN,
    "keys": [
        {"key": KEY, "team": "web", "department": "sales", "user": "alice"},
        {"key": OTHER, "team": "=data", "department": "ops", "user": "bob"},
    ],
}
USAGE, LEDGER = "/api/v1/usage", "/api/v1/ledger.csv"


@pytest.fixture
async def used(tmp_path):
    async with stage(tmp_path, auth=AUTH) as road:
        for key, model, times in ((KEY, "fast", 2), (OTHER, "fast", 1), (OTHER, "both", 1)):
            client = road.client.with_options(api_key=key)
            for _ in range(times):
                await client.chat.completions.create(model=model, messages=HELLO)
        await asyncio.to_thread(road.gateway.books.shipper.flush, 10)
        yield road


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


async def get(road, path: str = USAGE, key: str = ADMIN, **query: object):
    return await road.http.get(path, params=query, headers=bearer(key))


async def groups(road, by: str, key: str = ADMIN, **query: object) -> dict[object, int]:
    answer = (await get(road, key=key, by=by, **query)).json()
    words = by.split(",")
    return {
        tuple(row[word] for word in words) if len(words) > 1 else row[by]: row["attempts"]
        for row in answer["rows"]
    }


def rows_of(response) -> list[dict[str, str]]:
    assert response.headers["content-type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(response.content.decode(), newline="")))


async def test_by_everything(used):
    assert await groups(used, "team") == {"web": 2, "=data": 2}
    assert await groups(used, "department") == {"sales": 2, "ops": 2}
    assert await groups(used, "user") == {"alice": 2, "bob": 2}
    assert await groups(used, "alias") == {"fast": 3, "both": 1}
    assert await groups(used, "model,provider") == {("sim-small", "one"): 4}
    assert await groups(used, "alias", team="=data") == {"fast": 1, "both": 1}
    assert await groups(used, "alias", user=["alice", "bob"], model="one/sim-small") == {
        "fast": 3, "both": 1
    }  # fmt: skip
    assert sum((await groups(used, "day")).values()) == 4
    assert sum((await groups(used, "hour")).values()) == 4
    assert sum((await groups(used, "month")).values()) == 4
    assert len(await groups(used, "key")) == 2


async def test_the_answer(used):
    answer = (await get(used, by="team", **{"from": "2026-01-01"})).json()
    assert list(answer) == [
        *("from", "to", "by", "covered", "notes", "rows", "totals", "next_cursor", "behind")
    ]
    assert answer["behind"] is False
    assert (answer["from"], answer["to"]) == ("2026-01-01T00:00:00Z", None)
    assert answer["covered"] == {"from": "2026-01-01T00:00:00Z", "to": None}
    assert answer["by"] == ["team"]
    assert answer["next_cursor"] is None
    first, second = answer["rows"]
    assert set(first) == {*answer["totals"], "team"}, "no word that was not asked by"
    for name, total in answer["totals"].items():
        if name not in {"cost_usd", "duration_seconds"}:
            assert first[name] + second[name] == total
    assert first["input_total"] > 0
    assert first["output_total"] > 0
    assert first["duration_seconds"] > 0
    assert isinstance(first["cost_usd"], str)
    billionths = int(first["cost_usd"].replace(".", ""))
    assert billionths == first["cost_billionths"]


async def test_a_key_sees_its_own_use(used):
    assert await groups(used, "team", key=KEY) == {"web": 2}
    assert await groups(used, "user", key=OTHER) == {"bob": 2}
    answer = (await get(used, key=KEY, by="team", team="=data")).json()
    assert answer["rows"] == []
    assert answer["totals"]["attempts"] == 0
    assert len(rows_of(await get(used, key=KEY, by="team", format="csv"))) == 1


async def test_without_a_known_key(used):
    for headers in ({}, bearer("wrong")):
        response = await used.http.get(USAGE, headers=headers)
        assert response.status_code == 401
        assert response.headers["www-authenticate"] == "Bearer"
    assert (await get(used, LEDGER, KEY)).status_code == 403
    assert (await used.http.get(LEDGER)).status_code == 401


async def test_where_no_key_is_required_usage_needs_one_all_the_same(road):
    assert (await road.http.get(USAGE)).status_code == 401


async def test_pages(used):
    seen, cursor = [], None
    while True:
        more = {"cursor": cursor} if cursor else {}
        answer = (await get(used, by="user,alias", limit=1, **more)).json()
        assert answer["totals"]["attempts"] == 4
        seen += [(row["user"], row["alias"]) for row in answer["rows"]]
        cursor = answer["next_cursor"]
        if cursor is None:
            break
    assert sorted(seen) == [("alice", "fast"), ("bob", "both"), ("bob", "fast")]


async def test_a_cursor_of_another_question_or_key(used):
    cursor = (await get(used, by="alias", limit=1)).json()["next_cursor"]
    assert cursor
    for query, key in (
        ({"by": "team"}, ADMIN),
        ({"by": "alias", "team": "web"}, ADMIN),
        ({"by": "alias"}, OTHER),
        ({"by": "alias", "from": "2026-01-01"}, ADMIN),
    ):
        response = await get(used, key=key, cursor=cursor, **query)
        assert response.status_code == 400
        assert response.json()["param"] == "cursor"


WRONG = [
    ("by", {"by": "teem"}),
    ("by", {"by": ""}),
    ("by", {"by": "team,"}),
    ("from", {"from": "yesterday"}),
    ("from", {"from": ""}),
    ("from", {"from": "1969-01-01"}),
    ("from", {"from": "2026-02-01", "to": "2026-01-01"}),
    ("to", {"to": "99999-01-01"}),
    ("to", {"to": "2026-02-30"}),
    ("limit", {"limit": 0}),
    ("limit", {"limit": 1001}),
    ("limit", {"limit": 10**30}),
    ("limit", {"limit": "many"}),
    ("cursor", {"cursor": "garbage"}),
    ("cursor", {"cursor": ""}),
    ("format", {"format": "xml"}),
    ("teem", {"teem": "web"}),
    ("team", {"team": ["x"] * 101}),
    ("limit", {"limit": 5, "format": "csv"}),
    ("cursor", {"cursor": "x", "format": "csv"}),
]


async def test_what_is_refused(tmp_path):
    async with stage(tmp_path, auth=AUTH) as road:
        for param, query in WRONG:
            response = await get(road, **query)
            assert response.status_code == 400, query
            problem = response.json()
            assert problem["param"] == param, query
            assert param in problem["detail"], query
            assert problem["code"] == "bad_request"
            assert response.headers["x-should-retry"] == "false"
            if set(query) <= {"from", "to", "teem"}:
                assert (await get(road, LEDGER, **query)).json()["param"] == param


@pytest.mark.parametrize("way", ["format", "accept"])
async def test_csv(used, way):
    query = {"format": "csv"} if way == "format" else {}
    headers = {**bearer(ADMIN), "accept": "text/csv" if way == "accept" else "application/json"}
    response = await used.http.get(USAGE, params={"by": "team,alias", **query}, headers=headers)
    found = rows_of(response)
    assert [(each["team"], each["alias"]) for each in found] == [
        ("'=data", "both"), ("'=data", "fast"), ("web", "fast")
    ]  # fmt: skip
    plain = (await get(used, by="team,alias")).json()["rows"]
    assert list(found[0])[:2] == ["team", "alias"]
    assert [each["cost_usd"] for each in found] == [each["cost_usd"] for each in plain]
    assert [int(each["input_total"]) for each in found] == [each["input_total"] for each in plain]


async def test_the_whole_ledger(used):
    found = rows_of(await get(used, LEDGER))
    assert len(found) == 4
    assert {each["user"] for each in found} == {"alice", "bob"}
    assert {each["team"] for each in found} == {"web", "'=data"}
    assert rows_of(await get(used, LEDGER, to="2026-01-01")) == []


async def test_csv_in_many_pieces(used, monkeypatch):
    """More than a page, to a caller who reads slowly: nothing is missing."""
    from functools import partial

    from antiphon.server import api_usage

    monkeypatch.setattr(api_usage, "export_csv", partial(api_usage.export_csv, size=1))
    headers = bearer(ADMIN)
    async with used.http.stream("GET", LEDGER, headers=headers) as response:
        text = b"".join([piece async for piece in response.aiter_raw(7)])
    assert text.count(b"\r\n") == 5
    async with used.http.stream("GET", LEDGER, headers=headers) as response:
        await anext(response.aiter_raw(7))
    assert (await get(used, LEDGER)).status_code == 200, "who left keeps no place"


async def test_a_database_that_cannot_be_read(used, monkeypatch):
    from antiphon.errors import StorageFailed

    def failing(*_arguments, **_options):
        raise StorageFailed("the disk of the database fails (x)", code="full")

    monkeypatch.setattr(used.gateway.books.database, "reading", failing)
    for path, query in ((USAGE, {}), (USAGE, {"format": "csv"}), (LEDGER, {})):
        response = await get(used, path, **query)
        assert response.status_code == 503
        assert "the disk of the database fails" in response.json()["detail"]


async def test_too_many_readers(used, monkeypatch):
    from antiphon.server import api_usage

    monkeypatch.setattr(api_usage, "_PATIENCE", 0.01)
    monkeypatch.setattr(api_usage, "_AT_ONCE", 0)
    from antiphon.server.management import create_management

    app = create_management(used.gateway)
    import httpx2

    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        response = await client.get(USAGE, headers=bearer(ADMIN))
    assert response.status_code == 503
    assert response.headers["retry-after"] == "1"


async def test_the_schema(used):
    schema = (await used.http.get("/openapi.json")).json()
    parameters = {each["name"]: each for each in schema["paths"][USAGE]["get"]["parameters"]}
    assert {"by", "from", "to", "limit", "cursor", "format", "model", "user"} <= set(parameters)
    assert parameters["limit"]["schema"]["maximum"] == 1000
    for path in (USAGE, LEDGER):
        operation = schema["paths"][path]["get"]
        assert operation["security"] == [{"bearer": []}]
        assert "422" not in operation["responses"]
        assert "text/csv" in operation["responses"]["200"]["content"]
