"""The breaker of a deployment: after so many failures in a row it is left alone for a while.

The machine:

    closed     --failures in a row-->         open
    open       --open_for seconds-->          half open: one attempt may probe it
    half open  --the probe is answered-->     closed
    half open  --the probe fails-->           open

At most one attempt is under way at a deployment whose breaker is not closed. An attempt that was
begun before it opened changes nothing. A probe that says nothing of the deployment (its caller
left, the request was at fault) gives its place back; one that is lost is given up after a while.

The state is the deployment's `Health`, so it outlives a reload. Pure: the time is an argument, and
is monotonic.
"""

from __future__ import annotations

import enum

from antiphon.providers.breaking import Breaking
from antiphon.providers.health import Health

LOST_AFTER = 60.0
"""Seconds after which a silent probe is lost, where the breaker opens for less."""


class State(enum.StrEnum):
    """What a breaker does with attempts."""

    CLOSED = "closed"
    """It lets them through."""
    OPEN = "open"
    """It lets none through."""
    HALF_OPEN = "half_open"
    """It lets one through at a time."""


def state_of(health: Health, now: float) -> State:
    """The state at this time."""
    if not health.opened:
        return State.CLOSED
    return State.HALF_OPEN if now >= health.probe_at or health.probe is not None else State.OPEN


def seconds_to_probe(health: Health, now: float) -> float:
    """Seconds until an attempt may probe it; 0 where one may, or does, now."""
    return max(health.probe_at - now, 0.0) if health.opened else 0.0


def is_free(health: Health, now: float) -> bool:
    """Whether nobody probes it now."""
    return health.probe is None or now >= health.probe_until


def begin(health: Health, probe: object, now: float, breaking: Breaking) -> None:
    """An attempt goes to a deployment whose breaker is not closed.

    Args:
        health: Of the deployment; `is_free` was true of it just now.
        probe: Stands for the attempt.
        now: The time.
        breaking: When a lost probe is given up.
    """
    if health.probe is None:
        health.changes["half_open"] += 1
    health.probe = probe
    health.probe_until = now + max(breaking.open_for, LOST_AFTER)


def leave(health: Health, probe: object) -> None:
    """The attempt says nothing of the deployment: another may probe it."""
    if health.probe is probe:
        health.probe = None


def succeeded(health: Health, probe: object) -> bool:
    """An attempt at a deployment whose breaker is not closed gave an answer.

    Returns:
        Whether that closed the breaker.
    """
    if health.probe is not probe:
        return False
    close(health)
    return True


def failed(health: Health, probe: object, now: float, breaking: Breaking) -> bool:
    """An attempt failed, and was counted in `health.consecutive_failures`.

    Returns:
        Whether that opened the breaker, or opened it again.
    """
    if health.opened:
        if health.probe is not probe:
            return False
    elif health.consecutive_failures < breaking.failures:
        return False
    health.opened = True
    health.probe = None
    health.probe_at = now + breaking.open_for
    health.changes["open"] += 1
    return True


def close(health: Health) -> None:
    """It is in use again."""
    health.opened = False
    health.probe = None
    health.consecutive_failures = 0
    health.changes["closed"] += 1


def hasten(health: Health, now: float) -> bool:
    """The provider is there again, by an active probe: an attempt may probe it at once.

    Returns:
        Whether that is sooner than it was.
    """
    if not health.opened or now >= health.probe_at:
        return False
    health.probe_at = now
    return True
