"""The `capture` section, and what a route may say of it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

CaptureLevel = Literal["none", "metadata", "full"]


class CaptureSettings(BaseModel):
    """How much is kept of what routes with `capture` see, and for how long."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    keep_days: int = Field(
        default=7, ge=1, le=3_650, description="Days after which a capture is deleted."
    )
    max_bytes: int = Field(
        default=256 << 10,
        ge=1024,
        le=64 << 20,
        description="Bytes that are kept of a request, and as many of its answer; what is longer "
        "is cut, and says so.",
    )
    max_total_bytes: int = Field(
        default=1 << 30,
        ge=1 << 20,
        description="Bytes of all captures together; beyond them the oldest are deleted.",
    )
