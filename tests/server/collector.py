"""A stand-in for an OpenTelemetry collector: speaks OTLP over HTTP, and keeps what it was sent."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class Span(NamedTuple):
    trace: str
    id: str
    parent: str
    state: str
    name: str
    kind: int
    attributes: Mapping[str, object]
    failed: bool
    begin: int
    end: int


class Collector:
    """What came.

    Attributes:
        status: What it answers with.
        bodies: Every body, undecoded.
        headers: Of every request.
        held: While it is not set, nothing is answered.
    """

    def __init__(self) -> None:
        self.status = 200
        self.bodies: list[tuple[str, bytes]] = []
        self.headers: list[Mapping[str, str]] = []
        self.held = threading.Event()
        self.held.set()
        self.arrived = threading.Event()
        self.endpoint = ""

    @property
    def spans(self) -> list[Span]:
        return [
            _span(span)
            for path, body in self.bodies
            if path == "/v1/traces"
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    @property
    def resources(self) -> list[Mapping[str, object]]:
        return [
            _plain(resource.resource.attributes)
            for path, body in self.bodies
            if path == "/v1/traces"
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans
        ]

    @property
    def histograms(self) -> dict[str, list]:
        """The points of the last export, by the name of their metric."""
        body = [body for path, body in self.bodies if path == "/v1/metrics"][-1]
        return {
            metric.name: list(metric.histogram.data_points)
            for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }


def _span(span) -> Span:
    return Span(
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        span.trace_state,
        span.name,
        span.kind,
        _plain(span.attributes),
        span.status.code == 2,
        span.start_time_unix_nano,
        span.end_time_unix_nano,
    )


def _plain(attributes) -> dict[str, object]:
    return {each.key: _value(each.value) for each in attributes}


def _value(value) -> object:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(each) for each in value.array_value.values]
    return getattr(value, kind)


def plain(attributes) -> dict[str, object]:
    return _plain(attributes)


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector that listens."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            collector.arrived.set()
            collector.held.wait()
            collector.bodies.append((self.path, body))
            collector.headers.append(dict(self.headers))
            try:
                self.send_response(collector.status)
                self.send_header("content-length", "0")
                self.end_headers()
            except OSError:
                pass

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    collector.endpoint = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield collector
    finally:
        collector.held.set()
        server.shutdown()
        thread.join()
        server.server_close()
