"""The committed recordings of Gemini: every one is read, and none loses anything."""

from collections import Counter

import pytest

from tests.corpus.exchanges import DATA, exchanges_of, truth_of
from tests.corpus.gemini import MISREAD, check

EXCHANGES = list(exchanges_of(DATA / "gemini.jsonl", wire="gemini"))
TRUTH = truth_of(DATA / "gemini.truth.jsonl")
KINDS = {"reply": 25, "stream": 5, "array": 3, "error": 4}


@pytest.mark.parametrize(
    "exchange", EXCHANGES, ids=lambda exchange: f"{exchange['provider']}-{exchange['id'][:8]}"
)
def test_an_exchange(exchange: dict[str, object]) -> None:
    check(exchange, TRUTH.get(str(exchange["id"])))


def test_how_many_there_are() -> None:
    kinds = Counter(check(exchange) for exchange in EXCHANGES)
    assert kinds == KINDS
    assert len(TRUTH.keys() - MISREAD.keys()) == 15
