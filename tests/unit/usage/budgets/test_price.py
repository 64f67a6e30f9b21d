from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from antiphon.dialects.contract import LEAST_ANSWER
from antiphon.providers.pricebook import PriceBook
from antiphon.providers.rates import FREE, flat
from antiphon.usage.budgets.price import Price, most_output

TIERED = PriceBook().quote(["google"], "gemini-2.5-pro", now=1.8e9).card
CARDS = [TIERED, flat({"input": 7, "output": 13}, version="odd"), flat({"input": 5}, version="in")]


@given(
    st.sampled_from(CARDS),
    st.integers(0, 500_000),
    st.integers(0, 10**12),
)
def test_the_longest_answer_that_fits(card, prompt, money):
    tokens = most_output(card, prompt, money)
    if tokens and tokens < 1 << 40:
        assert card.bound(prompt, tokens) <= money
        assert card.bound(prompt, tokens + 1) > money
    elif not tokens:
        assert card.bound(prompt, 1) > money


@given(st.integers(0, 10**10), st.integers(1, 4), st.integers(0, 300_000))
def test_a_price_within_is_within_and_no_shorter_than_need_be(money, answers, prompt):
    asked = Price.of(TIERED, prompt, 8192 * answers, answers=answers, likely_input=prompt // 3)
    found = asked.within(money)
    if found is None:
        assert TIERED.bound(prompt, LEAST_ANSWER * answers) > money
        return
    assert found.bound <= money
    assert found.likely <= found.bound
    assert found.output_bound % answers == 0
    if found is not asked:
        assert TIERED.bound(prompt, found.output_bound + answers) > money


def test_what_is_free_always_fits():
    asked = Price.of(FREE, 10_000, 10_000)
    assert (asked.bound, asked.within(0)) == (0, asked)
