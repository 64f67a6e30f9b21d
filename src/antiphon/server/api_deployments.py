"""`/api/v1/deployments`: how every model at every provider does, and taking one into use again.

For whoever has the whole gateway: deployments are of no tenant. All of it is about this process.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path
from pydantic import Field

from antiphon.access.walls import Actor, is_root
from antiphon.errors import Forbidden
from antiphon.gateway.gateway import Antiphon
from antiphon.gateway.resetting import deployment_of, note_reset, reset
from antiphon.providers.deployment import Deployment
from antiphon.providers.keys import KeyStatus
from antiphon.resilience.breaker import seconds_to_probe, state_of
from antiphon.server.api_actor import Asking, Front, front_of, routes
from antiphon.server.api_views import View

_LONGEST = 1_000
_Name = Annotated[
    str, Path(min_length=1, max_length=_LONGEST, description="The deployment, `PROVIDER/MODEL`.")
]


class KeyView(View):
    """One key of a provider, as far as it may be shown."""

    fingerprint: str
    live: bool
    reason: str
    since: float
    rests: float | None = Field(
        default=None,
        description="Seconds for which it is not shown to this deployment, which asked for that.",
    )


class BreakerView(View):
    """Whether a deployment is asked."""

    state: Literal["closed", "open", "half_open"]
    failures: int = Field(description="Of those that count, how many came in a row.")
    seconds: float | None = Field(
        description="Until a request may probe it; null where its breaker is closed."
    )
    opened: int = Field(description="How often it opened since the start.")


class DeploymentView(View):
    """A model at a provider, and how it does."""

    name: str
    provider: str
    model: str
    dialect: str
    dialects: list[str]
    address: str
    priced: bool
    well: bool = Field(description="Whether it has its place in the order.")
    successes: int
    failures: int
    consecutive_failures: int
    last_error: str | None
    breaker: BreakerView
    keys: list[KeyView]


def deployment_routes(gateway: Antiphon) -> APIRouter:
    """The routes of deployments, which a gateway alone has."""
    deployments = routes("management")

    # All are coroutines: what attempts have shown belongs to the event loop.

    @deployments.get("/deployments", summary="List deployments")
    async def list_deployments(actor: Asking) -> list[DeploymentView]:
        """Every model at every provider, and how it does."""
        _need_root(actor)
        return [_view(gateway, each) for each in gateway.deployments()]

    @deployments.post("/deployments/{deployment_name:path}/reset", summary="Reset a deployment")
    async def reset_deployment(
        actor: Asking, front: Annotated[Front, Depends(front_of)], deployment_name: _Name
    ) -> DeploymentView:
        """Take it into use again: its breaker closes, and its provider's keys are tried again.

        What it asked for with `retry-after` is forgotten, too.
        """
        _need_root(actor)
        deployment = deployment_of(gateway.snapshot, deployment_name)
        at = int(gateway.clock.now() * 1e6)
        await asyncio.to_thread(note_reset, front.database, actor, deployment.name, at=at)
        reset(deployment)
        return _view(gateway, deployment)

    return deployments


def _need_root(actor: Actor) -> None:
    if not is_root(actor):
        raise Forbidden("This needs a key with the scope 'admin'.")


def _view(gateway: Antiphon, deployment: Deployment) -> DeploymentView:
    health, now = deployment.health, gateway.clock.monotonic()
    return DeploymentView(
        name=deployment.name,
        provider=deployment.provider,
        model=deployment.model,
        dialect=deployment.face.dialect.name,
        dialects=[dialect.name for dialect in deployment.faces],
        address=deployment.origin.authority,
        priced=not deployment.unpriced,
        well=deployment.is_well(now),
        successes=health.successes,
        failures=health.failures,
        consecutive_failures=health.consecutive_failures,
        last_error=health.last_error,
        breaker=BreakerView(
            state=state_of(health, now).value,
            failures=health.consecutive_failures,
            seconds=round(seconds_to_probe(health, now), 3) if health.opened else None,
            opened=health.changes["open"],
        ),
        keys=[_key(each, health.resting, now) for each in deployment.keys.status()],
    )


def _key(status: KeyStatus, resting: dict[str, float], now: float) -> KeyView:
    rests = resting.get(status.fingerprint, 0.0) - now
    return KeyView(
        fingerprint=status.fingerprint,
        live=status.live,
        reason=status.reason,
        since=status.since,
        rests=round(min(rests, 1e9), 3) if rests > 0 else None,
    )
