"""Keys of the database at the doors: they open at once, and stop to open within a second."""

from __future__ import annotations

import asyncio
import secrets
import time

import pytest

from antiphon.access.proxy import Identity, sign
from antiphon.access.walls import operator_here
from antiphon.model.principal import HOME
from antiphon.secret import Secret
from tests.server.raw import CHAT, chat_body
from tests.server.stage import KEY, Stage, stage

PROXY_SECRET = "proxy-secret-of-at-least-thirty-two-bytes"
ADMIN = "admin-key-0123456789abcdef"
AUTH = {"required": True, "admin_key": ADMIN, "keys": [{"key": KEY, "team": "web", "user": "app"}]}


@pytest.fixture
async def locked(tmp_path):
    auth = {**AUTH, "proxies": [{"secrets": [PROXY_SECRET]}]}
    async with stage(tmp_path, auth=auth) as running:
        yield running


def desk(road: Stage, organisation: str = ""):
    assert road.gateway.access is not None
    return road.gateway.access.at(operator_here(), organisation or HOME)


async def ask(road: Stage, key: str, **headers: str):
    bearer = {"authorization": f"Bearer {key}", **headers}
    return await road.http.post(CHAT, content=chat_body(), headers=bearer)


async def settled(road: Stage, key: str, status: int) -> None:
    """Ask until the answer has this status; what was changed is seen within a second."""
    async with asyncio.timeout(5):
        while (await ask(road, key)).status_code != status:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


def person(name: str, **changes: object) -> dict[str, str]:
    said = {"user": name, "at": int(time.time()), "nonce": secrets.token_hex(8), **changes}
    return {"x-antiphon-user": sign(Identity(**said), Secret(PROXY_SECRET)).decode()}


async def test_a_key_opens_at_once_and_its_row_tells_whose_it_is(locked):
    there = desk(locked)
    department = there.departments.create("Sales")
    team = there.teams.create("Kühl & Söhne", department=department.id)
    user = there.users.create("Zoë", team=team.id)
    new = there.keys.create(name="laptop", user=user.id)
    answer = await ask(locked, new.secret.reveal())
    assert answer.status_code == 200, answer.text
    facts = await shown(locked, answer, ADMIN)
    assert (facts["key_id"], facts["team"]) == (new.facts.id, "Kühl & Söhne")
    assert (facts["department"], facts["user"]) == ("Sales", "Zoë")


async def test_a_revoked_key_stops_to_open(locked):
    there = desk(locked)
    new = there.keys.create(name="short")
    text = new.secret.reveal()
    assert (await ask(locked, text)).status_code == 200
    there.keys.revoke(new.facts.id)
    await settled(locked, text, 401)
    assert (await ask(locked, KEY)).status_code == 200


async def test_a_rotated_key_opens_by_both_texts_for_the_overlap(locked):
    there = desk(locked)
    first = there.keys.create(name="turned")
    second = there.keys.rotate(first.facts.id, overlap=3600)
    assert first.facts.id == second.facts.id
    for each in (first, second):
        assert (await ask(locked, each.secret.reveal())).status_code == 200
    third = there.keys.rotate(first.facts.id, overlap=0)
    assert (await ask(locked, third.secret.reveal())).status_code == 200
    await settled(locked, second.secret.reveal(), 401)
    await settled(locked, first.secret.reveal(), 401)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda key: key[:-1],
        lambda key: key + "0",
        lambda key: key[:-1] + ("0" if key[-1] != "0" else "1"),
        lambda key: key.upper(),
        lambda key: "ak-1" + "a" * 5000,
        lambda _: "ak-1",
        lambda _: "ak-1" + "é" * 40,
    ],
    ids=["cut", "longer", "checksum", "upper", "oversized", "empty", "foreign"],
)
async def test_a_key_that_is_none_is_refused(locked, spoil):
    text = spoil(desk(locked).keys.create(name="whole").secret.reveal())
    bearer = {b"authorization": b"Bearer " + text.encode()}
    answer = await locked.http.post(CHAT, content=chat_body(), headers=bearer)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "invalid_api_key"
    assert text not in answer.text


async def test_a_key_asks_only_for_its_models(locked):
    text = desk(locked).keys.create(name="one", models=["other"]).secret.reveal()
    assert (await ask(locked, text)).status_code == 403
    listed = await locked.http.get("/v1/models", headers={"authorization": f"Bearer {text}"})
    assert listed.json()["data"] == []


async def test_who_may_only_read_asks_no_model(locked):
    text = desk(locked).keys.create(name="eyes", role="read-only").secret.reveal()
    answer = await ask(locked, text)
    assert answer.status_code == 403
    assert "inference" in answer.text
    assert not locked.first.received


async def test_a_proxy_says_for_whom_it_asks(locked):
    proxy = desk(locked).keys.create(name="proxy").secret.reveal()
    answer = await ask(locked, proxy, **person("Ann Example"))
    assert answer.status_code == 200, answer.text
    facts = await shown(locked, answer, ADMIN)
    assert facts["user"] == "Ann Example"
    # By a static key as well, which then is the home organisation's.
    assert (await ask(locked, KEY, **person("Ann Example"))).status_code == 200
    names = [user.name for user in desk(locked).users.list().items]
    assert names.count("Ann Example") == 1


async def test_a_header_that_the_proxy_did_not_sign_is_refused(locked):
    header = person("Eve")["x-antiphon-user"]
    forged = header[:-1] + ("0" if header[-1] != "0" else "1")
    assert (await ask(locked, KEY, **{"x-antiphon-user": forged})).status_code == 401
    old = person("Eve", at=int(time.time()) - 3600)
    assert (await ask(locked, KEY, **old)).status_code == 401
    once = person("Eve")
    assert (await ask(locked, KEY, **once)).status_code == 200
    assert (await ask(locked, KEY, **once)).status_code == 401
    assert (await ask(locked, KEY, **{"x-antiphon-user": "Eve"})).status_code == 401


async def test_a_person_sees_what_they_used_and_nobody_elses(locked):
    proxy = desk(locked).keys.create(name="proxy").secret.reveal()
    anns = await ask(locked, proxy, **person("Ann"))
    bobs = await ask(locked, proxy, **person("Bob"))
    assert (await shown(locked, anns, proxy, **person("Ann")))["user"] == "Ann"
    told = await look(locked, bobs, proxy, **person("Ann"))
    assert told.status_code == 404


async def test_a_tenant_sees_its_own_requests_only(locked):
    access = locked.gateway.access
    assert access is not None
    other = access.organisations(operator_here()).create("Other").id
    ours = desk(locked).keys.create(name="ours", role="admin").secret.reveal()
    theirs = desk(locked, other).keys.create(name="theirs", role="admin").secret.reveal()
    member = desk(locked).keys.create(name="member").secret.reveal()
    answer = await ask(locked, member)
    assert (await look(locked, answer, ours)).status_code == 200
    assert (await look(locked, answer, member)).status_code == 200
    assert (await look(locked, answer, theirs)).status_code == 404
    assert await used(locked, ours) == 1
    assert await used(locked, theirs) == 0
    assert await used(locked, ADMIN) == 1


async def test_no_key_of_a_tenant_opens_the_whole_gateway(locked):
    text = desk(locked).keys.create(name="chief", role="admin").secret.reveal()
    bearer = {"authorization": f"Bearer {text}"}
    for path in ("/api/v1/status", "/metrics", "/health/detailed", "/api/v1/ledger.csv"):
        assert (await locked.http.get(path, headers=bearer)).status_code == 403, path


async def look(road: Stage, answer, key: str, **headers: str):
    await road.at_rest()
    request_id = answer.headers["x-antiphon-request-id"]
    bearer = {"authorization": f"Bearer {key}", **headers}
    return await road.http.get(f"/api/v1/requests/{request_id}", headers=bearer)


async def shown(road: Stage, answer, key: str, **headers: str):
    found = await look(road, answer, key, **headers)
    assert found.status_code == 200, found.text
    return found.json()


async def used(road: Stage, key: str) -> int:
    bearer = {"authorization": f"Bearer {key}"}
    told = (await road.http.get("/api/v1/usage?by=model", headers=bearer)).json()
    return sum(row["attempts"] for row in told["rows"])
