"""Every recorded answer, heard by every official SDK: what the provider said is what is read."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest
import uvloop

from tests.corpus.exchanges import DATA, truth_of
from tests.corpus.relaying import SPOKEN, Relayed, against_truth, found, known, relayed

OUR_KEY = "the provider refuses the gateway's key, not the caller's: 502"


def pytest_asyncio_loop_factories():
    return {"uvloop": uvloop.new_event_loop}


def truths_in(folder: Path) -> dict[str, dict[str, object]]:
    files = folder.glob("*.truth.jsonl")
    return {name: truth for file in files for name, truth in truth_of(file).items()}


def check(all_: list[Relayed], truths: dict[str, dict[str, object]]) -> str:
    """All that is promised of these recordings; returns the figures in a sentence."""
    reasons = known()
    differing = dict(found(all_))
    names = {one.recording.id for one in all_}
    unknown = {key: told for key, told in differing.items() if key not in reasons}
    assert unknown == {}
    gone = [key for key in reasons if key[0] in names and key not in differing]
    assert gone == [], "these are no longer different"

    compared = 0
    for one in all_:
        if truth := truths.get(one.recording.id):
            compared += 1
            assert against_truth(one.directly, truth) == []
            equal = one.recording.id, one.dialect
            if equal in differing:
                assert reasons[equal] == OUR_KEY
            elif one.heard[one.dialect] != one.truth or one.truth == one.directly:
                assert against_truth(one.heard[one.dialect], truth) == []

    pairs = [(one.recording.id, caller) for one in all_ for caller in SPOKEN]
    equal = {(one.recording.id, one.dialect) for one in all_}
    across = [key for key in pairs if key not in equal]
    assert all(reasons[key] == OUR_KEY for key in equal & differing.keys())
    lost = [key for key in across if key in differing]
    assert 1 - len(lost) / len(across) >= 0.98
    why = Counter(reasons[key] for key in lost)
    return (
        f"{len(all_)} recordings; equal dialects: {len(equal) - len(equal & differing.keys())} of "
        f"{len(equal)} exactly, {compared} compared with a recorded truth; across: "
        f"{len(across) - len(lost)} of {len(across)}, {dict(why)}"
    )


async def test_the_committed_recordings_are_heard_in_every_dialect(tmp_path, capsys):
    all_ = await relayed(DATA, tmp_path)
    figures = check(all_, truths_in(DATA))
    with capsys.disabled():
        print(f"\nheard by every SDK: {figures}")  # noqa: T201
    assert len(all_) == 203


@pytest.mark.campaign
async def test_all_recordings_are_heard_in_every_dialect(tmp_path, capsys):
    folder = os.environ.get("ANTIPHON_CORPUS")
    if not folder:
        pytest.skip("no ANTIPHON_CORPUS: the whole corpus was not read, only what is committed")
    figures = check(await relayed(Path(folder), tmp_path), truths_in(Path(folder)))
    with capsys.disabled():
        print(f"\nheard by every SDK: {figures}")  # noqa: T201
