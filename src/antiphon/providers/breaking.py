"""The figures of a breaker: when it opens, and for how long."""

from __future__ import annotations

from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field


class Breaking(NamedTuple):
    """The same, as the road uses them.

    Attributes:
        failures: In a row, after which it opens.
        open_for: Seconds until a probe.
        strict: It is not asked while it is open, not even where all others failed.
    """

    failures: int = 5
    open_for: float = 60.0
    strict: bool = False


USUAL = Breaking()
"""Where nothing is configured."""


class BreakerSettings(BaseModel):
    """Not asking a deployment that fails time and again."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    failures: int = Field(
        default=USUAL.failures,
        ge=1,
        le=1000,
        description="Failed attempts in a row after which its breaker opens. Refusals that are the "
        "caller's fault, prompts that are too long, rate limits, refused keys and models that are "
        "not there do not count.",
    )
    open_for: float = Field(
        default=USUAL.open_for,
        gt=0,
        le=86_400,
        description="Seconds for which it is left alone then. After them one request probes it: "
        "if that is answered the breaker closes, else it stays open for as long again.",
    )
    strict: bool = Field(
        default=USUAL.strict,
        description="Where a request has other deployments and all of them failed, one that is "
        "left alone is asked all the same, by one request at a time, since an answer may be had "
        "of it. `true` leaves it alone until its time is up.",
    )

    @property
    def figures(self) -> Breaking:
        """What the road uses."""
        return Breaking(self.failures, self.open_for, self.strict)
