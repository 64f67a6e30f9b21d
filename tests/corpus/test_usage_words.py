"""The tokens of every recorded answer: our words add up to what its provider states, and arrive.

What is stated is read from bare JSON here, by few lines that share nothing with the dialects.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest
from msgspec import Struct, structs

from antiphon.dialects.registry import DIALECTS
from tests.corpus.answers import COUNTED, answered, recorded, stated
from tests.corpus.exchanges import DATA, Exchange
from tests.corpus.relaying import WIRES


class Tokens(Struct, frozen=True):
    """What a provider states; the last three are parts of the sums."""

    input: int
    total: int
    cached: int
    created: int
    reasoning: int


def tokens(usage: Mapping[str, Any]) -> Tokens:
    """Usage in the shape of any dialect."""
    if usage.keys() <= set(COUNTED):
        given, said = (usage.get(name) or 0 for name in COUNTED)
        return Tokens(given, given + said, 0, 0, 0)
    if "totalTokenCount" in usage:
        return _of_gemini(usage)
    if "prompt_tokens" in usage or "total_tokens" in usage:
        return _of_openai(usage)
    cached = usage.get("cache_read_input_tokens") or 0
    created = usage.get("cache_creation_input_tokens") or 0
    given = usage["input_tokens"] + cached + created
    thought = (usage.get("output_tokens_details") or {}).get("thinking_tokens") or 0
    return Tokens(given, given + usage["output_tokens"], cached, created, thought)


def _of_openai(usage: Mapping[str, Any]) -> Tokens:
    """Chat or Responses: what is stated beside input and output is thought."""
    chat = "prompt_tokens" in usage
    names = ("prompt_tokens", "completion_tokens") if chat else ("input_tokens", "output_tokens")
    given, said = (usage[name] for name in names)
    total = max(usage.get("total_tokens") or 0, given + said)
    asked = usage.get(f"{names[0]}_details") or {}
    answer = usage.get(f"{names[1]}_details") or {}
    # A detail larger than what is left of its sum is cut to it.
    cached = max(
        asked.get("cached_tokens") or 0,
        *(usage.get(name) or 0 for name in ("cached_tokens", "prompt_cache_hit_tokens")),
        usage.get("num_cached_tokens") or 0,
    )
    cached = min(cached, given)
    return Tokens(
        given,
        total,
        cached,
        min(asked.get("cache_write_tokens") or 0, given - cached),
        max(min(answer.get("reasoning_tokens") or 0, total - given), total - given - said),
    )


def _of_gemini(usage: Mapping[str, Any]) -> Tokens:
    """The prompts of the provider's own tools stand beside the prompt, thought beside what is said."""
    given = (usage.get("promptTokenCount") or 0) + (usage.get("toolUsePromptTokenCount") or 0)
    said, thought = (
        usage.get(name) or 0 for name in ("candidatesTokenCount", "thoughtsTokenCount")
    )
    total = max(usage["totalTokenCount"], given + said + thought)
    return Tokens(given, total, usage.get("cachedContentTokenCount") or 0, 0, total - given - said)


UNTOLD: Final[Mapping[str, Sequence[str]]] = {
    "gemini": ("created",),
    "ollama": ("cached", "created", "reasoning"),
    "ollama_generate": ("cached", "created", "reasoning"),
}
"""What a dialect has no word for: it is told in the sums."""


def check(exchange: Exchange) -> bool:
    """All that is promised of one exchange; whether it states its usage at all."""
    answer = answered(exchange)
    if answer is None:
        return False
    said = stated(answer.raw)
    if said.keys() == {"trafficType"}:
        # Vertex's word for how it was paid is no number.
        said = {}
    usage = answer.reply.usage
    if not said or usage is None:
        assert usage is None
        assert not said
        return False
    truth = tokens(said)
    words = structs.astuple(usage)
    assert min(words) >= 0
    assert sum(words) == usage.total == truth.total
    assert usage.input_total == truth.input
    assert usage.cache_read_tokens == truth.cached
    assert usage.cache_write_tokens + usage.cache_write_1h_tokens == truth.created
    assert usage.reasoning_tokens == truth.reasoning
    for name, dialect in DIALECTS.items():
        untold = dict.fromkeys(UNTOLD.get(name, ()), 0)
        assert tokens(stated(answer.written(dialect))) == structs.replace(truth, **untold), name
    return True


COMMITTED = recorded(DATA)


@pytest.mark.parametrize("exchange", COMMITTED, ids=lambda one: f"{one['wire']}-{one['id'][:8]}")
def test_an_exchange(exchange: Exchange) -> None:
    check(exchange)


def test_how_many_state_it() -> None:
    counted = [one for one in COMMITTED if check(one)]
    assert {one["wire"] for one in counted} == WIRES.keys()
    assert len(counted) >= 165


@pytest.mark.campaign
def test_every_exchange(capsys: pytest.CaptureFixture[str]) -> None:
    folder = os.environ.get("ANTIPHON_CORPUS")
    if not folder:
        pytest.skip("no ANTIPHON_CORPUS: the whole corpus was not read, only what is committed")
    counted = 0
    failed: list[str] = []
    for exchange in recorded(Path(folder)):
        try:
            counted += check(exchange)
        except Exception as error:  # noqa: BLE001 - every failure is listed at the end
            failed.append(f"{exchange['id']} ({exchange['provider']}): {error!r}"[:400])
    with capsys.disabled():
        print(f"\n{counted} answers whose tokens add up in every dialect")  # noqa: T201
    assert failed == []
