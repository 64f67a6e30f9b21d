"""What a call costs.

Prices are integers, billionths of a dollar per million tokens, one for each usage word; a cost is
rounded up once per word (DESIGN section 4). The book of prices, `rates.json`, is written by
`tools/rate_cards.py` from the library genai-prices; only the providers that are asked for are
decoded. A model without a price says why, and is never taken for free.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib import resources

import msgspec

from antiphon.model.usage import Usage

_MILLION = 1_000_000
_DAY = 86_400
_DATE = re.compile(r"-(\d{4})-?(\d{2})-?(\d{2})$")


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
        cost = self.request
        for tokens, price in (
            (usage.input_tokens, self.input),
            (usage.cache_read_tokens, self.cache_read),
            (usage.cache_write_tokens, self.cache_write),
            (usage.cache_write_1h_tokens, self.cache_write_1h),
            (usage.output_tokens, self.output),
            (usage.reasoning_tokens, self.reasoning),
            (usage.audio_input_tokens, self.audio_input),
            (usage.audio_output_tokens, self.audio_output),
            (usage.image_tokens, self.image),
        ):
            if tokens:
                cost -= -tokens * price // _MILLION
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


class RateCard(msgspec.Struct, frozen=True):
    """What one model at one provider costs.

    Attributes:
        terms: The last one that holds counts. The first holds always.
        source: Where the prices come from.
    """

    terms: tuple[Term, ...]
    source: str

    @property
    def version(self) -> str:
        return self.source

    def bound(self, input_tokens: int, output_tokens: int) -> int:
        return self.cost(Usage(input_tokens=input_tokens, output_tokens=output_tokens))

    def cost(self, usage: Usage, *, at: float | None = None) -> int:
        """Billionths of a dollar for a call of this usage.

        Args:
            usage: What was used, or a bound of it.
            at: When, in seconds since 1970. None asks for the dearest hour of the day, as a
                reservation should.
        """
        terms = self.terms
        if len(terms) == 1:
            return terms[0].cost(usage)
        if at is None:
            return max(term.cost(usage) for term in terms if not term.since)
        return next(term for term in reversed(terms) if term.holds(at)).cost(usage)


class Quote(msgspec.Struct, frozen=True):
    """A rate card, or the reason why there is none; and what the book knows besides."""

    card: RateCard | None
    reason: str = ""
    context: int | None = None


def flat(prices: Mapping[str, int], *, source: str) -> RateCard:
    """A card of one set of prices."""
    return RateCard((Term((Tier(0, Prices.of(prices)),)),), source)


FREE = RateCard((Term((Tier(0, Prices()),)),), "self-hosted")
"""The card of models on one's own machines."""


class _TermRow(msgspec.Struct):
    tiers: list[dict[str, int]]
    since: str = ""
    hours: tuple[int, int] | None = None


class _ModelRow(msgspec.Struct):
    """A model of the book; `match` holds tests as `tools/rate_cards.py` writes them."""

    match: list[str]
    terms: list[_TermRow] = []
    context: int | None = None
    unpriced: str = ""


class _Book(msgspec.Struct):
    source: str
    providers: dict[str, msgspec.Raw]


_ROWS = msgspec.json.Decoder(list[_ModelRow])


class PriceBook:
    """The prices that ship with the package, read when first asked for."""

    __slots__ = ("_book", "_rows")

    def __init__(self) -> None:
        self._book: _Book | None = None
        self._rows: dict[str, list[_ModelRow]] = {}

    def quote(self, providers: Sequence[str], model: str, *, now: float) -> Quote:
        """The price of a model at the first of these providers of the book that has it.

        A dated name that is not listed costs what its undated name costs.
        """
        name = model.lower()
        for wanted in dict.fromkeys((name, _DATE.sub(r"-\1-\2-\3", name), _DATE.sub("", name))):
            for provider in providers:
                for row in self._of(provider):
                    if any(_matches(test, wanted) for test in row.match):
                        return self._quote(row, now)
        if not providers:
            return Quote(None, "this provider is not in the price book; set `prices`")
        return Quote(None, f"the price book has no {model!r} at {' or '.join(providers)}")

    def _of(self, provider: str) -> list[_ModelRow]:
        if provider not in self._rows:
            raw = self._open().providers.get(provider)
            self._rows[provider] = [] if raw is None else _ROWS.decode(raw)
        return self._rows[provider]

    def _open(self) -> _Book:
        if self._book is None:
            file = resources.files("antiphon.providers").joinpath("rates.json")
            self._book = msgspec.json.decode(file.read_bytes(), type=_Book)
        return self._book

    def _quote(self, row: _ModelRow, now: float) -> Quote:
        if row.unpriced:
            return Quote(None, row.unpriced, row.context)
        card = RateCard(_current([_term(term) for term in row.terms], now), self._open().source)
        return Quote(card, context=row.context)


def _term(row: _TermRow) -> Term:
    since = datetime.fromisoformat(row.since).replace(tzinfo=UTC).timestamp() if row.since else 0.0
    tiers = tuple(Tier(tier.get("above", 0), Prices.of(tier)) for tier in row.tiers)
    return Term(tiers, since, row.hours)


def _current(terms: Sequence[Term], now: float) -> tuple[Term, ...]:
    """The terms without those that are over; what holds now has no date any more."""
    begun = [place for place, term in enumerate(terms) if not term.hours and term.since <= now]
    rest = terms[begun[-1] :] if begun else terms
    return tuple(
        msgspec.structs.replace(term, since=0.0) if term.since <= now else term for term in rest
    )


def _matches(test: str, name: str) -> bool:
    """Whether a name passes a test: `=` equal, `^` begins, `$` ends, `~` contains, `/` pattern."""
    kind, text = test[0], test[1:]
    match kind:
        case "=":
            return name == text
        case "^":
            return name.startswith(text)
        case "$":
            return name.endswith(text)
        case "~":
            return text in name
        case "&":
            return all(_matches(part, name) for part in msgspec.json.decode(text, type=list[str]))
        case _:
            return re.search(text, name) is not None
