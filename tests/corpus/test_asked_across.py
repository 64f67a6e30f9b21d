"""Every recorded request, put to a strict provider of each other dialect: all that is said arrives."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest
import uvloop

from tests.corpus.answers import recorded
from tests.corpus.asking import Put, put, wrong
from tests.corpus.exchanges import DATA


def pytest_asyncio_loop_factories():
    return {"uvloop": uvloop.new_event_loop}


def check(all_: list[Put]) -> str:
    """All that is promised of these requests; returns the figures in a sentence."""
    told = {(one.id, one.target): found for one in all_ if (found := wrong(one))}
    assert told == {}
    refused = [one for one in all_ if one.refusing]
    needs = Counter(need for one in refused for need in one.refusing)
    also = sum(one.status != 200 for one in all_) - len(refused)
    return (
        f"{len(all_)} requests translated: {len(all_) - len(refused) - also} answered, "
        f"{len(refused)} refused by declared losses {dict(needs.most_common())}, "
        f"{also} refused by both providers"
    )


async def test_the_committed_requests_are_taken_by_every_dialect(tmp_path, capsys):
    all_ = await put(recorded(DATA), tmp_path)
    figures = check(all_)
    with capsys.disabled():
        print(f"\n{figures}")  # noqa: T201
    assert len(all_) == 764
    lost = [one for one in all_ if one.refusing and one.refusing != ("provider.only",)]
    assert len(lost) <= 112


@pytest.mark.campaign
async def test_all_requests_are_taken_by_every_dialect(tmp_path, capsys):
    folder = os.environ.get("ANTIPHON_CORPUS")
    if not folder:
        pytest.skip("no ANTIPHON_CORPUS: the whole corpus was not read, only what is committed")
    figures = check(await put(recorded(Path(folder)), tmp_path))
    with capsys.disabled():
        print(f"\n{figures}")  # noqa: T201
