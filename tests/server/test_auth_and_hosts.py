"""Who may call: keys, scopes, models, foreign hosts and pages; and what stands open."""

from __future__ import annotations

import re

import openai
import pytest

from tests.server.raw import CHAT, chat_body, connected, request
from tests.server.stage import HELLO, KEY, stage

ADMIN = "admin-key-0123456789abcdef"
LIMITED = "limited-key-0123456789abcdef"
AUTH = {
    "required": True,
    "admin_key": ADMIN,
    "keys": [{"key": KEY, "team": "web"}, {"key": LIMITED, "models": ["fast"]}],
}


@pytest.fixture
async def locked(tmp_path):
    async with stage(tmp_path, auth=AUTH) as running:
        yield running


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


async def post(road, **headers: str):
    return await road.http.post(CHAT, content=chat_body(), headers=headers)


# ------------------------------------------------------------------ keys

SHOWN = [
    {"authorization": f"Bearer {KEY}"},
    {"authorization": f"bearer {KEY}"},
    {"authorization": f"BEARER   {KEY}"},
    {"x-api-key": KEY},
    {"api-key": KEY},
    {"x-goog-api-key": KEY},
]


@pytest.mark.parametrize("headers", SHOWN)
async def test_a_key_may_stand_in_any_of_the_usual_headers(locked, headers):
    assert (await post(locked, **headers)).status_code == 200
    assert (await locked.http.get("/v1/models", headers=headers)).status_code == 200
    sent = {name.lower(): value for name, value in locked.first.received[-1].headers}
    assert sent[b"authorization"] == b"Bearer sk-upstream"
    assert KEY.encode() not in b"".join(sent.values())


@pytest.mark.parametrize(
    "headers", [{}, *({k: v + "x"} for each in SHOWN for k, v in each.items())]
)
async def test_without_a_known_key_nothing_is_served(locked, headers):
    for path in ("/v1/models", "/v1/models/fast", "/models"):
        assert (await locked.http.get(path, headers=headers)).status_code == 401
    response = await post(locked, **headers)
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert locked.first.requests == 0


async def test_the_admin_key_may_ask_too(locked):
    assert (await post(locked, **bearer(ADMIN))).status_code == 200


async def test_a_key_with_models_reaches_no_other(locked):
    client = locked.client.with_options(api_key=LIMITED)
    assert (await client.chat.completions.create(model="fast", messages=HELLO)).choices
    for model in ("both", "one/sim-small"):
        with pytest.raises(openai.PermissionDeniedError) as caught:
            await client.chat.completions.create(model=model, messages=HELLO)
        assert caught.value.param == "model"
        assert caught.value.response.headers["x-should-retry"] == "false"
    assert [model.id async for model in client.models.list()] == ["fast"]
    with pytest.raises(openai.NotFoundError):
        await client.models.retrieve("both")


async def test_without_auth_any_key_or_none_is_fine(road):
    assert (await post(road)).status_code == 200
    assert (await post(road, **bearer("anything"))).status_code == 200


# ------------------------------------------------------------------ hosts and origins

FOREIGN_HOSTS = [
    "evil.example",
    "evil.example:4100",
    "127.0.0.1.evil.example",
    "10.0.0.1",
    "[::2]",
    "",
]
OUR_HOSTS = ["localhost", "LOCALHOST:4100", "127.0.0.1", "127.0.0.1:4100", "[::1]", "[::1]:4100"]


@pytest.mark.parametrize("path", [CHAT, "/v1/models", "/health", "/docs", "/"])
async def test_foreign_hosts_are_refused_without_auth(road, path):
    for host in FOREIGN_HOSTS:
        async with connected(road) as raw:
            await raw.send(request(method="GET", path=path, host=host))
            response = await raw.response()
            assert (response.status, response.error["code"]) == (403, "permission_denied"), host


@pytest.mark.parametrize("host", OUR_HOSTS)
async def test_our_own_names_are_served(road, host):
    async with connected(road) as raw:
        await raw.send(request(host=host))
        assert (await raw.response()).status == 200


@pytest.mark.parametrize("host", [*OUR_HOSTS, "evil.example", "llm.example.com:443"])
async def test_with_auth_any_host_is_served(locked, host):
    async with connected(locked) as raw:
        await raw.send(request(None, f"Authorization: Bearer {KEY}", host=host))
        assert (await raw.response()).status == 200


FOREIGN_ORIGINS = ["https://evil.example", "null", "http://localhost.evil.example", "file://", "x"]


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
async def test_foreign_pages_are_refused_without_auth(road, origin):
    assert (await post(road, origin=origin)).status_code == 403
    preflight = await road.http.options(
        CHAT, headers={"origin": origin, "access-control-request-method": "POST"}
    )
    assert preflight.status_code == 403
    assert "access-control-allow-origin" not in preflight.headers
    assert road.first.requests == 0


@pytest.mark.parametrize(
    "origin", ["http://localhost:3000", "http://127.0.0.1", "http://[::1]:8080"]
)
async def test_pages_of_this_machine_are_served_without_auth(road, origin):
    response = await post(road, origin=origin)
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == origin


async def test_with_auth_a_foreign_page_is_served_but_may_not_read(locked):
    response = await post(locked, origin="https://evil.example", **bearer(KEY))
    assert response.status_code == 200
    assert "access-control-allow-origin" not in response.headers


async def test_a_malformed_origin_is_no_defect(road):
    for origin in ("http://[", "http://[::1", "http://a]b", "\xff"):
        async with connected(road) as raw:
            await raw.send(request(None, f"Origin: {origin}"))
            assert (await raw.response()).status == 403, origin


# ------------------------------------------------------------------ CORS

PAGE = "https://app.example.com"


@pytest.fixture
async def shared(tmp_path):
    async with stage(tmp_path, auth=AUTH, server={"cors": {"origins": [PAGE]}}) as running:
        yield running


async def test_a_preflight_of_an_allowed_page(shared):
    response = await shared.http.options(
        CHAT,
        headers={
            "origin": PAGE,
            "access-control-request-method": "POST",
            "access-control-request-headers": "authorization, content-type",
        },
    )
    assert response.status_code in {200, 204}
    assert response.headers["access-control-allow-origin"] == PAGE
    assert "POST" in response.headers["access-control-allow-methods"]
    assert "authorization" in response.headers["access-control-allow-headers"]
    assert "origin" in response.headers["vary"]
    assert response.content == b""


async def test_an_allowed_page_may_read_answers_and_errors(shared):
    for headers, status in (({}, 401), (bearer(KEY), 200)):
        response = await post(shared, origin=PAGE, **headers)
        assert response.status_code == status
        assert response.headers["access-control-allow-origin"] == PAGE
        assert "x-antiphon-request-id" in response.headers["access-control-expose-headers"]
        assert "access-control-allow-credentials" not in response.headers


async def test_another_page_may_not(shared):
    for origin in ("https://evil.example", "http://app.example.com", PAGE + ".evil.example"):
        response = await post(shared, origin=origin, **bearer(KEY))
        assert "access-control-allow-origin" not in response.headers


async def test_a_stream_has_the_headers_too(shared):
    headers = {"origin": PAGE, **bearer(KEY)}
    response = await shared.http.post(CHAT, content=chat_body(stream=True), headers=headers)
    assert response.headers["access-control-allow-origin"] == PAGE
    assert b"[DONE]" in response.content


# ------------------------------------------------------------------ management

MANAGED = ["/metrics", "/api/v1/status", "/api/v1/routes", "/api/v1/deployments"]


@pytest.mark.parametrize("required", [False, True])
@pytest.mark.parametrize("path", MANAGED)
async def test_management_needs_the_admin_key(tmp_path, path, required):
    auth = {**AUTH, "required": required}
    async with stage(tmp_path, auth=auth) as road:
        for headers, status in (
            ({}, 401),
            (bearer("wrong"), 401),
            (bearer(KEY), 403),
            (bearer(ADMIN), 200),
        ):
            response = await road.http.get(path, headers=headers)
            assert response.status_code == status
            if status != 200:
                told = response.json() if path.startswith("/api/") else response.json()["error"]
                assert told["code"]


async def test_management_shows_no_secret(locked):
    for path in MANAGED:
        text = (await locked.http.get(path, headers=bearer(ADMIN))).text
        for secret in ("sk-upstream", KEY, ADMIN, LIMITED):
            assert secret not in text


async def test_a_route_tells_its_road_for_each_dialect_of_callers(locked):
    routes = (await locked.http.get("/api/v1/routes", headers=bearer(ADMIN))).json()
    assert {route["name"] for route in routes} >= {"fast", "both"}
    for route in routes:
        assert route["roads"] == {
            "openai_chat": "passthrough",
            "openai_responses": "translated",
            "anthropic_messages": "translated",
            "gemini": "translated",
            "ollama": "translated",
            "ollama_generate": "translated",
        }
    deployments = (await locked.http.get("/api/v1/deployments", headers=bearer(ADMIN))).json()
    assert [each["dialects"] for each in deployments] == [["openai_chat"]] * len(deployments)


async def test_unknown_management_paths_and_methods(locked):
    response = await locked.http.get("/api/v1/nothing", headers=bearer(ADMIN))
    assert (response.status_code, response.json()["code"]) == (404, "not_found")
    response = await locked.http.post("/api/v1/status", headers=bearer(ADMIN))
    assert response.status_code == 405
    assert response.headers["allow"] == "GET"


@pytest.mark.parametrize("path", ["/health", "/livez", "/readyz", "/"])
async def test_probes_need_no_key(locked, path):
    assert (await locked.http.get(path)).status_code == 200


async def test_metrics_are_prometheus_s(locked):
    await post(locked, **bearer(KEY))
    response = await locked.http.get("/metrics", headers=bearer(ADMIN))
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "antiphon_requests_total{" in response.text


# ------------------------------------------------------------------ documentation

DOORS = {
    "/v1/chat/completions",
    "/v1/responses",
    "/v1/messages",
    "/v1/messages/count_tokens",
    "/v1/models",
}


@pytest.mark.parametrize("root", ["", "/llm"])
async def test_the_documentation_asks_nobody_else(tmp_path, root):
    async with stage(tmp_path, server={"root_path": root}) as road:
        page = await road.http.get(f"{root}/docs")
        assert page.status_code == 200
        assert not re.findall(r"""(?:src|href)\s*=\s*["'](?:https?:)?//""", page.text)
        assets = re.findall(r"""(?:src|href)\s*=\s*["']([^"']+)["']""", page.text)
        files = [each for each in assets if not each.startswith("data:")]
        assert len(files) == 2
        for each in files:
            asset = await road.http.get(each)
            assert asset.status_code == 200
            assert len(asset.content) > 10_000
        assert f"{root}/openapi.json" in page.text


async def test_the_schema_lists_the_doors(road):
    schema = (await road.http.get("/openapi.json")).json()
    assert {
        *DOORS,
        "/health",
        "/livez",
        "/readyz",
        "/metrics",
        "/api/v1/status",
    } <= set(schema["paths"])
    assert schema["openapi"].startswith("3.")


async def test_the_schema_says_where_a_key_is_needed(road):
    schema = (await road.http.get("/openapi.json")).json()
    assert schema["components"]["securitySchemes"] == {
        "bearer": {"type": "http", "scheme": "bearer"}
    }
    secured = {
        path
        for path, item in schema["paths"].items()
        for operation in item.values()
        if operation.get("security") == [{"bearer": []}]
    }
    assert secured >= {*DOORS, "/metrics", "/api/v1/status"}
    assert not secured & {"/health", "/livez", "/readyz"}


async def test_no_file_is_served_but_the_assets(road):
    for name in ("../management.py", "..%2fmanagement.py", "%2e%2e/management.py", "LICENSE", ""):
        async with connected(road) as raw:
            await raw.send(request(b"", method="GET", path=f"/docs/{name}"))
            assert (await raw.response()).status in {307, 404}


# ------------------------------------------------------------------ behind a proxy


async def test_a_root_path_is_taken_off_and_not_needed(tmp_path):
    async with stage(tmp_path, server={"root_path": "/llm"}) as road:
        for prefix in ("/llm", ""):
            assert (await road.http.get(f"{prefix}/health")).status_code == 200
            response = await road.http.post(f"{prefix}{CHAT}", content=chat_body())
            assert response.status_code == 200
        assert (await road.http.get("/llmhealth")).status_code == 404
        assert (await road.http.get("/llm/llm/health")).status_code == 404


@pytest.mark.parametrize("trusted", [[], ["127.0.0.0/8"]])
async def test_what_a_proxy_says_opens_no_door(tmp_path, trusted):
    """A forwarded address or host is never a reason to serve: only keys and the real Host are."""
    async with stage(tmp_path, server={"trusted_proxies": trusted}) as road:
        for lines in (["X-Forwarded-For: 203.0.113.9, 10.0.0.1", "X-Forwarded-Proto: https"],):
            async with connected(road) as raw:
                await raw.send(request(None, *lines))
                assert (await raw.response()).status == 200
        async with connected(road) as raw:
            lines = ["X-Forwarded-Host: localhost", "X-Forwarded-For: 127.0.0.1"]
            await raw.send(request(None, *lines, host="evil.example"))
            assert (await raw.response()).status == 403
