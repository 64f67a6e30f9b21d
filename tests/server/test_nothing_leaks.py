"""Secrets and personal texts go through every path, and all that is written is searched for them."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path

import pytest

from antiphon.simulator import FaultRule
from tests.server.collector import collecting
from tests.server.every_path import PRICED, ROUTES, SPECS, EveryPath
from tests.server.stage import Stage, stage

PROVIDER_KEY = "sk-provider-SECRET-4711abcdefghij"
PROVIDER_HEADER = "provider-header-SECRET-4712abcdef"
CALLER_KEY = "caller-SECRET-4713abcdefghijklmnop"
ADMIN_KEY = "admin-SECRET-4714abcdefghijklmnopq"
COLLECTOR_KEY = "collector-SECRET-4715abcdefghijkl"
KEYS = (PROVIDER_KEY, PROVIDER_HEADER, CALLER_KEY, ADMIN_KEY, COLLECTOR_KEY)
TEXTS = (
    "Zbigniew Quuxman",
    "zq.personal@example.org",
    "078-05-1120",
    "my therapist said",
    "quuxman-end-user-77",
)
MESSAGES = [
    {"role": "system", "content": f"You know {TEXTS[0]}, {TEXTS[1]}."},
    {"role": "user", "content": f"{TEXTS[2]}; {TEXTS[3]} so"},
]
READ = ["/health", "/metrics", "/livez", "/readyz", "/v1/models", "/openapi.json"]


@pytest.fixture(params=["json", "text"])
async def watched(request, tmp_path):
    form = request.param
    with collecting() as collector:
        async with stage(
            tmp_path,
            list(SPECS),
            alone=True,
            provider={
                "api_key": PROVIDER_KEY,
                "headers": {"x-token": PROVIDER_HEADER},
                "models": PRICED,
            },
            models=ROUTES,
            auth={
                "admin_key": ADMIN_KEY,
                "keys": [{"key": CALLER_KEY, "team": "web", "user": "app"}],
            },
            logging={
                "requests": form,
                "format": form,
                "level": "debug",
                "file": str(tmp_path / "log"),
            },
            telemetry={
                "otlp": {"endpoint": collector.endpoint, "headers": {"x-api-key": COLLECTOR_KEY}}
            },
        ) as road:
            yield road, collector, tmp_path


async def answers(road: Stage) -> dict[str, str]:
    """Everything that can be read of the gateway, with the admin key."""
    headers = {"authorization": f"Bearer {ADMIN_KEY}"}
    document = (await road.http.get("/openapi.json")).json()
    paths = {path for path in document["paths"] if path.startswith("/api/") and "{" not in path}
    assert len(paths) >= 3
    found = {}
    for path in sorted({*READ, *paths}):
        response = await road.http.get(path, headers=headers)
        found[path] = f"{response.headers} {response.text}"
    return found


async def test_nothing_leaks(watched, capfd):
    road, collector, folder = watched
    path = EveryPath(
        road,
        headers={"authorization": f"Bearer {CALLER_KEY}"},
        messages=MESSAGES,
        user=TEXTS[4],
    )
    await path.walk()
    await struck_by_defects(road, path)
    assert await asyncio.to_thread(road.gateway.books.shipper.flush, 10)
    written = await answers(road)
    await road.gateway.__aexit__(None, None, None)
    captured = capfd.readouterr()
    log = (folder / "log").read_text()
    written |= {"the log": log, "stdout": captured.out, "stderr": captured.err}
    written |= {f"spans {n}": repr(body) for n, (_, body) in enumerate(collector.bodies)}
    for each in folder.rglob("*"):
        if each.is_file():
            written[each.name] = each.read_bytes().decode("latin-1")
    # There was something to find.
    assert log.count("req_") > 30
    assert "attempt 1 at one/sim-small: upstream_auth" in log
    assert "Traceback" in log
    assert collector.spans
    assert collector.histograms
    assert hits(written, KEYS + TEXTS) == []
    told = {f"answer {n}": text for n, text in enumerate(path.said)}
    assert hits(told, KEYS) == []


async def struck_by_defects(road: Stage, path: EveryPath) -> None:
    """A defect of ours, whose traceback is logged."""
    plan = road.gateway.snapshot.plans["fast"]
    plan.deadline, deadline = "not a number", plan.deadline
    assert await path.ask("fast") == 500
    plan.deadline = deadline
    road.first.arm(FaultRule("key-echo", count=1))
    assert await path.ask("fast", stream=True) == 502
    logging.getLogger("antiphon.test").debug("%s", road.gateway.settings)


def hits(written: dict[str, str], secrets: tuple[str, ...]) -> list[tuple[str, str]]:
    return [
        (name, secret)
        for name, text in written.items()
        for secret in spelt(secrets)
        if secret in text
    ]


def spelt(secrets: tuple[str, ...]) -> list[str]:
    """As they are, and as JSON would spell them."""
    return [*secrets, *(json.dumps(each)[1:-1] for each in secrets)]


def test_the_search_finds_what_is_there(tmp_path: Path):
    assert hits({"log": f"a {CALLER_KEY} b"}, KEYS)
