"""What was found out: plain values for people and for programs."""

from __future__ import annotations

import enum
from collections.abc import Mapping

import msgspec


class Status(enum.StrEnum):
    """How a check ended."""

    OK = "ok"
    WARN = "warn"
    """It works, and somebody should look at it."""
    FAIL = "fail"
    SKIP = "skip"
    """Not tried; the detail says why."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """How one check ended.

    Attributes:
        check: Its name; the round fills it in.
        detail: A sentence for people, without a key.
        milliseconds: What was measured; None where nothing was.
        figures: More of what was measured, for programs.
    """

    check: str = ""
    status: Status
    detail: str
    milliseconds: float | None = None
    figures: Mapping[str, float] = msgspec.field(default_factory=dict[str, float])


class Spent(msgspec.Struct, frozen=True):
    """Tokens that were used, as far as the provider told."""

    input: int = 0
    output: int = 0

    @property
    def total(self) -> int:
        """Both together."""
        return self.input + self.output

    def __add__(self, other: Spent) -> Spent:
        """Both sums."""
        return Spent(self.input + other.input, self.output + other.output)


class Diagnosis(msgspec.Struct, eq=False):
    """What is known of one deployment so far.

    Attributes:
        deployment: `PROVIDER/MODEL`; the provider alone where no model of it is known.
        address: Where it answers.
        complete: Every check has been made.
    """

    deployment: str
    address: str
    findings: list[Finding] = []
    spent: Spent = Spent()
    complete: bool = False

    def count(self, status: Status) -> int:
        """How many checks ended so."""
        return sum(each.status is status for each in self.findings)


def ok(detail: str, milliseconds: float | None = None, **figures: float) -> Finding:
    """It works."""
    return Finding(
        status=Status.OK, detail=detail, milliseconds=milliseconds, figures=dict(figures)
    )


def warn(detail: str, milliseconds: float | None = None, **figures: float) -> Finding:
    """It works, and somebody should look at it."""
    return Finding(
        status=Status.WARN, detail=detail, milliseconds=milliseconds, figures=dict(figures)
    )


def fail(detail: str, milliseconds: float | None = None) -> Finding:
    """It does not work."""
    return Finding(status=Status.FAIL, detail=detail, milliseconds=milliseconds)


def skip(detail: str) -> Finding:
    """It was not tried, and this is why."""
    return Finding(status=Status.SKIP, detail=detail)
