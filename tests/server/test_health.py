"""How the gateway says that it does: every rule by what brings it about, and nobody is asked."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import shutil
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import openai
import pytest

from antiphon.gateway.health import Health, HealthDetail
from antiphon.gateway.rules import BEHIND_AFTER
from antiphon.simulator import SimulatorSpec
from antiphon.storage.database import Database
from antiphon.usage.journal import segment as segment_module
from antiphon.usage.journal.journal import Journal
from antiphon.version import VERSION
from tests.server.raw import connected, request
from tests.server.stage import HELLO, Stage, stage
from tests.unit.usage.books import StillClock, closed, opened

ADMIN = "admin-key-0123456789abcdef"
AUTH = {"admin_key": ADMIN}
KNOCK = {"authorization": f"Bearer {ADMIN}"}
SPECS = [SimulatorSpec(name="zebra", seed=1), SimulatorSpec(name="okapi", seed=2)]
LISTS_ITSELF = Path("/proc/self").exists()
LLM = {
    "status": "healthy",
    "latency_ms": None,
    "models_available": 2,
    "circuit_breaker_state": "closed",
    "circuit_breaker_failures": 0,
}


class MovedClock:
    """The machine's time, and what a test adds to it."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead

    def now(self) -> float:
        return time.time() + self.ahead


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


@asynccontextmanager
async def stable(tmp_path: Path, **sections: Any) -> AsyncIterator[Stage]:
    async with stage(tmp_path, SPECS, auth=AUTH, **sections) as road:
        yield road


@pytest.fixture
async def road(tmp_path, clock) -> AsyncIterator[Stage]:
    async with stable(tmp_path, clock=clock) as running:
        yield running


async def health(road: Stage) -> tuple[int, str]:
    response = await road.http.get("/health")
    assert msgspec.json.decode(response.content, type=Health)
    return response.status_code, response.json()["status"]


async def detail(road: Stage) -> HealthDetail:
    response = await road.http.get("/health/detailed", headers=KNOCK)
    found = msgspec.json.decode(response.content, type=HealthDetail)
    assert response.status_code == (503 if found.status == "unhealthy" else 200)
    return found


async def ready(road: Stage) -> tuple[int, str]:
    response = await road.http.get("/readyz")
    return response.status_code, response.text


async def ask(road: Stage, model: str = "fast") -> bool:
    with contextlib.suppress(openai.APIStatusError):
        await road.client.chat.completions.create(model=model, messages=HELLO)
        return True
    return False


async def until(road: Stage, *reasons: str) -> HealthDetail:
    """Ask until just these rules hold."""
    async with asyncio.timeout(10):
        while (found := await detail(road)).reasons != reasons:
            pass
    return found


async def flushed(road: Stage) -> bool:
    return await asyncio.to_thread(road.gateway.books.shipper.flush, 10)


# ------------------------------------------------------------------ shapes


async def test_a_stranger_s_answer(road):
    response = await road.http.get("/health")
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    assert response.json() == {
        "status": "healthy",
        "version": VERSION,
        "llm": LLM,
        "accounting": {"status": "healthy"},
    }


async def test_the_admin_s_answer(road):
    assert await ask(road)
    assert await flushed(road)
    response = await road.http.get("/health/detailed", headers=KNOCK)
    assert "sk-upstream" not in response.text
    assert ADMIN not in response.text
    assert response.json()["redis"] is None
    found = await detail(road)
    assert (found.status, found.reasons, found.version) == ("healthy", (), VERSION)
    assert msgspec.to_builtins(found.llm) == {**LLM, "latency_ms": found.llm.latency_ms}
    assert found.llm.latency_ms is not None
    first, second = found.upstreams
    assert (first.name, first.provider, first.model) == ("zebra/sim-small", "zebra", "sim-small")
    assert (first.status, first.successes, first.failures) == ("healthy", 1, 0)
    assert (first.circuit_breaker.state, first.circuit_breaker.failures) == ("closed", 0)
    assert (first.last_error, first.probe, first.retires) == (None, None, None)
    assert (first.keys.live, first.keys.dead) == (1, 0)
    assert second.name == "okapi/sim-small"
    assert found.database is not None
    assert (found.database.kind, found.database.status) == ("sqlite", "healthy")
    assert found.database.shipped == 1
    assert found.database.size_bytes > 4096
    assert msgspec.to_builtins(found.database.lag) == {"attempts": 0, "bytes": 0, "oldest_s": 0.0}
    assert found.journal is not None
    assert found.journal.folder == str(road.gateway.settings.storage.journal_dir)
    assert (found.journal.takes_new, found.journal.trouble) == (True, "")
    assert (found.journal.open_attempts, found.journal.segments) == (0, 1)
    assert {each.status for each in found.services.values()} == {"running"}
    assert set(found.services) >= {"shipper", "journal"}
    concurrency = found.performance.concurrency
    assert (concurrency.live, concurrency.peak, concurrency.refused) == (0, 1, 0)
    assert concurrency.bound == road.gateway.settings.limits.concurrency
    assert found.performance.upstreams["zebra/sim-small"].requests == 1
    assert found.process.pid == os.getpid()
    assert found.process.uptime_s > 0
    assert found.process.loop_lag_ms >= 0
    if LISTS_ITSELF:
        assert found.process.rss_bytes > 1 << 20
        assert found.process.open_files > 3


async def test_how_fast_it_goes(road):
    for _ in range(3):
        assert await ask(road)
    road.second.arm("hangup")
    assert not await ask(road, "okapi/sim-small")
    found = (await detail(road)).performance
    fast, zebra = found.aliases["fast"], found.upstreams["zebra/sim-small"]
    assert (fast.requests, fast.samples) == (3, 3)
    assert 0 < fast.latency_ms.p50 <= fast.latency_ms.p95 <= fast.latency_ms.p99
    assert 0 < zebra.latency_ms.p50 <= fast.latency_ms.p50
    assert found.requests_per_second > 0
    assert found.tokens_per_second > 0
    assert set(found.errors) <= {"timeout", "connection", "api", "other"}
    assert sum(found.errors.values()) == found.upstreams["okapi/sim-small"].requests > 0


async def test_a_retirement_that_is_known_is_told(tmp_path):
    models = {"old": "zebra/gpt-4o"}
    async with stable(tmp_path, models=models) as road:
        table = {each.name: each for each in (await detail(road)).upstreams}
        facts = road.gateway.snapshot.plan("old").deployments[0].facts
        assert facts.retires
        old = table["zebra/gpt-4o"]
        assert (old.retires, old.successor) == (facts.retires, facts.successor or None)


async def test_a_provider_that_no_route_names_is_an_upstream_too(tmp_path):
    async with stable(tmp_path, models={"both": "zebra/sim-small"}) as road:
        table = {each.name: each for each in (await detail(road)).upstreams}
        assert set(table) == {"zebra/sim-small", "okapi"}
        assert (table["okapi"].model, table["okapi"].status) == (None, "healthy")


@pytest.mark.parametrize("required", [False, True])
async def test_only_the_admin_key_opens_the_details(tmp_path, required):
    key = "caller-key-0123456789abcdef"
    auth = {**AUTH, "required": required, "keys": [{"key": key}]}
    async with stage(tmp_path, auth=auth) as road:
        for headers, status in (
            ({}, 401),
            ({"authorization": "Bearer wrong"}, 401),
            ({"authorization": f"Bearer {key}"}, 403),
            (KNOCK, 200),
        ):
            response = await road.http.get("/health/detailed", headers=headers)
            assert response.status_code == status
            assert status == 200 or "sim-small" not in response.text
        assert (await road.http.get("/health")).status_code == 200


PROBED = ["/health", "/health/detailed", "/livez", "/readyz"]


@pytest.mark.parametrize("path", PROBED)
async def test_other_methods(road, path):
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"):
        response = await road.http.request(method, path, headers=KNOCK)
        assert response.status_code == 405, method
        assert response.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize("path", PROBED)
async def test_head(road, path):
    async with connected(road) as raw:
        lines = [f"{name}: {value}" for name, value in KNOCK.items()]
        await raw.send(request(b"", *lines, method="HEAD", path=path))
        head = await raw.response(bodiless=True)
        assert head.status == 200
        assert int(head.headers["content-length"]) > 0
        await raw.send(request(b"", *lines, method="GET", path=path))
        assert (await raw.response()).status == 200


async def test_the_schema_has_both_shapes(road):
    schema = (await road.http.get("/openapi.json")).json()
    shapes = schema["components"]["schemas"]
    for path, name in (("/health", "Health"), ("/health/detailed", "HealthDetail")):
        responses = schema["paths"][path]["get"]["responses"]
        for status in ("200", "503"):
            [content] = responses[status]["content"].values()
            assert content["schema"] == {"$ref": f"#/components/schemas/{name}"}
        sent = (await road.http.get(path, headers=KNOCK)).json()
        assert set(shapes[name]["properties"]) == set(sent)
    assert set(schema["paths"]["/health/detailed"]["get"]["responses"]) > {"401", "403"}
    assert "RouteView" in shapes


# ------------------------------------------------------------------ nobody is asked


async def test_a_scrape_asks_nobody(road):
    before = [(each.requests, each.connections) for each in road.simulators]
    for _ in range(100):
        for path in PROBED:
            assert (await road.http.get(path, headers=KNOCK)).status_code == 200
    assert [(each.requests, each.connections) for each in road.simulators] == before == [(0, 0)] * 2


async def test_strangers_learn_no_names_paths_or_errors(tmp_path, clock):
    """With everything amiss that can be."""
    stranger(tmp_path / "journal")
    async with stable(tmp_path, clock=clock) as road:
        for each in road.simulators:
            each.arm("server-error")
        for _ in range(5):
            assert not await ask(road, "both")
        found = await until(road, "journals_left_alone", "upstreams_sick")
        assert str(tmp_path) in found.journal.folder
        response = await road.http.get("/health")
        assert response.status_code == 503
        said = [response.text, (await road.http.get("/readyz")).text]
        for word in ("zebra", "okapi", "sim-small", "server", str(tmp_path), "journal", "error"):
            assert not any(word in each for each in said), word


# ------------------------------------------------------------------ rules


async def test_a_deployment_is_sick_while_another_lives(road, clock):
    road.first.arm("server-error")
    for _ in range(5):
        assert await ask(road, "both")
    assert await health(road) == (200, "degraded")
    assert await ready(road) == (200, "ready\n")
    found = await until(road, "upstream_sick")
    sick, well = found.upstreams
    assert (sick.status, sick.circuit_breaker.state) == ("unhealthy", "open")
    assert (sick.circuit_breaker.failures, sick.failures) == (5, 5)
    assert 0 < sick.circuit_breaker.seconds <= 60
    assert sick.last_error.code == "server_error"
    assert abs(sick.last_error.at - clock.now()) < 60
    assert well.status == "healthy"
    assert found.llm.status == "degraded"
    assert (found.llm.circuit_breaker_state, found.llm.circuit_breaker_failures) == ("open", 5)
    assert found.llm.models_available == 1
    assert found.accounting.status == "healthy"
    assert found.performance.errors == {"api": 5}
    clock.ahead += 61  # its time is over: it is probed in its turn
    found = await until(road, "upstream_doubtful")
    assert (found.upstreams[0].status, found.upstreams[0].circuit_breaker.seconds) == (
        "degraded",
        0.0,
    )
    assert found.llm.circuit_breaker_state == "half_open"
    road.first.disarm()
    assert await ask(road, "both")
    assert (await detail(road)).llm.circuit_breaker_failures == 0
    assert await health(road) == (200, "healthy")


async def test_all_deployments_are_sick(road):
    for each in road.simulators:
        each.arm("server-error")
    for _ in range(5):
        assert not await ask(road, "both")
    assert await health(road) == (503, "unhealthy")
    found = await until(road, "upstreams_sick")
    assert (found.llm.status, found.llm.models_available) == ("unhealthy", 0)
    assert await ready(road) == (200, "ready\n"), "what is asked is still tried"


async def test_a_deployment_without_a_key_that_is_accepted(road):
    road.first.set_keys(frozenset())
    assert await ask(road, "both")
    found = await until(road, "upstream_sick")
    assert (found.upstreams[0].keys.live, found.upstreams[0].keys.dead) == (0, 1)
    assert found.upstreams[0].status == "unhealthy"


async def test_draining(road):
    await road.gateway.drain(0)
    assert await health(road) == (503, "unhealthy")
    assert await ready(road) == (503, "draining\n")
    response = await road.http.get("/livez")
    assert (response.status_code, response.text) == (200, "ok\n")
    assert (await detail(road)).reasons == ("draining",)


@pytest.fixture
def full(monkeypatch) -> list[bool]:
    """The disk of the journal is full while the list says so."""
    full = [False]

    def allocate(fd: int, begin: int, size: int) -> None:
        if full[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.ftruncate(fd, begin + size)

    monkeypatch.setattr(segment_module.os, "posix_fallocate", allocate)
    monkeypatch.setattr("antiphon.gateway.books._ASK_AGAIN", 0.01)
    return full


async def test_a_full_disk(tmp_path, full):
    async with stable(tmp_path, segment_bytes=16_384) as road:
        full[0] = True
        tight = False
        while await ask(road):
            found = await detail(road)
            tight = tight or found.reasons == ("journal_tight",)
        assert tight, "before it takes nothing, it says that it soon will not"
        assert await health(road) == (503, "unhealthy")
        assert await ready(road) == (503, "blocked\n")
        assert (await road.http.get("/livez")).status_code == 200
        found = await until(road, "journal_blocked")
        assert (found.accounting.status, found.llm.status) == ("unhealthy", "healthy")
        assert found.journal.status == "unhealthy"
        assert "no room" in found.journal.trouble
        full[0] = False
        # Nobody calls, since nobody is sent here: the disk is asked again all the same.
        await until(road)
        assert await ready(road) == (200, "ready\n")
        assert await ask(road)


async def test_a_locked_database(tmp_path, clock, monkeypatch):
    monkeypatch.setattr("antiphon.gateway.books.Database", partial(Database, busy_seconds=0.01))
    async with stable(tmp_path, clock=clock) as road:
        with locked(tmp_path / "antiphon.db"):
            assert await ask(road)
            assert not await flushed(road)
            assert await health(road) == (200, "degraded")
            assert await ready(road) == (200, "ready\n")
            found = await until(road, "ledger_unwritable")
            assert (found.accounting.status, found.database.status) == ("degraded", "degraded")
            assert "another process holds the database" in found.database.trouble
            assert found.database.lag.attempts == 1
            assert found.database.lag.bytes > 0
            assert found.database.lag.oldest_s > 0
            clock.ahead += BEHIND_AFTER
            found = await until(road, "ledger_unwritable", "ledger_behind")
            assert found.database.lag.oldest_s > BEHIND_AFTER
        await until(road)
        assert (await detail(road)).database.lag.attempts == 0


async def test_a_service_that_fails(road, monkeypatch):
    journal = road.gateway.books.journal

    def fails() -> None:
        journal.wanted.clear()
        raise LookupError("no such thing")

    with monkeypatch.context() as patch:
        patch.setattr(journal, "prepare", fails)
        journal.wanted.set()
        found = await until(road, "service_failed")
        assert await health(road) == (200, "degraded")
        assert found.services["journal"].status == "failed"
        assert found.services["journal"].error == "LookupError: no such thing"
        assert found.services["shipper"].status == "running"
    found = await until(road)
    assert found.services["journal"].restarts >= 1


async def test_a_journal_that_is_left_alone(tmp_path, clock):
    left = stranger(tmp_path / "journal")
    async with stable(tmp_path, clock=clock) as road:
        found = await until(road, "journals_left_alone")
        assert await health(road) == (200, "degraded")
        assert list(found.journal.strangers.values()) == ["it belongs to another ledger"]
        shutil.rmtree(left)
        clock.ahead += 11  # it looks for them now and then
        await until(road)


async def test_a_journal_that_was_damaged(tmp_path):
    async with stable(tmp_path) as road:
        ledger = road.gateway.books.ledger.name
    journal = Journal(tmp_path / "journal", ledger=ledger, clock=StillClock())
    for number in (1, 2, 3):
        entry = journal.open(opened(number))
        journal.close(entry, closed(entry, number))
    last = journal.open(opened(4))
    path = journal.segments[0].path
    journal.dispose()
    data = bytearray(path.read_bytes())
    data[400] ^= 0xFF
    path.write_bytes(data)
    async with stable(tmp_path) as road:
        assert await flushed(road)
        found = await until(road, "journal_damaged")
        assert await health(road) == (200, "degraded")
        assert (found.journal.adopted, found.journal.damaged) == (1, 1)
        assert found.journal.lost >= 1
    assert last


async def test_after_its_end(tmp_path):
    async with stable(tmp_path) as road:
        gateway = road.gateway
    assert gateway.health().status == "unhealthy"
    assert (await gateway.health_in_detail()).reasons == ("draining", "not_started")
    assert gateway.obstacle == "draining"


def stranger(folder: Path) -> Path:
    """Leaves the journal of a dead process that wrote for another ledger."""
    journal = Journal(folder, ledger="f" * 16, clock=StillClock())
    journal.open(opened(1))
    journal.dispose()
    return folder / journal.owner


@contextmanager
def locked(path: Path) -> Iterator[None]:
    thief = sqlite3.connect(path, isolation_level=None)
    thief.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        thief.execute("ROLLBACK")
        thief.close()
