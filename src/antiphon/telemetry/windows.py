"""How it went lately: the last samples of a name, and the last minute.

For people who have no metrics server: percentiles are taken of the last samples when somebody
asks, so that the road only writes a number into a ring.

Hot path: a few assignments a request.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping

import msgspec

from antiphon.telemetry.words import Fault

SAMPLES = 1024
"""How many of the last samples are kept; a power of two."""
_MASK = SAMPLES - 1
_LEAST = 1e-6
"""Seconds under which nothing can be said of a speed."""
MINUTE = 60


class Percentiles(msgspec.Struct, frozen=True):
    """The middle and the slow end of the last samples."""

    p50: float
    p95: float
    p99: float


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """How a name does.

    Attributes:
        requests: Since the start; for a deployment, attempts.
        failures: Of them, by sort: `timeout`, `connection`, `api`, `other`.
        cancelled: Of them, those that the caller, or the end of the gateway, cut short.
        samples: How many answers the percentiles are of: the last ones, at most 1024.
        latency_ms: From the start to the last byte, of answers.
        first_token_ms: From the start to the first useful event, of streams.
        output_speed: Tokens of an answer for each second that it took.
        requests_per_second: Over the last minute.
        tokens_per_second: Tokens of answers, over the last minute.
    """

    requests: int
    failures: Mapping[str, int]
    cancelled: int
    samples: int
    latency_ms: Percentiles | None
    first_token_ms: Percentiles | None
    output_speed: Percentiles | None
    requests_per_second: float
    tokens_per_second: float


class Latencies(msgspec.Struct, frozen=True):
    """How each name that callers use does, and each deployment behind them."""

    aliases: Mapping[str, Figures]
    deployments: Mapping[str, Figures]


class Pace:
    """Requests and tokens of each of the last sixty seconds."""

    __slots__ = ("_begun", "_requests", "_second", "_tokens")

    def __init__(self) -> None:
        self._begun = 0.0
        self._second = -1
        self._requests = [0] * MINUTE
        self._tokens = [0] * MINUTE

    def add(self, now: float, tokens: int) -> None:
        """One request with so many tokens ended at this monotonic time."""
        second = int(now)
        if second != self._second:
            second = self._turn(second, now)
        place = second % MINUTE
        self._requests[place] += 1
        self._tokens[place] += tokens

    def per_second(self, now: float) -> tuple[float, float]:
        """Requests and tokens a second, over the last minute or what there is of one."""
        if self._second < 0:
            return 0.0, 0.0
        self._turn(int(now), now)
        span = min(max(now - self._begun, 1.0), float(MINUTE))
        return sum(self._requests) / span, sum(self._tokens) / span

    def _turn(self, second: int, now: float) -> int:
        """Forget the seconds that are over; a clock that goes back stays where it was."""
        if self._second < 0:
            self._begun, self._second = now, second
        for passed in range(max(self._second + 1, second - MINUTE + 1), second + 1):
            self._requests[passed % MINUTE] = self._tokens[passed % MINUTE] = 0
        self._second = max(self._second, second)
        return self._second


class Window:
    """How one name did lately."""

    __slots__ = (
        "_answered",
        "_cancelled",
        "_failures",
        "_first_token",
        "_latency",
        "_measured",
        "_pace",
        "_speed",
        "_streamed",
    )

    def __init__(self) -> None:
        self._latency = _ring()
        self._first_token = _ring()
        self._speed = _ring()
        self._answered = self._streamed = self._measured = 0
        self._pace = Pace()
        self._failures = dict.fromkeys((each.value for each in Fault), 0)
        self._cancelled = 0

    def answered(self, now: float, seconds: float, first_token: float, tokens: int) -> None:
        """An answer was whole.

        Args:
            now: Monotonic time.
            seconds: That it took.
            first_token: Seconds until its first useful event; 0 where it was not streamed.
            tokens: Of the answer.
        """
        self._latency[self._answered & _MASK] = seconds if seconds > 0 else 0.0
        self._answered += 1
        if first_token > 0:
            self._first_token[self._streamed & _MASK] = first_token
            self._streamed += 1
        if tokens and seconds > _LEAST:
            self._speed[self._measured & _MASK] = tokens / seconds
            self._measured += 1
        self._pace.add(now, tokens)

    def failed(self, now: float, fault: Fault) -> None:
        """There was none."""
        self._failures[fault] += 1
        self._pace.add(now, 0)

    def cancelled(self, now: float) -> None:
        """Nobody waited for it any more."""
        self._cancelled += 1
        self._pace.add(now, 0)

    def figures(self, now: float) -> Figures:
        """What is known at this monotonic time."""
        requests, tokens = self._pace.per_second(now)
        answered = self._answered
        return Figures(
            requests=answered + sum(self._failures.values()) + self._cancelled,
            failures=dict(self._failures),
            cancelled=self._cancelled,
            samples=min(answered, SAMPLES),
            latency_ms=_percentiles(self._latency, answered, 1000),
            first_token_ms=_percentiles(self._first_token, self._streamed, 1000),
            output_speed=_percentiles(self._speed, self._measured, 1),
            requests_per_second=requests,
            tokens_per_second=tokens,
        )


def _ring() -> array[float]:
    return array("d", bytes(8 * SAMPLES))


def _percentiles(ring: array[float], seen: int, scale: float) -> Percentiles | None:
    """Of the last samples, times `scale`; None while there are none."""
    ordered = sorted(ring[:seen])
    if not ordered:
        return None
    return Percentiles(*(_rank(ordered, share) * scale for share in (0.5, 0.95, 0.99)))


def _rank(ordered: list[float], share: float) -> float:
    """The least sample that so large a share of them does not exceed."""
    return ordered[math.ceil(share * len(ordered)) - 1]
