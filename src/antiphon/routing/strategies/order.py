"""Candidates in the order in which they are asked, by a list of strategies.

Hot path: with one strategy a sort of some numbers, with several one of some tuples.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from antiphon.model.ask import Ask, Fact
from antiphon.routing.candidate import Candidate
from antiphon.routing.strategies.settled import Priority
from antiphon.routing.strategies.strategy import Strategy

Scores: TypeAlias = Sequence[float]
"""What each strategy gave one candidate, in their order."""
Ordered: TypeAlias = tuple[list[Candidate], list[Scores]]
"""Candidates, and the scores of each."""


class Order:
    """A list of strategies: what is equal for one is left to the next.

    Args:
        strategies: By name, in their order; at least one.

    Attributes:
        names: Of the strategies.
        facts: What they want to know of a request.
    """

    __slots__ = ("_as_given", "_only", "_strategies", "facts", "names")

    def __init__(self, strategies: Sequence[tuple[str, Strategy]]) -> None:
        self.names = tuple(name for name, _ in strategies)
        self._strategies = tuple(each for _, each in strategies)
        self._only = self._strategies[0] if len(strategies) == 1 else None
        self._as_given = isinstance(self._only, Priority)
        self.facts = Fact.NOTHING
        for each in self._strategies:
            self.facts |= each.facts

    def of(self, pool: Sequence[Candidate], ask: Ask, now: float) -> Ordered:
        """The candidates of a request, the one that is asked first in front.

        Args:
            pool: Those that may answer, in the order given; at least one.
            ask: What is known of the request.
            now: The monotonic time.
        """
        places = range(len(pool))
        if self._as_given:
            return [*pool], [(each,) for each in places]
        if self._only is not None:
            scores = self._only.scores(pool, ask, now)
            order = sorted(places, key=scores.__getitem__)
            return [pool[each] for each in order], [(scores[each],) for each in order]
        return _ordered(pool, [each.scores(pool, ask, now) for each in self._strategies])

    def shown(self, pool: Sequence[Candidate], ask: Ask, now: float) -> Ordered:
        """The same for whoever only wants to know; nothing changes by it."""
        return _ordered(pool, [each.shown(pool, ask, now) for each in self._strategies])


AS_GIVEN = Order([("priority", Priority())])
"""The order of the list."""


def _ordered(pool: Sequence[Candidate], columns: Sequence[Sequence[float]]) -> Ordered:
    rows = list(zip(*columns, strict=True))
    order = sorted(range(len(pool)), key=rows.__getitem__)
    return [pool[each] for each in order], [rows[each] for each in order]
