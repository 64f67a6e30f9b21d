"""The `cache` section, and what a route says of its own answers under `cache`."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

ScopeName = Literal["user", "key", "team", "organisation", "global"]
_LONGEST = 31 * 86_400


class CacheSettings(BaseModel):
    """How much memory the answers of all routes may take in this process."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_bytes: int = Field(
        default=64 << 20,
        ge=1 << 16,
        description="Bytes of all stored answers together, what surrounds them included; beyond "
        "them the answers go that were not asked for the longest.",
    )
    max_entries: int | None = Field(
        default=None, ge=1, description="The most answers that are kept; by default any number."
    )
    max_entry_bytes: int = Field(
        default=256 << 10,
        ge=1024,
        description="Bytes of one answer; a longer one is neither stored nor shared with who asks "
        "the same later. A shared stream holds back as much for a caller who reads slowly.",
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.max_entry_bytes > self.max_bytes:
            raise ValueError("max_entry_bytes must not be more than max_bytes")
        return self


class RouteCacheSettings(BaseModel):
    """Whether answers of a route are given again, to whom, and for how long."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ttl: float = Field(
        default=3600,
        ge=0,
        le=_LONGEST,
        allow_inf_nan=False,
        description="Seconds for which an answer is given again to the same question; 0 never.",
    )
    scope: ScopeName = Field(
        default="user",
        description="Who shares answers: each `user`, each `key`, a `team`, an `organisation`, or "
        "everybody (`global`). Who lacks the id of a scope shares with nobody beyond the next "
        "narrower one.",
    )
    share: bool = Field(
        default=True,
        description="Whether equal requests that are under way at once share one call; the first "
        "pays.",
    )
    tool_calls: bool = Field(
        default=False,
        description="Whether an answer that asks for tools is stored: the caller then runs the "
        "same calls again.",
    )


ONLY_STALE = RouteCacheSettings(ttl=0, share=False)
"""Of a route that keeps answers for the day when nobody answers."""
