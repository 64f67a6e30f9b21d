from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from antiphon.model.usage import Usage
from antiphon.providers.rates import (
    FREE,
    MOST_COST,
    UNPRICED,
    Prices,
    RateCard,
    Term,
    Tier,
    digest,
    flat,
)

DOLLAR = 1_000_000_000

GPT_4O = flat(
    {"input": 2_500_000_000, "cache_read": 1_250_000_000, "output": 10_000_000_000}, version="test"
)


# ------------------------------------------------------------------ cost, by hand


def test_a_call_costs_what_its_words_cost() -> None:
    # 1000 x $2.50 + 500 x $1.25 + 200 x $10 + 100 x $10 a million: $0.0025 + 0.000625 + 0.003
    usage = Usage(
        input_tokens=1_000, cache_read_tokens=500, output_tokens=200, reasoning_tokens=100
    )
    assert GPT_4O.cost(usage) == 6_125_000


def test_each_word_is_rounded_up_once() -> None:
    card = flat({"input": 1, "output": 1}, version="test")
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
    card = flat({"input": 1_000_000_000, "request": 12_000_000}, version="test")
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


def test_two_cards_of_nothing_tell_why() -> None:
    assert (FREE.version, UNPRICED.version) == ("self-hosted", "unpriced")
    assert UNPRICED.cost(Usage(input_tokens=10**9)) == 0


def test_equal_prices_have_an_equal_digest() -> None:
    given = {"input": 10, "output": 20}
    assert digest(given) == digest({**given, "cache_read": 10}) == "9cd44f"
    assert digest(given) != digest({**given, "cache_read": 9})


# ------------------------------------------------------------------ what fits into the ledger

HUGE = flat(dict.fromkeys(Prices.__struct_fields__, 10**15), version="a million dollars")
"""The dearest prices that the configuration takes."""


def test_a_cost_fits_a_signed_64_bit_integer() -> None:
    usage = Usage(*([2**40] * 9))
    # 9 words x 2^40 tokens x 10^15 a million: ten sextillion billionths; more than 2^63.
    assert sum(HUGE.terms[0].tiers[0].prices.cost(Usage(**{w: 2**40})) for w in WORDS) > 2**63
    assert HUGE.cost(usage) == MOST_COST == 2**50
    assert HUGE.bound(2**40 * 6, 2**40 * 3) == MOST_COST
    assert HUGE.cost(usage, at=0.0) == MOST_COST


def test_what_fits_is_not_cut() -> None:
    # A thousand tokens of each of 9 words at a dollar a token, and a million dollars for asking.
    assert HUGE.cost(Usage(*([1_000] * 9))) == 9_000 * DOLLAR + 10**15


# ------------------------------------------------------------------ the bound, before the call

WORDS = Usage.__struct_fields__


def test_the_bound_takes_the_dearest_word_of_each_side() -> None:
    card = flat(
        {"input": 2_000_000, "cache_write": 3_000_000, "cache_read": 200_000, "output": 9_000_000},
        version="test",
    )
    # 10 x 3 + 20 x 9, and one for each of nine words that are rounded up
    assert card.bound(10, 20) == 30 + 180 + 9


def test_the_bound_reaches_the_tiers_that_the_prompt_can() -> None:
    below = Tier(0, Prices.of({"input": 1_000_000, "output": 8_000_000, "request": 5}))
    above = Tier(200, Prices.of({"input": 3_000_000, "output": 4_000_000, "request": 7}))
    card = RateCard((Term((below, above)),), "test")
    assert card.bound(200, 10) == 200 + 80 + 5 + 9
    # The answer of a shorter prompt is the dearer one here, and may still be what comes.
    assert card.bound(201, 10) == 603 + 80 + 7 + 9


def test_the_bound_holds_at_every_hour_and_after_every_announced_change() -> None:
    night, day, soon = (Term((Tier(0, Prices(input=p * 1_000_000)),)) for p in (1, 2, 5))
    timed = RateCard((day, Term(night.tiers, hours=(0, 1800))), "test")
    assert timed.bound(10, 0) == 20 + 1
    dated = RateCard((day, Term(soon.tiers, since=4e9)), "test")
    assert dated.bound(10, 0) == 50 + 1


def test_nothing_bounds_what_is_free() -> None:
    assert FREE.bound(10**9, 10**9) == 0


def test_the_bound_of_nothing_is_the_price_of_asking() -> None:
    card = flat({"request": 12, "input": 1, "output": 1}, version="test")
    assert card.bound(0, 0) == 12 + 9


counts = st.integers(0, 3_000_000)
usages = st.builds(Usage, **dict.fromkeys(WORDS, counts))
prices = st.builds(Prices, **dict.fromkeys(Prices.__struct_fields__, st.integers(0, 10**12)))
tiers = st.lists(st.tuples(st.integers(1, 5_000_000), prices), max_size=3, unique_by=lambda t: t[0])
terms = st.builds(
    lambda first, more, since, hours: Term(
        (Tier(0, first), *(Tier(*each) for each in sorted(more, key=lambda t: t[0]))), since, hours
    ),
    prices,
    tiers,
    st.sampled_from([0.0, 1_000_000.0]),
    st.none() | st.tuples(st.integers(0, 86_400), st.integers(0, 86_400)),
)


@given(prices, tiers, st.lists(terms, max_size=3), usages, st.floats(0, 2_000_000), counts, counts)
def test_no_call_costs_more_than_its_bound(
    first: Prices,
    more: list[tuple[int, Prices]],
    further: list[Term],
    usage: Usage,
    at: float,
    spare_input: int,
    spare_output: int,
) -> None:
    always = Term((Tier(0, first), *(Tier(*e) for e in sorted(more, key=lambda t: t[0]))))
    card = RateCard((always, *further), "test")
    bound = card.bound(usage.input_total + spare_input, usage.output_total + spare_output)
    assert card.cost(usage, at=at) <= bound
    assert card.cost(usage) <= bound


# ------------------------------------------------------------------ what is likely, to compare


class _At(NamedTuple):
    """A clock that says one time."""

    at: float

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.at


@given(
    st.integers(0, 300_000), st.integers(0, 300_000), st.integers(0, 50_000), st.floats(0, 86_399)
)
def test_what_is_likely_is_what_such_a_call_costs_but_for_rounding(
    fresh: int, cached: int, answer: int, at: float
) -> None:
    low = Prices.of({"input": DOLLAR, "cache_read": DOLLAR // 10, "output": 4 * DOLLAR})
    high = Prices.of({"input": 2 * DOLLAR, "output": 9 * DOLLAR, "request": 7})
    tiers = (Tier(0, low), Tier(200_000, high))
    night = Term((Tier(0, high),), hours=(0, 6 * 3600))
    usage = Usage(input_tokens=fresh, cache_read_tokens=cached, output_tokens=answer)
    for card in (RateCard((Term(tiers),), "a"), RateCard((Term(tiers), night), "b"), GPT_4O, FREE):
        cost = card.cost(usage, at=at)
        assert cost - 3 <= card.likely(fresh, cached, answer, _At(at)) <= cost
