"""The `idempotency` section."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class IdempotencySettings(BaseModel):
    """For how long a request with an `Idempotency-Key` is answered as the first time."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    keep_hours: float = Field(
        default=24,
        gt=0,
        le=24 * 31,
        allow_inf_nan=False,
        description="Hours for which writes to the management API are remembered, in the database.",
    )
    answer_seconds: float = Field(
        default=3600,
        ge=0,
        le=86_400,
        allow_inf_nan=False,
        description="Seconds for which answers of models are kept, in the memory of this process; "
        "0 keeps none, and the header has no effect there.",
    )
    max_bytes: int = Field(
        default=32 << 20,
        ge=1 << 16,
        description="Bytes of all answers of models that are kept; beyond them the oldest go.",
    )
    max_answer_bytes: int = Field(
        default=1 << 20,
        ge=256,
        description="Bytes of one answer of a model; a longer one is not kept.",
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.max_answer_bytes > self.max_bytes:
            raise ValueError("max_answer_bytes must not be more than max_bytes")
        return self
