"""Sends spans and histograms to a collector, on a thread of its own.

OpenTelemetry's own library encodes and sends; what is on the road is a number in a header. A
collector that is down or slow costs spans, which are counted, and nothing else.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Iterable, Sequence

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import Histogram
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult

from antiphon.clock import Clock
from antiphon.telemetry import semconv
from antiphon.telemetry.config import OtlpSettings
from antiphon.telemetry.report import MOST_REPORTS, AttemptReport, RequestReport
from antiphon.telemetry.series import OTHER
from antiphon.telemetry.spans import spans_of
from antiphon.telemetry.words import OK
from antiphon.version import VERSION

_PAUSE = 2.0
"""Seconds between two exports of spans."""
_METRICS_EVERY = 30.0
_TIMEOUT = 5.0
"""Seconds for one export, repetitions included."""
_GRACE = 3.0
"""Seconds for the last export."""
_BATCH = 512
_MOST_MODELS = 200
"""Callers can name models where names pass through, so what is kept of them is bounded."""


class Otlp:
    """Takes reports, and sends what can be made of them.

    Attributes:
        dropped: Reports of which nothing could be sent.
        trouble: Why nothing can be sent, or empty.
    """

    name = "otlp"

    def __init__(self, settings: OtlpSettings, *, clock: Clock) -> None:
        self.dropped = 0
        self.trouble = ""
        endpoint = settings.endpoint
        assert endpoint is not None
        headers = {name: value.reveal() for name, value in settings.headers.items()}
        self._clock = clock
        # What the standard variables say of this service beats what we say.
        self._resource = Resource.create(
            {semconv.SERVICE_NAME: "antiphon", semconv.SERVICE_VERSION: VERSION}
        ).merge(OTELResourceDetector().detect())
        self._spans = OTLPSpanExporter(f"{endpoint}/v1/traces", headers=headers, timeout=_TIMEOUT)
        self._histograms = (
            _Histograms(f"{endpoint}/v1/metrics", headers, self._resource)
            if settings.metrics
            else None
        )
        self._waiting: deque[RequestReport] = deque()
        self._wake = threading.Event()
        self._shut = False

    def take(self, reports: Iterable[RequestReport]) -> None:
        """Take reports; called on the thread that empties the queue."""
        waiting = self._waiting
        for each in reports:
            if len(waiting) >= MOST_REPORTS:
                self.dropped += 1
            else:
                waiting.append(each)
        if len(waiting) >= _BATCH:
            self._wake.set()

    def run(self, stop: threading.Event) -> None:
        """Send until `stop` is set; `finish` sends what is left then."""
        due = self._clock.monotonic() + _METRICS_EVERY
        while not stop.is_set():
            self._wake.wait(_PAUSE)
            self._wake.clear()
            self._send_waiting()
            if self._clock.monotonic() >= due:
                due = self._clock.monotonic() + _METRICS_EVERY
                self._send_histograms()

    def stop(self) -> None:
        """Have `run` look at `stop` now."""
        self._wake.set()
        if self.trouble:
            self._shut_down()

    def finish(self) -> None:
        """Send what is left, as far as that goes quickly, and let go of the connections."""
        if not self.trouble:
            last = threading.Thread(target=self._send_all, name="antiphon-otlp-last", daemon=True)
            last.start()
            last.join(_GRACE)
        self.dropped += len(self._waiting)
        self._shut_down()
        if self._histograms is not None:
            self._histograms.close()

    def _shut_down(self) -> None:
        """End what is under way: a repetition that is waited for ends at once."""
        if not self._shut:
            self._shut = True
            self._spans.shutdown()

    def _send_all(self) -> None:
        self._send_waiting()
        if not self.trouble:
            self._send_histograms()

    def _send_waiting(self) -> None:
        waiting = self._waiting
        while waiting:
            reports = [waiting.popleft() for _ in range(min(_BATCH, len(waiting)))]
            if self._histograms is not None:
                self._histograms.take(reports)
            spans = [span for each in reports for span in spans_of(each, self._resource)]
            if spans and not self._exported(spans):
                self.dropped += len(reports)
                # What else waits, waits for the next turn.
                return

    def _exported(self, spans: Sequence[ReadableSpan]) -> bool:
        if self._spans.export(spans) is SpanExportResult.SUCCESS:
            self.trouble = ""
            return True
        self.trouble = "the collector does not take what is sent"
        return False

    def _send_histograms(self) -> None:
        if self._histograms is not None:
            self._histograms.send()


class _Histograms:
    """The client metrics of the GenAI conventions: this gateway is the client of its providers."""

    def __init__(self, endpoint: str, headers: dict[str, str], resource: Resource) -> None:
        exporter = OTLPMetricExporter(endpoint, headers=headers, timeout=_TIMEOUT)
        self._reader = PeriodicExportingMetricReader(exporter, export_interval_millis=math.inf)
        self._provider = MeterProvider([self._reader], resource=resource, shutdown_on_exit=False)
        meter = self._provider.get_meter("antiphon", VERSION)
        self._tokens: Histogram = meter.create_histogram(
            semconv.TOKEN_USAGE,
            unit="{token}",
            description="Tokens of a call.",
            explicit_bucket_boundaries_advisory=semconv.TOKEN_BUCKETS,
        )
        self._duration: Histogram = meter.create_histogram(
            semconv.OPERATION_DURATION,
            unit="s",
            description="Of a call.",
            explicit_bucket_boundaries_advisory=semconv.SECOND_BUCKETS,
        )
        self._first: Histogram = meter.create_histogram(
            semconv.TIME_TO_FIRST_CHUNK,
            unit="s",
            description="Of a call whose answer is a stream.",
            explicit_bucket_boundaries_advisory=semconv.SECOND_BUCKETS,
        )
        self._models: set[str] = set()

    def take(self, reports: Iterable[RequestReport]) -> None:
        """Count the attempts of reports."""
        for report in reports:
            for attempt in report.attempts:
                self._take(report, attempt)

    def send(self) -> None:
        """Send what was counted."""
        self._reader.collect(timeout_millis=_TIMEOUT * 1000)

    def close(self) -> None:
        """Let go of the connection."""
        self._provider.shutdown(timeout_millis=1000)

    def _take(self, report: RequestReport, attempt: AttemptReport) -> None:
        attributes: dict[str, str | int] = {
            semconv.OPERATION: report.operation,
            semconv.PROVIDER: attempt.vendor,
            semconv.REQUEST_MODEL: self._model(attempt.model),
            semconv.SERVER_ADDRESS: attempt.host,
            semconv.SERVER_PORT: attempt.port,
        }
        usage = attempt.usage
        for kind, tokens in (
            (semconv.INPUT, usage.input_total),
            (semconv.OUTPUT, usage.output_total),
        ):
            if tokens:
                self._tokens.record(tokens, {**attributes, semconv.TOKEN_TYPE: kind})
        if attempt.first_byte and report.stream and attempt.word == OK:
            self._first.record(attempt.first_byte / 1e6, attributes)
        if attempt.word != OK:
            attributes[semconv.ERROR_TYPE] = attempt.word
        self._duration.record(attempt.total / 1e6, attributes)

    def _model(self, name: str) -> str:
        if name not in self._models:
            if len(self._models) >= _MOST_MODELS:
                return OTHER
            self._models.add(name)
        return name
