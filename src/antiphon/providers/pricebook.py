"""The price book that ships with the package.

`rates.json` is written by `tools/rate_cards.py` from the library genai-prices; only the providers
that are asked for are decoded. A model without a price says why, and is never taken for free.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import resources

import msgspec

from antiphon.providers.rates import Prices, RateCard, Term, Tier, flat

_WORDS = Prices.__struct_fields__
_DATE = re.compile(r"-(\d{4})-?(\d{2})-?(\d{2})$")


class Quote(msgspec.Struct, frozen=True):
    """A rate card, or the reason why there is none; and what the book knows besides."""

    card: RateCard | None
    reason: str = ""
    context: int | None = None


class _TermRow(msgspec.Struct):
    tiers: list[dict[str, int]]
    since: str = ""
    hours: tuple[int, int] | None = None


class _ModelRow(msgspec.Struct):
    """A model of the book.

    Attributes:
        match: Tests of a name, as `tools/rate_cards.py` writes them.
        unpriced: Why it has no price.
        checked: The day of which the library says that it looked at this very model.
    """

    match: list[str]
    terms: list[_TermRow] = []
    context: int | None = None
    unpriced: str = ""
    checked: str = ""


class _Book(msgspec.Struct):
    source: str
    checked: str
    providers: dict[str, msgspec.Raw]


_ROWS = msgspec.json.Decoder(list[_ModelRow])


class PriceBook:
    """The prices that ship with the package, read when first asked for."""

    __slots__ = ("_book", "_ceilings", "_rows")

    def __init__(self) -> None:
        self._book: _Book | None = None
        self._rows: dict[str, list[_ModelRow]] = {}
        self._ceilings: dict[tuple[str, ...], RateCard] = {}

    @property
    def checked(self) -> str:
        """The last day of which the library says that it checked a price, as `2026-10-14`."""
        return self._open().checked

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
            return Quote(None, "this provider is not in the price book")
        return Quote(None, f"the price book has no {model!r} at {' or '.join(providers)}")

    def ceiling(self, providers: Sequence[str]) -> RateCard:
        """For every usage word the dearest price at these providers, or in the whole book.

        Prices that are over, announced, or for some hours only count too.
        """
        key = tuple(providers)
        if key not in self._ceilings:
            book = self._open()
            rows = [row for name in key or book.providers for row in self._of(name)]
            every = [Prices.of(tier) for row in rows for term in row.terms for tier in term.tiers]
            dearest = {word: max(getattr(each, word) for each in every) for word in _WORDS}
            version = f"ceiling {book.source} {book.checked}"
            card = flat(dearest, version=version)
            self._ceilings[key] = msgspec.structs.replace(card, checked=book.checked)
        return self._ceilings[key]

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
        book = self._open()
        checked = row.checked or book.checked
        terms = _current([_term(term) for term in row.terms], now)
        return Quote(RateCard(terms, f"{book.source} {checked}", checked), context=row.context)


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
