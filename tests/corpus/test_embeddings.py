"""The committed recordings of requests for vectors: every one is read, and written in all shapes."""

from collections import Counter

import pytest

from tests.corpus.embeddings import WIRES, check
from tests.corpus.exchanges import DATA, exchanges_of

EXCHANGES = [
    exchange for wire in WIRES for exchange in exchanges_of(DATA / "embeddings.jsonl", wire=wire)
]
KINDS = {"openai_embeddings": 7, "gemini_batch_embed": 2, "gemini_embed": 1, "error": 5}


@pytest.mark.parametrize(
    "exchange", EXCHANGES, ids=lambda exchange: f"{exchange['provider']}-{exchange['id'][:8]}"
)
def test_an_exchange(exchange: dict[str, object]) -> None:
    check(exchange)


def test_how_many_there_are() -> None:
    assert Counter(check(exchange) for exchange in EXCHANGES) == KINDS | {"ollama_embeddings": 1}
