"""The metrics of the gateway, by the names that its users expect.

Names and labels are an interface: dashboards and alerts are written against them. No label holds
a key, a user or a text. Tokens and cost are what the ledger has of the same attempts.

Hot path: handles are bound once for each route and deployment; a request adds to them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from antiphon.errors import AntiphonError, Kind
from antiphon.model.usage import Usage
from antiphon.telemetry.gone import Gone
from antiphon.telemetry.series import (
    OTHER,
    Cell,
    Count,
    Counter,
    Family,
    Histogram,
    Reading,
    exposition,
)
from antiphon.telemetry.windows import Latencies, Window
from antiphon.telemetry.words import OK, fault_of, word_of

_MOST_FOUND = 200
"""Callers can name models where names pass through, so what is kept of them is bounded."""
_MOST_TEAMS = 200
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
_OVERHEAD = (0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 1)
_BILLIONTH = 1e-9


class DeploymentMeter:
    """The handles of one deployment, bound once.

    Attributes:
        provider: The label.
        model: The label.
        window: How its attempts did lately.
    """

    __slots__ = (
        "_costs",
        "_input",
        "_metrics",
        "_ok",
        "_output",
        "_upstream",
        "model",
        "provider",
        "window",
    )

    def __init__(self, metrics: Metrics, provider: str, model: str) -> None:
        self.provider = provider
        self.model = model
        self.window = Window()
        self._metrics = metrics
        self._ok = metrics.attempts.of(provider, model, OK)
        self._upstream = metrics.upstream.of(provider, model)
        self._input = metrics.tokens.of(provider, model, "input")
        self._output = metrics.tokens.of(provider, model, "output")
        self._costs: dict[str, Count] = {}

    @property
    def name(self) -> str:
        """The deployment, as `provider/model`."""
        return f"{self.provider}/{self.model}"

    def succeeded(self, now: float, seconds: float, usage: Usage) -> None:
        """An attempt gave a whole answer in so many seconds, at this monotonic time."""
        self._ok.value += 1
        self._upstream.observe(seconds)
        self.window.answered(now, seconds, 0.0, usage.output_tokens + usage.reasoning_tokens)

    def failed(self, now: float, error: AntiphonError) -> None:
        """An attempt did not."""
        self._metrics.attempts.of(self.provider, self.model, word_of(error)).value += 1
        self.window.failed(now, fault_of(error))

    def cancelled(self, now: float) -> None:
        """Nobody waited for an attempt any more."""
        self._metrics.attempts.of(self.provider, self.model, "cancelled").value += 1
        self.window.cancelled(now)

    def charged(self, team: str, usage: Usage, cost: int) -> None:
        """What the ledger has of an attempt: its tokens, and billionths of a dollar."""
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
        if cost:
            count = self._costs.get(team)
            if count is None:
                count = self._cost_of(team)
            count.value += cost

    def retried(self) -> None:
        """A request asked it again."""
        self._metrics.retries.of(self.provider, self.model).value += 1

    def _cost_of(self, team: str) -> Count:
        label = team if len(self._costs) < _MOST_TEAMS else OTHER
        count = self._metrics.cost.of(label, self.provider, self.model)
        if label == team:
            self._costs[team] = count
        return count

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
                self._metrics.tokens.of(self.provider, self.model, kind).value += tokens


class RouteMeter:
    """The handles of one route, bound once.

    Attributes:
        alias: The label.
        duration: Of its requests.
        first_token: Of its streams.
        overhead: Of its requests that were not streamed.
        window: How its requests did lately.
    """

    __slots__ = ("_metrics", "_ok", "alias", "duration", "first_token", "overhead", "window")

    def __init__(self, metrics: Metrics, alias: str) -> None:
        self._metrics = metrics
        self._ok: dict[DeploymentMeter, Count] = {}
        self.alias = alias
        self.duration: Cell = metrics.duration.of(alias)
        self.first_token: Cell = metrics.first_token.of(alias)
        self.overhead: Cell = metrics.overhead.of(alias)
        self.window = Window()

    def succeeded(self, by: DeploymentMeter) -> None:
        """A request was answered by this deployment."""
        count = self._ok.get(by)
        if count is None:
            count = self._ok[by] = self._metrics.requests.of(
                self.alias, by.model, by.provider, "200", OK
            )
        count.value += 1

    def forget(self, by: DeploymentMeter) -> None:
        """Drop the handle of a deployment that is no more."""
        self._ok.pop(by, None)

    def given(self, word: str) -> None:
        """A request was answered from the cache: what it did, in a word."""
        self._metrics.requests.of(self.alias, word, "cache", "200", OK).value += 1

    def stood_in(self, word: str, now: float, error: AntiphonError) -> None:
        """A request got a text in place of an answer; for whoever watches, the route failed."""
        self._metrics.requests.of(self.alias, word, "cache", "200", word).value += 1
        self.window.failed(now, fault_of(error))

    def failed(self, by: DeploymentMeter | None, now: float, error: AntiphonError) -> None:
        """A request was not answered; this deployment was asked last."""
        kind = error.error_kind
        model, provider = (by.model, by.provider) if by is not None else ("", "")
        status = str(error.status)
        self._metrics.requests.of(self.alias, model, provider, status, kind.value).value += 1
        if kind is Kind.CLIENT_CLOSED:
            self.window.cancelled(now)
        else:
            self.window.failed(now, fault_of(error))


class Metrics:
    """Everything that is counted, and its exposition."""

    def __init__(self) -> None:
        deployment = ("provider", "model")
        self.requests = Counter(
            "antiphon_requests_total",
            "Requests by the name asked for, the deployment asked last, and what they ended with.",
            ("route", "model", "provider", "status", "class"),
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
        self.overhead = Histogram(
            "antiphon_overhead_seconds",
            "The gateway's own share of an unstreamed request.",
            ("route",),
            _OVERHEAD,
        )
        self.upstream = Histogram(
            "antiphon_upstream_duration_seconds",
            "One answered attempt, from its first byte out to its last byte in.",
            deployment,
            _SECONDS,
        )
        self.attempts = Counter(
            "antiphon_attempts_total",
            "Calls to providers; `code` is `ok`, `cancelled`, or what went wrong.",
            (*deployment, "code"),
        )
        self.retries = Counter(
            "antiphon_retries_total",
            "Times that a request asked a deployment again.",
            deployment,
        )
        self.fallbacks = Counter(
            "antiphon_fallbacks_total",
            "Times that a request went on to another deployment.",
            ("from", "to"),
        )
        self.continued = Counter(
            "antiphon_continued_total",
            "Streams that broke and were gone on with; `outcome` is `ok` or `failed` in the end.",
            ("route", "outcome"),
        )
        self.tokens = Counter(
            "antiphon_tokens_total",
            "Tokens by class, as the ledger has them, estimated ones included.",
            (*deployment, "type"),
        )
        self.cost = Counter(
            "antiphon_cost_usd_total",
            "Cost in dollars, as the ledger has it, estimated included; free attempts add nothing.",
            ("team", *deployment),
            unit=_BILLIONTH,
        )
        self.losses = Counter(
            "antiphon_losses_total",
            "Things asked for that were left out: the caller's dialect, the one that was spoken to "
            "the provider, and what it was.",
            ("from", "to", "need"),
        )
        self.cached = Counter(
            "antiphon_cache_requests_total",
            "Requests on routes with a cache, by what it did: `hit`, `miss`, `shared`, `stale`.",
            ("route", "result"),
        )
        self.degraded = Counter(
            "antiphon_degraded_total",
            "Steps of the ladder that were taken where nobody answered: `wait`, `pool`, `stale`, "
            "`canned`.",
            ("route", "step"),
        )
        limit = ("scope", "measure")
        self.limit_refusals = Counter(
            "antiphon_limit_refusals_total",
            "Requests that a limit refused, at once or after they had waited.",
            limit,
        )
        self.limit_shadows = Counter(
            "antiphon_limit_shadows_total",
            "Times that a limit in shadow mode would have stopped a request or an attempt.",
            limit,
        )
        self.limit_passed_over = Counter(
            "antiphon_limit_passed_over_total",
            "Times that a deployment was passed over, since a limit of it was reached.",
            limit,
        )
        self.limit_waits = Histogram(
            "antiphon_limit_wait_seconds",
            "How long requests waited in queues, by priority and by what became of them.",
            ("priority", "outcome"),
            _SECONDS,
        )
        self._routes: dict[str, RouteMeter] = {}
        self._deployments: dict[tuple[str, str], DeploymentMeter] = {}
        self._found = set[tuple[str, str]]()
        self._readings: list[Reading] = []

    def add(self, *readings: Reading) -> None:
        """Have present values read at each scrape."""
        self._readings.extend(readings)

    def route(self, alias: str) -> RouteMeter:
        """The handles of a route."""
        meter = self._routes.get(alias)
        if meter is None:
            meter = self._routes[alias] = RouteMeter(self, alias)
        return meter

    def bind(self, provider: str, model: str) -> None:
        """Keep handles for a deployment of the configuration, however many callers name."""
        if (provider, model) not in self._deployments:
            self._deployments[provider, model] = DeploymentMeter(self, provider, model)

    def deployment(self, provider: str, model: str) -> DeploymentMeter:
        """The handles of a deployment; beyond a bound, those of its provider's other models."""
        meter = self._deployments.get((provider, model))
        if meter is None:
            if len(self._found) >= _MOST_FOUND:
                model = OTHER
            else:
                self._found.add((provider, model))
            self.bind(provider, model)
            meter = self._deployments[provider, model]
        return meter

    def forget(self, gone: Gone) -> None:
        """Drop the series of what is no more; in case it comes back, they begin anew."""
        for key in [each for each in self._deployments if gone.has_deployment(*each)]:
            meter = self._deployments.pop(key)
            self._found.discard(key)
            for route in self._routes.values():
                route.forget(meter)
        for name in gone.routes:
            self._routes.pop(name, None)
        for family in vars(self).values():
            if isinstance(family, Counter | Histogram):
                family.forget(gone.has)

    @property
    def families(self) -> Iterator[Family]:
        """Everything, in the order of the exposition."""
        for family in vars(self).values():
            if isinstance(family, Counter | Histogram):
                yield family
        yield from self._readings

    def exposition(self) -> bytes:
        """The text that Prometheus scrapes."""
        return exposition(self.families)

    def latencies(self, now: float) -> Latencies:
        """How each name and each deployment does, at this monotonic time."""
        aliases: Mapping[str, RouteMeter] = self._routes
        return Latencies(
            aliases={name: each.window.figures(now) for name, each in aliases.items() if name},
            deployments={
                each.name: each.window.figures(now) for each in self._deployments.values()
            },
        )
