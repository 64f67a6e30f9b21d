"""The metrics of the gateway, by the names that its users expect.

Names and labels are an interface: dashboards and alerts are written against them. No label
holds a key, a user or a text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from prometheus_client.core import Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector, CollectorRegistry
from typing_extensions import override

from antiphon.model.usage import Usage
from antiphon.telemetry.series import Counter, Histogram

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
_OVERHEAD = (0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 1)


class Metrics:
    """Everything that is counted, and its exposition."""

    def __init__(self) -> None:
        self.requests = Counter(
            "antiphon_requests",
            "Requests by the name asked for, the deployment that answered, and outcome.",
            ("route", "deployment", "status", "outcome"),
        )
        self.attempts = Counter(
            "antiphon_attempts",
            "Calls to providers; `code` is `ok` or what went wrong.",
            ("deployment", "code"),
        )
        self.fallbacks = Counter(
            "antiphon_fallbacks",
            "Times that a request went on to another deployment.",
            ("from", "to"),
        )
        self.tokens = Counter("antiphon_tokens", "Tokens by class.", ("deployment", "type"))
        self.unreadable = Counter(
            "antiphon_unreadable_events",
            "Frames of a stream that were passed on although they could not be read.",
            ("deployment",),
        )
        self.duration = Histogram(
            "antiphon_request_duration_seconds",
            "From the request's head to the last byte of the answer.",
            ("route",),
            _SECONDS,
        )
        self.first_token = Histogram(
            "antiphon_ttft_seconds",
            "From the request's head to the first useful event of a stream.",
            ("route",),
            _SECONDS,
        )
        self.upstream = Histogram(
            "antiphon_upstream_duration_seconds",
            "One attempt, from its first byte out to its last byte in.",
            ("deployment",),
            _SECONDS,
        )
        self.overhead = Histogram(
            "antiphon_overhead_seconds",
            "The gateway's own share of an unstreamed request.",
            ("route",),
            _OVERHEAD,
        )
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(_Families(self._collect))
        self._gauges: list[Callable[[], Metric]] = []

    def add_gauge(self, read: Callable[[], Metric]) -> None:
        """Have a present value read at each scrape."""
        self._gauges.append(read)

    def count_usage(self, deployment: str, usage: Usage) -> None:
        """Add one attempt's tokens, class by class."""
        add = self.tokens.add
        add((deployment, "input"), usage.input_tokens)
        add((deployment, "output"), usage.output_tokens)
        if usage.cache_read_tokens:
            add((deployment, "cached"), usage.cache_read_tokens)
        if usage.reasoning_tokens:
            add((deployment, "reasoning"), usage.reasoning_tokens)
        if written := usage.cache_write_tokens + usage.cache_write_1h_tokens:
            add((deployment, "cache_write"), written)
        if heard := usage.audio_input_tokens + usage.audio_output_tokens:
            add((deployment, "audio"), heard)
        if usage.image_tokens:
            add((deployment, "image"), usage.image_tokens)

    def exposition(self) -> bytes:
        """The text that Prometheus scrapes (exposition format 0.0.4)."""
        return generate_latest(self._registry)

    def _collect(self) -> Iterator[Metric]:
        for series in vars(self).values():
            if isinstance(series, Counter | Histogram):
                yield series.collect()
        for read in self._gauges:
            yield read()


class _Families(Collector):
    """Hands the families to prometheus_client, which writes them out."""

    def __init__(self, collect: Callable[[], Iterable[Metric]]) -> None:
        self._collect = collect

    @override
    def collect(self) -> Iterable[Metric]:
        return self._collect()
