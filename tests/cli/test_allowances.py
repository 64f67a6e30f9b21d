"""`antiphon budgets` and `antiphon limits`: at gateways, and at the database itself."""

from __future__ import annotations

import json
import time

import httpx2
import pytest

from tests.cli.inside import Inside
from tests.cli.processes import Antiphon, Served

ADMIN = "admin-key-0123456789abcdef"
KEY = "some-key-0123456789abcdef"
SOON = 2.0
"""Seconds: a change is in force within one; the rest is for a machine that is busy."""


@pytest.fixture
def here(antiphon: Antiphon, providers: list[str]) -> Antiphon:
    antiphon.write(
        f"""server: {{port: 0, drain_seconds: 1}}
auth:
  required: true
  admin_key: {ADMIN}
  keys: [{{key: {KEY}, team: web, user: alice}}]
providers:
  one:
    dialect: openai_chat
    base_url: {providers[0]}
    api_key: any
    models: {{sim-small: {{prices: {{input: 1, output: 2}}}}}}
models: {{fast: one/sim-small}}
"""
    )
    return antiphon


@pytest.fixture
def by_hand(here: Antiphon, inside: Inside) -> Inside:
    """In that home, without a process for each command."""
    return inside


def told(done) -> object:
    return json.loads(done.stdout)


def status(served: Served) -> int:
    body = {"model": "fast", "max_tokens": 50, "messages": [{"role": "user", "content": "Hi"}]}
    headers = {"authorization": f"Bearer {KEY}"}
    url = f"{served.address}/v1/chat/completions"
    return httpx2.post(url, json=body, headers=headers, timeout=20).status_code


def becomes(served: Served, wanted: int) -> None:
    deadline = time.monotonic() + SOON
    while (found := status(served)) != wanted:
        assert time.monotonic() < deadline, found


def test_without_a_gateway(here, by_hand):
    terms = ["--limit", "2.50", "--per", "day", "--warn-at", "0.5", "--ask", "#finance"]
    made = here("budgets", "create", "team", "web", *terms)
    assert made.stdout.startswith("bud_")
    assert "antiphon.db" in made.stderr
    budget = made.stdout.strip()
    by_hand("budgets", "change", budget, "--limit", "3", "--when-short", "cap")
    shown = told(by_hand("budgets", "show", budget, "--json"))
    assert (shown["target"], shown["limit"], shown["per"]) == ("web", "3", "day")
    assert (shown["warn_at"], shown["ask"], shown["source"]) == ([0.5], "#finance", "database")
    assert budget in by_hand("budgets", "list").stdout
    by_hand("budgets", "remove", budget)
    assert by_hand("budgets", "list").stdout == "there is no budget\n"
    terms = ["--requests", "3", "--tokens", "9", "--per", "3600"]
    limit = told(by_hand("limits", "create", "key", *terms, "--json"))["id"]
    by_hand("limits", "change", limit, "--per", "hour", "--mode", "shadow")
    listed = by_hand("limits", "list").stdout
    assert "3 requests an hour, 9 tokens an hour" in listed
    assert "each" in listed
    acts = [each["act"] for each in told(by_hand("audit", "list", "--json"))]
    assert acts[:3] == ["limit.change", "limit.create", "budget.remove"]


def test_two_gateways_on_one_database(here):
    """What is changed at one, or behind the back of both, holds in both within a second."""
    with here.serving() as one, here.serving() as other:
        assert (status(one), status(other)) == (200, 200)
        terms = ["--limit", "0.00001", "--per", "total"]
        budget = here("budgets", "create", "team", "web", *terms, "--url", one.address)
        becomes(other, 402)
        becomes(one, 402)
        here("budgets", "change", budget.stdout.strip(), "--limit", "5", "--offline")
        becomes(one, 200)
        becomes(other, 200)
        # A gateway tells the others what it has spent once a second.
        for _ in range(20):
            [listed] = told(here("budgets", "list", "--json", "--offline"))
            if float(listed["uses"][0]["spent_usd"]) > 0:
                break
        assert float(listed["uses"][0]["spent_usd"]) > 0
        limit = here("limits", "create", "team", "web", "--requests", "0", "--offline")
        becomes(one, 403)
        becomes(other, 403)
        here("limits", "remove", limit.stdout.strip(), "--url", other.address)
        becomes(one, 200)
        becomes(other, 200)
        here("budgets", "change", budget.stdout.strip(), "--limit", "0", "--offline")
    with here.serving() as again:
        assert status(again) == 402, "it is kept"


@pytest.mark.parametrize(
    ("arguments", "told", "status"),
    [
        (["budgets", "list"], "there is no database yet", 1),
        (["budgets", "create", "team"], "--limit", 2),
        (["budgets", "create", "team", "nobody", "--limit", "1"], "There is no such team", 1),
        (["budgets", "create", "team", "--limit", "-1"], "limit", 2),
        (["budgets", "create", "team", "--limit", "nan"], "limit", 2),
        (["limits", "create", "team"], "limits nothing", 2),
        (["limits", "create", "team", "--requests", "1", "--per", "week"], "per", 2),
    ],
)
def test_asked_wrongly(by_hand, arguments, told, status):
    assert told in by_hand(*arguments, status=status).stderr
