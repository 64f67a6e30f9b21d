"""`/api/v1/models`: how models do in this process; for the admin key alone."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from pydantic import Field

from antiphon.access.walls import is_root
from antiphon.errors import Forbidden
from antiphon.gateway.gateway import Antiphon
from antiphon.gateway.model_status import models_status
from antiphon.server.api_actor import Asking, routes
from antiphon.server.api_views import View


class BreakerView(View):
    """Whether a deployment is asked in its turn."""

    state: Literal["closed", "open", "half_open"]
    failures: int = Field(description="In a row.")
    seconds: float | None = Field(description="Until a request may probe it.")


class KeyCountsView(View):
    """Keys of its provider."""

    live: int
    dead: int = Field(description="Refused by the provider, and set aside.")
    resting: int = Field(description="Of those that are live, how many it asked to let rest.")


class ProbeView(View):
    """The last time that its provider was asked whether it is there."""

    asked: Literal["models", "connection"]
    at: float = Field(description="Seconds since 1970.")
    latency_ms: float
    models: int | None
    error: str


class DeploymentStatusView(View):
    """A model at a provider."""

    provider: str
    model_name: str
    available: bool = Field(description="It is asked in its turn, and may well answer.")
    why_not: list[str] = Field(description="What speaks against it.")
    rate_limited: bool = Field(description="No key of it may be shown: it asked for rest.")
    rate_limited_until: float | None = Field(description="Seconds since 1970.")
    circuit_breaker: BreakerView
    keys: KeyCountsView
    probe: ProbeView | None
    in_flight: int = Field(description="Attempts under way.")
    first_byte_ms: float | None = Field(description="Until streams begin; null before one.")
    tokens_per_second: float | None = Field(description="Of streams, once they have begun.")
    whole_ms: float | None = Field(description="Of answers that come at once.")
    cached_share: float | None = Field(
        description="Share of prompts that its provider had in its cache, 0 to 1."
    )
    loaded: bool | None = Field(
        description="Whether it is in memory; null where its server does not tell."
    )
    memory_bytes: int | None
    active_for: list[str] = Field(description="Models of which it is the active deployment.")
    retires: str | None = Field(description="The day on which it is switched off.")


class ModelStatusView(View):
    """A name that callers use."""

    active: str | None = Field(description="The deployment that somebody has put first.")
    available: bool = Field(description="Whether any of its deployments is.")
    deployments: list[str] = Field(description="In the order of the configuration.")


class ModelsView(View):
    """All models, as this process sees them."""

    total_models: int = Field(
        description="Names that can be asked for, those included that only pass through."
    )
    cache_size: int = Field(description="Answers in the memory of this process.")
    models: dict[str, ModelStatusView]
    deployments: dict[str, DeploymentStatusView]


def model_routes(gateway: Antiphon) -> APIRouter:
    """The routes of models, which a gateway alone has."""
    models = routes("models")

    @models.get("/models", summary="Show how models do")
    async def show_models(actor: Asking) -> ModelsView:
        """Every model and every deployment, as this process sees them; for the admin key alone."""
        if not is_root(actor):
            raise Forbidden("This needs a key with the scope 'admin'.")
        return ModelsView.model_validate(await models_status(gateway))

    return models
