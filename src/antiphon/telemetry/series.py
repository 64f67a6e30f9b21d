"""Counters and histograms that cost an addition on the road.

The road adds to plain numbers; the Prometheus exposition is made of them when somebody scrapes.
Label values come from the configuration or from closed sets, so a series cannot grow without
bound: what lies beyond `bound` label sets is counted under `other`.

Hot path: one dict look-up and one addition; a histogram adds a bisection.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

_BOUND = 2_000


class Counter:
    """A number per label set that only grows."""

    __slots__ = ("_bound", "_counts", "help", "labels", "name")

    def __init__(self, name: str, help_: str, labels: Sequence[str], bound: int = _BOUND) -> None:
        self.name = name
        self.help = help_
        self.labels = tuple(labels)
        self._bound = bound
        self._counts: dict[tuple[str, ...], float] = {}

    def add(self, labels: tuple[str, ...], amount: float = 1) -> None:
        """Count for one label set, values in the order of the labels' names."""
        counts = self._counts
        if labels in counts:
            counts[labels] += amount
        else:
            labels = labels if len(counts) < self._bound else ("other",) * len(labels)
            counts[labels] = counts.get(labels, 0) + amount

    def value(self, labels: tuple[str, ...]) -> float:
        """What was counted for one label set."""
        return self._counts.get(labels, 0)

    def collect(self) -> Metric:
        """The family as Prometheus wants it."""
        family = CounterMetricFamily(self.name, self.help, labels=self.labels)
        for labels, count in list(self._counts.items()):
            family.add_metric(labels, count)
        return family


class Histogram:
    """How often a measure fell below each bucket's edge, per label set."""

    __slots__ = ("_bound", "_cells", "buckets", "help", "labels", "name")

    def __init__(
        self,
        name: str,
        help_: str,
        labels: Sequence[str],
        buckets: Sequence[float],
        bound: int = _BOUND,
    ) -> None:
        self.name = name
        self.help = help_
        self.labels = tuple(labels)
        self.buckets = tuple(buckets)
        self._bound = bound
        self._cells: dict[tuple[str, ...], _Cell] = {}

    def observe(self, labels: tuple[str, ...], measure: float) -> None:
        """Take one measure for one label set."""
        cell = self._cells.get(labels)
        if cell is None:
            cell = self._cell(labels)
        cell.counts[bisect_left(self.buckets, measure)] += 1
        cell.sum += measure

    def collect(self) -> Metric:
        """The family as Prometheus wants it: cumulative, ending in `+Inf`."""
        family = HistogramMetricFamily(self.name, self.help, labels=self.labels)
        edges = [*(f"{edge:g}" for edge in self.buckets), "+Inf"]
        for labels, cell in list(self._cells.items()):
            below = 0
            buckets: list[tuple[str, float]] = []
            for edge, count in zip(edges, cell.counts, strict=True):
                below += count
                buckets.append((edge, below))
            family.add_metric(labels, buckets, cell.sum)
        return family

    def _cell(self, labels: tuple[str, ...]) -> _Cell:
        if len(self._cells) >= self._bound:
            labels = ("other",) * len(labels)
        return self._cells.setdefault(labels, _Cell(len(self.buckets) + 1))


class _Cell:
    __slots__ = ("counts", "sum")

    def __init__(self, size: int) -> None:
        self.counts = [0] * size
        self.sum = 0.0


def gauge(name: str, help_: str, values: Iterable[tuple[dict[str, str], float]]) -> Metric:
    """A family of present values, read when somebody scrapes."""
    rows = list(values)
    family = GaugeMetricFamily(name, help_, labels=list(rows[0][0]) if rows else [])
    for labels, value in rows:
        family.add_metric(list(labels.values()), value)
    return family
