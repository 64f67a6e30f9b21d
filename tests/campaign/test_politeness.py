"""R6. A provider that says "later" is not asked before, and one that says "never" is not again.

Judged by what reached the provider, and when: a call may come later than a wait that was
advertised, and never sooner.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from antiphon.simulator import FaultRule, Latency
from tests.server.stage import Stage, stage

pytestmark = pytest.mark.campaign
ATTEMPTS = 3
BACKOFF = 0.1
GRAIN = 0.02
"""Seconds: two clocks are read, and both are coarse."""
WAITS = {
    "rate-limited": 1.0,
    "rate-limited-ms": 0.05,
    "overloaded": 1.0,
    "overloaded-529": BACKOFF,
    "rate-limited-bare": BACKOFF,
    "rate-limited-date": BACKOFF,
    "rate-limited-negative": BACKOFF,
    "rate-limited-garbage": BACKOFF,
    "unavailable": BACKOFF,
    "server-error": BACKOFF,
    "bad-gateway": BACKOFF,
    "timeout": BACKOFF,
    "reset": BACKOFF,
    "stall": BACKOFF,
}
"""What may pass, and how long one waits at least before one asks the same again."""
NEVER = (
    "no-retry", "quota", "bad-key", "forbidden", "no-model", "bad-request", "context-length",
    "content-filter", "rate-limited-long", "rate-limited-year", "rate-limited-later",
)  # fmt: skip
"""What nobody asks again for the same request: it is useless, or too long to wait for."""


@asynccontextmanager
async def alone(tmp_path: Path) -> AsyncIterator[Stage]:
    """One deployment, three attempts."""
    retry = {"attempts": ATTEMPTS, "backoff": BACKOFF}
    models = {"alone": {"deployments": ["one/sim-small"], "retry": retry}}
    provider = {"timeouts": {"first_byte": 0.5, "idle": 0.5, "connect": 0.5, "total": 1}}
    async with stage(tmp_path, models=models, provider=provider) as running:
        yield running


async def asked(road: Stage, stream: bool) -> int:
    body = {"model": "alone", "stream": stream, "messages": [{"role": "user", "content": "Hi"}]}
    return (await road.http.post("/v1/chat/completions", json=body)).status_code


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("fault", WAITS)
async def test_it_waits_as_long_as_it_was_told(tmp_path: Path, fault: str, stream: bool):
    async with alone(tmp_path) as road:
        road.first.arm(fault)
        assert await asked(road, stream) >= 400
        received = road.first.received
        assert 2 <= len(received) <= ATTEMPTS, "it did not ask again, or it stormed"
        for turn, (before, after) in enumerate(pairwise(received)):
            due = max(WAITS[fault], BACKOFF * 2**turn)
            assert after.at - (before.ended_at or before.at) >= due - GRAIN, fault


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("fault", NEVER)
async def test_it_does_not_ask_again(tmp_path: Path, fault: str, stream: bool):
    async with alone(tmp_path) as road:
        road.first.arm(fault)
        assert await asked(road, stream) >= 400
        assert len(road.first.received) == 1, fault


@pytest.mark.parametrize("fault", ["truncated", "reset-inside", "stall-inside", "cut"])
async def test_what_is_out_is_not_asked_for_again(tmp_path: Path, fault: str):
    """Once text has reached the caller there is no other answer, and no whole one is claimed."""
    async with alone(tmp_path) as road:
        road.first.set_latency(Latency(tokens_per_second=2000))
        road.first.arm(fault)
        body = {
            "model": "alone",
            "stream": True,
            "messages": [{"role": "user", "content": "[tokens: 200]"}],
        }
        answer = await road.http.post("/v1/chat/completions", json=body)
        assert b"[DONE]" not in answer.content
        assert b'"error"' in answer.content
        assert len(road.first.received) == 1


@pytest.mark.parametrize("fault", ["rate-limited-bare", "overloaded-529", "unavailable", "reset"])
async def test_many_callers_are_no_storm(tmp_path: Path, fault: str):
    """A provider that refuses all of a hundred requests is asked three times for each at most."""
    async with alone(tmp_path) as road:
        road.first.arm(fault)
        statuses = await asyncio.gather(*(asked(road, number % 2 == 0) for number in range(100)))
        assert min(statuses) >= 400
        assert len(road.first.received) <= 100 * ATTEMPTS


async def test_one_who_has_recovered_is_asked_once(tmp_path: Path):
    async with alone(tmp_path) as road:
        road.first.arm(FaultRule("rate-limited", count=1))
        assert await asked(road, False) == 200
        first, second = road.first.received
        assert second.at - first.at >= 1.0 - GRAIN
        assert await asked(road, True) == 200
        assert len(road.first.received) == 3
