"""`/api/v1/keys`: the life of a key, pages, and what is refused."""

from __future__ import annotations

import pytest

from tests.server.administering import ADMIN, administered
from tests.server.stage import KEY


@pytest.fixture
async def office(tmp_path):
    async with administered(tmp_path) as running:
        yield running


async def test_the_life_of_a_key(office):
    answer = await office.ask("POST", "keys", {"name": "nightly", "expires_in": 3600})
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    made = answer.json()
    text, key_id = made.pop("key"), made["id"]
    assert text.startswith("ak-1")
    assert made["state"] == "active"
    assert await office.get(f"keys/{key_id}") == made, "all but its text"
    rotated = await office.post(f"keys/{key_id}/rotate", {"overlap": 60})
    assert rotated["key"] != text
    assert [each["ends_at"] is None for each in rotated["secrets"]] == [True, False]
    listed = await office.get("keys")
    assert [each["id"] for each in listed["data"]] == [key_id]
    assert listed["next_cursor"] is None
    ended = await office.delete(f"keys/{key_id}")
    assert ended["state"] == "revoked"
    assert ended["secrets"] == []
    assert await office.delete(f"keys/{key_id}") == ended
    assert (await office.get("keys"))["data"] == []
    assert [each["id"] for each in (await office.get("keys", removed=True))["data"]] == [key_id]
    assert await office.post(f"keys/{key_id}/rotate", status=409)


async def test_pages_of_many_keys(office):
    made = [(await office.post("keys", {"name": f"k{n}"}))["id"] for n in range(25)]
    seen, cursor = [], {}
    while cursor is not None:
        page = await office.get("keys", limit=10, **cursor)
        seen.append([each["id"] for each in page["data"]])
        cursor = {"cursor": page["next_cursor"]} if page["next_cursor"] else None
    assert [len(page) for page in seen] == [10, 10, 5]
    assert [key for page in seen for key in page] == made[::-1]


async def test_who_may_not(office):
    assert (await office.ask("GET", "keys", key=None)).status_code == 401
    assert (await office.ask("GET", "keys", key="ak-1nonsense")).status_code == 401
    assert (await office.ask("GET", "keys", key=KEY)).status_code == 403
    assert (await office.ask("POST", "keys", {}, key=KEY)).status_code == 403
    assert (await office.ask("GET", "keys", key=ADMIN)).status_code == 200


REFUSED = [
    ({"nmae": "x"}, "nmae"),
    ({"role": "root"}, "role"),
    ({"models": "fast"}, "models"),
    ({"models": [1]}, "models.0"),
    ({"expires_in": 0}, "expires_in"),
    ({"expires_in": -1}, "expires_in"),
    ({"expires_in": 1e300}, "expires_in"),
    ({"expires_in": "60"}, "expires_in"),
    ({"expires_in": True}, "expires_in"),
    ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
    ({"expires_at": "9999-01-01T00:00:00Z"}, "expires_at"),
    ({"expires_at": "soon"}, "expires_at"),
    ({"expires_at": "2027-01-01", "expires_in": 5}, "expires_in"),
    ({"name": "a\u202eb"}, "name"),
    ({"name": "x" * 1000}, "name"),
    ([], None),
]


async def test_what_is_refused(office):
    for body, param in REFUSED:
        answer = await office.ask("POST", "keys", body)
        assert answer.status_code == 400, (body, answer.text)
        if param is not None:
            assert param in answer.text, body
    assert (await office.get("keys"))["data"] == []
    for query in ({"limit": 0}, {"limit": 501}, {"cursor": "no"}, {"teem": "x"}, {"team": "ü"}):
        assert (await office.ask("GET", "keys", **query)).status_code == 400, query
    for path in ("keys/key_no", "keys/ü", "keys/%00"):
        for method in ("GET", "DELETE"):
            assert (await office.ask(method, path)).status_code == 404, path


async def test_bodies_that_are_none(office):
    http, headers = office.road.http, {"authorization": f"Bearer {ADMIN}"}
    kind = {"content-type": "application/json"}
    for content in (b"{", b"\xff", b'{"name": "\\ud800"}', b'{"\\ud800": 1}', b"9" * 5000, b"NaN"):
        answer = await http.post("/api/v1/keys", content=content, headers={**headers, **kind})
        assert answer.status_code == 400, (content, answer.text)
    answer = await http.post("/api/v1/keys", content=b"x" * 300_000, headers={**headers, **kind})
    assert answer.status_code == 413
    assert "x-antiphon-request-id" in answer.headers
