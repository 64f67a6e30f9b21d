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

from antiphon.model.usage import Usage
from antiphon.providers.catalog import Catalog
from antiphon.providers.rates import FREE, PriceBook, Prices, RateCard, Term, Tier, flat
from tests.unit.providers.conftest import NOVEMBER_2026

REPOSITORY = Path(__file__).parents[3]
DOLLAR = 1_000_000_000

GPT_4O = flat(
    {"input": 2_500_000_000, "cache_read": 1_250_000_000, "output": 10_000_000_000}, source="test"
)


@pytest.fixture(scope="module")
def book() -> PriceBook:
    return PriceBook()


# ------------------------------------------------------------------ cost, by hand


def test_a_call_costs_what_its_words_cost() -> None:
    # 1000 x $2.50 + 500 x $1.25 + 200 x $10 + 100 x $10 a million: $0.0025 + 0.000625 + 0.003
    usage = Usage(
        input_tokens=1_000, cache_read_tokens=500, output_tokens=200, reasoning_tokens=100
    )
    assert GPT_4O.cost(usage) == 6_125_000


def test_each_word_is_rounded_up_once() -> None:
    card = flat({"input": 1, "output": 1}, source="test")
    assert card.cost(Usage(input_tokens=1, output_tokens=1)) == 2
    assert card.cost(Usage(input_tokens=1_000_000, output_tokens=1_000_001)) == 3


def test_nothing_used_costs_nothing() -> None:
    assert GPT_4O.cost(Usage()) == 0


def test_every_word_has_its_own_price() -> None:
    million = 1_000_000
    prices = Prices(1, 2, 3, 4, 5, 6, 7, 8, 9)
    words = Usage.__struct_fields__
    assert [prices.cost(Usage(**{word: million})) for word in words] == [1, 2, 3, 4, 5, 6, 7, 8, 9]


def test_a_word_without_a_price_costs_what_its_kin_costs() -> None:
    prices = Prices.of({"input": 10, "output": 20, "cache_write": 12})
    assert prices == Prices(
        input=10,
        cache_read=10,
        cache_write=12,
        cache_write_1h=12,
        output=20,
        reasoning=20,
        audio_input=10,
        audio_output=20,
        image=10,
    )


def test_a_price_per_request_is_added_once() -> None:
    card = flat({"input": 1_000_000_000, "request": 12_000_000}, source="test")
    assert card.cost(Usage(input_tokens=1_000)) == 12_000_000 + 1_000_000


def test_above_a_length_all_tokens_cost_more() -> None:
    card = RateCard(
        (
            Term(
                (
                    Tier(0, Prices.of({"input": 1_000_000, "output": 2_000_000})),
                    Tier(200, Prices.of({"input": 3_000_000, "output": 4_000_000})),
                )
            ),
        ),
        "test",
    )
    assert card.cost(Usage(input_tokens=150, cache_read_tokens=50, output_tokens=10)) == 220
    assert card.cost(Usage(input_tokens=150, cache_read_tokens=51, output_tokens=10)) == 643


def test_the_hour_decides_where_prices_depend_on_it() -> None:
    day, night = (Term((Tier(0, Prices(input=price)),)) for price in (2_000_000, 1_000_000))
    card = RateCard((day, Term(night.tiers, hours=(16 * 3600 + 1800, 1800))), "test")
    usage = Usage(input_tokens=10)
    noon = datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp()
    assert card.cost(usage, at=noon) == 20
    assert card.cost(usage, at=noon + 6 * 3600) == 10
    assert card.cost(usage, at=noon + 12 * 3600) == 10
    assert card.cost(usage, at=noon + 13 * 3600) == 20
    assert card.cost(usage) == 20


def test_self_hosted_models_are_free() -> None:
    assert FREE.cost(Usage(input_tokens=10**9, output_tokens=10**9)) == 0


# ------------------------------------------------------------------ the book


def test_a_price_is_found_by_exact_and_by_dated_name(book: PriceBook) -> None:
    exact = book.quote(["openai"], "gpt-4o", now=NOVEMBER_2026).card
    assert exact is not None
    assert exact.cost(Usage(input_tokens=1_000_000)) == 2.5 * DOLLAR
    for name in ("gpt-4o-2024-08-06", "GPT-4o-20240806", "gpt-4o-2031-01-02"):
        assert book.quote(["openai"], name, now=NOVEMBER_2026).card == exact


def test_the_first_provider_that_has_the_model_counts(book: PriceBook) -> None:
    quote = book.quote(["azure", "openai"], "gpt-6.1-sol", now=NOVEMBER_2026)
    assert quote.card is not None
    assert quote.context == 1_050_000


@pytest.mark.parametrize(
    ("providers", "model", "reason"),
    [
        ([], "m", "set `prices`"),
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
