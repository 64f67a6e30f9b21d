"""Recorded traffic through the whole gateway: what the provider sent is what the caller gets.

The simulator replays each recording with its real network cuts, over real sockets.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import uvloop

from antiphon.dialects.openai_chat import OPENAI_CHAT
from antiphon.model.events import Ended, UsageReported
from antiphon.simulator import Recording, SimulatorSpec
from antiphon.wire.sse import Splitter
from tests.corpus.exchanges import DATA
from tests.server.stage import Stage, stage

HELLO = [{"role": "user", "content": "Hello"}]
DONE = b"data: [DONE]\n\n"


def pytest_asyncio_loop_factories():
    return {"uvloop": uvloop.new_event_loop}


def is_stream(recording: Recording) -> bool:
    return recording.body.lstrip().startswith((b"data:", b":", b"event:"))


def frames(body: bytes) -> list[bytes]:
    splitter = Splitter()
    whole = splitter.feed(body)
    last = splitter.flush().strip()
    # A last frame that the provider did not end is ended for it.
    return [*whole, last + b"\n\n"] if last else whole


def expected(recording: Recording, *, wants_usage: bool) -> bytes | None:
    """The stream that a caller must get; None where the recording breaks off or fails inside."""
    decoder = OPENAI_CHAT.stream_decoder()
    kept: list[bytes] = []
    ended = False
    for frame in frames(recording.body):
        events = decoder.feed(frame)
        if any(type(event).__name__ == "StreamFailed" for event in events):
            return None
        usage = [event for event in events if isinstance(event, UsageReported)]
        if usage and not wants_usage:
            if not (len(events) == 1 and usage[0].alone):
                kept.append(decoder.without_usage(frame))
        else:
            kept.append(frame)
        if any(isinstance(event, Ended) for event in events):
            ended = True
            break
    return b"".join(kept) + (b"" if ended else DONE)


async def relay_all(road: Stage) -> dict[str, int]:
    """Every good recording through the gateway; counts of what was compared."""
    counts = {"whole": 0, "stream": 0, "left": 0}
    for name, recording in road.first.recordings.items():
        if recording.wire != "openai-chat":
            continue
        if recording.status != 200:
            counts["left"] += 1
            continue
        ask = {"model": f"one/replay:{name}", "messages": HELLO}
        if not is_stream(recording):
            answer = await road.http.post("/v1/chat/completions", json=ask)
            if answer.status_code != 200:
                counts["left"] += 1  # an error in a 200 is none of ours to pass on
                continue
            assert answer.content == recording.body, name
            counts["whole"] += 1
            continue
        for wants_usage in (True, False):
            options = {"stream_options": {"include_usage": True}} if wants_usage else {}
            wanted = expected(recording, wants_usage=wants_usage)
            answer = await road.http.post(
                "/v1/chat/completions", json={**ask, "stream": True, **options}
            )
            if wanted is None or answer.status_code != 200 or b'"error"' in answer.content:
                counts["left"] += 1
                break
            assert answer.content == wanted, name
        else:
            counts["stream"] += 1
    return counts


async def relayed(tmp_path: Path, recordings: Path) -> dict[str, int]:
    spec = SimulatorSpec(name="one", replay=recordings, replay_pause=0.0)
    async with stage(tmp_path, [spec]) as road:
        return await relay_all(road)


async def test_the_committed_recordings_come_through_byte_by_byte(tmp_path, capsys):
    counts = await relayed(tmp_path, DATA / "openai_chat.jsonl")
    with capsys.disabled():
        print(f"\nrecorded exchanges through the gateway: {counts}")  # noqa: T201
    assert counts["whole"] >= 25
    assert counts["stream"] >= 15


@pytest.mark.campaign
async def test_all_recordings_come_through_byte_by_byte(tmp_path, capsys):
    folder = os.environ.get("ANTIPHON_CORPUS")
    if not folder:
        pytest.skip("no ANTIPHON_CORPUS: the whole corpus was not read, only what is committed")
    counts = await relayed(tmp_path, Path(folder))
    with capsys.disabled():
        print(f"\nall recorded exchanges through the gateway: {counts}")  # noqa: T201
    assert counts["whole"] >= 500
    assert counts["stream"] >= 100
