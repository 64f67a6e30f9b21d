"""What is known of an exchange at its end, told to whoever counts and whoever listens.

Metrics, percentiles and reports are made of the same attempts that the ledger has, at one place
and once, whatever became of them.

Hot path: once an exchange; it never awaits.
"""

from __future__ import annotations

from antiphon.clock import Clock
from antiphon.errors import AntiphonError
from antiphon.model.usage import Usage
from antiphon.pipeline.accounts import told
from antiphon.pipeline.exchange import Attempt, Exchange
from antiphon.providers.catalog import GENERIC
from antiphon.providers.deployment import Deployment
from antiphon.telemetry.metrics import DeploymentMeter, Metrics
from antiphon.telemetry.report import AttemptReport, Reports, RequestReport
from antiphon.telemetry.trace import Trace
from antiphon.telemetry.words import OK, word_of
from antiphon.usage.journal.record import CANNED, Outcome

_NOTHING = Usage()
_OK_STATUS = 200


class Recording:
    """Counts and reports exchanges.

    Attributes:
        reports: Where reports go.
    """

    __slots__ = ("_clock", "_metrics", "reports")

    def __init__(self, metrics: Metrics, *, clock: Clock) -> None:
        self.reports = Reports()
        self._metrics = metrics
        self._clock = clock

    def exchange(self, exchange: Exchange, now: float) -> None:
        """An exchange is over, at this monotonic time."""
        attempts, outcome = exchange.attempts, exchange.outcome
        last = self._attempts(exchange, now)
        route = self._metrics.route(exchange.plan.alias if exchange.plan else "")
        total, first_token = now - exchange.started, 0.0
        if total < 0:
            total = 0.0
        route.duration.observe(total)
        if exchange.first_token_at:
            first_token = max(exchange.first_token_at - exchange.started, 0.0)
            route.first_token.observe(first_token)
        elif outcome is None and not exchange.payload.stream:
            route.overhead.observe(overhead(exchange, now))
        cached = exchange.cached
        if cached is not None:
            self._metrics.cached.of(route.alias, cached.word).value += 1
        if outcome is None and exchange.degraded == CANNED and exchange.stood_for is not None:
            route.stood_in(CANNED, now, exchange.stood_for)
        elif outcome is None and cached is not None and cached.is_given:
            route.given(cached.word)
            route.window.answered(now, total, first_token, 0)
        elif outcome is None and last is not None:
            usage = exchange.attempts[-1].usage or _NOTHING
            route.succeeded(last)
            route.window.answered(
                now, total, first_token, usage.output_tokens + usage.reasoning_tokens
            )
        elif outcome is not None:
            route.failed(last, now, told(outcome))
        if exchange.continued:
            word = OK if outcome is None else "failed"
            self._metrics.continued.of(route.alias, word).value += 1
        reports = self.reports
        if reports.every or (reports.trouble and (outcome is not None or len(attempts) > 1)):
            reports.put(self._report(exchange, now))

    def refusal(
        self, error: AntiphonError, *, request: str, seconds: float, heard: str, trace: Trace | None
    ) -> None:
        """A request was refused before it became an exchange."""
        self._metrics.route("").failed(None, self._clock.monotonic(), error)
        if self.reports.every or self.reports.trouble:
            self.reports.put(
                RequestReport(
                    request=request,
                    ended_at=int(self._clock.now() * 1e6),
                    status=error.status,
                    kind=error.error_kind.value,
                    word=word_of(error),
                    total=_micros(seconds),
                    heard=heard,
                    trace=trace,
                )
            )

    def _attempts(self, exchange: Exchange, now: float) -> DeploymentMeter | None:
        """Count the attempts; gives the handles of the last one."""
        metrics, team = self._metrics, exchange.principal.team
        before: Deployment | None = None
        meter: DeploymentMeter | None = None
        for attempt in exchange.attempts:
            deployment = attempt.deployment
            meter = metrics.deployment(deployment.provider, deployment.model)
            if attempt.error is not None:
                meter.failed(now, attempt.error)
            elif attempt.outcome is Outcome.OK:
                usage = attempt.usage or _NOTHING
                meter.succeeded(now, max(attempt.ended_at - attempt.sent_at, 0.0), usage)
            else:
                meter.cancelled(now)
            if attempt.closed and attempt.usage is not None:
                meter.charged(team, attempt.usage, attempt.cost)
            if before is not None:
                self._moved(exchange, attempt, meter, before)
            before = deployment
        if exchange.lost:
            self._lost(exchange)
        return meter

    def _lost(self, exchange: Exchange) -> None:
        heard = exchange.payload.dialect.name
        for attempt in exchange.attempts:
            for need, _ in exchange.lost.get(attempt.face, ()):
                self._metrics.losses.of(heard, attempt.face.dialect.name, need.value).value += 1

    def _moved(
        self, exchange: Exchange, attempt: Attempt, meter: DeploymentMeter, before: Deployment
    ) -> None:
        """The attempt was not the first: a retry, where its deployment was asked before."""
        for earlier in exchange.attempts:
            if earlier is attempt:
                break
            if earlier.deployment is attempt.deployment:
                meter.retried()
                return
        source = self._metrics.deployment(before.provider, before.model)
        self._metrics.fallbacks.of(source.name, meter.name).value += 1

    def _report(self, exchange: Exchange, now: float) -> RequestReport:
        payload, principal, outcome = exchange.payload, exchange.principal, exchange.outcome
        attempts = tuple([_attempt_report(each) for each in exchange.attempts])
        last = exchange.attempts[-1] if attempts else None
        status, kind, word = _OK_STATUS, OK, ""
        if outcome is not None:
            error = told(outcome)
            status, kind = error.status, error.error_kind.value
            word = attempts[-1].word if last is not None and last.error else word_of(error)
        trace = exchange.trace
        return RequestReport(
            request=exchange.id,
            ended_at=int(self._clock.now() * 1e6),
            status=status,
            kind=kind,
            total=_micros(now - exchange.started),
            route=exchange.plan.alias if exchange.plan else "",
            heard=payload.dialect.name,
            spoken=last.face.dialect.name if last is not None else "",
            stream=payload.stream,
            word=word,
            first_token=_micros(exchange.first_token_at - exchange.started),
            overhead=_micros(overhead(exchange, now)),
            stop=exchange.stop.value if exchange.stop else "",
            key_id=principal.key_id,
            team=principal.team,
            department=principal.department,
            subject=principal.subject,
            warnings=tuple(exchange.warnings),
            attempts=attempts,
            served=exchange.served,
            cached=exchange.cached.word if exchange.cached is not None else "",
            degraded=exchange.degraded,
            structured=exchange.structured.line if exchange.structured is not None else "",
            embeds=exchange.embeds is not None,
            asked=payload.output_bound[0] if trace is not None else None,
            trace=trace,
        )


def _attempt_report(attempt: Attempt) -> AttemptReport:
    deployment, error = attempt.deployment, attempt.error
    origin, sent = deployment.origin, attempt.sent_at
    outcome = attempt.outcome or Outcome.CANCELLED
    return AttemptReport(
        deployment.provider,
        deployment.model,
        _vendor(deployment),
        origin.host,
        origin.port,
        outcome.value,
        word_of(error) if error is not None else outcome.value,
        (error.upstream_status or 0) if error is not None else 0,
        attempt.charge.value,
        (attempt.usage if attempt.closed else None) or _NOTHING,
        attempt.cost,
        attempt.started_at,
        _micros(attempt.first_byte_at - sent),
        _micros(attempt.ended_at - sent),
    )


def _vendor(deployment: Deployment) -> str:
    row = deployment.row
    return row.vendor or (deployment.provider if row.name == GENERIC else row.name)


def overhead(exchange: Exchange, now: float) -> float:
    """Seconds of the exchange so far that were not spent waiting for a provider."""
    started = exchange.started
    spent, attempts, cached = now - started, exchange.attempts, exchange.cached
    if cached is not None and cached.shares is not None:
        attempts = cached.shares.attempts
    for attempt in attempts:
        ended, sent = attempt.ended_at or now, attempt.sent_at
        if ended > started:
            spent -= ended - (max(started, sent))
    return spent if spent > 0 else 0.0


def _micros(seconds: float) -> int:
    return int(seconds * 1e6) if seconds > 0 else 0
