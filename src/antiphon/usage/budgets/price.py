"""What an attempt can cost, as a function of how long its answer may be."""

from __future__ import annotations

from typing import NamedTuple

from antiphon.dialects.contract import LEAST_ANSWER
from antiphon.providers.rates import RateCard

_MILLION = 1_000_000


class Price(NamedTuple):
    """The bounds of one attempt, and what they cost.

    Attributes:
        card: The prices.
        input_bound: Tokens that the prompt cannot exceed.
        output_bound: Tokens that all answers together cannot exceed.
        answers: How many are asked for.
        least: Tokens to which each answer can be capped, at least; None where it cannot be.
        likely_input: Tokens that the prompt hardly exceeds.
        bound: Billionths of a dollar that it cannot exceed.
        likely: Billionths of a dollar that it will hardly exceed; what soft budgets reserve.
    """

    card: RateCard
    input_bound: int
    output_bound: int
    answers: int
    least: int | None
    likely_input: int
    bound: int
    likely: int

    @classmethod
    def of(
        cls,
        card: RateCard,
        input_bound: int,
        output_bound: int,
        *,
        answers: int = 1,
        least: int | None = LEAST_ANSWER,
        likely_input: int | None = None,
    ) -> Price:
        """The price within bounds.

        Args:
            card: The prices.
            input_bound: Tokens that the prompt cannot exceed.
            output_bound: Tokens that all answers together cannot exceed.
            answers: How many are asked for.
            least: Tokens to which each can be capped, at least; None where it cannot be.
            likely_input: Tokens that the prompt hardly exceeds; the bound where nobody knows.
        """
        bound = likely = card.bound(input_bound, output_bound)
        if likely_input is None or likely_input >= input_bound:
            likely_input = input_bound
        else:
            likely = card.bound(likely_input, output_bound)
        return cls(card, input_bound, output_bound, answers, least, likely_input, bound, likely)

    def within(self, money: int) -> Price | None:
        """The same with answers as short as the money asks for; None where they would be no use.

        Args:
            money: Billionths of a dollar that the bound may not exceed.
        """
        if self.bound <= money:
            return self
        if self.least is None:
            return None
        tokens = most_output(self.card, self.input_bound, money)
        each = min(tokens, self.output_bound) // self.answers
        if each < self.least:
            return None
        return Price.of(
            self.card,
            self.input_bound,
            each * self.answers,
            answers=self.answers,
            least=self.least,
            likely_input=self.likely_input,
        )


def most_output(card: RateCard, input_tokens: int, money: int) -> int:
    """The most tokens of an answer for which `card.bound` is not over the money; 0 for none."""
    asked, answered, fixed = 0, 0, 0
    for above, dearer, dearer_answer, more in card.reach:
        if input_tokens > above or not above:
            asked, answered, fixed = dearer, dearer_answer, more
    # bound = (input * asked + output * answered) // million + fixed, turned round.
    left = (money - fixed + 1) * _MILLION - 1 - input_tokens * asked
    if left < 0:
        return 0
    return left // answered if answered else 1 << 62
