"""Recorded exchanges of OpenAI Responses: every one is read, and none loses anything."""

import os
from collections import Counter
from pathlib import Path

import pytest

from tests.corpus.exchanges import DATA, truth_of
from tests.corpus.responses import check, exchanges_of

EXCHANGES = list(exchanges_of(DATA / "openai_responses.jsonl"))
TRUTH = truth_of(DATA / "openai_responses.truth.jsonl")


@pytest.mark.parametrize(
    "exchange", EXCHANGES, ids=lambda exchange: f"{exchange['provider']}-{exchange['id'][:8]}"
)
def test_an_exchange(exchange: dict[str, object]) -> None:
    check(exchange, TRUTH.get(str(exchange["id"])))


def test_how_many_there_are() -> None:
    kinds = Counter(check(exchange) for exchange in EXCHANGES)
    assert len(EXCHANGES) >= 40
    assert kinds["stream"] >= 10
    assert kinds["error"] >= 4
    assert len(TRUTH) == 9


@pytest.mark.campaign
def test_every_exchange(capsys: pytest.CaptureFixture[str]) -> None:
    named = os.environ.get("ANTIPHON_CORPUS")
    if not named:
        pytest.skip("no ANTIPHON_CORPUS: the whole corpus was not read, only what is committed")
    folder = Path(named)
    truths = {
        name: truth
        for file in folder.glob("*.truth.jsonl")
        for name, truth in truth_of(file).items()
    }
    files = sorted(
        file for file in folder.glob("*.jsonl") if not file.name.endswith(".truth.jsonl")
    )
    kinds: Counter[str] = Counter()
    failed: list[str] = []
    compared = 0
    for exchange in exchanges_of(*files):
        truth = truths.get(exchange["id"])
        compared += truth is not None
        try:
            kinds[check(exchange, truth)] += 1
        except Exception as error:  # noqa: BLE001 - every failure is listed at the end
            failed.append(
                f"{exchange['id']} ({exchange['provider']}, {exchange['source']}): {error!r}"[:600]
            )
    with capsys.disabled():
        print(  # noqa: T201
            f"\n{sum(kinds.values())} exchanges read ({dict(kinds)}), {compared} compared with the official clients"
        )
    assert kinds, f"no exchange of OpenAI Responses in {folder}"
    assert not failed, "\n".join(failed)
