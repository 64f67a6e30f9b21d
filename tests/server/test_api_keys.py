"""`/api/v1/keys`: the life of a key, pages, and what is refused."""

from __future__ import annotations

import asyncio

import pytest

from tests.server.administering import ADMIN, administered
from tests.server.stage import HELLO, KEY


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


async def status_of_chat(office, key: str, model: str = "fast") -> int:
    body = {"model": model, "messages": HELLO}
    headers = {"authorization": f"Bearer {key}"}
    answer = await office.road.http.post("/v1/chat/completions", json=body, headers=headers)
    return answer.status_code


async def refused(office, key: str) -> None:
    """Wait until a key does not open any more."""
    async with asyncio.timeout(10):
        while await status_of_chat(office, key) != 401:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_a_key_opens_what_it_says_until_it_is_revoked(office):
    made = await office.post("keys", {"models": ["fast"]})
    assert await status_of_chat(office, made["key"]) == 200
    assert await status_of_chat(office, made["key"], "both") == 403
    other = await office.post(f"keys/{made['id']}/rotate", {"overlap": 0})
    await refused(office, made["key"])
    assert await status_of_chat(office, other["key"]) == 200
    await office.delete(f"keys/{made['id']}")
    await refused(office, other["key"])
    reader = await office.post("keys", {"role": "read-only"})
    assert await status_of_chat(office, reader["key"]) == 403


async def test_a_rotation_drops_no_request(office):
    """Callers go on with the text that they have, and take up the new one when they hear of it."""
    made = await office.post("keys", {})
    texts, done = [made["key"]], False

    async def call() -> list[int]:
        seen = []
        while not done:
            seen.append(await status_of_chat(office, texts[-1]))
        return seen

    callers = [asyncio.create_task(call()) for _ in range(4)]
    for _ in range(4):
        texts.append((await office.post(f"keys/{made['id']}/rotate"))["key"])
        for text in texts:
            assert await status_of_chat(office, text) == 200
    done = True
    statuses = [status for caller in callers for status in await caller]
    assert len(statuses) > 10
    assert set(statuses) == {200}
    answer = await office.ask("POST", f"keys/{made['id']}/rotate")
    assert answer.status_code == 409, "five texts open at once"


async def test_what_lowers_a_key_holds_at_once(office):
    user = (await office.post("users", {"name": "Anna"}))["id"]
    key = (await office.post("keys", {"user": user}))["key"]
    assert await status_of_chat(office, key) == 200
    await office.patch(f"users/{user}", {"role": "read-only"})
    async with asyncio.timeout(10):
        while await status_of_chat(office, key) != 403:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    await office.delete(f"users/{user}")
    await refused(office, key)


async def test_keys_that_are_none(office):
    """Forged, cut off, too long, of another form: 401 in the same words, here and there."""
    made = (await office.post("keys", {}))["key"]
    gone = await office.post("keys", {})
    await office.delete(f"keys/{gone['id']}")
    await refused(office, gone["key"])
    wrong = [made[:-1], made + "0", made[:-1] + ("0" if made[-1] != "0" else "1"), made.upper()]
    wrong += ["ak-1" + "a" * 48, "ak-2" + made[4:], "x" * 8000, gone["key"], "ак-1", "\xff"]
    told = set()
    for key in wrong:
        raw = {b"authorization": b"Bearer " + key.encode("utf-8")}
        for path in ("/api/v1/keys", "/v1/models"):
            answer = await office.road.http.get(path, headers=raw)
            assert answer.status_code == 401, (key, path)
            error = answer.json()
            told.add(error.get("detail") or error["error"]["message"])
    assert len(told) == 1


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


async def test_a_stranger_s_body_is_not_read(office):
    """Refused by its head: what never comes is not waited for."""
    reader, writer = await asyncio.open_connection(office.road.host, office.road.port)
    writer.write(
        b"POST /api/v1/keys HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ak-1no\r\n"
        b"content-type: application/json\r\ncontent-length: 200000\r\n\r\n{"
    )
    async with asyncio.timeout(5):
        head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 401")
    writer.close()
