"""A bound on what is under way, without a queue.

What is over the bound is refused at once: a client that backs off is served sooner than one
that waits in a line which nobody can see.

Hot path: plain integers of one event loop, no lock.
"""

from __future__ import annotations

from antiphon.errors import Overloaded

RETRY_AFTER = 1.0
"""Seconds told to who is refused: places come free at the pace of answers."""


class Concurrency:
    """Places for exchanges. `take` one, and `give` it back whatever happens.

    Attributes:
        bound: How many there are.
        in_use: How many are taken now.
        peak: The most that were taken at once.
        refused: How often none was left.
    """

    __slots__ = ("bound", "in_use", "peak", "refused")

    def __init__(self, bound: int) -> None:
        self.bound = bound
        self.in_use = 0
        self.peak = 0
        self.refused = 0

    def take(self) -> None:
        """Take a place.

        Raises:
            Overloaded: All are taken.
        """
        in_use = self.in_use + 1
        if in_use > self.bound:
            self.refused += 1
            raise Overloaded(
                f"{self.bound} requests are under way, which is the most that are admitted.",
                retry_after=RETRY_AFTER,
            )
        self.in_use = in_use
        if in_use > self.peak:  # noqa: PLR1730  max() costs twice as much
            self.peak = in_use

    def give(self) -> None:
        """Give a place back."""
        self.in_use -= 1
