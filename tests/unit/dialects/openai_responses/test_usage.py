"""Usage: disjoint words that add up to the provider's totals."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.dialects.openai_responses.usage import read_usage, write_usage
from antiphon.model.usage import Usage

COUNT = st.integers(0, 10**6)


@given(
    st.fixed_dictionaries(
        {"input_tokens": COUNT, "output_tokens": COUNT},
        optional={
            "total_tokens": COUNT,
            "input_tokens_details": st.fixed_dictionaries(
                {}, optional={"cached_tokens": COUNT, "cache_write_tokens": st.integers(-5, 10**6)}
            ),
            "output_tokens_details": st.fixed_dictionaries(
                {}, optional={"reasoning_tokens": COUNT}
            ),
        },
    )
)
def test_the_words_add_up(stated: dict[str, int]) -> None:
    usage = read_usage(json.dumps(stated).encode())
    assert usage is not None
    sums = stated["input_tokens"] + stated["output_tokens"]
    assert usage.total == max(sums, stated.get("total_tokens", 0))
    assert usage.input_total == stated["input_tokens"]
    assert usage.output_total >= stated["output_tokens"]
    assert read_usage(json.dumps(write_usage(usage)).encode()) == usage


def test_details() -> None:
    stated = {
        "input_tokens": 100,
        "input_tokens_details": {
            "cached_tokens": 60,
            "cache_write_tokens": 30,
            "cache_write_tokens_details": {"ttl_30m_tokens": 10, "ttl_12h_tokens": 20},
        },
        "output_tokens": 50,
        "output_tokens_details": {"reasoning_tokens": 40},
        "total_tokens": 150,
    }
    usage = read_usage(json.dumps(stated).encode())
    assert usage == Usage(
        input_tokens=10,
        cache_read_tokens=60,
        cache_write_tokens=10,
        cache_write_1h_tokens=20,
        output_tokens=10,
        reasoning_tokens=40,
    )
    assert write_usage(usage) == stated


@pytest.mark.parametrize(
    "raw",
    [
        b"null",
        b"{}",
        b"3",
        b'{"input_tokens":-1,"output_tokens":1}',
        b'{"input_tokens":1e12,"output_tokens":1}',
        b'{"input_tokens":"many"}',
    ],
)
def test_what_cannot_be_believed(raw: bytes) -> None:
    assert read_usage(raw) is None


def test_a_sum_alone_is_the_dearer_word() -> None:
    assert read_usage(b'{"total_tokens":7}') == Usage(output_tokens=7)
    assert read_usage(b'{"output_tokens":3,"total_tokens":7}') == Usage(4, output_tokens=3)
