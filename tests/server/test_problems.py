"""Errors below `/api/v1` are problem details, whoever raises them; elsewhere nothing changes."""

from __future__ import annotations

import json

import pytest

from antiphon.errors import Kind
from antiphon.server.problems import _TITLES, is_managed
from tests.server.raw import connected, request
from tests.server.stage import KEY, stage

ADMIN = "admin-key-0123456789abcdef"
AUTH = {"required": True, "admin_key": ADMIN, "keys": [{"key": KEY}]}
MEMBERS = {"type", "title", "status", "detail", "instance", "code"}
STATUS = "/api/v1/status"


@pytest.fixture
async def locked(tmp_path):
    async with stage(tmp_path, auth=AUTH) as running:
        yield running


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


REFUSED = {
    "no key": ("GET", STATUS, {}, 401, "unauthenticated"),
    "an unknown key": ("GET", STATUS, bearer("x"), 401, "unauthenticated"),
    "another key": ("GET", STATUS, bearer(KEY), 403, "forbidden"),
    "no such path": ("GET", "/api/v1/nothing", bearer(ADMIN), 404, "not_found"),
    "no path": ("GET", "/api/v1", bearer(ADMIN), 404, "not_found"),
    "no such request": ("GET", "/api/v1/requests/req_0", bearer(ADMIN), 404, "not_found"),
    "another method": ("DELETE", STATUS, bearer(ADMIN), 405, "method_not_allowed"),
    "a wrong parameter": ("GET", "/api/v1/usage?limit=0", bearer(ADMIN), 400, "bad_request"),
    "a value that we read": ("GET", "/api/v1/usage?from=x", bearer(ADMIN), 400, "bad_request"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_whoever_refuses(locked, name):
    method, path, headers, status, code = REFUSED[name]
    answer = await locked.http.request(method, path, headers=headers)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem.keys() - {"param", "errors"} == MEMBERS
    assert problem["type"] == f"urn:antiphon:error:{code}"
    assert (problem["status"], problem["code"]) == (status, code)
    request_id = answer.headers["x-antiphon-request-id"]
    assert problem["instance"] == f"urn:antiphon:request:{request_id}"
    assert answer.headers["x-should-retry"] == "false"


async def test_before_the_api_is_reached(road):
    """A foreign host, and a header that stands twice, are refused in front of FastAPI."""
    twice = ["Authorization: Bearer a", "Authorization: Bearer b"]
    for path in (STATUS, "/api/v1/nothing", "/api/v1"):
        for lines, host, status in (([], "evil.example", 403), (twice, "127.0.0.1", 400)):
            async with connected(road) as raw:
                await raw.send(request(b"", *lines, method="GET", path=path, host=host))
                answer = await raw.response()
                assert (answer.status, answer.problem["status"]) == (status, status)


async def test_every_mistake_is_told_at_its_place(locked):
    query = "limit=0&format=xml&teem=a&nothing=1"
    answer = await locked.http.get(f"/api/v1/usage?{query}", headers=bearer(ADMIN))
    problem = answer.json()
    assert {each["param"] for each in problem["errors"]} == {"limit", "format", "teem", "nothing"}
    assert all(each["detail"] for each in problem["errors"])
    assert problem["param"] == problem["errors"][0]["param"]
    assert all(each["param"] in problem["detail"] for each in problem["errors"])


async def test_many_mistakes_are_a_short_answer(locked):
    query = "&".join(f"x{number}=1" for number in range(2000))
    answer = await locked.http.get(f"/api/v1/usage?{query}", headers=bearer(ADMIN))
    assert answer.status_code == 400
    assert len(answer.content) < 10_000


@pytest.mark.parametrize("root", ["", "/llm"])
async def test_only_there(tmp_path, root):
    async with stage(tmp_path, auth=AUTH, server={"root_path": root}) as road:
        for path in ("/docs/nothing", "/api/v1x", "/api/nothing", "/metrics", "/health/detailed"):
            answer = await road.http.get(f"{root}{path}")
            assert answer.headers["content-type"] == "application/json", path
            assert answer.json()["error"]["code"]
        answer = await road.http.get(f"{root}/api/v1/nothing")
        assert answer.headers["content-type"] == "application/problem+json"
        asked = await road.http.post(f"{root}/v1/chat/completions", json={})
        assert asked.json()["error"]["code"] == "invalid_api_key"


def test_where_it_is():
    for path in ("/api/v1", "/api/v1/", "/api/v1/keys", "/api/v1//"):
        assert is_managed(path)
    for path in ("/api/v2", "/api/v1x", "/api/v", "/v1/api/v1", "/API/v1", ""):
        assert not is_managed(path)


async def test_every_operation_says_how_it_refuses(road):
    document = (await road.http.get("/openapi.json")).json()
    problem = document["components"]["schemas"]["Problem"]
    assert set(problem["required"]) == MEMBERS
    operations = [
        (path, method, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if is_managed(path)
    ]
    assert len(operations) >= 6
    for path, method, operation in operations:
        wanted = {"400", "401", "403", "500", "503"}
        wanted |= {"404"} if "{" in path or method != "get" else set()
        wanted |= {"409", "413", "422"} if method != "get" else set()
        assert wanted <= operation["responses"].keys(), path
        for status in wanted:
            content = operation["responses"][status]["content"]
            schema = content["application/problem+json"]["schema"]
            assert schema == {"$ref": "#/components/schemas/Problem"}, (path, status)
    assert "HTTPValidationError" not in json.dumps(document)


async def test_every_write_and_every_question_takes_an_idempotency_key(road):
    document = (await road.http.get("/openapi.json")).json()
    counting = ("/count_tokens", ":countTokens", "/api/show")
    for path, item in document["paths"].items():
        for method, operation in item.items():
            names = {each["name"] for each in operation.get("parameters", ())}
            wanted = method != "get" and not path.endswith(counting)
            assert ("Idempotency-Key" in names) == wanted, (method, path)
            if wanted:
                assert {"409", "422"} <= operation["responses"].keys()


def test_every_kind_that_can_come_has_a_title():
    inference = {
        *(Kind.UNSUPPORTED_PARAMETER, Kind.CONTEXT_TOO_LONG, Kind.MODEL_NOT_FOUND),
        *(Kind.MODEL_UNPRICED, Kind.CONTENT_FILTER, Kind.QUOTA_EXHAUSTED),
        *(Kind.UPSTREAM, Kind.UPSTREAM_AUTH, Kind.CLIENT_CLOSED),
    }
    assert set(Kind) - inference == set(_TITLES)
