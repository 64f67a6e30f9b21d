"""Counters and histograms that cost an addition on the road.

The road keeps handles and adds to plain numbers; the exposition is written when somebody scrapes.
How a label's value is escaped there is asked of prometheus_client once, and a sample's line is kept
up to its number: that is what a scrape would mostly spend its time on.

Names that callers choose can be label values, so a series is bounded: what lies beyond `bound`
label sets is counted under `other`.

Hot path: an addition; a histogram adds a bisection.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import Literal, Protocol

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector
from typing_extensions import override

_BOUND = 20_000
OTHER = "other"
"""The label of all sets beyond the bound."""
Kind = Literal["counter", "gauge", "histogram"]


class Family(Protocol):
    """A metric with all its label sets.

    Attributes:
        name: As it is exposed.
        kind: Of metric.
        help: A sentence.
        labels: Their names.
    """

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...]

    def lines(self) -> Iterator[str]:
        """The samples in Prometheus' text format, a line each."""
        ...


class Count:
    """A number that only grows; add to `value`."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0


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
    """A number per label set that only grows.

    Args:
        unit: What one of the number is worth where it is exposed.
    """

    kind: Kind = "counter"
    __slots__ = ("_bound", "_counts", "_heads", "_unit", "help", "labels", "name")

    def __init__(
        self,
        name: str,
        help_: str,
        labels: Sequence[str],
        *,
        bound: int = _BOUND,
        unit: float | None = None,
    ) -> None:
        self.name = name
        self.help = help_
        self.labels = tuple(labels)
        self._bound = bound
        self._unit = unit
        self._counts: dict[tuple[str, ...], Count] = {}
        self._heads: dict[tuple[str, ...], str] = {}

    def of(self, *labels: str) -> Count:
        """The number of one label set, to keep and add to; values in the order of the names."""
        count = self._counts.get(labels)
        if count is None:
            labels = labels if len(self._counts) < self._bound else (OTHER,) * len(labels)
            count = self._counts.setdefault(labels, Count())
        return count

    def forget(self, gone: Callable[[Mapping[str, str]], bool]) -> None:
        """Drop the label sets of which this is said."""
        for labels in _gone(self.labels, self._counts, gone):
            del self._counts[labels]
            self._heads.pop(labels, None)

    def lines(self) -> Iterator[str]:
        """The samples in Prometheus' text format."""
        unit, heads = self._unit, self._heads
        for labels, count in list(self._counts.items()):
            head = heads.get(labels)
            if head is None:
                head = heads[labels] = f"{self.name}{_written(self.labels, labels)} "
            value = count.value if unit is None else count.value * unit
            yield f"{head}{value}\n"


class Histogram:
    """How often a measure fell below each bucket's edge, per label set."""

    kind: Kind = "histogram"
    __slots__ = ("_bound", "_cells", "_edges", "_heads", "help", "labels", "name")

    def __init__(
        self,
        name: str,
        help_: str,
        labels: Sequence[str],
        edges: Sequence[float],
        *,
        bound: int = _BOUND,
    ) -> None:
        self.name = name
        self.help = help_
        self.labels = tuple(labels)
        self._edges = tuple(edges)
        self._bound = bound
        self._cells: dict[tuple[str, ...], Cell] = {}
        self._heads: dict[tuple[str, ...], tuple[Sequence[str], str, str]] = {}

    def of(self, *labels: str) -> Cell:
        """The cell of one label set, to keep and observe with."""
        cell = self._cells.get(labels)
        if cell is None:
            labels = labels if len(self._cells) < self._bound else (OTHER,) * len(labels)
            cell = self._cells.setdefault(labels, Cell(self._edges))
        return cell

    def forget(self, gone: Callable[[Mapping[str, str]], bool]) -> None:
        """Drop the label sets of which this is said."""
        for labels in _gone(self.labels, self._cells, gone):
            del self._cells[labels]
            self._heads.pop(labels, None)

    def lines(self) -> Iterator[str]:
        """The samples in Prometheus' text format: cumulative, ending in `+Inf`."""
        for labels, cell in list(self._cells.items()):
            heads = self._heads.get(labels)
            if heads is None:
                heads = self._heads[labels] = self._made(labels)
            buckets, count, total = heads
            below = list(accumulate(cell.counts))
            yield "".join([f"{head}{each}\n" for head, each in zip(buckets, below, strict=True)])
            yield f"{count}{below[-1]}\n{total}{cell.sum}\n"

    def _made(self, labels: tuple[str, ...]) -> tuple[Sequence[str], str, str]:
        name, written = self.name, _written(self.labels, labels)
        begin = f"{name}_bucket{written[:-1] + ',' if written else '{'}le="
        edges = [*(f"{edge:g}" for edge in self._edges), "+Inf"]
        return (
            [f'{begin}"{edge}"}} ' for edge in edges],
            f"{name}_count{written} ",
            f"{name}_sum{written} ",
        )


class Reading:
    """Present values, read when somebody scrapes.

    Args:
        read: The value, or one for each value of the label, or of the labels.
    """

    __slots__ = ("_read", "help", "kind", "labels", "name")

    def __init__(
        self,
        name: str,
        help_: str,
        read: Callable[[], float | Mapping[str, float] | Mapping[tuple[str, ...], float]],
        *,
        label: str | tuple[str, ...] = "",
        kind: Kind = "gauge",
    ) -> None:
        self.name = name
        self.kind: Kind = kind
        self.help = help_
        self.labels = label if isinstance(label, tuple) else (label,) if label else ()
        self._read = read

    def lines(self) -> Iterator[str]:
        """The samples in Prometheus' text format."""
        values = self._read()
        if not isinstance(values, Mapping):
            yield f"{self.name} {values}\n"
            return
        for label, value in values.items():
            values_of = label if isinstance(label, tuple) else (label,)
            yield f"{self.name}{_written(self.labels, values_of)} {value}\n"


def exposition(families: Iterable[Family]) -> bytes:
    """The text that Prometheus scrapes (exposition format 0.0.4)."""
    pieces: list[str] = []
    for family in families:
        pieces.append(f"# HELP {family.name} {family.help}\n# TYPE {family.name} {family.kind}\n")
        pieces.extend(family.lines())
    return "".join(pieces).encode()


def _gone(
    names: Sequence[str],
    known: Iterable[tuple[str, ...]],
    gone: Callable[[Mapping[str, str]], bool],
) -> Sequence[tuple[str, ...]]:
    return [labels for labels in known if gone(dict(zip(names, labels, strict=True)))]


def _written(names: Sequence[str], values: Sequence[str]) -> str:
    """A label set as it stands in an exposition."""
    if not names:
        return ""
    pairs = [f'{name}="{_escaped(value)}"' for name, value in zip(names, values, strict=True)]
    return f"{{{','.join(pairs)}}}"


@lru_cache(maxsize=4096)
def _escaped(value: str) -> str:
    """A label's value as the library writes it."""
    family = GaugeMetricFamily("x", "", labels=("l",))
    family.add_metric((value,), 0)
    # Cut at line feeds alone: an escaped value may still hold other separators of lines.
    line = generate_latest(_One(family)).decode().rstrip("\n").rpartition("\n")[2]
    return line.removeprefix('x{l="').rpartition('"} ')[0]


class _One(Collector):
    """Hands one family to prometheus_client, which writes it out."""

    def __init__(self, family: Metric) -> None:
        self._family = family

    @override
    def collect(self) -> Iterable[Metric]:
        return [self._family]
