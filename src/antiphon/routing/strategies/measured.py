"""Strategies by what attempts have shown: prices, speed, load, refusals."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp

from typing_extensions import override

from antiphon.clock import Clock
from antiphon.model.ask import Ask, Fact
from antiphon.routing.candidate import Candidate
from antiphon.routing.strategies.strategy import Strategy, Surroundings, banded

_SAME_PRICE = 0.02
_SAME_SPEED = 0.25
_UNKNOWN = 2.0
"""How many times as long as the fastest those are taken to need that were never measured."""
_EXPLORED = -1.0


class Cheapest(Strategy):
    """The lowest price that is expected: of the prompt, as far as it is cached, and of an answer.

    Prices within two in a hundred of the lowest are equal.
    """

    facts = Fact.TOKENS | Fact.ANSWER

    def __init__(self, around: Surroundings) -> None:
        self._clock: Clock = around.clock

    @override
    def scores(self, pool: Sequence[Candidate], ask: Ask, now: float) -> Sequence[float]:
        answer, clock = ask.answer_tokens, self._clock
        # The estimate is by the first one's tokenizer; each has its own.
        size = ask.tokens / pool[0].deployment.calibration.per_byte
        prices: list[float] = []
        for each in pool:
            deployment = each.deployment
            share, tokens = deployment.pace.cached, int(size * deployment.calibration.per_byte)
            cached = int(tokens * share) if share else 0
            prices.append(deployment.rates.likely(tokens - cached, cached, answer, clock))
        return banded(prices, _SAME_PRICE)


class Fastest(Strategy):
    """The shortest time to a whole answer, as measured; times within a quarter are equal.

    What was measured of one that is idle fades: in the end it is asked again. So is one that was
    never measured: by one request, until it has answered.

    Args:
        forget: Seconds in which two thirds of what was measured fade.
        tokens: Of the answer that is thought of; None takes what is usual on the route.
    """

    facts = Fact.ANSWER

    def __init__(self, forget: float, tokens: int | None) -> None:
        self._forget = forget
        self._tokens = tokens

    @override
    def scores(self, pool: Sequence[Candidate], ask: Ask, now: float) -> Sequence[float]:
        tokens = ask.answer_tokens if self._tokens is None else self._tokens
        times = [each.deployment.pace.seconds(tokens) for each in pool]
        known = [each for each in times if each]
        best = min(known, default=1.0)
        band, unknown = best * _SAME_SPEED, max(*known, best * _UNKNOWN, 0.0)
        scores: list[float] = []
        for each, seconds in zip(pool, times, strict=True):
            bands = ((seconds or unknown) - best) / band
            pace = each.deployment.pace
            if bands >= 1 and not pace.in_flight:
                bands *= exp((pace.tried_at - now) / self._forget)
                if bands < 1:
                    bands = _EXPLORED
            scores.append(bands // 1)
        return scores


class LeastBusy(Strategy):
    """The fewest attempts under way, this one included, for what each weighs."""

    @override
    def scores(self, pool: Sequence[Candidate], ask: Ask, now: float) -> Sequence[float]:
        return [(each.deployment.pace.in_flight + 1) / each.weight for each in pool]


class RateLimits(Strategy):
    """Those first that have refused the fewest of their keys for a rate limit, and still do."""

    @override
    def scores(self, pool: Sequence[Candidate], ask: Ask, now: float) -> Sequence[float]:
        return [each.deployment.resting(now) for each in pool]
