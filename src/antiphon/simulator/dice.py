"""Chance that can be repeated.

Equal seeds throw equal numbers on every machine, in every process and in every version of Python,
which the standard library's generator does not promise. Whoever needs chance makes dice from the
names of what it is for (seed, model, question), so that no two uses disturb each other.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeVar

_T = TypeVar("_T")
_MASK = 0xFFFF_FFFF_FFFF_FFFF


class Dice:
    """A stream of reproducible numbers (splitmix64 behind a hash of its seed)."""

    __slots__ = ("_state",)

    def __init__(self, *seed: str | int) -> None:
        named = "\x1f".join(map(str, seed)).encode("utf-8", "surrogatepass")
        self._state = int.from_bytes(blake2b(named, digest_size=8).digest(), "big")

    def below(self, bound: int) -> int:
        """A whole number from 0 to `bound - 1`."""
        self._state = state = (self._state + 0x9E37_79B9_7F4A_7C15) & _MASK
        state = ((state ^ (state >> 30)) * 0xBF58_476D_1CE4_E5B9) & _MASK
        state = ((state ^ (state >> 27)) * 0x94D0_49BB_1331_11EB) & _MASK
        return (state ^ (state >> 31)) % bound

    def between(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both possible."""
        return low + self.below(high - low + 1)

    def unit(self) -> float:
        """A number from 0 up to, but not, 1."""
        return self.below(1 << 53) / (1 << 53)

    def choice(self, options: Sequence[_T]) -> _T:
        """One of the options."""
        return options[self.below(len(options))]

    def token(self, length: int) -> str:
        """Digits and letters, for an id."""
        return f"{self.below(1 << 62):016x}{self.below(1 << 62):016x}"[:length]
