"""Counters and histograms that cost an addition on the road.

The road keeps handles and adds to plain numbers; the Prometheus exposition is made of them when
somebody scrapes. Where names pass through, callers choose label values, so a series is bounded:
what lies beyond `bound` label sets is counted under `other`.

Hot path: an addition; a histogram adds a bisection.
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
OTHER = "other"
"""The label of all sets beyond the bound."""


class Count:
    """A number that only grows; add to `value`."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0.0


class Cell:
    """How often a measure fell below each edge."""

    __slots__ = ("_edges", "counts", "sum")

    def __init__(self, edges: tuple[float, ...]) -> None:
        self._edges = edges
        self.counts = [0] * (len(edges) + 1)
        self.sum = 0.0

    def observe(self, measure: float) -> None:
        """Take one measure."""
        self.counts[bisect_left(self._edges, measure)] += 1
        self.sum += measure


class Counter:
    """A number per label set that only grows."""

    __slots__ = ("_bound", "_counts", "help", "labels", "name")

    def __init__(self, name: str, help_: str, labels: Sequence[str], bound: int = _BOUND) -> None:
        self.name = name
        self.help = help_
        self.labels = tuple(labels)
        self._bound = bound
        self._counts: dict[tuple[str, ...], Count] = {}

    def of(self, *labels: str) -> Count:
        """The number of one label set, to keep and add to; values in the order of the names."""
        count = self._counts.get(labels)
        if count is None:
            labels = labels if len(self._counts) < self._bound else (OTHER,) * len(labels)
            count = self._counts.setdefault(labels, Count())
        return count

    def collect(self) -> Metric:
        """The family as Prometheus wants it."""
        family = CounterMetricFamily(self.name, self.help, labels=self.labels)
        for labels, count in list(self._counts.items()):
            family.add_metric(labels, count.value)
        return family


class Histogram:
    """How often a measure fell below each bucket's edge, per label set."""

    __slots__ = ("_bound", "_cells", "_edges", "help", "labels", "name")

    def __init__(
        self,
        name: str,
        help_: str,
        labels: Sequence[str],
        edges: Sequence[float],
        bound: int = _BOUND,
    ) -> None:
        self.name = name
        self.help = help_
        self.labels = tuple(labels)
        self._edges = tuple(edges)
        self._bound = bound
        self._cells: dict[tuple[str, ...], Cell] = {}

    def of(self, *labels: str) -> Cell:
        """The cell of one label set, to keep and observe with."""
        cell = self._cells.get(labels)
        if cell is None:
            labels = labels if len(self._cells) < self._bound else (OTHER,) * len(labels)
            cell = self._cells.setdefault(labels, Cell(self._edges))
        return cell

    def collect(self) -> Metric:
        """The family as Prometheus wants it: cumulative, ending in `+Inf`."""
        family = HistogramMetricFamily(self.name, self.help, labels=self.labels)
        edges = [*(f"{edge:g}" for edge in self._edges), "+Inf"]
        for labels, cell in list(self._cells.items()):
            below = 0
            buckets: list[tuple[str, float]] = []
            for edge, count in zip(edges, cell.counts, strict=True):
                below += count
                buckets.append((edge, below))
            family.add_metric(labels, buckets, cell.sum)
        return family


def gauge(name: str, help_: str, values: Iterable[tuple[dict[str, str], float]]) -> Metric:
    """A family of present values, read when somebody scrapes."""
    rows = list(values)
    family = GaugeMetricFamily(name, help_, labels=list(rows[0][0]) if rows else [])
    for labels, value in rows:
        family.add_metric(list(labels.values()), value)
    return family
