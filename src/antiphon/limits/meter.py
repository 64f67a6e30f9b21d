"""A count over a window that slides, or of what is under way, in a few integers.

The window is cut into sixty parts, and a count is kept of each. What is forgotten is whole parts,
and only those that lie in the window with no moment: so at no time were there more than the sum in
the last so many seconds, not even around an edge. The price is that room comes back up to a
sixtieth of the window late.

Time is in whole microseconds that never go back. Hot path.
"""

from __future__ import annotations

PARTS = 60
_MICRO = 1_000_000
NEVER = 1 << 62
"""Microseconds: a time that does not come."""

MeterKey = tuple[str, str, str, int, float]
"""Scope, organisation, name, which amount is counted, seconds of the window."""


class Meter:
    """One count.

    Attributes:
        key: What is counted here, and for whom.
        amount: Which of a demand's amounts is counted.
        grain: Microseconds of one part; of what is under way, all time is one part.
        size: Parts that are kept.
        slots: Their counts; a part's place is its number modulo the size.
        last: The newest part's number.
        total: The sum of all parts.
        kept: Whether it still stands among the meters: else another one may count the same.
        waiting: How many wait for room here.
    """

    __slots__ = (*("amount", "grain", "kept", "key", "last", "size", "slots", "total", "waiting"),)

    def __init__(self, key: MeterKey, now: int) -> None:
        seconds = key[4]
        self.key = key
        self.amount = key[3]
        # Rounded up, so that no window is shorter than it is said to be.
        self.grain = -(-int(seconds * _MICRO) // PARTS) if seconds else NEVER
        self.size = PARTS + 1 if seconds else 1
        self.slots = [0] * self.size
        self.last = now // self.grain
        self.total = 0
        self.kept = True
        self.waiting = 0

    def advance(self, part: int) -> None:
        """Forget what lies behind the window that ends in a later part."""
        gap = part - self.last
        self.last = part
        if not self.total:
            return
        slots, size = self.slots, self.size
        if gap >= size:
            self.slots = [0] * size
            self.total = 0
            return
        for each in range(part - gap + 1, part + 1):
            place = each % size
            if slots[place]:
                self.total -= slots[place]
                slots[place] = 0

    def see(self, now: int) -> int:
        """The count at a moment."""
        part = now // self.grain
        if part > self.last:
            self.advance(part)
        return self.total

    def add(self, now: int, amount: int) -> None:
        """Count so much more."""
        part = now // self.grain
        if part > self.last:
            self.advance(part)
        self.slots[self.last % self.size] += amount
        self.total += amount

    def lower(self, at: int, amount: int) -> None:
        """Take back what was counted at a moment, unless it is forgotten already."""
        part = at // self.grain
        if part > self.last - self.size:
            self.slots[part % self.size] -= amount
            self.total -= amount

    def opens_at(self, need: int, bound: int) -> int:
        """When there is room for so much, if nothing else happens; `NEVER` where time is no help.

        Whoever needs more than the bound needs all of it.
        """
        left, enough = self.total, max(bound - need, 0)
        if left <= enough:
            return 0
        if self.size == 1 or not bound:
            return NEVER
        for part in range(self.last - self.size + 1, self.last + 1):
            left -= self.slots[part % self.size]
            if left <= enough:
                return (part + self.size) * self.grain
        return NEVER

    def empties_at(self) -> int:
        """When nothing is left of the window, if nothing else happens; 0 where it is empty now."""
        if not self.total or self.size == 1:
            return 0
        for part in range(self.last, self.last - self.size, -1):
            if self.slots[part % self.size]:
                return (part + self.size) * self.grain
        return 0
