"""The committed recordings of Ollama: every one is read, and none loses anything."""

from collections import Counter

import pytest

from tests.corpus.exchanges import DATA, exchanges_of, truth_of
from tests.corpus.ollama import check

EXCHANGES = list(exchanges_of(DATA / "ollama.jsonl", wire="ollama"))
TRUTH = truth_of(DATA / "ollama.truth.jsonl")


@pytest.mark.parametrize("exchange", EXCHANGES, ids=lambda exchange: exchange["id"][:8])
def test_an_exchange(exchange: dict[str, object]) -> None:
    check(exchange, TRUTH[str(exchange["id"])])


def test_how_many_there_are() -> None:
    kinds = Counter(check(exchange) for exchange in EXCHANGES)
    assert kinds == {"reply": 9, "stream": 5}
