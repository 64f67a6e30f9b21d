"""Strategies by what the configuration says, whatever was measured."""

from __future__ import annotations

from collections.abc import Sequence

from typing_extensions import override

from antiphon.model.ask import Ask
from antiphon.routing.candidate import Candidate
from antiphon.routing.strategies.strategy import Strategy, Surroundings, drawn


class Priority(Strategy):
    """In the order given."""

    @override
    def scores(self, pool: Sequence[Candidate], ask: Ask, now: float) -> Sequence[float]:
        return range(len(pool))


class Weighted(Strategy):
    """By chance, each as often first as it weighs; then likewise among those that are left."""

    def __init__(self, around: Surroundings) -> None:
        self._chance = around.chance

    @override
    def scores(self, pool: Sequence[Candidate], ask: Ask, now: float) -> Sequence[float]:
        chance = self._chance
        return [drawn(1 - chance(), each.weight) for each in pool]

    @override
    def shown(self, pool: Sequence[Candidate], ask: Ask, now: float) -> Sequence[float]:
        return [-each.weight for each in pool]


class LocalFirst(Strategy):
    """Those on one's own machines first."""

    @override
    def scores(self, pool: Sequence[Candidate], ask: Ask, now: float) -> Sequence[float]:
        return [not each.local for each in pool]


class Nearest(Strategy):
    """Those in the region of this gateway first."""

    def __init__(self, around: Surroundings) -> None:
        self._region = around.region

    @override
    def scores(self, pool: Sequence[Candidate], ask: Ask, now: float) -> Sequence[float]:
        here = self._region
        return [each.deployment.region != here for each in pool]


class Quality(Strategy):
    """The best model first, as `quality` says of each; those within some points are equal.

    Args:
        within: Points.
    """

    def __init__(self, within: int) -> None:
        self._step = within + 1

    @override
    def scores(self, pool: Sequence[Candidate], ask: Ask, now: float) -> Sequence[float]:
        points = [each.deployment.facts.quality or 0 for each in pool]
        best, step = max(points), self._step
        return [(best - each) // step for each in points]
