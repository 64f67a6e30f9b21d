"""How models do, for people: who can answer right now, how fast, and which one is asked first.

What is known already is told; only servers that tell what is in their memory are asked for it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import msgspec

from antiphon.gateway.gateway import Antiphon
from antiphon.gateway.health import Breaker, KeyCounts, Probe, UpstreamHealth
from antiphon.gateway.loaded import Memory, memory
from antiphon.providers.deployment import Deployment


class DeploymentStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A model at a provider.

    Attributes:
        available: It is asked in its turn: its breaker is not open, a key of it is live, none of
            them all rests, and its provider answered the last probe.
        why_not: What speaks against it; empty where it is available.
        rate_limited: No key of it may be shown right now: the provider asked for rest.
        rate_limited_until: When that ends, in seconds since 1970.
        in_flight: Attempts under way.
        first_byte_ms: Until the first that came of streams; null before one.
        tokens_per_second: Of streams, once they had begun.
        whole_ms: Of answers that come at once.
        cached_share: Share of prompts that the provider had in its cache; null before an answer.
        loaded: Whether it is in memory; null where its server does not tell.
        memory_bytes: What it takes there.
        active_for: Models of which it is the active one.
    """

    provider: str
    model_name: str
    available: bool
    why_not: tuple[str, ...]
    rate_limited: bool
    rate_limited_until: float | None
    circuit_breaker: Breaker
    keys: KeyCounts
    probe: Probe | None
    in_flight: int
    first_byte_ms: float | None
    tokens_per_second: float | None
    whole_ms: float | None
    cached_share: float | None
    loaded: bool | None
    memory_bytes: int | None
    active_for: tuple[str, ...]
    retires: str | None


class ModelStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A name that callers use.

    Attributes:
        active: The deployment that somebody has put first; null where nobody did.
        available: Whether any of its deployments is.
        deployments: In the order of the configuration.
    """

    active: str | None
    available: bool
    deployments: tuple[str, ...]


class ModelsStatus(msgspec.Struct, frozen=True, kw_only=True):
    """All models.

    Attributes:
        total_models: Names that can be asked for, those included that only pass through.
        cache_size: Answers in the memory of this process.
        models: By name.
        deployments: By `provider/model`.
    """

    total_models: int
    cache_size: int
    models: Mapping[str, ModelStatus]
    deployments: Mapping[str, DeploymentStatus]


async def models_status(gateway: Antiphon) -> ModelsStatus:
    """How they do now; on the gateway's loop."""
    told = await memory(gateway.providers.values(), gateway.transport)
    snapshot = gateway.snapshot
    active: dict[str, list[str]] = defaultdict(list)
    for name, plan in snapshot.plans.items():
        if plan.chooser.active is not None:
            active[plan.chooser.active.name].append(name)
    seen = {each.name: each for each in gateway.upstreams()}
    deployments = {
        each.name: _deployment(gateway, each, seen[each.name], told, active[each.name])
        for each in gateway.deployments()
    }
    models = {
        name: ModelStatus(
            active=None if plan.chooser.active is None else plan.chooser.active.name,
            available=any(deployments[each.name].available for each in plan.deployments),
            deployments=tuple(each.name for each in plan.deployments),
        )
        for name, plan in sorted(snapshot.plans.items())
    }
    return ModelsStatus(
        total_models=len(models) + len(snapshot.found),
        cache_size=gateway.pipeline.caching.memory.statistics().entries,
        models=models,
        deployments=deployments,
    )


def _deployment(
    gateway: Antiphon,
    deployment: Deployment,
    seen: UpstreamHealth,
    told: Memory,
    active: Sequence[str],
) -> DeploymentStatus:
    pace, loaded = deployment.pace, told.of(deployment.provider, deployment.model)
    rest = _rest(deployment, gateway.clock.monotonic())
    why_not = tuple(_against(seen, limited=rest is not None))
    return DeploymentStatus(
        provider=deployment.provider,
        model_name=deployment.model,
        available=not why_not,
        why_not=why_not,
        rate_limited=rest is not None,
        rate_limited_until=None if rest is None else round(gateway.clock.now() + rest, 3),
        circuit_breaker=seen.circuit_breaker,
        keys=seen.keys,
        probe=seen.probe,
        in_flight=pace.in_flight,
        first_byte_ms=_milliseconds(pace.first_byte),
        tokens_per_second=round(pace.rate, 2) or None,
        whole_ms=_milliseconds(pace.whole),
        cached_share=round(pace.cached, 4) if pace.first_byte or pace.whole else None,
        loaded=None if loaded is None else loaded.loaded,
        memory_bytes=None if loaded is None else loaded.memory_bytes,
        active_for=tuple(active),
        retires=seen.retires,
    )


def _rest(deployment: Deployment, now: float) -> float | None:
    """Seconds for which no key may be shown; None where one may."""
    wakes = deployment.wakes_at(now)
    return max(wakes - now, 0.0) if wakes else None


def _against(seen: UpstreamHealth, *, limited: bool) -> Sequence[str]:
    """What speaks against a deployment."""
    found: list[str] = []
    if seen.circuit_breaker.state == "open":
        found.append("its breaker is open")
    if not seen.keys.live:
        found.append("no key of it is live")
    if limited:
        found.append("it is rate limited")
    if seen.probe is not None and seen.probe.error:
        found.append(f"its provider did not answer the last probe: {seen.probe.error}")
    return found


def _milliseconds(seconds: float) -> float | None:
    return round(seconds * 1000, 2) or None
