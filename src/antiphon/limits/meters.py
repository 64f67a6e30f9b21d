"""All meters, in bounded memory.

A meter is dropped only where nothing is lost with it: nothing is under way, its window is empty,
and nobody waits. Where there is room for none more, newcomers are counted together, so whoever
floods the memory gets no more by it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator

from antiphon.limits.meter import Meter, MeterKey

_LOOKED_AT = 64
"""Meters that are looked at for one that can go, each time that one more is wanted."""
TOGETHER = "\0together"
"""The name under which newcomers are counted; no name holds that character."""


class Meters:
    """The meters by their keys.

    Args:
        most: How many are kept.

    Attributes:
        together: How often somebody was counted with others for want of memory.
        version: Grows whenever some are dropped: who keeps any looks them up again.
    """

    __slots__ = ("_meters", "_most", "_shared", "together", "version")

    def __init__(self, most: int) -> None:
        self._most = most
        self._meters: OrderedDict[MeterKey, Meter] = OrderedDict()
        self._shared: dict[MeterKey, Meter] = {}
        self.together = 0
        self.version = 0

    def __len__(self) -> int:
        return len(self._meters) + len(self._shared)

    def bound(self, most: int) -> None:
        """Keep at most so many from now on; what is kept already goes as it always does."""
        self._most = most

    def all(self) -> list[Meter]:
        """Those that are kept each for itself, at one moment."""
        return list(self._meters.values())

    def get(self, key: MeterKey) -> Meter | None:
        """The meter of a key, where there is one."""
        return self._meters.get(key)

    def __iter__(self) -> Iterator[Meter]:
        yield from self._meters.values()
        yield from self._shared.values()

    def of(self, key: MeterKey, now: int) -> Meter:
        """The meter of a key; another one's, where there is no room for it."""
        meter = self._meters.get(key)
        if meter is not None:
            return meter
        if len(self._meters) >= self._most and not self._sweep(now):
            return self._with_others(key, now)
        meter = self._meters[key] = Meter(key, now)
        return meter

    def _sweep(self, now: int) -> bool:
        """Drop meters that hold nothing, the longest kept first; False where there was none."""
        found = False
        for _ in range(min(_LOOKED_AT, len(self._meters))):
            key, meter = next(iter(self._meters.items()))
            if meter.waiting or meter.see(now):
                self._meters.move_to_end(key)
            else:
                del self._meters[key]
                meter.kept = False
                found = True
        self.version += found
        return found

    def _with_others(self, key: MeterKey, now: int) -> Meter:
        self.together += 1
        scope, _, _, amount, seconds = key
        key = (scope, "", TOGETHER, amount, seconds)
        meter = self._shared.get(key)
        if meter is None:
            meter = self._shared[key] = Meter(key, now)
        return meter
