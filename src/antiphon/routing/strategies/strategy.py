"""What a strategy is: it gives each candidate a number, and the least number comes first.

Hot path: `scores` is called for each request of a route that has several candidates.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import NamedTuple

from antiphon.clock import Clock
from antiphon.model.ask import Ask, Fact
from antiphon.routing.candidate import Candidate


class Surroundings(NamedTuple):
    """What strategies are made with.

    Attributes:
        chance: Numbers from 0 up to 1.
        clock: Where time comes from.
        region: Where this gateway runs; empty if nobody says.
    """

    chance: Callable[[], float]
    clock: Clock
    region: str = ""


class Strategy(ABC):
    """A way to order candidates."""

    facts: Fact = Fact.NOTHING
    """What it wants to know of a request."""

    @abstractmethod
    def scores(self, pool: Sequence[Candidate], ask: Ask, now: float) -> Sequence[float]:
        """A number for each candidate, in their order: the least is asked first.

        What is equal is left to the next strategy of the list, and in the end to the order given.
        It is called on the event loop: it computes, and waits for nothing.

        Args:
            pool: Those that may answer; at least one.
            ask: What is known of the request; only `facts` and what is always known.
            now: The monotonic time.
        """

    def shown(self, pool: Sequence[Candidate], ask: Ask, now: float) -> Sequence[float]:
        """The same for whoever only wants to know: nothing changes by it, and no chance is in it.

        Args:
            pool: As `scores`.
            ask: As `scores`.
            now: As `scores`.
        """
        return self.scores(pool, ask, now)


def banded(figures: Sequence[float], width: float) -> list[float]:
    """Figures of which those that are nearly the least are equal, and so on for those above.

    Args:
        figures: Finite, not negative.
        width: Of a band, as a share of the least figure above nothing.
    """
    least = min(figures)
    if least > 0:
        step = least * width
        return [(each - least) // step for each in figures]
    above = [each for each in figures if each > 0]
    if not above:
        return [0.0] * len(figures)
    least = min(above)
    step = least * width
    return [1 + (each - least) // step if each > 0 else 0 for each in figures]


def drawn(number: float, weight: float) -> float:
    """A number from 0 to 1 stretched so that, of several, each is the least as often as it weighs.

    The least of exponential draws: in proportion to the weights, and so is the next one among
    those that are left.
    """
    return -math.log(number) / weight
