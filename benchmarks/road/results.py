"""Samples and their medians: what the table and the raw file are made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import msgspec


class Sample(msgspec.Struct, frozen=True):
    """One measurement of one target in one round."""

    case: str
    kind: str
    target: str
    round: int
    values: dict[str, float]


@dataclass(frozen=True, slots=True)
class Spread:
    """The middle of some measurements, and their extremes."""

    middle: float
    low: float
    high: float

    def show(self, form: str = ".1f") -> str:
        if self.low == self.high:
            return f"{self.middle:{form}}"
        return f"{self.middle:{form}} [{self.low:{form}}..{self.high:{form}}]"


class Results:
    """All samples of a run, asked by case, kind, target and name of the value."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self.samples = tuple(samples)

    @property
    def cases(self) -> list[str]:
        return list(dict.fromkeys(sample.case for sample in self.samples))

    def targets(self, case: str) -> list[str]:
        return list(dict.fromkeys(s.target for s in self.samples if s.case == case))

    def values(self, case: str, kind: str, target: str, name: str) -> list[float]:
        """Return a value of each round, in the order of the rounds."""
        return [
            sample.values[name]
            for sample in sorted(self.samples, key=lambda each: each.round)
            if (sample.case, sample.kind, sample.target) == (case, kind, target)
            and name in sample.values
        ]

    def spread(self, case: str, kind: str, target: str, name: str) -> Spread | None:
        return spread(self.values(case, kind, target, name))

    def ratio(self, case: str, kind: str, target: str, name: str, *, to: str) -> Spread | None:
        """Return the value over another target's value of the same round."""
        mine, theirs = (self.values(case, kind, each, name) for each in (target, to))
        return spread([a / b for a, b in zip(mine, theirs, strict=False) if b])

    def added(self, case: str, kind: str, target: str, name: str, *, to: str) -> Spread | None:
        """Return the value less another target's value of the same round."""
        mine, theirs = (self.values(case, kind, each, name) for each in (target, to))
        return spread([a - b for a, b in zip(mine, theirs, strict=False)])


def spread(values: Sequence[float]) -> Spread | None:
    """Return median, least and most, or nothing of nothing."""
    return Spread(median(values), min(values), max(values)) if values else None
