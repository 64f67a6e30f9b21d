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
from antiphon.telemetry.series import OTHER, Count, Counter, Histogram

_MOST_DEPLOYMENTS = 1_000
"""Callers can name deployments where names pass through, so what is kept of them is bounded."""
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
_OVERHEAD = (0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 1)


class RouteMeter:
    """The handles of one route, bound once."""

    __slots__ = ("_metrics", "_ok", "alias", "duration", "first_token", "overhead")

    def __init__(self, metrics: Metrics, alias: str) -> None:
        self._metrics = metrics
        self._ok: dict[str, Count] = {}
        self.alias = alias
        self.duration = metrics.duration.of(alias)
        self.first_token = metrics.first_token.of(alias)
        self.overhead = metrics.overhead.of(alias)

    def succeeded(self, deployment: str) -> None:
        """A request was answered by this deployment."""
        count = self._ok.get(deployment)
        if count is None:
            count = self._metrics.requests.of(self.alias, deployment, "200", "ok")
            if len(self._ok) < _MOST_DEPLOYMENTS:
                self._ok[deployment] = count
        count.value += 1

    def failed(self, deployment: str, status: str, outcome: str) -> None:
        """A request was not answered."""
        self._metrics.requests.of(self.alias, deployment, status, outcome).value += 1


class DeploymentMeter:
    """The handles of one deployment, bound once."""

    __slots__ = ("_input", "_metrics", "_name", "_ok", "_output", "_upstream")

    def __init__(self, metrics: Metrics, name: str) -> None:
        self._metrics = metrics
        self._name = name
        self._ok = metrics.attempts.of(name, "ok")
        self._upstream = metrics.upstream.of(name)
        self._input = metrics.tokens.of(name, "input")
        self._output = metrics.tokens.of(name, "output")

    def succeeded(self, seconds: float, usage: Usage | None) -> None:
        """An attempt gave a whole answer."""
        self._ok.value += 1
        self._upstream.observe(seconds)
        if usage is not None:
            self._input.value += usage.input_tokens
            self._output.value += usage.output_tokens
            if (
                usage.cache_read_tokens
                or usage.reasoning_tokens
                or usage.cache_write_tokens
                or usage.cache_write_1h_tokens
                or usage.audio_input_tokens
                or usage.audio_output_tokens
                or usage.image_tokens
            ):
                self._count_rest(usage)

    def failed(self, code: str) -> None:
        """An attempt did not."""
        self._metrics.attempts.of(self._name, code).value += 1

    def _count_rest(self, usage: Usage) -> None:
        rest = {
            "cached": usage.cache_read_tokens,
            "cache_write": usage.cache_write_tokens + usage.cache_write_1h_tokens,
            "reasoning": usage.reasoning_tokens,
            "audio": usage.audio_input_tokens + usage.audio_output_tokens,
            "image": usage.image_tokens,
        }
        for kind, tokens in rest.items():
            if tokens:
                self._metrics.tokens.of(self._name, kind).value += tokens


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
        self._routes: dict[str, RouteMeter] = {}
        self._deployments: dict[str, DeploymentMeter] = {}
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(_Families(self._collect))
        self._gauges: list[Callable[[], Metric]] = []

    def add_gauge(self, read: Callable[[], Metric]) -> None:
        """Have a present value read at each scrape."""
        self._gauges.append(read)

    def route(self, alias: str) -> RouteMeter:
        """The handles of a route."""
        meter = self._routes.get(alias)
        if meter is None:
            meter = self._routes[alias] = RouteMeter(self, alias)
        return meter

    def deployment(self, name: str) -> DeploymentMeter:
        """The handles of a deployment."""
        meter = self._deployments.get(name)
        if meter is None:
            if len(self._deployments) >= _MOST_DEPLOYMENTS:
                name = OTHER
            meter = self._deployments.setdefault(name, DeploymentMeter(self, name))
        return meter

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
