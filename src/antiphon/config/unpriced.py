"""Configured deployments that have no price: refused, or charged for something that is not theirs.

The price book is opened only where a route names a model that may need it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from antiphon.config.settings import Settings
from antiphon.config.words import quoted
from antiphon.errors import ModelUnpriced
from antiphon.pipeline.config import Target
from antiphon.providers.catalog import Catalog
from antiphon.providers.pricing import Pricing
from antiphon.providers.provider import pricing_of
from antiphon.yamlfile.places import Path

_AT_ANY_TIME = 0.0
"""Whether there is a price does not depend on the time."""

_CHARGED: Mapping[str, str] = {
    "ceiling": "is charged at the ceiling",
    "free": "is not charged at all",
}


class Unpriced(NamedTuple):
    """A deployment without a price.

    Attributes:
        path: Where a route names it first.
        target: Which one it is.
        message: What becomes of it, and what to do.
        is_denied: It is refused.
    """

    path: Path
    target: Target
    message: str
    is_denied: bool


def unpriced(settings: Settings, catalog: Catalog) -> Iterator[Unpriced]:
    """The deployments of routes that have no price, each once."""
    known: dict[str, Pricing | None] = {}
    seen: set[Target] = set()
    for name, route in settings.models.items():
        for place, target in route.targets:
            if target in seen or target.provider not in settings.providers:
                continue
            seen.add(target)
            if target.provider not in known:
                known[target.provider] = pricing_of(
                    target.provider,
                    settings.providers[target.provider],
                    catalog=catalog,
                    prices=settings.prices,
                )
            pricing = known[target.provider]
            if pricing is not None:
                yield from _of(pricing, target, ("models", name, *place))


def _of(pricing: Pricing, target: Target, path: Path) -> Iterator[Unpriced]:
    mend = f"set providers.{target.provider}.models.{target.model}.prices"
    shown = quoted(f"{target.provider}/{target.model}")
    try:
        charge = pricing.charge(target.model, now=_AT_ANY_TIME)
    except ModelUnpriced as error:
        message = f"{shown} has no price, and such models are denied: {error.reason}; {mend}"
        yield Unpriced(path, target, message, is_denied=True)
        return
    if charge.reason:
        message = f"{shown} has no price and {_CHARGED[charge.how]}: {charge.reason}; {mend}"
        yield Unpriced(path, target, message, is_denied=False)
