"""Inclusive sums to disjoint words, and back."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.dialects.openai_chat.usage import read_usage, write_usage
from antiphon.model.usage import Usage


def read(**counts: object) -> Usage | None:
    return read_usage(json.dumps(counts).encode())


@pytest.mark.parametrize(
    ("counts", "usage"),
    [
        (
            {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
            Usage(input_tokens=10, output_tokens=5),
        ),
        (
            {
                "prompt_tokens": 100,
                "completion_tokens": 50,
                "total_tokens": 150,
                "prompt_tokens_details": {
                    "cached_tokens": 40,
                    "cache_write_tokens": 20,
                    "audio_tokens": 10,
                    "image_tokens": 5,
                    "text_tokens": 25,
                },
                "completion_tokens_details": {
                    "reasoning_tokens": 20,
                    "audio_tokens": 10,
                    "accepted_prediction_tokens": 5,
                    "rejected_prediction_tokens": 5,
                },
            },
            Usage(25, 40, 20, 0, 20, 20, 10, 10, 5),
        ),
        # Kimi, DeepSeek, Mistral
        (
            {"prompt_tokens": 10, "completion_tokens": 1, "total_tokens": 11, "cached_tokens": 4},
            Usage(input_tokens=6, cache_read_tokens=4, output_tokens=1),
        ),
        (
            {"prompt_tokens": 10, "completion_tokens": 1, "prompt_cache_hit_tokens": 4},
            Usage(input_tokens=6, cache_read_tokens=4, output_tokens=1),
        ),
        (
            {"prompt_tokens": 10, "completion_tokens": 1, "num_cached_tokens": 4},
            Usage(input_tokens=6, cache_read_tokens=4, output_tokens=1),
        ),
        # xAI, Gemini: thought beside the completion
        (
            {
                "prompt_tokens": 10,
                "completion_tokens": 5,
                "total_tokens": 115,
                "completion_tokens_details": {"reasoning_tokens": 100},
            },
            Usage(input_tokens=10, output_tokens=5, reasoning_tokens=100),
        ),
        (
            {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 115},
            Usage(input_tokens=10, output_tokens=5, reasoning_tokens=100),
        ),
        # details that say more than the sums
        (
            {
                "prompt_tokens": 10,
                "completion_tokens": 5,
                "total_tokens": 15,
                "prompt_tokens_details": {"cached_tokens": 99},
                "completion_tokens_details": {"reasoning_tokens": 99},
            },
            Usage(cache_read_tokens=10, reasoning_tokens=5),
        ),
        # sums that are missing
        ({"total_tokens": 7}, Usage(output_tokens=7)),
        ({"prompt_tokens": 5, "total_tokens": 7}, Usage(input_tokens=5, output_tokens=2)),
        ({"completion_tokens": 5, "total_tokens": 7}, Usage(input_tokens=2, output_tokens=5)),
        ({"prompt_tokens": 5}, Usage(input_tokens=5)),
        (
            {
                "prompt_tokens": 5,
                "completion_tokens": None,
                "total_tokens": None,
                "prompt_tokens_details": None,
            },
            Usage(input_tokens=5),
        ),
        # a total that is too small is not believed
        (
            {"prompt_tokens": 5, "completion_tokens": 5, "total_tokens": 1},
            Usage(input_tokens=5, output_tokens=5),
        ),
        # no detail credits
        (
            {
                "prompt_tokens": 5,
                "completion_tokens": 0,
                "total_tokens": 5,
                "prompt_tokens_details": {"cached_tokens": -3},
                "completion_tokens_details": {"reasoning_tokens": -3},
            },
            Usage(input_tokens=5),
        ),
        ({"prompt_tokens": 5.0, "completion_tokens": 2.9}, Usage(input_tokens=5, output_tokens=2)),
        ({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}, Usage()),
    ],
)
def test_words(counts: dict[str, object], usage: Usage) -> None:
    assert read(**counts) == usage


@pytest.mark.parametrize(
    "raw",
    [
        b"null",
        b"{}",
        b"[]",
        b'"x"',
        b"5",
        b'{"prompt_tokens":"5"}',
        b'{"prompt_tokens":1e30}',
        b'{"prompt_tokens":1e999}',
        b'{"total_tokens":99999999999}',
        b'{"prompt_tokens":1000000000000000000,"completion_tokens":1}',
        b'{"prompt_tokens":-1,"completion_tokens":5,"total_tokens":4}',
        b'{"prompt_tokens":5,"completion_tokens":-5,"total_tokens":0}',
        b'{"prompt_tokens":5,"completion_tokens":5,"total_tokens":-10}',
        b'{"total_tokens":-0.5e3}',
        b'{"other":1}',
    ],
)
def test_what_cannot_be_believed_is_no_usage(raw: bytes) -> None:
    assert read_usage(raw) is None


COUNTS = st.none() | st.integers(-5, 1000) | st.floats(0, 1000)
DETAILS = st.none() | st.dictionaries(
    st.sampled_from(
        ["cached_tokens", "cache_write_tokens", "audio_tokens", "image_tokens", "reasoning_tokens"]
    ),
    COUNTS,
)


@given(
    st.integers(0, 1000),
    st.integers(0, 1000),
    st.none() | st.integers(0, 5000),
    DETAILS,
    DETAILS,
    COUNTS,
)
def test_the_words_add_up_to_the_provider_s_total(
    prompt: int, completion: int, total: int | None, asked: object, answered: object, cached: object
) -> None:
    usage = read(
        prompt_tokens=prompt,
        completion_tokens=completion,
        total_tokens=total,
        prompt_tokens_details=asked,
        completion_tokens_details=answered,
        cached_tokens=cached,
    )
    assert usage is not None
    assert usage.total == max(prompt + completion, total or 0)
    assert usage.input_total == prompt
    assert min(getattr(usage, word) for word in Usage.__struct_fields__) >= 0


WORDS = dict.fromkeys(Usage.__struct_fields__, st.integers(0, 10**6))


@given(st.builds(Usage, **WORDS | {"cache_write_1h_tokens": st.just(0)}))
def test_what_is_written_is_read_back(usage: Usage) -> None:
    assert read(**write_usage(usage)) == usage


def test_writes_to_both_caches_are_one_number_here() -> None:
    assert read(**write_usage(Usage(cache_write_tokens=1, cache_write_1h_tokens=2))) == Usage(
        cache_write_tokens=3
    )
