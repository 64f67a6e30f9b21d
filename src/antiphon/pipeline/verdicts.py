"""What attempts say of a deployment: its breaker opens and closes, and it may be put last.

Changes are told in the log as they happen: a breaker that opens is an error, all else is news.
"""

from __future__ import annotations

import logging

from antiphon.errors import Kind, UpstreamError
from antiphon.pipeline.exchange import Exchange
from antiphon.pipeline.plan import Plan
from antiphon.providers.breaking import Breaking
from antiphon.providers.deployment import Deployment
from antiphon.resilience import breaker, outliers

_NOT_DOWN = {Kind.RATE_LIMITED, Kind.MODEL_NOT_FOUND}
"""Failures that do not say that a deployment is down."""
_MOST_COUNTED = 2
"""Failures of one request that count for a breaker, where others could be asked."""
_log = logging.getLogger("antiphon.breaker")


def probed(deployment: Deployment, probe: object, now: float, breaking: Breaking) -> None:
    """An attempt goes to a deployment whose breaker is not closed."""
    breaker.begin(deployment.health, probe, now, breaking)
    _log.info("The breaker of %s is half open: it is probed", deployment.name)


def proved(deployment: Deployment, probe: object) -> None:
    """That attempt was answered."""
    if breaker.succeeded(deployment.health, probe):
        _log.info("The breaker of %s closed", deployment.name)


def failed(
    exchange: Exchange,
    plan: Plan,
    deployment: Deployment,
    error: UpstreamError,
    probe: object,
    now: float,
) -> None:
    """An attempt failed through the deployment's own fault.

    Args:
        exchange: Whose attempt it was; it is the last one.
        plan: The route's.
        deployment: Who was asked.
        error: What went wrong.
        probe: Stands for the attempt, should it be a probe.
        now: The time.
    """
    health = deployment.health
    counts = error.error_kind not in _NOT_DOWN and _is_believed(exchange, plan, deployment)
    health.failed(error.code, now, counts=counts)
    if counts:
        _count(deployment, deployment.breaking, error, probe, now)
    choice = exchange.choice
    pool = plan.deployments if choice is None else choice.deployments
    if len(pool) > 1 and outliers.judge(health, [each.health for each in pool], now):
        _log.info(
            "%s is asked last for %g s: it fails far more often than the others",
            deployment.name,
            health.ejected_until - now,
        )


def _is_believed(exchange: Exchange, plan: Plan, deployment: Deployment) -> bool:
    """Whether a failure counts: one request that fails time and again proves little."""
    if len(plan.deployments) == 1:
        return True
    made = sum(each.deployment is deployment for each in exchange.attempts)
    return made <= _MOST_COUNTED


def _count(
    deployment: Deployment, breaking: Breaking, error: UpstreamError, probe: object, now: float
) -> None:
    health, was_open = deployment.health, deployment.health.opened
    if not breaker.failed(health, probe, now, breaking):
        return
    told = (deployment.name, breaking.open_for, health.consecutive_failures, error.code)
    if was_open:
        _log.info("The breaker of %s stays open for %g s: failure %d in a row (%s)", *told)
    else:
        _log.error("The breaker of %s opened for %g s, after %d failures in a row (%s)", *told)
