"""How busy and how fast a deployment is, and how much of a prompt it had in its cache.

Attempts write it, strategies and people read it. What it measures follows the newest answers, and
the sooner the longer there was none. Only answers that came whole teach it: one that fails at once
is not fast.

Hot path: `begin` and `end` are a few operations, `answered` one power and a few more.
"""

from __future__ import annotations

from antiphon.model.usage import Usage

LONG_AGO = float("-inf")
"""The time of what never was."""
HALF_LIFE = 60.0
"""Seconds without an answer after which the next one counts as much as all before it."""
_WEIGHT = 1 / 8
"""Of the newest answer at least, against all before it."""


class Pace:
    """What attempts have shown of one deployment's speed.

    Times are monotonic. Figures are 0 where nothing was measured yet.

    Attributes:
        in_flight: Attempts under way.
        tried_at: When the last attempt began.
        answered_at: When the last whole answer ended.
        first_byte: Seconds to the first that came of a stream.
        rate: Tokens a second of a stream, once it had begun.
        whole: Seconds that an answer took which came at once.
        cached: Share of the prompt's tokens that came from the provider's cache, 0 to 1.
    """

    __slots__ = (
        "answered_at",
        "cached",
        "first_byte",
        "in_flight",
        "rate",
        "tried_at",
        "whole",
    )

    def __init__(self) -> None:
        self.in_flight = 0
        self.tried_at = LONG_AGO
        self.answered_at = LONG_AGO
        self.first_byte = 0.0
        self.rate = 0.0
        self.whole = 0.0
        self.cached = 0.0

    def begin(self, now: float) -> None:
        """An attempt begins; `end` is called once for it, however it ends."""
        self.in_flight += 1
        self.tried_at = now

    def end(self) -> None:
        """An attempt has ended."""
        self.in_flight -= 1

    def answered(self, now: float, usage: Usage | None, waited: float, spoke: float = 0.0) -> None:
        """An answer came whole.

        Args:
            now: When it ended.
            usage: What the provider counted, or None.
            waited: Seconds until it began to come.
            spoke: Seconds for which it then came; 0 for an answer that came at once.
        """
        weight = max(_WEIGHT, 1 - 0.5 ** ((now - self.answered_at) / HALF_LIFE))
        self.answered_at = now
        if spoke <= 0:
            self.whole = _followed(self.whole, waited, weight)
        else:
            self.first_byte = _followed(self.first_byte, waited, weight)
            tokens = 0 if usage is None else usage.output_tokens + usage.reasoning_tokens
            if tokens > 1:
                self.rate = _followed(self.rate, tokens / spoke, weight)
        if usage is not None and (prompt := usage.input_total):
            self.cached += (usage.cache_read_tokens / prompt - self.cached) * weight

    def seconds(self, tokens: float) -> float:
        """Seconds that an answer of so many tokens takes, likely; 0 where nothing was measured.

        Where no answer came as a stream, it is the time of those that came at once, however long
        they were.
        """
        first = self.first_byte
        if not first:
            return self.whole
        return first + tokens / self.rate if self.rate else first


def _followed(known: float, seen: float, weight: float) -> float:
    return known + (seen - known) * weight if known else seen
