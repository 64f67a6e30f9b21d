"""Writes to the management API with an `Idempotency-Key`: done once, answered every time."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing

import pytest

from antiphon.idempotency.records import Records
from tests.server.administering import ADMIN, AUTH, Administered, administered
from tests.server.raw import connected, request
from tests.server.stage import stage
from tests.server.test_asked_again_bounds import MovedClock


@pytest.fixture
async def desk(tmp_path):
    async with administered(tmp_path) as running:
        yield running


async def ask(
    desk: Administered, method: str, path: str, body: object = None, *, again: str, key: str = ADMIN
):
    headers = {"authorization": f"Bearer {key}", "idempotency-key": again}
    content = {} if body is None else {"json": body}
    return await desk.road.http.request(method, f"/api/v1/{path}", headers=headers, **content)


def is_again(answer) -> bool:
    return answer.headers.get("idempotent-replayed") == "true"


async def acts(desk: Administered) -> list[str]:
    return [entry["act"] for entry in (await desk.get("audit"))["data"]]


# ------------------------------------------------------------------ the same again


async def test_a_key_is_made_once_and_its_text_told_again(desk):
    first = await ask(desk, "POST", "keys", {"name": "nightly"}, again="a")
    assert (first.status_code, is_again(first)) == (201, False)
    again = await ask(desk, "POST", "keys", {"name": "nightly"}, again="a")
    assert (again.status_code, is_again(again)) == (201, True)
    assert again.content == first.content
    assert again.json()["key"].startswith("ak-1")
    for header in ("content-type", "cache-control"):
        assert again.headers[header] == first.headers[header]
    assert len((await desk.get("keys"))["data"]) == 1
    assert (await acts(desk)).count("key.create") == 1


async def test_without_a_key_it_is_done_again(desk):
    for _ in range(2):
        answer = await desk.ask("POST", "keys", {"name": "nightly"})
        assert (answer.status_code, is_again(answer)) == (201, False)
    assert len((await desk.get("keys"))["data"]) == 2


async def test_every_method(desk):
    made = (await ask(desk, "POST", "keys", {}, again="1")).json()["id"]
    rotated = [await ask(desk, "POST", f"keys/{made}/rotate", again="2") for _ in range(2)]
    assert rotated[0].json()["key"] == rotated[1].json()["key"]
    gone = [await ask(desk, "DELETE", f"keys/{made}", again="3") for _ in range(2)]
    assert gone[0].content == gone[1].content
    assert [is_again(each) for each in (*rotated, *gone)] == [False, True] * 2
    assert (await acts(desk))[:3] == ["key.revoke", "key.rotate", "key.create"]


async def test_reads_are_not_kept(desk):
    for _ in range(2):
        assert not is_again(await ask(desk, "GET", "keys", again="a"))


async def test_the_text_is_nowhere_in_the_files(desk, tmp_path):
    told = (await ask(desk, "POST", "keys", {"name": "canary name"}, again="canary again")).json()
    with closing(sqlite3.connect(tmp_path / "antiphon.db")) as database:
        rows = database.execute("SELECT * FROM idempotency").fetchall()
    assert len(rows) == 1
    for canary in (told["key"], ADMIN, "canary name", "canary again"):
        assert canary.encode() not in b"".join(
            each if isinstance(each, bytes) else str(each).encode() for each in rows[0]
        )
    for file in tmp_path.iterdir():
        if file.is_file():
            content = file.read_bytes()
            assert told["key"].encode() not in content, file.name
            assert b"canary again" not in content, file.name


async def test_after_a_restart(tmp_path):
    answers = []
    for _ in range(2):
        async with administered(tmp_path) as desk:
            answers.append(await ask(desk, "POST", "keys", {}, again="a"))
    assert answers[0].content == answers[1].content
    assert is_again(answers[1])


async def test_two_processes_do_it_once(tmp_path):
    async with administered(tmp_path) as one, administered(tmp_path) as two:
        answers = await asyncio.gather(
            *(ask(each, "POST", "keys", {}, again="a") for each in (one, two) * 5)
        )
        made = {answer.json()["id"] for answer in answers if answer.status_code == 201}
        assert len(made) == 1
        for answer in answers:
            if answer.status_code != 201:
                assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
                assert answer.headers["retry-after"] == "1"
        assert len((await one.get("keys"))["data"]) == 1


async def test_all_at_once(desk):
    answers = await asyncio.gather(
        *(ask(desk, "POST", "teams", {"name": "web"}, again="a") for _ in range(20))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sorted(map(is_again, answers)) == [False] + [True] * 19


# ------------------------------------------------------------------ another request


async def test_a_key_that_belongs_to_another_request(desk):
    made = await ask(desk, "POST", "teams", {"name": "web"}, again="a")
    path = f"teams/{made.json()['id']}"
    for method, where, body in (
        ("POST", "teams", {"name": "wob"}),
        ("POST", "keys", {"name": "web"}),
        ("POST", "teams?organisation=org_default", {"name": "web"}),
        ("DELETE", path, None),
    ):
        answer = await ask(desk, method, where, body, again="a")
        assert answer.status_code == 422, where
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"] == "idempotency_key_reused"
        assert answer.json()["param"] == "Idempotency-Key"
    assert len((await desk.get("teams"))["data"]) == 1


async def test_a_key_is_its_owner_s(desk):
    admin = await desk.post("keys", {"role": "admin"})
    other = await desk.post("keys", {"role": "admin"})
    for key in (admin["key"], other["key"], ADMIN):
        answer = await ask(desk, "POST", "keys", {"name": "mine"}, again="a", key=key)
        assert (answer.status_code, is_again(answer)) == (201, False)
    for key, status in (("unknown", 401), (AUTH["keys"][0]["key"], 403)):
        answer = await ask(desk, "POST", "keys", {"name": "mine"}, again="a", key=key)
        assert answer.status_code == status


@pytest.mark.parametrize("again", ["", "x" * 256, 'a"b'])
async def test_what_is_no_key(desk, again):
    async with connected(desk.road) as raw:
        lines = [f"Authorization: Bearer {ADMIN}", f"Idempotency-Key: {again}"]
        await raw.send(request(b"{}", *lines, path="/api/v1/keys"))
        answer = await raw.response()
    assert (answer.status, answer.problem["param"]) == (400, "Idempotency-Key")


async def test_a_body_over_the_bound(desk):
    answer = await ask(desk, "POST", "keys", {"name": "x" * 300_000}, again="a")
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


# ------------------------------------------------------------------ what is not kept


async def test_what_was_refused_is_asked_again(desk):
    wrong = [await ask(desk, "POST", "keys", {"team": "team_0"}, again="a") for _ in range(2)]
    assert [(each.status_code, is_again(each)) for each in wrong] == [(404, False)] * 2
    right = await ask(desk, "POST", "keys", {"name": "right"}, again="a")
    assert (right.status_code, is_again(right)) == (201, False)


async def test_it_ends(tmp_path):
    clock = MovedClock()
    async with stage(tmp_path, auth=AUTH, clock=clock, idempotency={"keep_hours": 1}) as road:
        desk = Administered(road)
        first = await ask(desk, "POST", "keys", {}, again="a")
        clock.moved = 3599
        assert is_again(await ask(desk, "POST", "keys", {}, again="a"))
        clock.moved = 3601
        later = await ask(desk, "POST", "keys", {}, again="a")
        assert (later.status_code, is_again(later)) == (201, False)
        assert later.json()["id"] != first.json()["id"]
    with closing(sqlite3.connect(tmp_path / "antiphon.db")) as database:
        assert database.execute("SELECT count(*) FROM idempotency").fetchone() == (1,)


# ------------------------------------------------------------------ what breaks in between


async def test_who_lost_the_connection_is_told_what_was_done(desk):
    body = b'{"name": "lost"}'
    lines = [f"Authorization: Bearer {ADMIN}", "Idempotency-Key: lost"]
    lines.append("Content-Type: application/json")
    async with connected(desk.road) as raw:
        await raw.send(request(body, *lines, path="/api/v1/keys"))
        await asyncio.sleep(0.002)
        raw.abort()
    headers = {"authorization": f"Bearer {ADMIN}", "idempotency-key": "lost"}
    headers["content-type"] = "application/json"
    again = await desk.road.http.post("/api/v1/keys", content=body, headers=headers)
    assert again.status_code == 201
    assert again.json()["key"]
    assert len((await desk.get("keys"))["data"]) == 1


async def test_an_answer_that_was_lost_is_not_made_up(tmp_path, monkeypatch):
    """The process dies between the write and its answer: it is not done again, and that is told."""
    clock = MovedClock()
    async with stage(tmp_path, auth=AUTH, clock=clock) as road:
        desk = Administered(road)
        monkeypatch.setattr(Records, "keep", lambda *_: None)
        assert (await ask(desk, "POST", "keys", {}, again="a")).status_code == 201
    monkeypatch.undo()
    async with stage(tmp_path, auth=AUTH, clock=clock) as road:
        desk = Administered(road)
        soon = await ask(desk, "POST", "keys", {}, again="a")
        assert (soon.status_code, soon.headers["retry-after"]) == (409, "1")
        clock.moved = 31
        later = await ask(desk, "POST", "keys", {}, again="a")
        assert (later.status_code, later.json()["code"]) == (409, "answer_lost")
        assert later.headers["x-should-retry"] == "false"
        assert len((await desk.get("keys"))["data"]) == 1


async def test_a_key_s_new_text_does_not_open_the_old_answer(desk):
    admin = await desk.post("keys", {"role": "admin"})
    first = await ask(desk, "POST", "keys", {}, again="a", key=admin["key"])
    assert first.status_code == 201
    rotated = await desk.post(f"keys/{admin['id']}/rotate", status=200)
    again = await ask(desk, "POST", "keys", {}, again="a", key=rotated["key"])
    assert (again.status_code, again.json()["code"]) == (409, "answer_lost")
