"""From a budget in the configuration to a verified webhook: requests spend it, a receiver hears."""

from __future__ import annotations

import json

from antiphon import verify_webhook
from tests.notices.conftest import ADMIN, SECRET, Desk, Receiver, running, sections
from tests.server.purses import PRICED
from tests.server.stage import HELLO, KEY, Stage

AUTH = {
    "required": True,
    "admin_key": ADMIN,
    "keys": [{"key": KEY, "team": "web", "department": "sales", "user": "Ada Lovelace"}],
}


async def ask(road: Stage) -> int:
    body = {"model": "fast", "messages": HELLO, "max_tokens": 50}
    headers = {"authorization": f"Bearer {KEY}"}
    return (await road.http.post("/v1/chat/completions", json=body, headers=headers)).status_code


async def test_a_budget_is_spent_and_its_receiver_hears_of_it(receiver: Receiver, tmp_path) -> None:
    limits = [
        {"scope": "team", "name": "web", "limit": "0.001", "per": "month", "warn_at": [0.8]},
        {"scope": "user", "limit": "0.0011", "per": "total", "warn_at": [0.6]},
    ]
    more = {**sections(receiver), "auth": AUTH, "provider": PRICED, "budgets": {"limits": limits}}
    async with running(tmp_path, **more) as road:
        statuses = [200]
        while statuses[-1] == 200:
            statuses.append(await ask(road))
        assert statuses[-1] == 402
        assert await ask(road) == 402
        told = await Desk(road).until("delivered", 3)
        assert len(told) == 3
    bodies = []
    for visit in receiver.visits:
        verify_webhook(visit.body, visit.headers, SECRET)
        assert b"Ada" not in visit.body
        bodies.append(json.loads(visit.body))
    found = {
        (each["type"], each["data"]["budget"]["scope"], each["data"]["share"]) for each in bodies
    }
    assert found == {
        ("budget.warning", "team", "0.8"),
        ("budget.exceeded", "team", "1"),
        ("budget.warning", "user", "0.6"),
    }
    [first] = [each["data"] for each in bodies if each["data"]["share"] == "0.8"]
    assert first["organisation"] == "org_default"
    assert first["budget"] == {"scope": "team", "id": "web", "name": "web", "per": "month"}
    assert first["limit_usd"] == "0.001000000"
    assert 0.0008 <= float(first["spent_usd"]) <= 0.001
    [user] = [each["data"] for each in bodies if each["data"]["budget"]["scope"] == "user"]
    assert user["budget"]["id"].startswith("sub")
    assert user["period_ends"] is None


async def test_a_request_that_is_too_large_says_nothing_of_the_budget(
    receiver: Receiver, tmp_path
) -> None:
    limits = [{"scope": "team", "limit": "0.00001"}]
    more = {**sections(receiver), "auth": AUTH, "provider": PRICED, "budgets": {"limits": limits}}
    async with running(tmp_path, **more) as road:
        assert await ask(road) == 402
        assert road.gateway.books.noticing.notices.waiting == 0
        assert (await Desk(road).get())["data"] == []
