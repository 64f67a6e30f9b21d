"""Limits of a configuration, put in force."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from antiphon.clock import Clock
from antiphon.config.settings import Settings
from antiphon.limits.config import of_section
from antiphon.limits.limits import Limits
from antiphon.pipeline.limiting import Limiting
from antiphon.pipeline.phases import Pipeline
from antiphon.providers.provider import Provider
from antiphon.telemetry.metrics import Metrics
from antiphon.telemetry.series import Reading


def put_in_force(
    settings: Settings,
    pipeline: Pipeline,
    providers: Callable[[], Mapping[str, Provider]],
    *,
    metrics: Metrics,
    clock: Clock,
) -> Limits:
    """The limits of a configuration; others join them by `Limits.replace`.

    While there is none at all, the road does not know of limits.
    """
    section = settings.limits
    limits = Limits(section, of_section(section, settings.providers), clock=clock)
    limiting = Limiting(limits, providers, metrics=metrics, clock=clock)

    def look() -> None:
        pipeline.limiting = limiting if len(limits) else None

    limits.on_change = look
    look()
    metrics.add(
        Reading(
            "antiphon_limit_waiting",
            "Requests that wait in queues of limits.",
            lambda: limits.queue.waiting,
        ),
        Reading(
            "antiphon_limit_counts", "Counts that are kept of limits.", lambda: len(limits.meters)
        ),
        Reading(
            "antiphon_limit_counted_together_total",
            "Times that somebody new was counted with others, since no more counts are kept.",
            lambda: limits.meters.together,
            kind="counter",
        ),
    )
    return limits
