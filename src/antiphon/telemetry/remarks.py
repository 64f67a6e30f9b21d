"""What the gateway says besides: its own loggers, in lines of the same two forms.

`logging` is Python's, so a program that embeds the gateway treats these as it treats all others;
only where the process is the gateway's own does it say where they go. A handler never waits for
whoever reads them.
"""

from __future__ import annotations

import logging

import msgspec
from typing_extensions import override

from antiphon.telemetry.lines import failed_of, harmless, level_of, plain, stamp
from antiphon.telemetry.report import RequestReport
from antiphon.telemetry.sink import Sink

log = logging.getLogger("antiphon.requests")
_ROOT = logging.getLogger("antiphon")


class JsonForm(logging.Formatter):
    """A record as a line of JSON."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        """The line, without its line feed."""
        line = {
            "time": stamp(int(record.created * 1e6)),
            "level": record.levelname.lower(),
            "event": "log",
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return harmless(msgspec.json.encode(line)).decode()


class TextForm(logging.Formatter):
    """A record as a line for people, and its traceback below."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        """The lines, without the last line feed."""
        when = stamp(int(record.created * 1e6))
        line = plain(f"{when} {record.levelname} {record.name} {record.getMessage()}")
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class SinkHandler(logging.Handler):
    """Writes records into a sink."""

    def __init__(self, sink: Sink, *, as_json: bool) -> None:
        super().__init__()
        self._sink = sink
        self.setFormatter(JsonForm() if as_json else TextForm())

    @override
    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        try:
            line = self.format(record)
        except (TypeError, ValueError):
            # A message that does not fit its arguments: a defect of whoever logs, told as such.
            self.handleError(record)
            return
        self._sink.write([line.encode(errors="replace") + b"\n"])


class Loggers:
    """Has every logger of this process write into a sink, until it is closed.

    Args:
        level: Of the gateway's own; those of libraries are heard from `warning` on.
    """

    def __init__(self, sink: Sink, *, level: str, as_json: bool) -> None:
        self._handler = SinkHandler(sink, as_json=as_json)
        self._before = _ROOT.level
        logging.getLogger().addHandler(self._handler)
        self.say(level)

    def say(self, level: str) -> None:
        """Hear the gateway's own from this level on."""
        _ROOT.setLevel(level.upper())

    def close(self) -> None:
        """Leave the loggers as they were."""
        logging.getLogger().removeHandler(self._handler)
        _ROOT.setLevel(self._before)


def remark(report: RequestReport) -> None:
    """Say of a request what no line of its own says: that it failed, or that it was hard."""
    words = (report.request, report.route or "no route", report.kind, report.word or "-")
    for each in failed_of(report):
        log.warning(
            "Request %s: an attempt at %s/%s failed after %d ms: %s",
            report.request,
            each.provider,
            each.model,
            each.total // 1000,
            each.word,
        )
    match level_of(report):
        case "error":
            log.error("Request %s (%s) failed: %s (%s)", *words)
        case "warning" if len(report.attempts) > 1:
            log.warning(
                "Request %s (%s) took %d attempts, and ended with %s",
                report.request,
                words[1],
                len(report.attempts),
                report.kind,
            )
        case _:
            pass


def detail(report: RequestReport) -> None:
    """Say all that is known of a request: ids, times and sizes."""
    log.debug(
        "Request %s: %s %s, %d us, first token %d us, overhead %d us, key %s",
        report.request,
        report.status,
        report.kind,
        report.total,
        report.first_token,
        report.overhead,
        report.key_id or "-",
    )
    for number, each in enumerate(report.attempts, 1):
        usage = each.usage
        log.debug(
            "Request %s, attempt %d at %s/%s: %s, first byte %d us, total %d us, "
            "%d + %d tokens (%s)",
            report.request,
            number,
            each.provider,
            each.model,
            each.word,
            each.first_byte,
            each.total,
            usage.input_total,
            usage.output_total,
            each.charge,
        )
