"""The same deployment for what belongs together.

A conversation keeps its deployment, so that signed thought stays valid, and so that the provider
finds the prompt in its cache. Which one it is follows from the key and the names alone (rendezvous
hashing): every process says the same, nothing is remembered, and when one of ten leaves, only what
was there moves.
"""

from __future__ import annotations

from collections.abc import Sequence

from typing_extensions import override

from antiphon.model.ask import Ask, Fact
from antiphon.routing.candidate import Candidate, number_of
from antiphon.routing.strategies.strategy import Strategy, drawn

PREFIX_BYTES = 4096
"""Of a prompt that are looked at, at most."""
_PRIME = (1 << 61) - 1
_BEYOND = 1e9
"""More than any draw: what has too much to do comes after all others."""


class Sticky(Strategy):
    """The candidate that a key falls to; the next one by hash where that has too much to do.

    Args:
        by: `CONVERSATION` or `PREFIX`.
        size: Bytes of the prefix that count.
        load: How many times its share of all that is under way a candidate may have.
        floor: Attempts that it may have whatever its share is.
    """

    def __init__(self, by: Fact, *, size: int, load: float, floor: int) -> None:
        self.facts = by
        self._size = size
        self._load = load
        self._floor = floor

    @override
    def scores(self, pool: Sequence[Candidate], ask: Ask, now: float) -> Sequence[float]:
        if self.facts is Fact.CONVERSATION:
            text = ask.conversation.encode()
        else:
            text = ask.prefix[: self._size]
        if not text:
            return [0.0] * len(pool)
        key, under_way, weights = number_of(text), 1, 0.0
        for each in pool:
            under_way += each.deployment.pace.in_flight
            weights += each.weight
        fair = self._load * under_way / weights
        scores: list[float] = []
        for each in pool:
            # Both are as good as random, so their product is, modulo a prime.
            score = drawn((key * each.salt % _PRIME + 0.5) / _PRIME, each.weight)
            load = each.deployment.pace.in_flight
            if load >= self._floor and load >= fair * each.weight:
                score += _BEYOND
            scores.append(score)
        return scores
