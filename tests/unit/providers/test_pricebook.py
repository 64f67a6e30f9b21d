from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from genai_prices import Usage as TheirUsage
from genai_prices import types as theirs
from genai_prices.data import providers as library
from hypothesis import given
from hypothesis import strategies as st

from antiphon.model.usage import Usage
from antiphon.providers.catalog import Catalog
from antiphon.providers.config import MOST_PRICE
from antiphon.providers.pricebook import PriceBook
from antiphon.providers.rates import Prices, RateCard
from tests.unit.providers.conftest import NOVEMBER_2026

REPOSITORY = Path(__file__).parents[3]
DOLLAR = 1_000_000_000


@pytest.fixture(scope="module")
def book() -> PriceBook:
    return PriceBook()


def test_a_price_is_found_by_exact_and_by_dated_name(book: PriceBook) -> None:
    exact = book.quote(["openai"], "gpt-4o", now=NOVEMBER_2026).card
    assert exact is not None
    assert exact.cost(Usage(input_tokens=1_000_000)) == 2.5 * DOLLAR
    for name in ("gpt-4o-2024-08-06", "GPT-4o-20240806", "gpt-4o-2031-01-02"):
        assert book.quote(["openai"], name, now=NOVEMBER_2026).card == exact


@pytest.mark.parametrize(
    ("model", "dollars"),
    [
        # a million each of: input, read, written for 5 minutes and an hour, output, thought
        ("claude-opus-5-5", 4 + 0.2 + 5 + 8 + 20 + 20),
        ("claude-sonnet-5-5", 2 + 0.1 + 2.5 + 4 + 10 + 10),
        ("claude-haiku-4-5-20251001", 1 + 0.1 + 1.25 + 2 + 5 + 5),
    ],
)
def test_anthropics_caches_and_thought_have_their_prices(
    book: PriceBook, model: str, dollars: float
) -> None:
    card = book.quote(["anthropic"], model, now=NOVEMBER_2026).card
    assert card is not None
    million = dict.fromkeys(("input_tokens", "cache_read_tokens", "cache_write_tokens"), 10**6)
    more = dict.fromkeys(("cache_write_1h_tokens", "output_tokens", "reasoning_tokens"), 10**6)
    assert card.cost(Usage(**million, **more)) == round(dollars * DOLLAR)


def test_the_first_provider_that_has_the_model_counts(book: PriceBook) -> None:
    quote = book.quote(["azure", "openai"], "gpt-6.1-sol", now=NOVEMBER_2026)
    assert quote.card is not None
    assert quote.context == 1_050_000


@pytest.mark.parametrize(
    ("providers", "model", "reason"),
    [
        ([], "m", "not in the price book"),
        (["openai"], "no-such-model", "has no 'no-such-model' at openai"),
        (["openai"], "whisper-1", "not sold by the token"),
    ],
)
def test_a_model_without_a_price_says_why(
    book: PriceBook, providers: list[str], model: str, reason: str
) -> None:
    quote = book.quote(providers, model, now=NOVEMBER_2026)
    assert quote.card is None
    assert reason in quote.reason


def test_announced_prices_begin_on_their_day(book: PriceBook) -> None:
    before, after = (datetime(2026, month, 1, tzinfo=UTC).timestamp() for month in (8, 11))
    usage = Usage(output_tokens=1_000_000)
    card = book.quote(["deepseek"], "deepseek-v4-pro", now=before).card
    assert card is not None
    assert card.cost(usage, at=before) == 0.87 * DOLLAR
    assert card.cost(usage, at=after + 12 * 3600) == 1.98 * DOLLAR
    assert card.cost(usage, at=after + 2 * 3600) == 3.96 * DOLLAR


def test_only_the_providers_that_are_asked_for_are_decoded(book: PriceBook) -> None:
    fresh = PriceBook()
    fresh.quote(["groq"], "x", now=NOVEMBER_2026)
    assert set(fresh._rows) == {"groq"}


def test_every_provider_that_a_row_names_is_in_the_book(book: PriceBook, catalog: Catalog) -> None:
    for row in catalog.values():
        for provider in row.prices:
            assert book._of(provider), provider


def test_the_book_is_current_with_the_library() -> None:
    tool = REPOSITORY / "tools" / "rate_cards.py"
    subprocess.run([sys.executable, str(tool), "--check"], check=True, timeout=60)


def test_a_version_says_from_when_the_prices_are(book: PriceBook) -> None:
    checked = book.quote(["openai"], "gpt-4o", now=NOVEMBER_2026).card
    assert checked is not None
    assert (checked.version, checked.checked) == ("genai-prices 0.2.3 2026-10-14", "2026-10-14")
    # Of this one the library says nothing, so it has the day of the book.
    silent = book.quote(["groq"], "llama-3.3-70b-versatile", now=NOVEMBER_2026).card
    assert silent is not None
    assert silent.version == f"genai-prices 0.2.3 {book.checked}"
    assert book.checked == "2026-11-03"


# ------------------------------------------------------------------ every card of the book


def cards(book: PriceBook, now: float) -> Iterator[tuple[str, RateCard]]:
    for provider in book._open().providers:
        for row in book._of(provider):
            card = book._quote(row, now).card
            if card is not None:
                yield f"{provider} {row.match[0]}", card


EVERY = [*cards(PriceBook(), NOVEMBER_2026), *cards(PriceBook(), 0.0)]
"""As they are now, and with every change still to come."""

counts = st.integers(0, 1_500_000)


def test_there_are_cards_of_all_kinds() -> None:
    kinds = {
        "tiers": [1 for _, card in EVERY if len(card.terms[0].tiers) > 1],
        "hours": [1 for _, card in EVERY if any(term.hours for term in card.terms)],
        "dates": [1 for _, card in EVERY if any(term.since for term in card.terms)],
        "request": [1 for _, card in EVERY if card.terms[0].tiers[0].prices.request],
    }
    assert {kind for kind, found in kinds.items() if len(found) >= 3} == kinds.keys()


@given(
    st.builds(Usage, **dict.fromkeys(Usage.__struct_fields__, counts)),
    st.sampled_from([0, 1, 199_999, 200_001, 5_000_000]),
    st.floats(1.7e9, 1.9e9),
)
def test_no_call_costs_more_than_its_bound(usage: Usage, spare: int, at: float) -> None:
    for name, card in EVERY:
        bound = card.bound(usage.input_total + spare, usage.output_total)
        assert card.cost(usage, at=at) <= bound, name
        assert card.cost(usage) <= bound, name


@pytest.mark.parametrize("word", Usage.__struct_fields__)
def test_the_bound_is_near_where_all_tokens_are_of_the_dearest_word(word: str) -> None:
    """It is a bound, and not just a large number: each word has cards on which it is met."""
    side = "input_total" if Usage(**{word: 1}).input_total else "output_total"
    met = 0
    for _, card in EVERY:
        usage = Usage(**{word: 150_000})
        total = getattr(usage, side)
        asked, answered = (total, 0) if side == "input_total" else (0, total)
        at = max(term.since for term in card.terms) + 1
        met += card.bound(asked, answered) - card.cost(usage, at=at) <= 10
    assert met >= 20


def test_no_price_of_the_book_is_negative_or_huge(book: PriceBook) -> None:
    for name, card in EVERY:
        for term in card.terms:
            assert [tier.above for tier in term.tiers] == sorted({t.above for t in term.tiers}), (
                name
            )
            assert term.tiers[0].above == 0, name
            for tier in term.tiers:
                for word in Prices.__struct_fields__:
                    assert 0 <= getattr(tier.prices, word) <= MOST_PRICE * DOLLAR, name


# ------------------------------------------------------------------ the ceiling


@pytest.mark.parametrize("providers", [[], ["openai"], ["zai", "zhipuai"], ["perplexity"]])
def test_the_ceiling_is_the_dearest_of_every_word(book: PriceBook, providers: list[str]) -> None:
    top = book.ceiling(providers)
    names = providers or list(book._open().providers)
    found = [
        tier.prices
        for name, card in EVERY
        if name.split()[0] in names
        for term in card.terms
        for tier in term.tiers
    ]
    highest = top.terms[0].tiers[0].prices
    for word in Prices.__struct_fields__:
        assert getattr(highest, word) >= max(getattr(each, word) for each in found)
    assert highest.output == max(each.output for each in found)
    assert top.version == f"ceiling genai-prices 0.2.3 {book.checked}"
    assert book.ceiling(providers) is top


# ------------------------------------------------------------------ against the library itself

USAGES = [
    Usage(input_tokens=1_234, output_tokens=567),
    Usage(input_tokens=1_234, cache_read_tokens=9_876, output_tokens=55, reasoning_tokens=44),
    Usage(input_tokens=300_001, cache_read_tokens=7, cache_write_tokens=11, output_tokens=3),
    Usage(input_tokens=900_000, cache_write_tokens=3, cache_write_1h_tokens=5, output_tokens=1),
]
MOMENTS = [
    datetime(2026, 11, 21, 2, 30, tzinfo=UTC),
    datetime(2026, 11, 21, 12, tzinfo=UTC),
    datetime(2027, 3, 1, 8, tzinfo=UTC),
]


def their_models(catalog: Catalog) -> Iterator[tuple[theirs.Provider, theirs.ModelInfo, str]]:
    wanted = {name for row in catalog.values() for name in row.prices}
    for provider in library:
        if provider.id not in wanted:
            continue
        for model in provider.models:
            name = model.id.lower()
            if provider.find_model(name) is model:
                yield provider, model, name


def test_our_costs_are_the_librarys(book: PriceBook, catalog: Catalog) -> None:
    compared = 0
    for provider, model, name in their_models(catalog):
        for moment in MOMENTS:
            card = book.quote([provider.id], name, now=moment.timestamp()).card
            if card is None:
                continue
            for usage in USAGES:
                theirs_is = model.calc_price(
                    TheirUsage(
                        input_tokens=usage.input_total,
                        cache_read_tokens=usage.cache_read_tokens,
                        cache_write_tokens=usage.cache_write_tokens + usage.cache_write_1h_tokens,
                        cache_write_1h_tokens=usage.cache_write_1h_tokens,
                        output_tokens=usage.output_total,
                        output_reasoning_tokens=usage.reasoning_tokens,
                    ),
                    provider,
                    genai_request_timestamp=moment,
                ).total_price
                ours = card.cost(usage, at=moment.timestamp())
                # One billionth for each word that was rounded up.
                assert 0 <= ours - theirs_is * DOLLAR < 6, (provider.id, name, usage)
                compared += 1
    assert compared > 5_000
