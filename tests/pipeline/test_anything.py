"""Whatever is asked and whatever is answered, for every pair of dialects; at length in the campaign."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.pipeline import anything

PAIRS = [pytest.param(*pair, id="-on-".join(pair)) for pair in anything.PAIRS]
SHORT = settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize(("heard", "spoken"), PAIRS)
def test_any_request(heard: str, spoken: str) -> None:
    @SHORT
    @given(anything.requests_of(heard))
    def check(body: bytes) -> None:
        anything.translated(heard, spoken, body)

    check()


@pytest.mark.parametrize(("heard", "spoken"), PAIRS)
def test_any_reply(heard: str, spoken: str) -> None:
    @SHORT
    @given(anything.replies_of(spoken))
    def check(body: bytes) -> None:
        anything.told(heard, spoken, body)

    check()


@pytest.mark.parametrize(("heard", "spoken"), PAIRS)
def test_any_stream(heard: str, spoken: str) -> None:
    @SHORT
    @given(st.data())
    def check(data: st.DataObject) -> None:
        events = data.draw(anything.STRATEGIES[spoken].streams())
        anything.relayed(heard, spoken, events, data.draw(anything.EDITS))

    check()
