"""A deployment that fails far more often than the others of its pool is put last for a while.

The breaker sees failures in a row; this sees one that fails every other time. Nobody is left out
by it, and never are more than half of a pool put last. Pure: the time is an argument, and is
monotonic.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

from antiphon.providers.health import Health
from antiphon.providers.recent import SECONDS

FEWEST = 20
"""Attempts of the last half minute before anything is concluded."""
SHARE = 0.5
"""Of them must have failed, and more."""
TIMES = 3.0
"""How many times as often as the median of the others it must fail."""
EJECTED_FOR = 30.0
"""Seconds for which it is put last, the first time."""
LONGEST = 300.0
"""The most of them; so long afterwards, the next time is a first one again."""


class Figures(NamedTuple):
    """How attempts of the last half minute ended."""

    ended: int
    failed: int

    @property
    def share(self) -> float:
        """How many of them failed, as a part of 1."""
        return self.failed / self.ended if self.ended else 0.0


def figures_of(health: Health, now: float) -> Figures:
    """Those of one deployment."""
    ended = failed = 0
    for second in health.recent.last(SECONDS, now):
        ended += second.ended
        failed += second.failed
    return Figures(ended, failed)


def judge(health: Health, pool: Sequence[Health], now: float) -> bool:
    """Put a deployment that has just failed last, if it is one of these.

    Args:
        health: Of that deployment.
        pool: Of all that may answer in its place, itself included.
        now: The time.

    Returns:
        Whether it was put last by this.
    """
    if now < health.ejected_until:
        return False
    own = figures_of(health, now)
    if own.ended < FEWEST or own.share <= SHARE:
        return False
    others = [each for each in pool if each is not health]
    known = [each for each in (figures_of(other, now) for other in others) if each.ended]
    if not known or own.share < TIMES * median(each.share for each in known):
        return False
    if 2 * (1 + sum(now < each.ejected_until for each in others)) > len(others) + 1:
        return False
    if now >= health.ejected_until + LONGEST:
        health.ejections = 0
    health.ejections += 1
    health.ejected_until = now + min(EJECTED_FOR * health.ejections, LONGEST)
    return True
