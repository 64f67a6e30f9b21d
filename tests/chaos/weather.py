"""What goes wrong: a fault for each call of each request, by its number and the seed alone.

So the same seed has the same weather, however fast the machine is, whoever is asked first.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Final, NamedTuple

from antiphon.simulator import FAULTS
from antiphon.simulator.dice import Dice
from antiphon.simulator.received import Received
from antiphon.simulator.rules import ArmedRules
from antiphon.simulator.wires import CHAT, GEMINI, MESSAGES, RESPONSES
from tests.server.fault_roads import BY_PROVIDER
from tests.server.fault_table import TABLE
from tests.server.fault_words import ANSWER, CALLERS_FAULT, FINE, Case, both, broken

NUMBER: Final = re.compile(r"\bq(\d{6})\b")
"""By which a request is known at its providers."""
_NUMBER: Final = re.compile(NUMBER.pattern.encode())
REFUSALS: Final = frozenset({"bad-request", "content-filter", "prompt-blocked"})
"""The request is at fault, so nobody else is asked: no failure of a provider."""
CUTS: Final = ("cut", "reset-inside", "truncated", "half-event")
"""A stream breaks off in the middle."""
REPLACED: Final = frozenset(
    {"quota", "bad-key", "key-echo", "rate-limited-long", "rate-limited-year"}
    | {"rate-limited-later", "rate-limited-ms-huge"}
)
"""After these a key is of no use for long: the operator puts another in its place."""
NEVER_SENT: Final = frozenset({"refused", "tls-slow", "tls-closed"})
"""Faults of the door: they befall also those who come meanwhile and are not asked anything."""
UNTRUE: Final = {RESPONSES: {"preamble-only"}, GEMINI: {"candidate-empty"}}
"""An answer that is said to be whole and is none: nobody can know, so it is left out."""
_HEAVY: Final = frozenset(
    {"endless", "bomb", "huge-event", "drip", "heartbeats", "stall", "stall-inside"}
    | {"header-flood", "huge-headers", "byte-chunks", "deep-event", "ping-flood", "tls-slow"}
)
"""They take a second or much of a processor, so they come at a fifth of the others' rate (`endless`: a twentieth)."""
_CONTINUED: Final = ("repeats-tail", "repeats-all")
_PLAINLY_ANEW: Final = 120
"""Characters of an answer after which nobody can take a new one for its continuation."""
_OF_GEMINI: Final = {
    "rate-limited-info": both(broken("rate_limit_exceeded")),
    "call-malformed": both(broken("malformed")),
    "prompt-blocked": FINE,
}


class Shares(NamedTuple):
    """Parts of all calls.

    Attributes:
        failing: Fail in one of all ways there are.
        cut: Of streams: break off after content, beside those.
        odd: Are answered, in a way that is unusual.
        refused: Are refused through the caller's own fault.
    """

    failing: float = 0.3
    cut: float = 0.05
    odd: float = 0.1
    refused: float = 0.002


USUAL: Final = Shares()


def case_of(wire: str, fault: str) -> Case:
    """What a caller is to see of a fault where there is one deployment, and one call."""
    case = BY_PROVIDER.get(wire, {}).get(fault) or TABLE.get(fault)
    return case or _OF_GEMINI.get(fault, FINE)


@cache
def failing(wire: str, *, stream: bool) -> tuple[str, ...]:
    """The ways to fail of a provider of this dialect."""
    return tuple(name for name in _sensible(wire) if _seen(wire, name, stream) != ANSWER)


@cache
def odd(wire: str, *, stream: bool) -> tuple[str, ...]:
    """Its ways to answer unusually."""
    return tuple(name for name in _sensible(wire) if _seen(wire, name, stream) == ANSWER)


@cache
def after_content(wire: str) -> frozenset[str]:
    """Faults that may strike a stream of which something was given."""
    found = {name for name in failing(wire, stream=True) if case_of(wire, name).stream.begun}
    # Frames without a word of the answer may be something given, in some dialects.
    return frozenset(
        {*found, *CUTS, "no-content", "drip", "invalid-utf8", "nul-bytes", "length-short"}
    )


def _sensible(wire: str) -> list[str]:
    left_out = REFUSALS | UNTRUE.get(wire, set())
    return [name for name, each in FAULTS.items() if wire in each.wires and name not in left_out]


def _seen(wire: str, name: str, stream: bool):
    plain, streamed = case_of(wire, name)
    seen = streamed if stream else plain
    assert seen.code not in CALLERS_FAULT, name
    return seen


class Weather(ArmedRules):
    """The weather at one provider.

    Args:
        seed: Of the whole run.
        name: The provider's.
        wire: What it speaks.
        shares: How bad it is.
        struck: Told of each fault.
    """

    def __init__(
        self,
        seed: int,
        name: str,
        wire: str,
        shares: Shares,
        struck: Callable[[str, Received], None],
    ) -> None:
        super().__init__(seed)
        self._where = (seed, name)
        self._wire = wire
        self._shares = shares
        self._calls: Counter[int] = Counter()
        self._tell = struck

    def strike(self, received: Received, *, model: str | None, stream: bool) -> str | None:
        found = _NUMBER.search(received.body)
        if found is None:
            return None
        number = int(found[1])
        self._calls[number] += 1
        dice = Dice("weather", *self._where, number, self._calls[number])
        begun = received.begun
        fault = self._fault(dice, stream=stream, begun=None if begun is None else len(begun))
        if fault is not None:
            self._tell(fault, received)
        return fault

    def _fault(self, dice: Dice, *, stream: bool, begun: int | None) -> str | None:
        shares, wire, roll = self._shares, self._wire, dice.unit()
        if roll < shares.failing:
            ways = failing(wire, stream=stream)
            if begun is not None:
                # That nothing is left to say is believed, too.
                anew = ("begins-anew",) if begun > _PLAINLY_ANEW else ()
                ways = (*(each for each in ways if each != "preamble-only"), *anew)
            return _chosen(dice, ways)
        roll -= shares.failing
        if stream:
            if roll < shares.cut:
                return dice.choice(CUTS)
            roll -= shares.cut
        if roll < shares.odd:
            return _chosen(
                dice, (*odd(wire, stream=stream), *(_CONTINUED if begun is not None else ()))
            )
        roll -= shares.odd
        if roll < shares.refused:
            return dice.choice([each for each in sorted(REFUSALS) if wire in FAULTS[each].wires])
        return None


def _chosen(dice: Dice, names: Sequence[str]) -> str:
    while True:
        name = dice.choice(names)
        if name not in _HEAVY or not dice.below(20 if name == "endless" else 5):
            return name


WIRES: Final[Mapping[str, str]] = {
    "openai_chat": CHAT,
    "anthropic_messages": MESSAGES,
    "openai_responses": RESPONSES,
    "gemini": GEMINI,
}
"""What the simulator calls the dialects."""
