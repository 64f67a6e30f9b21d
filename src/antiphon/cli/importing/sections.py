"""The three sections of settings: what code reads of them, and the rest told from the table."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from antiphon.cli.importing.known import tell, tell_callback
from antiphon.cli.importing.places import Waits, seconds
from antiphon.cli.importing.report import Report
from antiphon.cli.importing.values import NoValue, flag_of, number_of, plain, text_of
from antiphon.config.tree import is_list, is_mapping
from antiphon.yamlfile.places import Path

TABLES: Mapping[str, str] = {
    "router_settings": "router",
    "litellm_settings": "litellm",
    "general_settings": "general",
}
"""Sections in the order in which the first to say something holds, and their tables."""

_CALLBACKS = (
    *("callbacks", "success_callback", "failure_callback", "service_callbacks"),
    *("audit_log_callbacks", "input_callback", "service_callback"),
)
_PERIOD = re.compile(r"(\d{1,6})\s*(s|m|h|d|w|mo)?")
_DAYS = {"s": 1 / 86_400, "m": 1 / 1_440, "h": 1 / 24, "d": 1, "w": 7, "mo": 30}
_USUAL_INTERVAL = 300
_LARGEST_BODY_MB = 4_096
_MOST_CONCURRENT = 1_000_000
_LONGEST_KEPT = 36_500
_LONGEST_INTERVAL = 86_400


class Said(NamedTuple):
    """A setting, and where it stands."""

    path: Path
    value: object


class Sections:
    """The settings of a file; each is read once, and what nobody read is told at the end."""

    def __init__(self, data: Mapping[str, object], report: Report) -> None:
        self._report = report
        self._left: dict[str, dict[str, object]] = {}
        for section in TABLES:
            members = data.get(section)
            if is_mapping(members):
                self._left[section] = {
                    name: each for name, each in members.items() if each is not None
                }
            elif members is not None:
                report.dropped((section,), "must be a mapping")

    def take(self, name: str, *sections: str) -> Said | None:
        """A setting of the first section that has it; without names, of any."""
        found: Said | None = None
        for section in sections or TABLES:
            members = self._left.get(section, {})
            if name not in members:
                continue
            path: Path = (section, name)
            if found is None:
                found = Said(path, members.pop(name))
            else:
                members.pop(name)
                self._report.dropped(path, f"{found.path[0]} says it too, and holds")
        return found

    def number(self, name: str, *sections: str, most: float) -> tuple[float, Path] | None:
        """A number up to a bound, and where it stands; what is none is told."""
        said = self.take(name, *sections)
        if said is None:
            return None
        try:
            number = number_of(said.value)
        except NoValue as error:
            self._report.dropped(said.path, str(error))
            return None
        if number is not None and number > most:
            self._report.dropped(said.path, f"must be at most {most:g}")
            return None
        return None if number is None else (number, said.path)

    def flag(self, name: str, *sections: str) -> tuple[bool, Path] | None:
        """True or false, and where it stands; what is neither is told."""
        said = self.take(name, *sections)
        if said is None:
            return None
        try:
            return flag_of(said.value), said.path
        except NoValue as error:
            self._report.dropped(said.path, str(error))
            return None

    def waits(self) -> Waits:
        """The times that hold for deployments without their own."""
        total: float | None = None
        for name in ("timeout", "request_timeout"):
            said = self.take(name, "router_settings", "litellm_settings")
            if said is None:
                continue
            if total is not None:
                self._report.dropped(said.path, "router_settings.timeout says it too, and holds")
                continue
            total = seconds(said.value, said.path, self._report)
            if total is not None:
                why = "timeouts of each provider; total bounds a stream as a whole too"
                told = "raise timeouts.total, where answers take longer"
                self._report.approximated(said.path, why, told)
        stream: float | None = None
        said = self.take("stream_timeout", "router_settings", "litellm_settings")
        if said is not None:
            stream = seconds(said.value, said.path, self._report)
            if stream is not None:
                why = "timeouts.first_byte and timeouts.idle of each provider"
                self._report.mapped(said.path, why)
        return Waits(total, stream)

    def others(self) -> Iterator[tuple[str, dict[str, object]]]:
        """Sections of ours that follow from single settings."""
        yield from self._limits()
        yield from self._kept()
        yield from self._probes()
        said = self.flag("json_logs", "litellm_settings")
        if said is not None and said[0]:
            self._report.mapped(said[1], "logging.requests and logging.format")
            yield "logging", {"requests": "json", "format": "json"}

    def tell_the_rest(self) -> None:
        """Report callbacks, and what nobody read."""
        for name in _CALLBACKS:
            said = self.take(name, "litellm_settings")
            if said is not None:
                self._callbacks(said)
        for section, table in TABLES.items():
            for name in self._left.get(section, {}):
                tell(self._report, table, (section, name))

    def _limits(self) -> Iterator[tuple[str, dict[str, object]]]:
        most = self.number("global_max_parallel_requests", most=_MOST_CONCURRENT)
        if most is not None and most[0] >= 1:
            self._report.mapped(most[1], "limits.concurrency")
            yield "limits", {"concurrency": int(most[0])}
        largest = self.number("max_request_size_mb", "general_settings", most=_LARGEST_BODY_MB)
        if largest is not None and largest[0] > 0:
            self._report.mapped(largest[1], "server.max_body_bytes")
            yield "server", {"max_body_bytes": max(1024, int(largest[0] * (1 << 20)))}

    def _kept(self) -> Iterator[tuple[str, dict[str, object]]]:
        said = self.take("maximum_spend_logs_retention_period", "general_settings")
        if said is None:
            return
        try:
            found = _PERIOD.fullmatch(text_of(said.value) or "")
        except NoValue:
            found = None
        days = 0 if found is None else math.ceil(int(found[1]) * _DAYS[found[2] or "s"])
        if not 1 <= days <= _LONGEST_KEPT:
            self._report.dropped(said.path, "must be a time such as 30d", "set ledger.keep_days")
            return
        self._report.mapped(said.path, "ledger.keep_days")
        yield "ledger", {"keep_days": days}

    def _probes(self) -> Iterator[tuple[str, dict[str, object]]]:
        wanted = self.flag("background_health_checks", "general_settings")
        every = self.number("health_check_interval", "general_settings", most=_LONGEST_INTERVAL)
        if wanted is None or not wanted[0]:
            if every is not None:
                self._report.mapped(every[1], "nobody is asked, as background_health_checks says")
            return
        why = "health.probe_seconds: providers are asked for their list of models, not for answers"
        self._report.approximated(wanted[1], why)
        if every is not None:
            self._report.mapped(every[1], "health.probe_seconds")
        yield "health", {"probe_seconds": plain(_USUAL_INTERVAL if every is None else every[0])}

    def _callbacks(self, said: Said) -> None:
        names = said.value if is_list(said.value) else [said.value]
        for index, name in enumerate(names):
            path: Path = (*said.path, index) if is_list(said.value) else said.path
            if isinstance(name, str):
                tell_callback(self._report, name, path)
            else:
                self._report.dropped(path, "must be the name of a callback")
