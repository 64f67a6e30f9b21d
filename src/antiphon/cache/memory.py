"""The exact cache of one process: bounded by bytes, least recently used out first.

It belongs to one event loop, which needs no lock. What is found was stored under the very same
key, in which tenant, dialect, route, plan and question stand (`policy`); the life of an entry is
judged by the policy in force, so a life that is shortened counts at once.

Hot path: `find` is one look-up and a few comparisons.
"""

from __future__ import annotations

from asyncio import sleep
from collections import OrderedDict
from collections.abc import Callable

from antiphon.cache.config import CacheSettings
from antiphon.cache.directives import Wishes
from antiphon.cache.entry import Entry
from antiphon.cache.policy import CachePolicy
from antiphon.cache.statistics import MemoryStatistics
from antiphon.cache.storable import Ending, WhyNot, why_not
from antiphon.clock import Clock

_SLICE = 1_000
"""Entries that are looked at before others get their turn: a fraction of a millisecond."""


class ExactCache:
    """Answers by their keys.

    Attributes:
        bytes: What all entries take.
        most_bytes: The bound on it.
        most_each: The bound on one answer.
    """

    __slots__ = (
        "_clock",
        "_dropped",
        "_entries",
        "_evicted",
        "_expired",
        "_most_entries",
        "bytes",
        "most_bytes",
        "most_each",
    )

    def __init__(self, settings: CacheSettings, *, clock: Clock) -> None:
        self._clock = clock
        self._entries: OrderedDict[bytes, Entry] = OrderedDict()
        self._most_entries = settings.max_entries or settings.max_bytes
        self.most_bytes = settings.max_bytes
        self.most_each = settings.max_entry_bytes
        self.bytes = 0
        self._evicted = 0
        self._expired = 0
        self._dropped = 0

    def adopt(self, settings: CacheSettings) -> None:
        """Have other bounds from now on; what is over them goes at once."""
        self._most_entries = settings.max_entries or settings.max_bytes
        self.most_bytes = settings.max_bytes
        self.most_each = settings.max_entry_bytes
        self._trim()

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: object) -> bool:
        return key in self._entries

    def find(self, key: bytes, policy: CachePolicy, wishes: Wishes) -> Entry | None:
        """A fresh answer that the caller wants; the route's hits and misses are counted."""
        if not wishes.looks:
            policy.tally.skipped += 1
            return None
        entry = self._within(key, policy.ttl, wishes)
        if entry is None:
            policy.tally.misses += 1
            return None
        policy.tally.hits += 1
        return entry

    def find_stale(self, key: bytes, policy: CachePolicy, wishes: Wishes) -> Entry | None:
        """An answer to give because no provider answered, fresh or not.

        Who said that no stored answer will do, or none of that age, does not get one even then.
        The caller marks what is given: `x-antiphon-cache: stale`.
        """
        if not wishes.looks or not policy.stale_for:
            return None
        entry = self._within(key, policy.keeps, wishes)
        if entry is not None:
            policy.tally.stale += 1
        return entry

    def offer(
        self, key: bytes, entry: Entry, policy: CachePolicy, wishes: Wishes, ending: Ending
    ) -> WhyNot | None:
        """Store an answer if it may be stored; tells why it was not.

        The wishes are those of the caller whose request it answered, the ending is how that went.
        """
        reason = why_not(ending, policy, wishes)
        if reason is None:
            return self.keep(key, entry, policy)
        policy.tally.refused(reason)
        return reason

    def keep(self, key: bytes, entry: Entry, policy: CachePolicy) -> WhyNot | None:
        """Store an answer in place of any other under its key, unless it is too large.

        Whether it may be stored at all is not asked here: `offer` does.
        """
        size = entry.size
        if size > self.most_each + _SLACK or size > self.most_bytes:
            policy.tally.refused(WhyNot.TOO_LARGE)
            return WhyNot.TOO_LARGE
        entries = self._entries
        before = entries.pop(key, None)
        if before is not None:
            self.bytes -= before.size
        entries[key] = entry
        self.bytes += size
        policy.tally.stored += 1
        self._trim()
        return None

    def drop(self, which: Callable[[Entry], bool] | None = None) -> int:
        """Remove the answers that `which` says, by default all; how many there were.

        For people and for erasure: it looks at every entry.
        """
        found = [key for key, entry in self._entries.items() if which is None or which(entry)]
        for key in found:
            self._remove(key)
        if not self._entries:
            # An empty table gives its own room back too.
            self._entries.clear()
        self._dropped += len(found)
        return len(found)

    async def sweep(self) -> int:
        """Remove the answers whose time is over; how many there were.

        Nobody is kept waiting: other work goes on between slices. Without it such answers would
        stay, unused, until their room is needed.
        """
        swept = 0
        keys = list(self._entries)
        for start in range(0, len(keys), _SLICE):
            now = self._clock.monotonic()
            for key in keys[start : start + _SLICE]:
                entry = self._entries.get(key)
                if entry is not None and entry.age(now) >= entry.keeps:
                    self._remove(key)
                    self._expired += 1
                    swept += 1
            await sleep(0)
        return swept

    def statistics(self) -> MemoryStatistics:
        """How it stands."""
        return MemoryStatistics(
            entries=len(self._entries),
            bytes=self.bytes,
            most_bytes=self.most_bytes,
            evicted=self._evicted,
            expired=self._expired,
            dropped=self._dropped,
        )

    def _within(self, key: bytes, life: float, wishes: Wishes) -> Entry | None:
        """The entry of a key if it is not older than this, and than the caller wants."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        age = self._clock.monotonic() - entry.stored_at
        if age >= entry.keeps:
            self._remove(key)
            self._expired += 1
            return None
        if age >= life or (wishes.max_age is not None and age > wishes.max_age):
            return None
        self._entries.move_to_end(key)
        return entry

    def _trim(self) -> None:
        entries = self._entries
        while self.bytes > self.most_bytes or len(entries) > self._most_entries:
            _, oldest = entries.popitem(last=False)
            self.bytes -= oldest.size
            self._evicted += 1

    def _remove(self, key: bytes) -> None:
        self.bytes -= self._entries.pop(key).size


_SLACK = 2048
"""What surrounds the bytes of one answer, at the most."""
