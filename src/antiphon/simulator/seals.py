"""The seals of pretend thoughts: what real providers sign or encrypt, and refuse from elsewhere.

A seal says whose thought it is and what it says, so whoever sends one back can be believed or
refused without a memory. Simulators of one seed are one organisation; those of another seed, and
other models, do not know each other's seals.
"""

from hashlib import blake2b
from typing import Final

from msgspec import Struct

_MARK: Final = "sim"


class Notary(Struct, frozen=True):
    """Who seals the thoughts of one organisation."""

    seed: int = 0

    def seal(self, model: str, thought: str) -> str:
        """The seal of what a model thought."""
        told = _digest(thought)
        return f"{_MARK}-{told}-{self._bond(model, told)}"

    def vouches(self, seal: str, model: str, thought: str | None = None) -> bool:
        """Whether a seal is of this model, and of this thought if the thought is told."""
        mark, _, rest = seal.partition("-")
        told, _, bond = rest.partition("-")
        return (
            mark == _MARK
            and bond == self._bond(model, told)
            and (not thought or told == _digest(thought))
        )

    def _bond(self, model: str, told: str) -> str:
        return _digest(f"{self.seed}\x1f{model}\x1f{told}")


def _digest(text: str) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
