"""Every role at every route of administration: what is done, refused, or not there at all."""

from __future__ import annotations

import asyncio
import itertools
import secrets
import time

import pytest

from antiphon.access.proxy import Identity, sign
from antiphon.secret import Secret
from antiphon.server.api_audit import AUDIT
from antiphon.server.api_groups import DEPARTMENTS, ORGANISATIONS, TEAMS
from antiphon.server.api_keys import KEYS
from antiphon.server.api_users import USERS
from tests.server.administering import ADMIN, AUTH, Administered, administered
from tests.server.stage import KEY

SECRET = "proxy-secret-of-at-least-thirty-two-bytes"
ROLES = ("root", "admin", "operator", "read-only", "member", "static")
EVERYBODY = (200, 200, 200, 200, 200, 403)
ROOT_ALONE = (200, 403, 403, 403, 403, 403)
READERS = (200, 200, 200, 200, 404, 403)
"""Whoever may not read the tenant does not learn what is there."""
MANAGERS = (200, 200, 403, 403, 403, 403)
CHANGERS = (200, 200, 403, 403, 404, 403)
OPERATORS = (200, 200, 200, 403, 403, 403)
KEEPERS = (200, 200, 200, 403, 404, 403)

ROUTES: dict[tuple[str, str], tuple[int, ...]] = {
    ("GET", "/organisations"): ROOT_ALONE,
    ("POST", "/organisations"): ROOT_ALONE,
    ("GET", "/organisations/{organisation_id}"): ROOT_ALONE,
    ("DELETE", "/organisations/{organisation_id}"): ROOT_ALONE,
    ("GET", "/departments"): EVERYBODY,
    ("POST", "/departments"): MANAGERS,
    ("GET", "/departments/{department_id}"): READERS,
    ("DELETE", "/departments/{department_id}"): CHANGERS,
    ("GET", "/teams"): EVERYBODY,
    ("POST", "/teams"): MANAGERS,
    ("GET", "/teams/{team_id}"): READERS,
    ("DELETE", "/teams/{team_id}"): CHANGERS,
    ("GET", "/users"): EVERYBODY,
    ("POST", "/users"): MANAGERS,
    ("GET", "/users/{user_id}"): READERS,
    ("PATCH", "/users/{user_id}"): CHANGERS,
    ("DELETE", "/users/{user_id}"): CHANGERS,
    ("GET", "/keys"): EVERYBODY,
    ("POST", "/keys"): OPERATORS,
    ("GET", "/keys/{key_id}"): READERS,
    ("POST", "/keys/{key_id}/rotate"): KEEPERS,
    ("DELETE", "/keys/{key_id}"): KEEPERS,
    ("GET", "/audit"): EVERYBODY,
    ("GET", "/audit/verify"): ROOT_ALONE,
}
BODIES = {
    "/organisations": {"name": "made by {n}"},
    "/departments": {"name": "made by {n}"},
    "/teams": {"name": "made by {n}"},
    "/users": {"name": "made by {n}"},
    "/keys": {"name": "made by {n}"},
    "/users/{user_id}": {"role": "member"},
    "/keys/{key_id}/rotate": {"overlap": 0},
}
numbers = itertools.count(1)


def body_of(method: str, path: str) -> object:
    body = BODIES.get(path) if method in {"POST", "PATCH"} else None
    return body and {name: text.format(n=next(numbers)) if isinstance(text, str) else text
                     for name, text in body.items()}  # fmt: skip


class Targets:
    """One of each kind, in one organisation."""

    def __init__(self, office: Administered, organisation: str) -> None:
        self.office = office
        self.organisation = organisation

    async def make(self, kind: str, **members: str) -> str:
        body = {"name": f"target {next(numbers)}", **members}
        return (await self.office.post(kind, body, organisation=self.organisation))["id"]

    async def fill(self, path: str) -> str:
        """The path, with a new one of what it names."""
        kind = path.split("/")[1]
        if "{" not in path:
            return path[1:]
        if kind == "organisations":
            made = await self.office.post(kind, {"name": f"target {next(numbers)}"})
            target = made["id"]
        else:
            target = await self.make(kind)
        return f"{kind}/{target}{path.partition('}')[2]}"


@pytest.fixture
async def office(tmp_path):
    async with administered(tmp_path) as running:
        yield running


async def key_of(office: Administered, role: str, organisation: str = "org_default") -> str:
    if role in {"root", "static"}:
        return ADMIN if role == "root" else KEY
    made = await office.post("keys", {"role": role}, organisation=organisation)
    return made["key"]


def test_every_route_is_looked_at():
    routers = (ORGANISATIONS, DEPARTMENTS, TEAMS, USERS, KEYS, AUDIT)
    routes = [route for router in routers for route in router.routes]
    found = {(method, route.path.removeprefix("/api/v1")) for route in routes
             for method in route.methods}  # fmt: skip
    assert found == set(ROUTES)


async def test_every_role_at_every_route(office):
    targets = Targets(office, "org_default")
    keys = {role: await key_of(office, role) for role in ROLES}
    wrong = []
    for (method, path), statuses in ROUTES.items():
        for role, expected in zip(ROLES, statuses, strict=True):
            asked = await targets.fill(path)
            answer = await office.ask(method, asked, body_of(method, path), key=keys[role])
            status = 200 if answer.status_code == 201 else answer.status_code
            if status != expected:
                wrong.append((role, method, path, answer.status_code, expected, answer.text))
    assert wrong == []


async def test_no_key_and_no_key_that_is_known(office):
    for method, path in ROUTES:
        asked = path[1:].replace("{", "").replace("}", "")
        for key in (None, "ak-1nonsense", "x" * 60_000 if path == "/keys" else "x"):
            answer = await office.ask(method, asked, body_of(method, path), key=key)
            assert answer.status_code in {401, 431} if key and len(key) > 9_999 else 401


async def test_another_tenant_is_not_there(office):
    """With the words for what never was, whoever asks from within a tenant."""
    other = (await office.post("organisations", {"name": "other"}))["id"]
    targets = Targets(office, other)
    for role in ("admin", "operator", "read-only", "member"):
        key = await key_of(office, role)
        for method, path in ROUTES:
            if "{" not in path or "organisations" in path:
                continue
            theirs = await targets.fill(path)
            target = theirs.split("/")[1]
            never = theirs.replace(target, f"{target.partition('_')[0]}_{'0' * 16}")
            body = body_of(method, path)
            seen = [await office.ask(method, each, body, key=key) for each in (theirs, never)]
            assert [each.status_code for each in seen] == [404, 404], (role, method, path)
            assert told(seen[0]) == told(seen[1])
            for organisation in (other, "org_0000000000000000"):
                answer = await office.ask(method, theirs, body, key=key, organisation=organisation)
                assert answer.status_code == 404
                assert "no such organisation" in answer.text


async def test_lists_hold_what_is_ones_own(office):
    other = (await office.post("organisations", {"name": "other"}))["id"]
    for organisation in ("org_default", other):
        targets = Targets(office, organisation)
        for kind in ("departments", "teams", "users", "keys"):
            await targets.make(kind)
    ours = await key_of(office, "admin")
    for kind in ("departments", "teams", "users", "keys", "audit"):
        mine = (await office.get(kind, key=ours, limit=500))["data"]
        assert mine == (await office.get(kind, limit=500))["data"]
        theirs = (await office.get(kind, organisation=other, limit=500))["data"]
        assert theirs
        assert not {str(each) for each in mine} & {str(each) for each in theirs}
    member = await key_of(office, "member")
    [own] = (await office.get("keys", key=member))["data"]
    assert (await office.get(f"keys/{own['id']}", key=member))["id"] == own["id"]
    assert (await office.get("audit", key=member))["data"] == []


async def test_a_key_of_a_team_sees_that_team(office):
    targets = Targets(office, "org_default")
    web, data = await targets.make("teams"), await targets.make("teams")
    await targets.make("users", team=data)
    lead = await office.post("keys", {"role": "admin", "team": web})
    assert [each["id"] for each in (await office.get("teams", key=lead["key"]))["data"]] == [web]
    assert (await office.get("users", key=lead["key"]))["data"] == []
    assert (await office.ask("GET", f"teams/{data}", key=lead["key"])).status_code == 404
    made = await office.post("keys", {}, key=lead["key"])
    assert made["team"] == web
    answer = await office.ask("POST", "keys", {"team": data}, key=lead["key"])
    assert answer.status_code == 404
    assert (await office.ask("POST", "teams", {"name": "x"}, key=lead["key"])).status_code == 403


async def test_nobody_gives_what_they_have_not(office):
    operator = await office.post("keys", {"role": "operator", "models": ["fast"]})
    key = operator["key"]
    for body in ({"role": "admin"}, {}, {"models": ["both"]}):
        answer = await office.ask(
            "POST", "keys", {"models": ["fast"], **body} if body else body, key=key
        )
        assert answer.status_code == 403, body
    made = await office.post("keys", {"role": "member", "models": ["fast"]}, key=key)
    assert made["models"] == ["fast"]
    boss = (await office.post("keys", {"role": "admin"}))["id"]
    assert (await office.ask("POST", f"keys/{boss}/rotate", key=key)).status_code == 403
    assert (await office.ask("DELETE", f"keys/{boss}", key=key)).status_code == 403
    own = await office.post(f"keys/{operator['id']}/rotate", {"overlap": 0}, key=key)
    assert own["key"] != key


async def test_a_person_behind_a_proxy_administers_by_their_role(tmp_path):
    """The proxy's header is good for once, and a request asks for its caller at several places."""
    auth = {**AUTH, "proxies": [{"secrets": [SECRET]}]}
    async with administered(tmp_path, auth=auth) as office:
        proxy = (await office.post("keys", {"role": "operator"}))["key"]

        async def ask(method: str, path: str, **more: object):
            said = Identity(user="Ann", at=int(time.time()), nonce=secrets.token_hex(8))
            headers = {
                "authorization": f"Bearer {proxy}",
                "x-antiphon-user": sign(said, Secret(SECRET)).decode(),
                **more.pop("headers", {}),
            }
            url = f"/api/v1/{path}"
            return await office.road.http.request(method, url, headers=headers, **more)

        first = await ask("POST", "keys", json={})
        assert first.status_code == 403, first.text
        [ann] = (await office.get("users", name="Ann"))["data"]
        await office.patch(f"users/{ann['id']}", {"role": "operator"})
        async with asyncio.timeout(10):
            while (made := await ask("POST", "keys", json={})).status_code == 403:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        assert made.status_code == 201, made.text
        again = {"idempotency-key": "once-and-again"}
        answers = [await ask("POST", "keys", json={}, headers=again) for _ in range(2)]
        assert [each.status_code for each in answers] == [201, 201]
        assert answers[0].json() == answers[1].json()
        [entry] = (await office.get("audit", target=made.json()["id"]))["data"]
        assert entry["actor"] == ann["id"]
        assert (await ask("GET", "organisations")).status_code == 403


def told(answer) -> object:
    """What an error says, but for what is of this one request."""
    return {
        name: value
        for name, value in answer.json().items()
        if name not in {"request_id", "instance"}
    }
