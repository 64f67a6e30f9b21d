"""What is counted, over HTTP, beside what the ledger holds."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import func, select

from antiphon.simulator import FaultRule
from antiphon.usage.ledger.tables import WORDS, attempts
from tests.server.every_path import PRICED, ROUTES, SPECS, EveryPath
from tests.server.stage import HELLO, KEY, Stage, stage

ADMIN = "admin-key-0123456789abcdef"
AUTH = {
    "admin_key": ADMIN,
    "keys": [{"key": KEY, "team": "web", "department": "sales", "user": "app"}],
}
TYPES = {
    "input": ["input_tokens"],
    "output": ["output_tokens"],
    "cached": ["cache_read_tokens"],
    "cache_write": ["cache_write_tokens", "cache_write_1h_tokens"],
    "reasoning": ["reasoning_tokens"],
    "audio": ["audio_input_tokens", "audio_output_tokens"],
    "image": ["image_tokens"],
}


async def scraped(road: Stage) -> dict[str, list]:
    await road.at_rest()
    response = await road.http.get("/metrics", headers={"authorization": f"Bearer {ADMIN}"})
    assert response.status_code == 200
    found: dict[str, list] = {}
    for family in text_string_to_metric_families(response.text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append(sample)
    return found


async def shipped(road: Stage) -> None:
    assert await asyncio.to_thread(road.gateway.books.shipper.flush, 10)


@pytest.fixture
async def priced(tmp_path):
    async with stage(
        tmp_path, list(SPECS), provider={"models": PRICED}, models=ROUTES, auth=AUTH
    ) as road:
        yield road


async def test_tokens_and_cost_are_those_of_the_ledger(priced):
    for headers in ({"authorization": f"Bearer {KEY}"}, {}):
        await EveryPath(priced, headers=headers).walk()
    await shipped(priced)
    metrics = await scraped(priced)
    columns = attempts.c
    of_deployment = (columns.provider, columns.model)
    sums = [func.sum(columns[word]) for word in WORDS]
    with priced.gateway.books.database.reading() as connection:
        tokens = connection.execute(select(*of_deployment, *sums).group_by(*of_deployment)).all()
        costs = connection.execute(
            select(columns.team, *of_deployment, func.sum(columns.cost)).group_by(
                columns.team, *of_deployment
            )
        ).all()
        charges = connection.execute(select(columns.charge, func.count()).group_by(columns.charge))
        assert {"reported", "estimated", "nothing"} <= {row[0] for row in charges}
    counted = Counter()
    for sample in metrics["antiphon_tokens_total"]:
        labels = sample.labels
        counted[labels["provider"], labels["model"], labels["type"]] = int(sample.value)
    expected = Counter()
    for provider, model, *words in tokens:
        by_word = dict(zip(WORDS, words, strict=True))
        for kind, parts in TYPES.items():
            expected[provider, model, kind] = sum(by_word[part] for part in parts)
    assert +counted == +expected
    assert sum(counted.values()) > 0
    spent = {
        (each.labels["team"], each.labels["provider"], each.labels["model"]): round(
            each.value * 1e9
        )
        for each in metrics["antiphon_cost_usd_total"]
    }
    assert spent == {(team, *deployment): cost for team, *deployment, cost in costs if cost}
    assert {team for team, *_ in spent} == {"web", ""}


async def test_what_is_counted_of_requests(priced):
    await EveryPath(priced).walk()
    metrics = await scraped(priced)
    requests = {
        (s.labels["route"], s.labels["provider"], s.labels["status"], s.labels["class"]): s.value
        for s in metrics["antiphon_requests_total"]
    }
    assert requests == {
        ("fast", "one", "200", "ok"): 3,
        ("deep", "one", "200", "ok"): 1,
        ("*", "one", "200", "ok"): 1,
        ("both", "two", "200", "ok"): 1,
        ("again", "one", "200", "ok"): 1,
        ("fast", "one", "400", "unsupported_parameter"): 1,
        ("fast", "one", "502", "upstream"): 4,
        ("fast", "one", "499", "client_closed"): 1,
        ("", "", "404", "model_not_found"): 1,
        ("", "", "400", "bad_request"): 1,
    }
    [retries] = metrics["antiphon_retries_total"]
    assert (retries.labels, retries.value) == ({"provider": "one", "model": "sim-small"}, 1)
    [fallbacks] = metrics["antiphon_fallbacks_total"]
    assert fallbacks.labels == {"from": "one/sim-small", "to": "two/sim-small"}
    codes = {
        s.labels["code"]: s.value
        for s in metrics["antiphon_attempts_total"]
        if s.labels["provider"] == "one" and s.labels["model"] == "sim-small"
    }
    assert codes.keys() == {
        "ok", "upstream", "rate_limited", "unsupported_parameter", "html_body", "reset",
        "cancelled", "upstream_auth",
    }  # fmt: skip


async def test_the_books_are_seen(priced):
    await EveryPath(priced).walk()
    await shipped(priced)
    metrics = await scraped(priced)
    value = {name: sum(s.value for s in found) for name, found in metrics.items()}
    assert value["antiphon_ledger_shipped_total"] == value["antiphon_attempts_total"]
    assert value["antiphon_ledger_up"] == 1
    assert value["antiphon_journal_open_attempts"] == 0
    assert value["antiphon_journal_bytes"] > 0
    assert value["antiphon_inflight"] == 0
    for name in ("adopted", "lost_attempts", "damaged"):
        assert value[f"antiphon_journal_{name}_total"] == 0
    assert value["antiphon_reports_dropped_total"] == 0


async def test_hostile_names_are_bounded(tmp_path):
    async with stage(tmp_path, auth=AUTH) as road:
        for number in range(300):
            model = f"one/m-{number}"
            response = await road.http.post(
                "/v1/chat/completions", json={"model": model, "messages": HELLO}
            )
            assert response.status_code == 200
        metrics = await scraped(road)
    models = {s.labels["model"] for s in metrics["antiphon_tokens_total"]}
    assert len(models) == 202, "200 of callers, one of the configuration, and the rest"
    assert sum(s.value for s in metrics["antiphon_requests_total"]) == 300


async def test_latencies_without_a_metrics_server(priced):
    await EveryPath(priced).walk()
    latencies = priced.gateway.latencies()
    assert set(latencies.aliases) == {"fast", "deep", "again", "both", "*"}
    fast, one = latencies.aliases["fast"], latencies.deployments["one/sim-small"]
    assert fast.latency_ms.p50 > 0
    assert fast.first_token_ms.p50 > 0
    assert fast.failures == {"timeout": 0, "connection": 2, "api": 3, "other": 0}
    assert (fast.samples, fast.cancelled, fast.requests) == (3, 1, 9)
    assert one.failures["api"] == 5
    assert latencies.deployments["two/sim-small"].samples == 1
    assert fast.requests_per_second > 0
    assert fast.tokens_per_second > 0


async def test_a_fault_of_time_is_told_apart(tmp_path):
    timeouts = {"connect": 2, "first_byte": 0.05, "idle": 0.05, "total": 0.1}
    async with stage(tmp_path, provider={"timeouts": timeouts}) as road:
        road.first.arm(FaultRule("stall"))
        await road.http.post("/v1/chat/completions", json={"model": "fast", "messages": HELLO})
        assert road.gateway.latencies().aliases["fast"].failures["timeout"] == 1
