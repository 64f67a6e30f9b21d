"""How the last half minute of a deployment went, second by second.

Hot path: `at` is a remainder and a comparison.
"""

from __future__ import annotations

from collections.abc import Iterator

SECONDS = 30
"""For so long it is known."""


class Second:
    """What happened in one second.

    Attributes:
        number: Which second it is, of a monotonic clock.
        asked: Requests that came to the deployment.
        retried: Calls for a request that it was asked before.
        beyond: Of these, how many the share of its requests pays for, and not the floor.
        ended: Attempts that gave an answer, or none.
        failed: Of these, how many gave none.
    """

    __slots__ = ("asked", "beyond", "ended", "failed", "number", "retried")

    def __init__(self, number: int) -> None:
        self.number = number
        self.asked = 0
        self.retried = 0
        self.beyond = 0
        self.ended = 0
        self.failed = 0


class Recent:
    """A ring of seconds; what is older than the ring is forgotten."""

    __slots__ = ("_ring",)

    def __init__(self) -> None:
        self._ring = [Second(-1)] * SECONDS

    def at(self, now: float) -> Second:
        """The second of a monotonic time; it is the present one."""
        number = int(now)
        second = self._ring[number % SECONDS]
        if second.number != number:
            second = self._ring[number % SECONDS] = Second(number)
        return second

    def last(self, seconds: int, now: float) -> Iterator[Second]:
        """The last so many seconds, the present one included, as far as something happened."""
        newest = int(now)
        oldest = newest - seconds
        return (each for each in self._ring if oldest < each.number <= newest)
