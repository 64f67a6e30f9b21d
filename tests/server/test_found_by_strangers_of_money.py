"""What one who tried to break keys and money found, once each."""

from __future__ import annotations

import pytest

from antiphon.access.walls import operator_here
from antiphon.dialects.openai_chat import OPENAI_CHAT
from antiphon.dialects.references import refers
from antiphon.model.principal import HOME
from antiphon.wire.shallow import Members
from tests.server.purses import ADMIN, AUTH, budgets, charged
from tests.server.stage import HELLO, KEY, Stage, stage

CHAT = "/v1/chat/completions"


def bearer(key: str, **more: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}", **more}


def made(road: Stage, **terms: object) -> str:
    """The text of a new key of the home organisation."""
    access = road.gateway.access
    assert access is not None
    return access.at(operator_here(), HOME).keys.create(**terms).secret.reveal()


@pytest.mark.parametrize("path", ["/v1/files", "/v1/batches", "/v1/files/file-1/content"])
async def test_who_may_only_read_touches_no_stored_object(tmp_path, path):
    async with stage(tmp_path, auth=AUTH, provider={"stored_objects": True}) as road:
        text = made(road, role="read-only")
        answer = await road.http.get(path, headers=bearer(text, **{"x-antiphon-provider": "one"}))
        assert answer.status_code == 403
        assert "inference" in answer.text
        assert not road.first.received


@pytest.mark.parametrize(
    ("body", "bound"),
    [
        (b'{"max_completion_tokens":1,"max_tokens":900}', 900),
        (b'{"max_completion_tokens":900,"max_tokens":1}', 900),
        (b'{"max_completion_tokens":null,"max_tokens":7}', 7),
        (b'{"max_completion_tokens":7}', 7),
        (b"{}", None),
    ],
)
def test_of_two_maxima_the_larger_one_is_paid_for(body, bound):
    assert OPENAI_CHAT.output_bound(Members.parse(body))[0] == bound


@pytest.mark.parametrize(
    "body",
    [
        b'{"type":"image_url","image_url":{"url":"http://a/b"}}',
        b'{"type":"image_url","image_url":{"\\u0075rl":"http://a/b"}}',
        b'{"type":"input_image","image_url" : "https://a/b"}',
        b'{"source":{"type":"url","url":"https://a/b.pdf"}}',
        b'{"fileData":{"fileUri":"gs://a/b"}}',
        b'{"file_data":{"file_uri":"gs://a/b"}}',
        b'{"type":"input_file","file_id":"file-1"}',
        b'{"previous_response_id":"resp_1"}',
        b'{"prompt":{"id":"pmpt_1"}}',
        b'{"tools":[{"type":"web_search_20250305","name":"web_search"}]}',
        b'{"tools":[{"google_search":{}}]}',
    ],
)
def test_what_lies_elsewhere_is_seen(body):
    assert refers(body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"messages":[{"role":"user","content":"see http://a/b and \\"url\\": \\"http://c\\""}]}',
        b'{"image_url":{"url":"data:image/png;base64,AAAA"}}',
        b'{"tools":[{"parameters":{"properties":{"url":{"type":"string"}}}}]}',
        b'{"prompt":"Once upon a time"}',
        b'{"content":"na\\u00efve \\u4f60\\u597d"}',
    ],
)
def test_what_lies_in_the_request_is_not_said_to_lie_elsewhere(body):
    assert not refers(body)


async def test_pictures_by_their_address_are_paid_for_by_what_the_model_takes(tmp_path):
    picture = {"type": "image_url", "image_url": {"url": "http://a/b"}}
    body = {"model": "fast", "max_tokens": 1, "messages": [{"role": "user", "content": [picture]}]}
    async with stage(tmp_path, **budgets({"scope": "team", "limit": "0.01"})) as road:
        refused = await road.http.post(CHAT, json=body, headers=bearer(KEY))
        assert refused.status_code == 402
        plain = {**body, "messages": HELLO}
        assert (await road.http.post(CHAT, json=plain, headers=bearer(KEY))).status_code == 200
    assert 0 < charged(tmp_path) <= 10_000_000


async def test_nobody_slips_out_of_a_cap_by_a_key_of_nobodys(tmp_path):
    async with stage(tmp_path, auth=AUTH) as road:
        access = road.gateway.access
        assert access is not None
        desk = access.at(operator_here(), HOME)
        team = desk.teams.create("web")
        user = desk.users.create("olga", role="operator", team=team.id)
        text = made(road, user=user.id, role="operator")
        answer = await road.http.post("/api/v1/keys", json={"name": "x"}, headers=bearer(text))
        assert answer.status_code == 201
        key = answer.json()
        key = key.get("key", key) if isinstance(key.get("key"), dict) else key
        assert (key["user"], key["team"]) == (user.id, team.id)


async def test_nobody_changes_what_bounds_themselves(tmp_path):
    async with stage(tmp_path, auth=AUTH) as road:
        text = made(road, name="chief", role="admin")
        http, own = road.http, bearer(text)
        listed = (await http.get("/api/v1/keys", headers=own)).json()["data"]
        [key] = [each["id"] for each in listed if each["name"] == "chief"]
        body = {"scope": "key", "name": key, "limit": "0"}
        created = await http.post("/api/v1/budgets", json=body, headers=bearer(ADMIN))
        assert created.status_code == 201, created.text
        path = f"/api/v1/budgets/{created.json()['id']}"
        assert (await http.patch(path, json={"limit": "9"}, headers=own)).status_code == 403
        assert (await http.delete(path, headers=own)).status_code == 403
        assert (await http.patch(path, json={"limit": "9"}, headers=bearer(ADMIN))).is_success


async def test_what_one_may_no_more_is_not_told_again(tmp_path):
    async with stage(tmp_path, auth=AUTH) as road:
        access = road.gateway.access
        assert access is not None
        desk = access.at(operator_here(), HOME)
        user = desk.users.create("mia", role="admin")
        own = bearer(made(road, user=user.id, role="admin"), **{"idempotency-key": "once-1"})
        minted = await road.http.post("/api/v1/keys", json={"name": "spare"}, headers=own)
        assert minted.status_code == 201
        again = await road.http.post("/api/v1/keys", json={"name": "spare"}, headers=own)
        assert again.headers["idempotent-replayed"] == "true"
        desk.users.change_role(user.id, "read-only")
        for _ in range(200):
            told = await road.http.post("/api/v1/keys", json={"name": "spare"}, headers=own)
            if told.status_code == 403:
                break
        assert told.status_code == 403
