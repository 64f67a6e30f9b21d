"""The `ledger` section, and how the journal is kept."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Durability = Literal["process", "power"]
Days = Annotated[int, Field(ge=0, le=36_500)]


class LedgerSettings(BaseModel):
    """How long figures are kept."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    keep_days: Days = Field(
        default=400,
        description="Days for which the row of each attempt is kept; 0 keeps it for ever. What is "
        "added up by hour and by day is kept longer.",
    )
    keep_hours_days: Days = Field(
        default=800, description="Days for which sums by hour are kept; 0 keeps them for ever."
    )
