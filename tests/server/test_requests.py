"""What happened to a request, asked of the gateway that served it."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from urllib.parse import quote

import msgspec
import pytest

from antiphon.server.api_requests import AttemptView, RequestView, UsageView
from antiphon.simulator import FaultRule, Latency, Outcome
from antiphon.simulator.rules import Match
from antiphon.usage.ledger.facts import AttemptFacts, RequestFacts
from antiphon.usage.ledger.tables import WORDS
from tests.server.raw import chat_body, connected, request
from tests.server.stage import HELLO, Stage, stage
from tests.server.test_streams import ROLE, chunk, teach

ADMIN = "admin-key-0123456789abcdef"
WEB = "web-key-0123456789abcdef"
SHOP = "shop-key-0123456789abcdef"
AUTH = {
    "admin_key": ADMIN,
    "keys": [
        {"key": WEB, "team": "web", "department": "sales", "user": "app"},
        {"key": SHOP, "team": "shop", "models": ["fast"]},
    ],
}
PRICED = {"models": {"sim-small": {"prices": {"input": 1.5, "output": 6}}}}
PATIENT = {
    "deployments": ["one/sim-small", "two/sim-small"],
    "retry": {"calls": 4, "backoff": 0.05, "jitter": "none"},
}


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


@pytest.fixture
async def road(tmp_path) -> AsyncIterator[Stage]:
    async with stage(tmp_path, auth=AUTH, models={"patient": PATIENT}) as running:
        yield running


async def ask(road: Stage, model: str = "fast", key: str = WEB, **members: object) -> str:
    """The id of a request, which may have gone any way."""
    body = chat_body(model=model, **members)
    answer = await road.http.post("/v1/chat/completions", content=body, headers=bearer(key))
    return answer.headers["x-antiphon-request-id"]


async def look(road: Stage, request_id: str, key: str = ADMIN, status: int = 200) -> dict:
    answer = await road.http.get(f"/api/v1/requests/{request_id}", headers=bearer(key))
    assert answer.status_code == status, answer.text
    return answer.json()


async def listed(road: Stage, by: str = ADMIN, **query: object) -> list[str]:
    answer = await road.http.get("/api/v1/requests", params=query, headers=bearer(by))
    assert answer.status_code == 200, answer.text
    assert answer.json()["behind"] is False
    return [each["id"] for each in answer.json()["requests"]]


# ------------------------------------------------------------------ one


async def test_a_plain_answer_is_found_at_once(road):
    for _ in range(5):
        found = await look(road, await ask(road, max_tokens=5))
    assert found["state"] == "finished"
    assert (found["route"], found["dialect"], found["dialects"]) == (
        "fast",
        "openai_chat",
        ["openai_chat"],
    )
    assert (found["status"], found["outcome"], found["error"]) == (200, "ok", None)
    assert (found["stream"], found["cache"], found["warnings"]) == (False, "none", [])
    assert (found["team"], found["department"], found["user"]) == ("web", "sales", "app")
    assert found["key_id"].startswith("static-")
    [attempt] = found["attempts"]
    assert (attempt["number"], attempt["provider"], attempt["model"]) == (1, "one", "sim-small")
    assert (attempt["outcome"], attempt["code"], attempt["stop"]) == ("ok", "", "length")
    assert attempt["usage"] == found["usage"]
    assert found["usage"]["output_tokens"] == 5
    assert set(found["usage"]) == set(WORDS)
    assert found["charge"] == attempt["charge"] == "reported"
    assert 0 <= attempt["offset_ms"] <= found["duration_ms"]
    assert 0 < attempt["first_byte_ms"] <= attempt["duration_ms"] <= found["duration_ms"]
    rounded = {"abs": 0.002}
    end = attempt["offset_ms"] + attempt["duration_ms"]
    assert end == pytest.approx(found["duration_ms"], **rounded)
    waited = found["duration_ms"] - attempt["duration_ms"]
    assert found["overhead_ms"] == pytest.approx(waited, **rounded)
    assert found["started"] < found["ended"]
    assert found["capture"] is None


async def test_money_is_exact(tmp_path):
    async with stage(tmp_path, auth=AUTH, provider=PRICED) as road:
        found = await look(road, await ask(road, max_tokens=5))
    usage = found["usage"]
    billionths = usage["input_tokens"] * 1500 + usage["output_tokens"] * 6000
    assert found["cost_usd"] == f"0.{billionths:09d}"
    assert found["attempts"][0]["cost_usd"] == found["cost_usd"]
    assert found["attempts"][0]["reserved_usd"] > found["cost_usd"]
    assert found["attempts"][0]["price"]


async def test_a_stream_is_found_at_once(road):
    road.first.set_latency(Latency(first_token=0.01, tokens_per_second=5000))
    for _ in range(5):
        found = await look(road, await ask(road, stream=True))
    assert (found["stream"], found["state"], found["outcome"]) == (True, "finished", "ok")
    assert 0 < found["first_token_ms"] <= found["duration_ms"]


async def test_a_fallback_with_a_wait(road):
    road.first.arm(FaultRule("server-error", count=2))
    road.second.arm(FaultRule("rate-limited", count=1))
    found = await look(road, await ask(road, "patient"))
    assert found["outcome"] == "ok"
    attempts = found["attempts"]
    assert [(each["number"], each["provider"], each["outcome"]) for each in attempts] == [
        (1, "one", "refused"),
        (2, "two", "refused"),
        (3, "one", "refused"),
        (4, "two", "ok"),
    ]
    assert attempts[0]["code"] == "server_error"
    ends = [each["offset_ms"] + each["duration_ms"] for each in attempts]
    begins = [each["offset_ms"] for each in attempts]
    assert begins == sorted(begins)
    assert all(end <= begin for end, begin in zip(ends, begins[1:], strict=False))
    pause = begins[2] - ends[1]
    assert pause > 25, "of 50, however coarse the loop's timers are"
    assert found["overhead_ms"] >= pause
    assert [each["charge"] for each in attempts] == ["nothing", "nothing", "nothing", "reported"]


async def test_exhausted(road):
    road.first.arm("server-error")
    road.second.arm("server-error")
    found = await look(road, await ask(road, "both"))
    assert (found["state"], found["status"], found["outcome"]) == ("finished", 502, "failed")
    assert found["error"]["code"] == "upstream"
    assert "No deployment of 'both'" in found["error"]["message"]
    assert [each["code"] for each in found["attempts"]] == ["server_error"] * 2
    assert found["charge"] == "nothing"


async def test_refused_before_any_attempt(road):
    found = await look(road, await ask(road, "no-such-model"))
    assert (found["status"], found["outcome"], found["attempts"]) == (404, "failed", [])
    assert found["route"] == "no-such-model"
    assert found["error"]["code"] == "model_not_found"
    found = await look(road, await ask(road, "both", SHOP))
    assert (found["status"], found["error"]["code"]) == (403, "forbidden")


async def test_a_stream_that_breaks_after_content(road):
    teach(road, "broken", ROLE, chunk({"content": "hi"}), 0.05, b"data: {broken\n\n")
    found = await look(road, await ask(road, stream=True))
    assert (found["state"], found["status"], found["outcome"]) == ("finished", 502, "failed")
    assert found["error"]["code"] == "upstream"
    [attempt] = found["attempts"]
    assert (attempt["outcome"], attempt["code"]) == ("failed", "bad_event")
    assert attempt["charge"] == found["charge"] == "estimated"
    assert found["first_token_ms"] is not None


async def test_one_that_runs_and_whose_caller_then_leaves(road):
    road.first.arm(FaultRule("server-error", count=1))
    road.second.arm("stall-inside")
    body = chat_body(model="both", stream=True)
    async with connected(road) as raw:
        await raw.send(request(body, f"Authorization: Bearer {WEB}"))
        request_id = (await raw.head()).headers["x-antiphon-request-id"]
        found = await look(road, request_id)
        assert (found["state"], found["outcome"], found["status"]) == ("running", "running", None)
        assert (found["ended"], found["error"]) == (None, None)
        assert [each["outcome"] for each in found["attempts"]] == ["refused", "running"]
        assert found["attempts"][1]["first_byte_ms"] > 0
        assert found["attempts"][1]["reserved_usd"] is None
        assert found["user"] == "app"
        assert (await look(road, request_id, WEB))["state"] == "running"
        await look(road, request_id, SHOP, 404)
        assert request_id not in await listed(road)
        raw.abort()
        await road.second.until(lambda lab: lab.outcomes[Outcome.CALLER_LEFT])
        await road.gateway.pipeline.idle()
    found = await look(road, request_id)
    assert (found["state"], found["outcome"], found["status"]) == ("finished", "cancelled", 499)
    assert found["error"] == {
        "code": "client_closed",
        "message": "The caller left before the answer was whole.",
    }
    assert [each["outcome"] for each in found["attempts"]] == ["refused", "cancelled"]
    assert found["attempts"][1]["charge"] == "estimated"


async def test_one_that_has_sent_nothing_yet(road):
    road.first.arm("stall")
    async with connected(road) as raw:
        await raw.send(request(chat_body(), f"Authorization: Bearer {WEB}"))
        await road.first.until(lambda lab: lab.requests)
        [exchange] = road.gateway.pipeline.live
        found = await look(road, exchange.id)
        assert (found["state"], found["first_token_ms"]) == ("running", None)
        assert found["attempts"][0]["first_byte_ms"] is None
        raw.abort()
        await road.gateway.pipeline.idle()


async def test_one_that_the_drain_ended(road):
    road.first.arm("stall-inside")
    async with connected(road) as raw:
        await raw.send(request(chat_body(stream=True), f"Authorization: Bearer {WEB}"))
        request_id = (await raw.head()).headers["x-antiphon-request-id"]
        await road.gateway.drain(0)
        found = await look(road, request_id)
    assert (found["outcome"], found["status"]) == ("cancelled", 503)
    assert found["error"] == {"code": "overloaded", "message": "The gateway ended it."}


async def test_in_process(road):
    await road.gateway.chat(model="fast", messages=HELLO)
    [request_id] = await listed(road)
    assert (await look(road, request_id))["key_id"] == "in-process"


async def test_many_at_once(road):
    ids = await asyncio.gather(*(ask(road, stream=bool(each % 2)) for each in range(40)))
    found = await asyncio.gather(*(look(road, each) for each in ids))
    assert [each["id"] for each in found] == ids
    assert all(each["outcome"] == "ok" and len(each["attempts"]) == 1 for each in found)


# ------------------------------------------------------------------ whose


async def test_a_key_sees_its_own(road):
    web, shop = await ask(road, key=WEB), await ask(road, key=SHOP)
    nothing = await ask(road, "no-such-model", SHOP)
    assert (await look(road, web, WEB))["id"] == web
    assert (await look(road, shop, SHOP))["id"] == shop
    absent = web.replace("req_", "req_0")
    strange = await look(road, web, SHOP, 404)
    unknown = await look(road, absent, SHOP, 404)
    assert strange.pop("instance") != unknown.pop("instance")
    assert str(strange) == str(unknown).replace(absent, web)
    await look(road, nothing, WEB, 404)
    assert await listed(road, WEB) == [web]
    assert await listed(road, SHOP) == [nothing, shop]
    assert await listed(road) == [nothing, shop, web]
    key_id = (await look(road, web))["key_id"]
    assert await listed(road, SHOP, key=key_id) == []
    assert await listed(road, key=key_id) == [web]


@pytest.mark.parametrize("path", ["/api/v1/requests", "/api/v1/requests/req_1"])
async def test_without_a_known_key_nothing_is_told(road, path):
    assert (await road.http.get(path)).status_code == 401
    assert (await road.http.get(path, headers=bearer("other"))).status_code == 401
    assert (await road.http.get(f"{path}?limit=wrong")).status_code == 401


async def test_content_is_for_the_admin(road):
    request_id = await ask(road)
    path = f"/api/v1/requests/{request_id}?content=true"
    assert (await road.http.get(path, headers=bearer(WEB))).status_code == 403
    answer = await road.http.get(path, headers=bearer(ADMIN))
    assert (answer.status_code, answer.json()["capture"]) == (200, None)


# ------------------------------------------------------------------ lists


async def test_pages_while_requests_arrive(road):
    before = [await ask(road) for _ in range(7)]
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        answer = await road.http.get(
            "/api/v1/requests", params={"limit": 2, **cursor}, headers=bearer(ADMIN)
        )
        page = answer.json()
        seen += [each["id"] for each in page["requests"]]
        await ask(road)
        if page["next"] is None:
            break
        cursor = {"before": page["next"]}
    assert seen == before[::-1]


async def test_filters(road):
    road.first.arm(FaultRule("server-error", match=Match(model="sim-large")))
    good = await ask(road)
    fallen = await ask(road, "both")
    missing = await ask(road, "nope", SHOP)
    failed = await ask(road, "one/sim-large")
    road.first.arm(FaultRule("server-error", count=1))
    over = await ask(road, "both")
    everything = [over, failed, missing, fallen, good]
    assert await listed(road) == everything
    assert await listed(road, route="both") == [over, fallen]
    assert await listed(road, route="*") == [failed]
    assert await listed(road, provider="two") == [over]
    assert await listed(road, provider="one", model="sim-large") == [failed]
    assert await listed(road, model="two/sim-small") == [over]
    assert await listed(road, model="sim-small") == [over, fallen, good]
    assert await listed(road, errors=True) == [failed, missing]
    assert await listed(road, outcome="ok") == [over, fallen, good]
    assert await listed(road, outcome="failed") == [failed, missing]
    assert await listed(road, status="404") == [missing]
    assert await listed(road, status="5xx") == [failed]
    assert await listed(road, status="2xx") == [over, fallen, good]
    assert await listed(road, team="shop") == [missing]
    assert await listed(road, user="app") == [over, failed, fallen, good]
    assert await listed(road, user="nobody") == []
    ended = (await look(road, missing))["ended"]
    assert await listed(road, since=ended) == [over, failed, missing]
    assert await listed(road, until=ended) == [fallen, good]
    assert await listed(road, since="2001-01-01", until="2001-01-02T00:00:00+02:00") == []


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=many", "limit"),
        ("before=", "before"),
        ("before=1", "before"),
        ("before=1-a/b", "before"),
        ("before=9999999999999999999999-req_1", "before"),
        ("before=1-req_1%00", "before"),
        ("status=999", "status"),
        ("status=%D9%A4xx", "status"),
        ("outcome=good", "outcome"),
        ("since=yesterday", "since"),
        ("since=1e300", "since"),
        ("errors=maybe", "errors"),
        ("route=" + "x" * 300, "route"),
        ("rout=x", "rout"),
    ],
)
async def test_bad_questions(road, query, param):
    answer = await road.http.get(f"/api/v1/requests?{query}", headers=bearer(ADMIN))
    assert answer.status_code == 400, answer.text
    assert param in answer.json()["param"]


@pytest.mark.parametrize("text", ["%00", "%FF", "' OR 1=1 --", "😀", "%25"])
async def test_odd_words_match_nothing(road, text):
    await ask(road)
    for name in ("route", "provider", "model", "key", "team", "user"):
        answer = await road.http.get(
            f"/api/v1/requests?{name}={quote(text, safe='%')}", headers=bearer(ADMIN)
        )
        assert (answer.status_code, answer.json()["requests"]) == (200, [])


@pytest.mark.parametrize(
    "hostile",
    [
        "x",
        "x" * 10_000,
        "a/b",
        "a%2Fb",
        "..%2F..%2Fetc",
        "%00",
        "req_1%00",
        "%FF%FE",
        "%0D%0Aset-cookie:x",
        "'; DROP TABLE attempts; --",
        "req_%",
        "😀",
        "%E2%80%AE",
        "{request_id}",
    ],
)
async def test_hostile_ids(road, hostile):
    async with connected(road) as raw:
        path = f"/api/v1/requests/{quote(hostile, safe='%/')}"
        line = request(b"", f"Authorization: Bearer {ADMIN}", method="GET", path=path)
        await raw.send(line)
        answer = await raw.response()
    assert answer.status in {400, 404}, answer
    assert answer.problem["code"] in {"bad_request", "not_found"}
    assert len(answer.body) < 1000
    assert "set-cookie" not in answer.headers


# ------------------------------------------------------------------ a database that fails


async def test_a_database_that_fails(road, tmp_path):
    request_id = await ask(road)
    await look(road, request_id)
    with sqlite3.connect(tmp_path / "antiphon.db") as other:
        other.execute("DROP TABLE attempts")
    other.close()
    for path in (f"/api/v1/requests/{request_id}", "/api/v1/requests"):
        answer = await road.http.get(path, headers=bearer(ADMIN))
        assert answer.status_code == 503
        assert "database" in answer.json()["detail"]
        assert answer.json()["type"] == "urn:antiphon:error:overloaded"
    assert (await road.http.get("/livez")).status_code == 200
    assert await ask(road), "the road goes on"


async def test_a_ledger_that_is_behind_does_not_deny(road, tmp_path, monkeypatch):
    """What cannot be shipped is not said to be unknown."""
    monkeypatch.setattr("antiphon.gateway.requests._PATIENCE", 0.05)
    await look(road, await ask(road))
    other = sqlite3.connect(tmp_path / "antiphon.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    request_id = await ask(road)
    found = await look(road, request_id, status=503)
    assert "behind" in found["detail"]
    other.execute("ROLLBACK")
    other.close()


# ------------------------------------------------------------------ form


@pytest.mark.parametrize(
    ("view", "facts"), [(RequestView, RequestFacts), (AttemptView, AttemptFacts)]
)
def test_the_api_shows_what_the_facts_hold(view, facts):
    assert list(view.model_fields) == [each.name for each in msgspec.structs.fields(facts)]
    assert tuple(UsageView.model_fields) == WORDS


async def test_it_is_documented(road):
    document = (await road.http.get("/openapi.json")).json()
    one = document["paths"]["/api/v1/requests/{request_id}"]["get"]
    assert {each["name"] for each in one["parameters"]} == {"request_id", "content"}
    assert one["security"]
    several = document["paths"]["/api/v1/requests"]["get"]
    assert "before" in {each["name"] for each in several["parameters"]}
    assert json.dumps(document).count("RequestView") >= 2
