"""How many calls of a deployment may be retries, so that an outage does not become a storm.

Retries are calls for a request that the deployment was asked before. A few a second are free; of
those beyond, no more than a share of the requests of the last ten seconds. Pure: the time is an
argument, and is monotonic.
"""

from __future__ import annotations

from antiphon.providers.recent import Recent

WINDOW = 10
"""Seconds of which requests are counted."""


def has_room(recent: Recent, now: float, *, floor: int, share: float) -> bool:
    """Whether a deployment may be asked again for the same request.

    Args:
        recent: What happened at the deployment.
        now: The time.
        floor: Retries a second that need no more.
        share: How many of its requests may be retried beyond that, as a part of 1.
    """
    if recent.at(now).retried < floor:
        return True
    asked = beyond = 0
    for second in recent.last(WINDOW, now):
        asked += second.asked
        beyond += second.beyond
    return beyond + 1 <= share * asked


def take(recent: Recent, now: float, *, floor: int, share: float) -> bool:
    """Take a retry, where there is room for one."""
    if not has_room(recent, now, floor=floor, share=share):
        return False
    second = recent.at(now)
    if second.retried >= floor:
        second.beyond += 1
    second.retried += 1
    return True
