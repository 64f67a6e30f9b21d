"""Every recorded exchange in every other dialect, without a gateway: what was said is what is read.

Answers are read by the dialect that they are told in; where that is Anthropic's, by its official
client as well. `test_across.py` does the same over sockets, with all official clients.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import pytest

from antiphon.dialects.anthropic_messages import ANTHROPIC_MESSAGES
from antiphon.dialects.registry import DIALECTS
from antiphon.model.parts import Refusal, Text
from tests.corpus.answers import Answered, answered, recorded
from tests.corpus.exchanges import DATA, Exchange
from tests.corpus.relaying import WIRES
from tests.corpus.table import arrives
from tests.corpus.translating import lost, put_of
from tests.unit.dialects.anthropic_messages.client import streamed, whole

EXCHANGES = recorded(DATA)


def check(exchange: Exchange) -> Counter[str]:
    """All that is promised of one exchange; counts of what was translated."""
    counts: Counter[str] = Counter()
    for one in put_of(exchange):
        assert lost(one) == [], one.target
        counts["refused" if one.sent is None else "requests"] += 1
    answer = answered(exchange)
    if answer is None:
        return counts
    spoken = WIRES[exchange["wire"]]
    for name, dialect in DIALECTS.items():
        if name != spoken:
            assert arrives(answer, dialect), name
            counts["answers"] += 1
    if spoken != ANTHROPIC_MESSAGES.name:
        check_client(answer)
    return counts


def check_client(answer: Answered) -> None:
    """What Anthropic's client makes of it."""
    body = answer.written(ANTHROPIC_MESSAGES)
    message = whole(body) if answer.events is None else streamed(body)
    turn, usage = answer.reply.choices[0].turn, answer.reply.usage
    said = [part.text for part in turn.parts if isinstance(part, Text | Refusal)]
    heard = [block.text for block in message.content if block.type == "text"]
    assert "".join(heard) == "".join(said)
    calls = [(call.name, json.loads(call.arguments or "{}")) for call in turn.tool_calls]
    used = [(block.name, block.input) for block in message.content if block.type == "tool_use"]
    assert used == calls
    if usage is not None:
        told = message.usage
        cached = told.cache_read_input_tokens, told.cache_creation_input_tokens
        given = told.input_tokens + sum(each or 0 for each in cached)
        assert (given, told.output_tokens) == (usage.input_total, usage.output_total)


@pytest.mark.parametrize(
    "exchange", EXCHANGES, ids=lambda one: f"{one['wire']}-{one['provider']}-{one['id'][:8]}"
)
def test_an_exchange(exchange: Exchange) -> None:
    check(exchange)


@pytest.mark.campaign
def test_every_exchange(capsys: pytest.CaptureFixture[str]) -> None:
    folder = os.environ.get("ANTIPHON_CORPUS")
    if not folder:
        pytest.skip("no ANTIPHON_CORPUS: the whole corpus was not read, only what is committed")
    counts: Counter[str] = Counter()
    failed: list[str] = []
    for exchange in recorded(Path(folder)):
        try:
            counts += check(exchange)
        except Exception as error:  # noqa: BLE001 - every failure is listed at the end
            failed.append(f"{exchange['id']} ({exchange['provider']}): {error!r}"[:400])
    with capsys.disabled():
        print(f"\ntranslated without a gateway: {dict(counts)}")  # noqa: T201
    assert failed == []
