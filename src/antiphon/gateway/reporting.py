"""Who listens to what requests report: the request's line, the loggers, and a collector.

Everything is decided when the gateway starts, and done beside the road: the shipper's thread
empties the queue at each of its turns, writes lines, and hands the rest on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from random import Random, SystemRandom  # noqa: TID251  ids of traces

import msgspec

from antiphon.clock import Clock
from antiphon.config.settings import Settings
from antiphon.errors import ConfigurationError, Mistake
from antiphon.gateway.background import Service
from antiphon.providers.deployment import Deployment
from antiphon.telemetry.config import OtlpSettings
from antiphon.telemetry.lines import Render, json_line, text_line
from antiphon.telemetry.remarks import Loggers, detail, log, remark
from antiphon.telemetry.report import Reports, RequestReport
from antiphon.telemetry.sink import Sink
from antiphon.telemetry.trace import Tracer

_log = logging.getLogger("antiphon.health")
_LOOK_EVERY = 1.0
"""Seconds between two looks at the health of deployments."""
_FORMS: Mapping[str, Render] = {"json": json_line, "text": text_line}


class Listener(msgspec.Struct, frozen=True):
    """A service that takes reports, as far as the rest of the gateway needs to know it."""

    service: Service
    take: Callable[[Sequence[RequestReport]], None]
    finish: Callable[[], None]
    dropped: Callable[[], int]


class Reporting:
    """Opened when a gateway starts, closed when it ends.

    Args:
        settings: Who listens.
        reports: The queue.
        clock: Paces what is done now and then.
        alone: The process is the gateway's own: its loggers and its lines are ours to arrange.

    Attributes:
        tracer: Makes ids of traces; None where nobody listens.

    Raises:
        ConfigurationError: The file cannot be opened, or a part is not installed.
    """

    def __init__(self, settings: Settings, reports: Reports, *, clock: Clock, alone: bool) -> None:
        logs = settings.logging
        self._clock = clock
        self._reports = reports
        self._look_at = 0.0
        self._well: dict[str, bool] = {}
        otlp = settings.telemetry.otlp
        self._listener = _otlp(otlp, clock) if otlp.endpoint is not None else None
        self.tracer: Tracer | None = None
        if self._listener is not None:
            seed = SystemRandom().getrandbits(128)
            self.tracer = Tracer(sample=otlp.sample, random=Random(seed))  # noqa: S311
        wanted = "off" if logs.requests == "auto" and not alone else logs.requests
        self._sink = _sink(settings) if alone or wanted != "off" else None
        self._render: Render | None = None
        self._loggers: Loggers | None = None
        if self._sink is not None:
            auto = "text" if self._sink.is_terminal else "json"
            if wanted != "off":
                self._render = _FORMS[auto if wanted == "auto" else wanted]
            if alone:
                form = auto if logs.format == "auto" else logs.format
                self._loggers = Loggers(self._sink, level=logs.level, as_json=form == "json")
        self._remarks = alone and self._render is None
        self._details = log.isEnabledFor(logging.DEBUG)
        reports.trouble = self._remarks
        self._listen()

    @property
    def services(self) -> Sequence[Service]:
        """What runs on a thread of its own."""
        return [self._listener.service] if self._listener is not None else []

    @property
    def dropped(self) -> Mapping[str, float]:
        """Reports and lines that were lost, by where."""
        return {
            "queue": self._reports.dropped,
            "log": self._sink.dropped if self._sink is not None else 0,
            "otlp": self._listener.dropped() if self._listener is not None else 0,
        }

    def work(self) -> None:
        """Do what there is to do; the shipper's thread calls it at each of its turns."""
        reports = self._reports.take()
        if reports:
            self._tell(reports)
        if self._sink is not None:
            self._sink.pump()

    def look(self, deployments: Callable[[], Sequence[Deployment]]) -> None:
        """Say which deployments are put last, and which are in their place again.

        Breakers are told of as they open and close.
        """
        now = self._clock.monotonic()
        if now < self._look_at or not _log.isEnabledFor(logging.INFO):
            return
        self._look_at = now + _LOOK_EVERY
        known, self._well = self._well, {}
        for each in deployments():
            health = each.health
            well = each.keys.alive and not health.unwell and now >= health.ejected_until
            self._well[each.name] = well
            if known.get(each.name, True) != well:
                state = "is in its place again" if well else "is put last"
                _log.info("The deployment %s %s", each.name, state)

    def adopt(self, level: str) -> None:
        """Have the gateway's own loggers say as much from now on; where they are ours."""
        if self._loggers is None:
            return
        self._loggers.say(level)
        self._details = log.isEnabledFor(logging.DEBUG)
        self._listen()

    def close(self) -> None:
        """Tell what is left, and let go."""
        self._reports.every = self._reports.trouble = False
        self.work()
        if self._listener is not None:
            self._listener.finish()
        if self._loggers is not None:
            self._loggers.close()
        if self._sink is not None:
            self._sink.close()

    def _listen(self) -> None:
        listening = self._render is not None or self._details or self._listener is not None
        self._reports.every = listening

    def _tell(self, reports: Sequence[RequestReport]) -> None:
        if self._render is not None and self._sink is not None:
            self._sink.write([self._render(each) for each in reports])
        if self._remarks:
            for each in reports:
                remark(each)
        if self._details:
            for each in reports:
                detail(each)
        if self._listener is not None:
            self._listener.take(reports)


def _sink(settings: Settings) -> Sink:
    path = settings.logging.file
    try:
        return Sink(path)
    except OSError as error:
        message = f"cannot be opened: {error.strerror}"
        raise ConfigurationError([Mistake("logging", "file", message)]) from error


def _otlp(settings: OtlpSettings, clock: Clock) -> Listener:
    try:
        # Here, because it is an extra, and takes long to load.
        from antiphon.telemetry.otlp import Otlp  # noqa: PLC0415
    except ImportError as error:
        message = f"{error.name} is not installed; pip install 'antiphon[otel]'"
        raise ConfigurationError([Mistake("telemetry", "otlp.endpoint", message)]) from error
    otlp = Otlp(settings, clock=clock)
    return Listener(otlp, otlp.take, otlp.finish, lambda: otlp.dropped)
