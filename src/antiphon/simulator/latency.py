"""How long a pretend provider takes.

Three numbers: the time to the first token, the pace after it, and how much both waver. The wavering
comes from dice, so a slow provider is slow in the same way each time.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Final

from msgspec import Meta, Struct

from antiphon.simulator.dice import Dice

_Seconds = Annotated[float, Meta(ge=0)]


class Latency(Struct, frozen=True, forbid_unknown_fields=True):
    """A provider's speed; all zero means that nothing waits."""

    first_token: _Seconds = 0.0
    """Seconds until the first byte of the answer."""
    tokens_per_second: _Seconds = 0.0
    """The pace after that; 0 is no pause at all."""
    jitter: Annotated[float, Meta(ge=0, le=1)] = 0.0
    """Each pause is stretched or shrunk by up to this part of itself."""

    def to_first_token(self, dice: Dice) -> float:
        """Seconds before the first byte."""
        return self._wavering(self.first_token, dice)

    def for_tokens(self, tokens: int, dice: Dice) -> float:
        """Seconds that so many tokens take."""
        if not self.tokens_per_second:
            return 0.0
        return self._wavering(tokens / self.tokens_per_second, dice)

    def _wavering(self, seconds: float, dice: Dice) -> float:
        if not seconds or not self.jitter:
            return seconds
        return seconds * (1 + self.jitter * (2 * dice.unit() - 1))


PROFILES: Final[Mapping[str, Latency]] = MappingProxyType(
    {
        "instant": Latency(),
        "fast": Latency(first_token=0.02, tokens_per_second=400, jitter=0.1),
        "typical": Latency(first_token=0.3, tokens_per_second=80, jitter=0.2),
        "slow": Latency(first_token=2.0, tokens_per_second=15, jitter=0.3),
    }
)
"""The speeds that have a name."""


def latency_of(chosen: Latency | str) -> Latency:
    """A profile by name, or the latency itself.

    Raises:
        ValueError: no profile has that name.
    """
    if isinstance(chosen, Latency):
        return chosen
    try:
        return PROFILES[chosen]
    except KeyError:
        names = ", ".join(PROFILES)
        raise ValueError(f"no latency profile {chosen!r}; there are {names}") from None
