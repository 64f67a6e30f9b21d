"""Spans of a report: the HTTP request, the exchange in it, and each attempt below that.

Made beside the road, of figures alone: no prompt, no answer, no key.
"""

from __future__ import annotations

from collections.abc import Iterator

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from antiphon.telemetry import semconv
from antiphon.telemetry.report import AttemptReport, RequestReport
from antiphon.telemetry.trace import Trace
from antiphon.telemetry.words import OK
from antiphon.version import VERSION

Value = str | bool | int | float | tuple[str, ...]
_SCOPE = InstrumentationScope("antiphon", VERSION)
_BILLION = 1e9
_SERVER, _CHAT, _FIRST_ATTEMPT = 0, 1, 2
_FIRST_FAILURE = 500


def spans_of(report: RequestReport, resource: Resource) -> Iterator[ReadableSpan]:
    """The spans of a request that has a trace which is kept."""
    trace = report.trace
    if trace is None or not trace.sampled:
        return
    make = _Maker(trace, resource)
    begin, end = report.started_at, report.ended_at
    failed = report.kind != OK
    if report.served:
        attributes: dict[str, Value] = {
            semconv.HTTP_METHOD: "POST",
            semconv.HTTP_STATUS: report.status,
            semconv.REQUEST_ID: report.request,
        }
        if failed:
            attributes[semconv.ERROR_TYPE] = report.kind
        # A server span is an error only where it is the server's fault.
        wrong = report.status >= _FIRST_FAILURE
        yield make(_SERVER, None, "POST", SpanKind.SERVER, attributes, (begin, end, wrong))
    if report.attempts or report.route:
        above = _SERVER if report.served else None
        yield make(
            _CHAT,
            above,
            f"{report.operation} {report.route}",
            SpanKind.INTERNAL,
            _chat(report),
            (begin, end, failed),
        )
    for number, each in enumerate(report.attempts):
        # The two clocks differ by microseconds; what is inside stays inside.
        start = min(max(each.started_at, begin), end)
        times = (start, min(start + each.total, end), each.word != OK)
        yield make(
            _FIRST_ATTEMPT + number,
            _CHAT,
            f"{report.operation} {each.model}",
            SpanKind.CLIENT,
            _attempt(report, each, last=number == len(report.attempts) - 1),
            times,
        )


class _Maker:
    """Makes the spans of one trace."""

    def __init__(self, trace: Trace, resource: Resource) -> None:
        self._trace = trace
        self._resource = resource
        self._id = int(trace.id, 16)
        self._state = TraceState.from_header([trace.state]) if trace.state else TraceState()

    def __call__(
        self,
        number: int,
        above: int | None,
        name: str,
        kind: SpanKind,
        attributes: dict[str, Value],
        times: tuple[int, int, bool],
    ) -> ReadableSpan:
        begin, end, wrong = times
        trace = self._trace
        if above is not None:
            parent = self._context(trace.span(above), remote=False)
        else:
            parent = self._context(trace.parent, remote=True) if trace.parent else None
        return ReadableSpan(
            name,
            context=self._context(trace.span(number), remote=False),
            parent=parent,
            resource=self._resource,
            attributes=attributes,
            kind=kind,
            status=Status(StatusCode.ERROR) if wrong else Status(StatusCode.UNSET),
            start_time=begin * 1000,
            end_time=max(begin, end) * 1000,
            instrumentation_scope=_SCOPE,
        )

    def _context(self, span: str, *, remote: bool) -> SpanContext:
        flags = TraceFlags(TraceFlags.SAMPLED)
        return SpanContext(self._id, int(span, 16), remote, flags, self._state)


def _chat(report: RequestReport) -> dict[str, Value]:
    attributes: dict[str, Value] = {
        semconv.OPERATION: report.operation,
        semconv.REQUEST_MODEL: report.route,
        semconv.REQUEST_STREAM: report.stream,
        semconv.REQUEST_ID: report.request,
        semconv.ROUTE: report.route,
        semconv.KEY_ID: report.key_id,
        semconv.ATTEMPTS: len(report.attempts),
        semconv.COST: sum(each.cost for each in report.attempts) / _BILLION,
    }
    if report.team:
        attributes[semconv.TEAM] = report.team
    if report.cached:
        attributes[semconv.CACHE] = report.cached
    if report.degraded:
        attributes[semconv.DEGRADED] = report.degraded
    if report.kind != OK:
        attributes[semconv.ERROR_TYPE] = report.kind
    return attributes


def _attempt(report: RequestReport, attempt: AttemptReport, *, last: bool) -> dict[str, Value]:
    usage = attempt.usage
    attributes: dict[str, Value] = {
        semconv.OPERATION: report.operation,
        semconv.PROVIDER: attempt.vendor,
        semconv.REQUEST_MODEL: attempt.model,
        semconv.REQUEST_STREAM: report.stream,
        semconv.SERVER_ADDRESS: attempt.host,
        semconv.SERVER_PORT: attempt.port,
        semconv.INPUT_TOKENS: usage.input_total,
        semconv.OUTPUT_TOKENS: usage.output_total,
        semconv.COST: attempt.cost / _BILLION,
        semconv.CHARGE: attempt.charge,
    }
    optional: dict[str, Value | None] = {
        semconv.REQUEST_MAX_TOKENS: report.asked,
        semconv.CACHE_READ_TOKENS: usage.cache_read_tokens,
        semconv.CACHE_WRITE_TOKENS: usage.cache_write_tokens + usage.cache_write_1h_tokens,
        semconv.REASONING_TOKENS: usage.reasoning_tokens,
        semconv.FINISH_REASONS: (report.stop,) if last and report.stop else None,
        semconv.FIRST_CHUNK: attempt.first_byte / 1e6 if report.stream else None,
        semconv.HTTP_STATUS: attempt.status,
        semconv.ERROR_TYPE: attempt.word if attempt.word != OK else None,
    }
    attributes.update({name: value for name, value in optional.items() if value})
    return attributes
