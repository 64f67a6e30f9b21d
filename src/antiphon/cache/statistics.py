"""What became of requests on routes with a cache, as plain numbers of one event loop."""

from __future__ import annotations

import msgspec


class Tally(msgspec.Struct, eq=False):
    """Counts of one route.

    Attributes:
        hits: Answered from memory.
        misses: Looked for in vain.
        skipped: Not looked for: the caller said `no-cache`, or the request has no key.
        stale: Answered from memory after its time, because no provider answered.
        shared: Answered by a call that another request paid for (`Reader.shared`); counted by
            whoever hands the answer out, once it is whole.
        stored: Answers put into memory.
        not_stored: Answers that were not, by the reason (`storable.WhyNot`).
    """

    hits: int = 0
    misses: int = 0
    skipped: int = 0
    stale: int = 0
    shared: int = 0
    stored: int = 0
    not_stored: dict[str, int] = {}

    def refused(self, reason: str) -> None:
        """An answer was not stored."""
        self.not_stored[reason] = self.not_stored.get(reason, 0) + 1


class MemoryStatistics(msgspec.Struct, frozen=True):
    """How the memory of all routes stands.

    Attributes:
        entries: Answers in it.
        bytes: What they take, by `Entry.size`.
        most_bytes: The bound.
        evicted: Answers that had to go for others, since the start.
        expired: Answers whose time was over, since the start.
        dropped: Answers that somebody had removed, since the start.
    """

    entries: int
    bytes: int
    most_bytes: int
    evicted: int
    expired: int
    dropped: int


class FlightStatistics(msgspec.Struct):
    """How calls were shared, since the start.

    Attributes:
        calls: Calls that were begun.
        joined: Requests that found a call under way.
        elected: Calls that were begun anew because the payer's failed.
        left_behind: Readers that were detached since they read too slowly.
        abandoned: Calls that were cancelled because nobody waited any more.
        open: Flights under way now.
    """

    calls: int = 0
    joined: int = 0
    elected: int = 0
    left_behind: int = 0
    abandoned: int = 0
    open: int = 0
