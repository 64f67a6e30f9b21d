"""Our cost is the library's on every recorded call that both know, or the reason is written down."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from tests.corpus.exchanges import DATA
from tests.corpus.price_table import PAGE, differences
from tests.corpus.prices import (
    CONTRADICTORY,
    DIFFERS,
    EQUAL,
    NUMBERED,
    REASONS,
    UNREAD,
    Compared,
    compare,
    files_of,
    lines,
)

COMMITTED = [compare(exchange) for exchange in lines(DATA / "openai_chat.jsonl")]


def unexplained(found: list[Compared]) -> list[str]:
    return [
        f"{each.exchange['id']} {each.exchange['provider']} {each.model}: {each.ours} and "
        f"{each.theirs}, {each.usage}"
        for each in found
        if each.outcome == DIFFERS and not each.reason
    ]


def test_no_difference_is_without_a_reason() -> None:
    assert not unexplained(COMMITTED)


def test_how_many_are_compared() -> None:
    outcomes = Counter(each.outcome for each in COMMITTED)
    assert sum(outcomes.values()) == 60
    assert (outcomes[EQUAL], outcomes[DIFFERS]) == (25, 2)


def test_what_is_equal_is_not_equal_to_nothing() -> None:
    """Free and unread calls would agree by accident."""
    equal = [each for each in COMMITTED if each.outcome == EQUAL]
    assert all(each.ours > 0 and each.theirs > 0 for each in equal)
    assert sum(1 for each in equal if each.usage and each.usage.cache_read_tokens) >= 3
    assert sum(1 for each in equal if each.usage and each.usage.reasoning_tokens) >= 2


def test_the_page_lists_every_reason() -> None:
    page = PAGE.read_text("utf-8")
    for reason in (*REASONS, NUMBERED, CONTRADICTORY):
        assert f"| {reason} |" in page


def test_the_page_lists_every_difference_of_the_committed_recordings() -> None:
    page = PAGE.read_text("utf-8")
    rows = list(differences(COMMITTED))
    assert len(rows) >= 2
    for row in rows:
        provider, wire, model = row.split(" | ")[:3]
        assert f"{provider} | {wire} | {model} | " in page


@pytest.mark.campaign
def test_every_exchange(capsys: pytest.CaptureFixture[str]) -> None:
    named = os.environ.get("ANTIPHON_CORPUS")
    if not named:
        pytest.skip("no ANTIPHON_CORPUS: the whole corpus was not read, only what is committed")
    found = [compare(exchange) for exchange in lines(*files_of(Path(named)))]
    outcomes = Counter(each.outcome for each in found)
    with capsys.disabled():
        print(f"\n{dict(outcomes.most_common())}")  # noqa: T201
    assert not unexplained(found)
    assert outcomes[EQUAL] > 40 * (outcomes[DIFFERS] + outcomes[UNREAD])
