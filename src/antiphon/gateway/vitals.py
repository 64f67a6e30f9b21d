"""Looks at what is known already, for health: nobody is asked, and nothing is waited for."""

from __future__ import annotations

import asyncio
import os
import resource
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from msgspec.structs import replace

from antiphon.clock import Clock
from antiphon.gateway.books import Books
from antiphon.gateway.health import (
    Breaker,
    BreakerState,
    Concurrent,
    ConfigurationHealth,
    DatabaseHealth,
    Facts,
    JournalHealth,
    KeyCounts,
    LagFigures,
    LastError,
    Performance,
    Probe,
    ProcessHealth,
    Status,
    UpstreamHealth,
)
from antiphon.limits.concurrency import Concurrency
from antiphon.pipeline.plan import Snapshot
from antiphon.providers.deployment import Deployment
from antiphon.providers.health import Health as AttemptHealth
from antiphon.providers.keys import KeyRing
from antiphon.providers.models import ModelFacts
from antiphon.providers.provider import Provider
from antiphon.resilience.breaker import State, seconds_to_probe, state_of
from antiphon.telemetry.windows import Latencies
from antiphon.version import VERSION

_SELF = Path("/proc/self")
_Latency = tuple[float | None, Literal["answer", "probe"] | None, float | None]
_STATES: Mapping[State, BreakerState] = {
    State.CLOSED: "closed",
    State.OPEN: "open",
    State.HALF_OPEN: "half_open",
}
_UNKNOWN: _Latency = (None, None, None)


class Sight(NamedTuple):
    """The parts of a gateway that are looked at."""

    clock: Clock
    snapshot: Snapshot
    deployments: Sequence[Deployment]
    providers: Mapping[str, Provider]
    probes: Mapping[str, Probe]
    books: Books | None
    draining: bool
    config: ConfigurationHealth


def facts(sight: Sight) -> Facts:
    """What is so now."""
    books = sight.books
    return Facts(
        version=VERSION,
        draining=sight.draining,
        models=_models(sight),
        upstreams=tuple(_upstreams(sight)),
        database=None if books is None else _database(books),
        journal=None if books is None else _journal(books),
        services={}
        if books is None
        else {
            name: replace(state)
            for states in (books.background.states, books.treasury.states)
            for name, state in states.items()
        },
        config=sight.config,
    )


def performance(latencies: Latencies, concurrency: Concurrency) -> Performance:
    """How fast it goes."""
    errors: Counter[str] = Counter()
    for each in latencies.deployments.values():
        errors.update(each.failures)
    paces = latencies.aliases.values()
    return Performance(
        concurrency=Concurrent(
            concurrency.in_use, concurrency.bound, concurrency.peak, concurrency.refused
        ),
        requests_per_second=round(sum(each.requests_per_second for each in paces), 3),
        tokens_per_second=round(sum(each.tokens_per_second for each in paces), 3),
        errors={kind: count for kind, count in errors.items() if count},
        aliases=latencies.aliases,
        upstreams=latencies.deployments,
    )


async def process(started: float, clock: Clock) -> ProcessHealth:
    """The process, and how long its event loop makes others wait.

    Args:
        started: Its monotonic time.
        clock: Of the gateway.
    """
    begun = clock.monotonic()
    await asyncio.sleep(0)
    now = clock.monotonic()
    return ProcessHealth(
        pid=os.getpid(),
        uptime_s=round(now - started, 3),
        rss_bytes=_rss(),
        open_files=_open_files(),
        loop_lag_ms=round((now - begun) * 1000, 3),
    )


def _models(sight: Sight) -> int:
    """Names behind which somebody is well."""
    now = sight.clock.monotonic()
    well = {each.name: each.keys.alive for each in sight.providers.values()}
    plans = sight.snapshot.plans.values()
    routed = sum(any(each.is_well(now) for each in plan.deployments) for plan in plans)
    return routed + sum(well.get(name.partition("/")[0], False) for name in sight.snapshot.found)


def _upstreams(sight: Sight) -> Iterable[UpstreamHealth]:
    """Deployments, and providers that no route names: callers reach them as `provider/model`."""
    for each in sight.deployments:
        yield _upstream(sight, each.provider, each.keys, each)
    named = {each.provider for each in sight.deployments}
    for name, provider in sight.providers.items():
        if name not in named:
            yield _upstream(sight, name, provider.keys, None)


def _upstream(
    sight: Sight, provider: str, keys: KeyRing, deployment: Deployment | None
) -> UpstreamHealth:
    now, today = sight.clock.monotonic(), sight.clock.now()
    health = AttemptHealth() if deployment is None else deployment.health
    facts = ModelFacts() if deployment is None else deployment.facts
    state = state_of(health, now)
    probe = sight.probes.get(provider)
    answered_at = today - (now - health.answered_at) if health.answered_at else 0.0
    latency: _Latency = _UNKNOWN
    if answered_at:
        latency = (round(health.latency * 1000, 2), "answer", answered_at)
    if probe is not None and not probe.error and probe.at >= answered_at:
        latency = (probe.latency_ms, "probe", probe.at)
    return UpstreamHealth(
        name=provider if deployment is None else deployment.name,
        provider=provider,
        model=None if deployment is None else deployment.model,
        status=_status(health, state, keys=keys.alive, now=now, probe=probe),
        latency_ms=latency[0],
        latency_of=latency[1],
        latency_at=latency[2],
        circuit_breaker=Breaker(
            _STATES[state],
            health.consecutive_failures,
            round(seconds_to_probe(health, now), 3) if health.opened else None,
        ),
        successes=health.successes,
        failures=health.failures,
        last_error=LastError(health.last_error, today - (now - health.last_error_at))
        if health.last_error
        else None,
        put_last="outlier"
        if now < health.ejected_until
        else "missed_probes"
        if health.unwell
        else None,
        keys=_keys(keys, health, now),
        probe=probe,
        retires=facts.retires or None,
        successor=facts.successor or None,
    )


def _status(
    health: AttemptHealth, state: State, *, keys: bool, now: float, probe: Probe | None
) -> Status:
    if state is State.OPEN or not keys:
        return "unhealthy"
    if state is State.HALF_OPEN or not health.is_well(now):
        return "degraded"
    return "degraded" if probe is not None and probe.error else "healthy"


def _keys(ring: KeyRing, health: AttemptHealth, now: float) -> KeyCounts:
    status, resting = ring.status(), health.resting
    live = [each for each in status if each.live]
    rests = sum(resting.get(each.fingerprint, 0.0) > now for each in live)
    return KeyCounts(len(live), len(status) - len(live), rests)


def _database(books: Books) -> DatabaseHealth:
    shipper = books.shipper
    lag = shipper.lag()
    return DatabaseHealth(
        kind=books.database.kind,
        trouble=shipper.trouble,
        shipped=shipper.shipped,
        differing=shipper.differing,
        lag=LagFigures(lag.attempts, lag.bytes, round(lag.seconds, 3)),
    )


def _journal(books: Books) -> JournalHealth:
    journal, adoption = books.journal, books.shipper.adoption
    return JournalHealth(
        folder=str(journal.folder),
        takes_new=journal.takes_new,
        trouble=journal.trouble,
        open_attempts=journal.open_attempts,
        bytes=journal.bytes_used,
        segments=len(journal.segments),
        adopted=adoption.adopted,
        lost=adoption.lost,
        damaged=adoption.damaged,
        strangers=dict(adoption.strangers),
    )


def _rss() -> int | None:
    """Bytes of memory that the process holds now."""
    try:
        pages = int((_SELF / "statm").read_text("ascii").split()[1])
    except OSError:
        return None
    return pages * resource.getpagesize()


def _open_files() -> int | None:
    try:
        return sum(1 for _ in (_SELF / "fd").iterdir())
    except OSError:
        return None
