"""The committed recordings: every one is read, and none loses anything."""

from collections import Counter

import pytest

from tests.corpus.exchanges import DATA, check, exchanges_of, truth_of

EXCHANGES = list(exchanges_of(DATA / "openai_chat.jsonl"))
TRUTH = truth_of(DATA / "openai_chat.truth.jsonl")


@pytest.mark.parametrize(
    "exchange", EXCHANGES, ids=lambda exchange: f"{exchange['provider']}-{exchange['id'][:8]}"
)
def test_an_exchange(exchange: dict[str, object]) -> None:
    check(exchange, TRUTH.get(str(exchange["id"])))


def test_how_many_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    kinds = Counter(check(exchange) for exchange in EXCHANGES)
    with capsys.disabled():
        print(  # noqa: T201
            f"\nrecorded OpenAI chat exchanges: {len(EXCHANGES)} ({dict(kinds)}), {len(TRUTH)} compared with the official clients"
        )
    assert len(EXCHANGES) == 60
    assert kinds["stream"] >= 15
    assert kinds["error"] >= 10
    assert len(TRUTH) >= 15
