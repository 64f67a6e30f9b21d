"""The committed recordings of counted prompts: every question and every count is read."""

from collections import Counter

import pytest

from tests.corpus.counts import WIRES, check
from tests.corpus.exchanges import DATA, exchanges_of

EXCHANGES = [
    exchange for wire in WIRES for exchange in exchanges_of(DATA / "counts.jsonl", wire=wire)
]


@pytest.mark.parametrize("exchange", EXCHANGES, ids=lambda each: f"{each['wire']}-{each['id'][:8]}")
def test_an_exchange(exchange: dict[str, object]) -> None:
    check(exchange)


def test_how_many_there_are() -> None:
    assert Counter(check(exchange) for exchange in EXCHANGES) == {"count": 10, "error": 2}
