"""The provider's sums, our words, and back."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.dialects.anthropic_messages.usage import counts_of, read_usage, write_usage
from antiphon.model.usage import Usage
from tests.unit.dialects.anthropic_messages.strategies import COUNTS, USAGES


def read(stated: object) -> Usage | None:
    return read_usage(counts_of(json.dumps(stated).encode()))


@given(USAGES, COUNTS)
def test_our_words_add_up_to_the_providers_total(stated: dict[str, int], thought: int) -> None:
    usage = read({**stated, "output_tokens_details": {"thinking_tokens": thought}})
    assert usage is not None
    assert usage.total == sum(
        stated[name]
        for name in (
            "input_tokens",
            "cache_creation_input_tokens",
            "cache_read_input_tokens",
            "output_tokens",
        )
    )
    assert usage.reasoning_tokens == min(thought, stated["output_tokens"])
    assert read(write_usage(usage)) == usage


@given(st.builds(Usage, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS))
def test_no_token_of_another_dialect_is_lost(usage: Usage) -> None:
    again = read(write_usage(usage))
    assert again is not None
    assert (again.input_total, again.output_total) == (usage.input_total, usage.output_total)


@pytest.mark.parametrize(
    ("stated", "usage"),
    [
        (None, None),
        ({}, None),
        ("x", None),
        ({"input_tokens": "x"}, None),
        ({"input_tokens": -1, "output_tokens": 5}, None),
        ({"input_tokens": 1, "output_tokens": 10**11}, None),
        ({"input_tokens": 3}, Usage(3)),
        ({"output_tokens": 3.0}, Usage(output_tokens=3)),
        ({"input_tokens": 1, "cache_read_input_tokens": None}, Usage(1)),
        (
            {"input_tokens": 1, "cache_creation": {"ephemeral_5m_input_tokens": 2}},
            Usage(1, cache_write_tokens=2),
        ),
        (
            {
                "input_tokens": 1,
                "cache_creation_input_tokens": 2,
                "cache_creation": {"ephemeral_1h_input_tokens": 9},
            },
            Usage(1, cache_write_1h_tokens=2),
        ),
        (
            {"output_tokens": 3, "output_tokens_details": {"thinking_tokens": -5}},
            Usage(output_tokens=3),
        ),
    ],
)
def test_what_is_stated(stated: object, usage: Usage | None) -> None:
    assert read(stated) == usage


def test_passes_of_a_compaction_are_beside_the_sums() -> None:
    passes = [
        {"type": "compaction", "input_tokens": 100, "output_tokens": 20},
        {"type": "message", "input_tokens": 3, "output_tokens": 4},
        {"type": "advisor_message", "input_tokens": 50, "output_tokens": 6},
    ]
    stated = {"input_tokens": 3, "output_tokens": 4, "iterations": passes}
    assert read(stated) == Usage(103, output_tokens=24)
