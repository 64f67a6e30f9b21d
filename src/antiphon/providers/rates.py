"""What a call costs.

Prices are integers, billionths of a dollar per million tokens, one for each usage word; a cost is
rounded up once per word (DESIGN section 4). Which card a model has is said by `pricebook.py` and
`pricing.py`.

Hot path: `bound` is called before each attempt, `cost` after it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from antiphon.clock import Clock
from antiphon.model.usage import Usage

MOST_COST = 1 << 50
"""Billionths of a dollar: a million dollars.

No call costs that much. But a price may be a mistake and a count of tokens a lie, and both must
end in a number that can be stored, and thousands of which can be added in 64 bits, not in an error
after the answer has been sent.
"""
_MILLION = 1_000_000
_DAY = 86_400

ASKED = ("input", "cache_read", "cache_write", "cache_write_1h", "audio_input", "image")
"""Words in which tokens of the prompt are counted."""
ANSWERED = ("output", "reasoning", "audio_output")
"""Words in which tokens of the answer are counted."""


class Prices(msgspec.Struct, frozen=True):
    """Billionths of a dollar per million tokens of each usage word, and per request.

    Attributes:
        request: Billionths of a dollar for the request itself, whatever its size.
    """

    input: int = 0
    cache_read: int = 0
    cache_write: int = 0
    cache_write_1h: int = 0
    output: int = 0
    reasoning: int = 0
    audio_input: int = 0
    audio_output: int = 0
    image: int = 0
    request: int = 0

    @classmethod
    def of(cls, given: Mapping[str, int]) -> Prices:
        """Prices from those that are given; a word without its own costs what its kin costs."""
        plain = given.get("input", 0)
        answer = given.get("output", 0)
        written = given.get("cache_write", plain)
        return cls(
            input=plain,
            cache_read=given.get("cache_read", plain),
            cache_write=written,
            cache_write_1h=given.get("cache_write_1h", written),
            output=answer,
            reasoning=given.get("reasoning", answer),
            audio_input=given.get("audio_input", plain),
            audio_output=given.get("audio_output", answer),
            image=given.get("image", plain),
            request=given.get("request", 0),
        )

    def cost(self, usage: Usage) -> int:
        """Billionths of a dollar, rounded up once per word."""
        cost = (
            self.request
            - -usage.input_tokens * self.input // _MILLION
            - -usage.output_tokens * self.output // _MILLION
        )
        # Most calls use two words; what they do not use is passed over in one look.
        rest = msgspec.structs.astuple(usage)
        if any(rest[1:4]) or any(rest[5:]):
            cost -= -usage.cache_read_tokens * self.cache_read // _MILLION
            cost -= -usage.cache_write_tokens * self.cache_write // _MILLION
            cost -= -usage.cache_write_1h_tokens * self.cache_write_1h // _MILLION
            cost -= -usage.reasoning_tokens * self.reasoning // _MILLION
            cost -= -usage.audio_input_tokens * self.audio_input // _MILLION
            cost -= -usage.audio_output_tokens * self.audio_output // _MILLION
            cost -= -usage.image_tokens * self.image // _MILLION
        return cost


class Tier(msgspec.Struct, frozen=True):
    """Prices of every token of a request whose prompt is longer than `above`."""

    above: int
    prices: Prices


class Term(msgspec.Struct, frozen=True):
    """Prices and when they hold.

    Attributes:
        tiers: By length of the prompt, ascending; the first is above nothing.
        since: From this moment on, in seconds since 1970.
        hours: Only between these seconds of the day, UTC; may go over midnight.
    """

    tiers: tuple[Tier, ...]
    since: float = 0.0
    hours: tuple[int, int] | None = None

    def holds(self, at: float) -> bool:
        """Whether these prices are in force at a moment."""
        if at < self.since:
            return False
        if self.hours is None:
            return True
        start, end = self.hours
        second = at % _DAY
        return start <= second < end if start <= end else second >= start or second < end

    def cost(self, usage: Usage) -> int:
        """What a call of this usage costs under this term."""
        tiers = self.tiers
        if len(tiers) == 1:
            return tiers[0].prices.cost(usage)
        size = usage.input_total
        chosen = tiers[0]
        for tier in tiers:
            if size > tier.above:
                chosen = tier
        return chosen.prices.cost(usage)


class Reach(NamedTuple):
    """What tokens can cost at most when the prompt is longer than `above`.

    Attributes:
        asked: The dearest price of a token of the prompt.
        answered: The dearest price of a token of the answer.
        fixed: The price per request, and one billionth for each word that is rounded up.
    """

    above: int
    asked: int
    answered: int
    fixed: int


class RateCard(msgspec.Struct, frozen=True):
    """What one model at one provider costs.

    Attributes:
        terms: The last one that holds counts. The first holds always.
        version: Where the prices come from, and as of when: equal versions are equal prices.
        checked: The day as of which the price book gives them, as `2026-10-14`; else empty.
        reach: What `bound` multiplies with, by length of the prompt; made from the terms.
        is_free: Nothing costs anything; made from the terms.
        has_fee: A request has a price of its own, whatever its size; made from the terms.
        plain: The prices, where they are the same for every length and hour; made from the terms.
    """

    terms: tuple[Term, ...]
    version: str
    checked: str = ""
    reach: tuple[Reach, ...] = ()
    is_free: bool = False
    has_fee: bool = False
    plain: Prices | None = None

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "reach", tuple(_reach(self.terms)))
        fee = any(tier.prices.request for term in self.terms for tier in term.tiers)
        msgspec.structs.force_setattr(self, "has_fee", fee)
        msgspec.structs.force_setattr(self, "is_free", not any(any(r[1:]) for r in self.reach))
        if len(self.terms) == len(self.terms[0].tiers) == 1:
            msgspec.structs.force_setattr(self, "plain", self.terms[0].tiers[0].prices)

    def cost(self, usage: Usage, *, at: float | None = None) -> int:
        """Billionths of a dollar for a call of this usage; never more than `MOST_COST`.

        Args:
            usage: What was used.
            at: When, in seconds since 1970. None asks for the dearest hour of the day.
        """
        terms = self.terms
        if self.is_free:
            return 0
        if len(terms) == 1:
            cost = terms[0].cost(usage)
        elif at is None:
            cost = max(term.cost(usage) for term in terms if not term.since)
        else:
            cost = next(term for term in reversed(terms) if term.holds(at)).cost(usage)
        return cost if cost < MOST_COST else MOST_COST  # noqa: FURB136  min() costs more

    def likely(self, fresh: int, cached: int, answer: int, clock: Clock) -> int:
        """Billionths of a dollar that a call is likely to cost; to compare, not to charge.

        Args:
            fresh: Tokens of the prompt that no cache of the provider has.
            cached: Tokens of the prompt that one has.
            answer: Tokens of the answer.
            clock: Says which prices hold, where they change by the hour.
        """
        prices = self.plain
        if prices is None:
            at = clock.now()
            term = next(each for each in reversed(self.terms) if each.holds(at))
            within = [each.prices for each in term.tiers if fresh + cached > each.above]
            prices = within[-1] if within else term.tiers[0].prices
        tokens = fresh * prices.input + cached * prices.cache_read + answer * prices.output
        return tokens // _MILLION + prices.request

    def bound(self, input_tokens: int, output_tokens: int) -> int:
        """Billionths of a dollar that no call of at most so many tokens can exceed.

        Whatever words the tokens are counted in, at whatever hour, and under prices that are
        announced but not yet in force too.

        Args:
            input_tokens: The most tokens of the prompt.
            output_tokens: The most tokens of the answer, thought included.
        """
        reach = self.reach
        _, asked, answered, fixed = reach[0]
        if len(reach) > 1:
            for above, dearer, dearer_answer, more in reach:
                if input_tokens > above:
                    asked, answered, fixed = dearer, dearer_answer, more
        cost = (input_tokens * asked + output_tokens * answered) // _MILLION + fixed
        return cost if cost < MOST_COST else MOST_COST  # noqa: FURB136  min() costs more


def _reach(terms: Sequence[Term]) -> Iterator[Reach]:
    """For each length at which some tier begins, the dearest of all tiers that are in reach."""
    for above in sorted({tier.above for term in terms for tier in term.tiers}):
        within = [each.prices for term in terms for each in term.tiers if each.above <= above]
        priced = {word for word in (*ASKED, *ANSWERED) if any(getattr(p, word) for p in within)}
        yield Reach(
            above,
            asked=max(getattr(prices, word) for prices in within for word in ASKED),
            answered=max(getattr(prices, word) for prices in within for word in ANSWERED),
            fixed=max(prices.request for prices in within) + len(priced),
        )


def flat(prices: Mapping[str, int], *, version: str) -> RateCard:
    """A card of one set of prices."""
    return RateCard((Term((Tier(0, Prices.of(prices)),)),), version)


def digest(prices: Mapping[str, int]) -> str:
    """Six characters that stay the same as long as the prices do."""
    fields = msgspec.structs.asdict(Prices.of(prices))
    text = " ".join(f"{word}={price}" for word, price in fields.items())
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:6]


FREE = RateCard((Term((Tier(0, Prices()),)),), "self-hosted")
"""The card of models on one's own machines."""
UNPRICED = RateCard(FREE.terms, "unpriced")
"""The card of models that have no price, where the configuration lets them be free."""
