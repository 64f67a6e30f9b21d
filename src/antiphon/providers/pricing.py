"""What is charged for a model: the price that is known, or what stands in for it.

In this order: the price of the configuration; nothing, on one's own machines; the price of the
book; else what the configuration says of models without a price. None is free by accident: an
address that nobody knows anything of is charged at the dearest price that anybody takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

import msgspec

from antiphon.errors import ModelUnpriced
from antiphon.providers.catalog import GENERIC, ProviderRow
from antiphon.providers.config import PricingSettings, ProviderSettings
from antiphon.providers.pricebook import PriceBook
from antiphon.providers.rates import FREE, UNPRICED, RateCard, digest, flat

How: TypeAlias = Literal["known", "own", "self-hosted", "ceiling", "free"]
"""`known` by the book, `own` by the configuration; the last two have no price."""


class Charge(msgspec.Struct, frozen=True):
    """What is charged for a model.

    Attributes:
        card: Its prices.
        how: How they are known.
        reason: Why there is no price, where it is charged at the ceiling or free; else empty.
        context: Tokens of prompt and answer, where the book knows.
    """

    card: RateCard
    how: How
    reason: str = ""
    context: int | None = None


class Pricing:
    """The prices of one entry's models.

    Args:
        name: The entry's name.
        row: The row of the catalog that it goes by.
        settings: What it says.
        is_private: It answers on this machine or in a private network.
        defaults: What holds where the entry says nothing.
        book: The price book.
    """

    __slots__ = ("_book", "_ceiling", "_is_own_machine", "_name", "_row", "_settings", "_unknown")

    def __init__(
        self,
        name: str,
        row: ProviderRow,
        settings: ProviderSettings,
        *,
        is_private: bool,
        defaults: PricingSettings,
        book: PriceBook,
    ) -> None:
        says_how = settings.unknown_prices is not None or settings.ceiling_prices is not None
        self._name = name
        self._row = row
        self._settings = settings
        self._book = book
        self._unknown = settings.unknown_prices or defaults.unknown
        self._ceiling = settings.ceiling_prices or defaults.ceiling
        self._is_own_machine = row.self_hosted or (
            row.name == GENERIC and is_private and not says_how
        )

    def charge(self, model: str, *, now: float) -> Charge:
        """What is charged for a model.

        Raises:
            ModelUnpriced: It has no price, and such models are denied.
        """
        quote = self._book.quote(self._row.prices, model, now=now)
        own = self._settings.models.get(model)
        if own is not None and own.prices is not None:
            return Charge(_configured(own.prices.in_billionths()), "own", context=quote.context)
        if self._is_own_machine:
            return Charge(FREE, "self-hosted", context=quote.context)
        if quote.card is not None:
            return Charge(quote.card, "known", context=quote.context)
        return self._unpriced(model, quote.reason, quote.context)

    def fee(self, name: str) -> Charge:
        """What is charged for something that is no model.

        What the configuration says of a model of that name; else nothing.
        """
        own = self._settings.models.get(name)
        if own is None or own.prices is None:
            return Charge(FREE, "free")
        return Charge(_configured(own.prices.in_billionths()), "own")

    def _unpriced(self, model: str, reason: str, context: int | None) -> Charge:
        if self._unknown == "deny":
            raise ModelUnpriced(f"{self._name}/{model}", reason)
        if self._unknown == "free":
            return Charge(UNPRICED, "free", reason, context)
        if self._ceiling is not None:
            card = _configured(self._ceiling.in_billionths(), "ceiling ")
        else:
            card = self._book.ceiling(self._row.prices)
        return Charge(card, "ceiling", reason, context)


def _configured(prices: Mapping[str, int], prefix: str = "") -> RateCard:
    return flat(prices, version=f"{prefix}configuration {digest(prices)}")
