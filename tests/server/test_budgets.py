"""Budgets over HTTP: what they refuse, what they wait for, and that they are never exceeded."""

from __future__ import annotations

from tests.server.purses import OTHER, budgets, charged, sums
from tests.server.stage import HELLO, KEY, Stage, stage

POTS = [
    ("organisation", "org_default"),
    ("department", "org_default/sales"),
    ("team", "org_default/web"),
]


async def ask(road: Stage, *, model: str = "fast", most: int = 50, key: str = KEY, **more: object):
    body = {"model": model, "messages": HELLO, "max_tokens": most, **more}
    headers = {"authorization": f"Bearer {key}"}
    return await road.http.post("/v1/chat/completions", json=body, headers=headers)


async def test_it_is_spent_until_402(tmp_path):
    limits = [
        {"scope": "organisation", "limit": "1"},
        {"scope": "department", "limit": "0.002", "name": "sales"},
        {"scope": "team", "limit": "0.001", "ask": "finance@example.com"},
    ]
    async with stage(tmp_path, **budgets(*limits)) as road:
        answers = 0
        while (answer := await ask(road)).status_code == 200:
            answers += 1
        assert answer.status_code == 402
        assert answer.headers["x-should-retry"] == "false"
        error = answer.json()["error"]
        assert error["type"] == "insufficient_quota"
        assert "budget of team web" in error["message"]
        assert "Ask finance@example.com for more." in error["message"]
        assert answers > 3
        assert (await ask(road, key=OTHER)).status_code == 200, "another team's money is its own"
    ours, everybody = charged(tmp_path, "team = ?", "web"), charged(tmp_path)
    assert sums(tmp_path, POTS) == [everybody, everybody, ours]
    assert 0 < ours <= 1_000_000
