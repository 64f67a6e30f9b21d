"""The whole corpus, where there is one: `ANTIPHON_CORPUS` names its folder."""

import os
from collections import Counter
from pathlib import Path

import pytest

from tests.corpus import counts, embeddings, exchanges, gemini, messages, ollama
from tests.corpus.exchanges import exchanges_of, truth_of

CHECKS = {
    "openai-chat": exchanges.check,
    "anthropic-messages": messages.check,
    "gemini": gemini.check,
    "ollama": ollama.check,
    **dict.fromkeys(embeddings.WIRES, embeddings.check),
    **dict.fromkeys(counts.WIRES, counts.check),
}


@pytest.mark.campaign
@pytest.mark.parametrize("wire", CHECKS)
def test_every_exchange(wire: str, capsys: pytest.CaptureFixture[str]) -> None:
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
    for exchange in exchanges_of(*files, wire=wire):
        truth = truths.get(exchange["id"])
        compared += truth is not None
        check = CHECKS[wire]
        try:
            kinds[check(exchange, truth) if truth else check(exchange)] += 1
        except Exception as error:  # noqa: BLE001 - every failure is listed at the end
            failed.append(
                f"{exchange['id']} ({exchange['provider']}, {exchange['source']}): {error!r}"[:600]
            )
    with capsys.disabled():
        print(  # noqa: T201
            f"\n{sum(kinds.values())} {wire} exchanges read ({dict(kinds)}), {compared} compared with the official clients"
        )
    assert kinds, f"no {wire} exchange in {folder}"
    assert not failed, "\n".join(failed)
