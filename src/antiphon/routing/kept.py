"""A decision as it is kept: some hundred bytes of names, which say what a `Decision` tells.

What is kept must be read by whatever comes later: new members go last, and have a default.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from antiphon.model.ask import Sensitivity
from antiphon.routing.decision import Decision, Fate, RuleFate, State

_WORDS = tuple(each.name.lower() for each in Sensitivity)


class Kept(msgspec.Struct, array_like=True, omit_defaults=True, gc=False):
    """What is kept; indexes are places in `order`.

    Attributes:
        asked: Those that were asked, in the order in which they first were.
        passed: Those that were not, though their turn came, each with why.
        preferred: How many of the first a rule named.
        left: Those that are in no order, each with why.
    """

    route: str
    generation: int
    sensitivity: int
    order: list[str]
    asked: list[int]
    passed: dict[int, str] = {}
    rule: str = ""
    preferred: int = 0
    strategies: Sequence[str] = ()
    active: str = ""
    scores: Sequence[Sequence[float]] = ()
    left: Sequence[tuple[str, str]] = ()
    facts: dict[str, str] = {}


encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Kept).decode


def decision(raw: bytes) -> Decision | None:
    """What was kept; None where nothing was, or nobody can read it any more."""
    if not raw:
        return None
    try:
        return told(_decode(raw))
    except msgspec.MsgspecError:
        return None


def told(made: Kept) -> Decision:
    """What it says."""
    return Decision(
        route=made.route,
        generation=made.generation,
        sensitivity=_WORDS[made.sensitivity],
        facts=made.facts,
        rules=[RuleFate(made.rule, matched=True)] if made.rule else (),
        strategies=made.strategies,
        active=made.active,
        candidates=tuple(_fates(made)),
    )


def _fates(made: Kept) -> Iterator[Fate]:
    first = made.asked[0] if made.asked else -1
    for place, name in enumerate(made.order):
        reason, state = made.passed.get(place, ""), State.NOT_LOOKED_AT
        if place == first:
            state = State.CHOSEN
        elif place in made.asked:
            state = State.NEXT
        elif reason:
            state = State.LEFT_OUT
        if not reason and place < made.preferred:
            reason = f"rule {made.rule}"
        yield Fate(name, state, reason, made.scores[place] if place < len(made.scores) else ())
    for name, why in made.left:
        yield Fate(name, State.LEFT_OUT, why)
