"""The `health` section."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class HealthSettings(BaseModel):
    """Asking providers whether they are there."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    probe_seconds: Annotated[float, Field(ge=0, le=86_400)] = Field(
        default=0,
        description="How often each provider is asked for its list of models, give or take a "
        "tenth; one without a list is connected to only. It costs no tokens, and health shows what "
        "came of it. 0 asks nobody.",
    )
    unwell_after: int = Field(
        default=3,
        ge=1,
        le=1000,
        description="Probes in a row that a provider may miss before its deployments are asked "
        "last; an answer to a request or to a probe puts them back. Where a breaker is open, the "
        "first probe that is answered again lets a request probe it at once.",
    )
    probe_timeout: Annotated[float, Field(gt=0, le=60)] = Field(
        default=5, description="Seconds that a provider has to answer a probe."
    )
    probe_concurrency: int = Field(
        default=4, ge=1, le=100, description="Providers that are probed at once."
    )
