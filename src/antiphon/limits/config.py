"""The `limits` section."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class LimitsSettings(BaseModel):
    """How much may be under way in this process."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    concurrency: int = Field(
        default=1000,
        ge=1,
        description="Requests under way at once; one more is refused with 503 and `retry-after`.",
    )
