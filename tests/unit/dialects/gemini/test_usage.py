"""Usage: the provider's sums and ours."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.dialects.gemini.usage import Counts, counts_of, read_usage, write_usage
from antiphon.model.usage import Usage

COUNT = st.integers(0, 10**6)


def test_every_token_is_in_one_word() -> None:
    raw = b"""{"promptTokenCount": 100, "cachedContentTokenCount": 40, "toolUsePromptTokenCount": 5,
        "candidatesTokenCount": 20, "thoughtsTokenCount": 7, "totalTokenCount": 132,
        "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 30},
            {"modality": "IMAGE", "tokenCount": 10}, {"modality": "TEXT", "tokenCount": 60}],
        "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 25}],
        "candidatesTokensDetails": [{"modality": 4, "tokenCount": 3}]}"""
    usage = read_usage(counts_of(raw))
    assert usage == Usage(
        input_tokens=100 - 40 - 5 - 10 + 5,
        cache_read_tokens=40,
        output_tokens=17,
        reasoning_tokens=7,
        audio_input_tokens=5,
        audio_output_tokens=3,
        image_tokens=10,
    )
    assert usage is not None
    assert usage.total == 132


@pytest.mark.parametrize(
    "raw",
    [
        b"{}",
        b'{"trafficType": "ON_DEMAND"}',
        b'{"promptTokenCount": -1}',
        b'{"totalTokenCount": 99999999999}',
        b'{"promptTokenCount": "x"}',
        b"[]",
        b"",
    ],
)
def test_what_cannot_be_believed_is_none(raw: bytes) -> None:
    assert read_usage(counts_of(raw)) is None


def test_what_is_in_the_total_alone_is_thought() -> None:
    usage = read_usage(Counts(prompt_token_count=1, candidates_token_count=2, total_token_count=9))
    assert usage == Usage(1, output_tokens=2, reasoning_tokens=6)


@given(
    st.builds(
        Usage,
        COUNT,
        COUNT,
        output_tokens=COUNT,
        reasoning_tokens=COUNT,
        audio_input_tokens=COUNT,
        audio_output_tokens=COUNT,
        image_tokens=COUNT,
    )
)
def test_written_and_read_it_is_the_same(usage: Usage) -> None:
    raw = msgspec.json.encode(write_usage(usage))
    assert read_usage(counts_of(raw)) == usage
