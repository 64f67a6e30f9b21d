"""`antiphon prices check`: what is charged for each model, by which prices, of which day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec

from antiphon.cli.output import NOTHING_TO_REACH, describe, fail, say, show_json
from antiphon.clock import Clock
from antiphon.errors import ConfigurationError, ModelNotFound, ModelUnpriced
from antiphon.gateway.gateway import Antiphon
from antiphon.providers.catalog import Catalog, load_catalog
from antiphon.providers.deployment import Deployment
from antiphon.providers.provider import row_of
from antiphon.providers.rates import Prices, RateCard, Term, Tier

OLD_AFTER_DAYS = 90
_BILLION = 1_000_000_000
_ALWAYS = ("input", "cache_read", "cache_write", "output")
_KIN = {
    "cache_write_1h": "cache_write",
    "reasoning": "output",
    "audio_input": "input",
    "audio_output": "output",
    "image": "input",
}
"""Shown only where they differ from their kin."""
_HEAD = (
    "deployment",
    "priced",
    "input",
    "cache read",
    "cache write",
    "output",
    "others",
    "version",
)
_NUMBERS = range(2, 6)


class _TierView(msgspec.Struct, frozen=True):
    above: int
    dollars: dict[str, float]


class _TermView(msgspec.Struct, frozen=True):
    since: str
    hours: str
    tiers: list[_TierView]


class _Row(msgspec.Struct, frozen=True):
    """A deployment and what it costs."""

    name: str
    priced: str
    version: str = ""
    checked: str = ""
    age_days: int | None = None
    reason: str = ""
    terms: list[_TermView] = []


def check_command(file: Path | None, *, as_json: bool, clock: Clock | None = None) -> None:
    """Print the prices in force; exits with 1 if a model is refused or a price cannot be used."""
    try:
        gateway = Antiphon.from_config(file, clock=clock)
    except ConfigurationError as error:
        if not as_json:
            fail(describe(error))
        mistakes = [
            {"where": each.where, "path": each.path, "message": each.message}
            for each in error.mistakes
        ]
        show_json({"ok": False, "mistakes": mistakes})
        raise SystemExit(1) from error
    if not gateway.settings.providers:
        fail(NOTHING_TO_REACH)
    catalog = load_catalog()
    today = datetime.fromtimestamp(gateway.clock.now(), UTC).date()
    rows = list(_rows(gateway, catalog, today))
    warnings = list(_warnings(rows, catalog, today))
    ok = not any(row.priced == "denied" for row in rows)
    if as_json:
        outcome = {"ok": ok, "source": gateway.source, "deployments": rows, "warnings": warnings}
        show_json({**outcome, "mistakes": []})
    else:
        _show(rows, warnings)
    raise SystemExit(0 if ok else 1)


def _rows(gateway: Antiphon, catalog: Catalog, today: date) -> Iterator[_Row]:
    """The deployments of routes, then the models that are known to pass through."""
    seen: set[str] = set()
    for deployment in gateway.deployments():
        seen.add(deployment.name)
        yield _priced(deployment, today)
    for provider, entry in gateway.settings.providers.items():
        for model in entry.models or row_of(provider, entry, catalog).models:
            name = f"{provider}/{model}"
            if name not in seen:
                yield from _passed(gateway, name, today)


def _passed(gateway: Antiphon, name: str, today: date) -> Iterator[_Row]:
    try:
        deployments = gateway.snapshot.plan(name).deployments
    except ModelUnpriced as error:
        yield _Row(name, "denied", reason=error.reason)
    except ModelNotFound:
        return  # no name passes through here, so nobody can ask for it
    else:
        for deployment in deployments:
            yield _priced(deployment, today)


def _priced(deployment: Deployment, today: date) -> _Row:
    card = deployment.rates
    return _Row(
        deployment.name,
        deployment.priced,
        version=card.version,
        checked=card.checked,
        age_days=_age(card.checked, today),
        reason=deployment.unpriced,
        terms=_terms(card),
    )


def _age(checked: str, today: date) -> int | None:
    return (today - date.fromisoformat(checked)).days if checked else None


def _warnings(rows: Sequence[_Row], catalog: Catalog, today: date) -> Iterator[str]:
    book_age = _age(catalog.prices.checked, today) if any(row.checked for row in rows) else None
    if book_age is not None and book_age > OLD_AFTER_DAYS:
        yield (
            f"the price book is {book_age} days old: upgrade antiphon, or set the prices of what "
            "has changed"
        )
    outcome = {
        "ceiling": "is charged at the ceiling",
        "free": "is not charged at all",
        "denied": "is refused",
    }
    for row in rows:
        if row.priced in outcome:
            provider, _, model = row.name.partition("/")
            yield (
                f"{row.name} has no price and {outcome[row.priced]}: {row.reason}; "
                f"set providers.{provider}.models.{model}.prices"
            )


# ------------------------------------------------------------------ what a card says


def _terms(card: RateCard) -> list[_TermView]:
    return [
        _TermView(
            since=_day(term.since),
            hours=_hours(term),
            tiers=[_TierView(tier.above, _dollars(tier)) for tier in term.tiers],
        )
        for term in card.terms
    ]


def _day(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).date().isoformat() if moment else ""


def _hours(term: Term) -> str:
    if term.hours is None:
        return ""
    return "-".join(f"{second // 3600:02}:{second % 3600 // 60:02}" for second in term.hours)


def _dollars(tier: Tier) -> dict[str, float]:
    """Dollars per million tokens, and per request, without what costs what its kin costs."""
    prices = {word: getattr(tier.prices, word) for word in Prices.__struct_fields__}
    shown = {word: prices[word] for word in _ALWAYS}
    shown |= {word: prices[word] for word, kin in _KIN.items() if prices[word] != prices[kin]}
    if prices["request"]:
        shown["request"] = prices["request"]
    return {word: price / _BILLION for word, price in shown.items()}


# ------------------------------------------------------------------ for people


def _show(rows: Sequence[_Row], warnings: Sequence[str]) -> None:
    lines = [line for row in rows for line in _lines(row)]
    if lines:
        table = [_HEAD, *lines]
        widths = [max(len(line[place]) for line in table) for place in range(len(_HEAD))]
        for line in table:
            cells = [
                f"{cell:>{width}}" if place in _NUMBERS else f"{cell:{width}}"
                for place, (cell, width) in enumerate(zip(line, widths, strict=True))
            ]
            say("  ".join(cells).rstrip())
        say("in dollars per million tokens")
    else:
        say("the configuration names no model; each is priced when it is first asked for")
    for warning in warnings:
        say(f"warning: {warning}")


def _lines(row: _Row) -> Iterator[tuple[str, ...]]:
    """A line for a deployment, and one below it for each further tier and term."""
    age = "" if row.age_days is None else f" ({row.age_days} days)"
    first = (row.name, row.priced)
    version = f"{row.version}{age}"
    if not row.terms:
        yield (*first, "", "", "", "", "", version)
    for term in row.terms:
        when = [f"from {term.since}"] if term.since else []
        when += [f"{term.hours} UTC"] if term.hours else []
        for tier in term.tiers:
            which = when + ([f"above {tier.above:,} tokens"] if tier.above else [])
            yield (*first, *_cells(tier.dollars, ", ".join(which)), version)
            first, version = ("", ""), ""


def _cells(dollars: dict[str, float], which: str) -> tuple[str, ...]:
    others = [f"{word} {price:,g}" for word, price in dollars.items() if word not in _ALWAYS]
    return (
        *(f"{dollars[word]:,g}" for word in _ALWAYS),
        ", ".join([*others, *([which] * bool(which))]),
    )
