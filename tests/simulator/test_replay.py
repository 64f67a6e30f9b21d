"""Recorded answers come back byte for byte, cut as they were."""

import asyncio
import json
from pathlib import Path

import openai
import pytest
from openai import AsyncOpenAI

from antiphon.simulator import Simulator, SimulatorSpec
from antiphon.simulator.replay import load
from tests.simulator.callers import (
    RECORDINGS,
    Raw,
    body_of,
    called,
    chat_request,
    chunks_of,
    request_in,
)

WIRES = frozenset({"openai-chat"})
LINES = [json.loads(line) for line in RECORDINGS.read_text().splitlines()]
CUT = {line["id"]: line for line in LINES if "chunk_bytes" in line["response"]}


def test_the_committed_recordings_are_loaded() -> None:
    recordings = load(RECORDINGS, wires=WIRES)
    assert recordings.summary() == (
        "7 recordings loaded (3 streams, 2 with network cuts), 0 lines passed over"
    )


def test_a_folder_is_loaded_and_other_lines_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(RECORDINGS.read_bytes())
    other = {"id": "x", "wire": "gemini", "response": {"status": 200, "body": {}}}
    (tmp_path / "b.jsonl").write_text(f'{json.dumps(other)}\n\n{{"id": "truth only"}}\n')
    (tmp_path / "c.txt").write_text("not read")
    recordings = load(tmp_path, wires=WIRES)
    assert (len(recordings), recordings.passed_over) == (7, 2)


SSE = {"content-type": "text/event-stream"}
NDJSON = {"content-type": "application/x-ndjson"}


@pytest.mark.parametrize(
    ("wire", "body"),
    [
        ("anthropic-messages", 'event: message_stop\ndata: {"type": "message_stop"}\n\n'),
        ("openai-responses", 'event: error\ndata: {"type":  "error"}\n\n'),
        ("ollama", '{"done":  false}\n{"done":  true}\n'),
    ],
)
async def test_the_other_dialects_are_replayed(tmp_path: Path, wire: str, body: str) -> None:
    path = tmp_path / "a.jsonl"
    headers = NDJSON if wire == "ollama" else SSE
    response = {"status": 200, "headers": headers, "body": body, "chunk_bytes": [7, 5]}
    path.write_text(json.dumps({"id": "x", "wire": wire, "response": response}))
    async with Simulator(SimulatorSpec(replay=path)) as lab, called(lab) as (reader, writer):
        writer.write(request_in(wire, "replay:x", stream=True))
        answer = await reader.read()
    assert body_of(answer) == body.encode()
    assert [len(chunk) for chunk in chunks_of(answer.partition(b"\r\n\r\n")[2])][:2] == [7, 5]


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"id": "x"}\n{"id": 7}\n')
    with pytest.raises(ValueError, match=r"a\.jsonl, line 2"):
        load(tmp_path, wires=WIRES)


@pytest.mark.parametrize("line", LINES, ids=lambda line: line["id"])
async def test_a_recording_comes_back(raw: Raw, line: dict) -> None:
    answer = await raw(f"replay:{line['id']}", stream=True)
    by_header = await raw("any", headers=f"x-simulator-replay: {line['id']}\r\n")
    assert body_of(answer) == body_of(by_header)
    head, _, _ = answer.partition(b"\r\n\r\n")
    recorded = line["response"]
    assert head.startswith(b"HTTP/1.1 %d " % recorded["status"])
    assert b"x-antiphon-simulator: lab" in head
    for name in ("content-type", "retry-after", "x-request-id"):
        if name in recorded["headers"]:
            assert f"\r\n{name}: {recorded['headers'][name]}".encode() in head
    if isinstance(recorded["body"], str):
        assert body_of(answer) == recorded["body"].encode()
    else:
        assert json.loads(body_of(answer)) == recorded["body"]
        assert body_of(answer) in RECORDINGS.read_bytes()


@pytest.mark.parametrize("id_", CUT)
async def test_each_cut_is_a_chunk(raw: Raw, id_: str) -> None:
    answer = await raw(f"replay:{id_}")
    sizes = [len(chunk) for chunk in chunks_of(answer.partition(b"\r\n\r\n")[2])]
    assert sizes == CUT[id_]["response"]["chunk_bytes"]


@pytest.mark.parametrize("id_", CUT)
async def test_each_cut_arrives_on_its_own(id_: str) -> None:
    """With a reader who lets go of the pause only when it has read what came before."""
    may_go_on = asyncio.Semaphore(0)

    async def sleep(_seconds: float) -> None:
        await may_go_on.acquire()

    lab = Simulator(SimulatorSpec(replay=RECORDINGS), sleep=sleep)
    async with lab, called(lab) as (reader, writer):
        writer.write(chat_request(f"replay:{id_}"))
        await reader.readuntil(b"\r\n\r\n")
        *sizes, last = CUT[id_]["response"]["chunk_bytes"]
        for size in sizes:
            assert len(await reader.readexactly(size + len(f"{size:x}") + 4)) > size
            assert not reader._buffer
            may_go_on.release()
        assert len(await reader.read()) == last + len(f"{last:x}") + 4 + len(b"0\r\n\r\n")


async def test_cuts_are_made_to_fit_a_redacted_body(tmp_path: Path) -> None:
    for cuts, expected in ([3, 3], (3, 3, 4)), ([30], (10,)), ([4, 6, 5], (4, 6)):
        response = {"status": 200, "body": "0123456789", "chunk_bytes": cuts}
        line = {"id": "x", "wire": "openai-chat", "response": response}
        (tmp_path / "a.jsonl").write_text(json.dumps(line))
        assert load(tmp_path / "a.jsonl", wires=WIRES)["x"].cuts == expected


async def test_an_unknown_recording_is_told(client: AsyncOpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="7 are loaded"):
        await client.chat.completions.create(
            model="replay:nobody", messages=[{"role": "user", "content": "x"}]
        )


async def test_a_fault_befalls_a_recording(raw: Raw) -> None:
    name = next(iter(CUT))
    answer = await raw(f"replay:{name}+fault:cut")
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert not answer.endswith(b"0\r\n\r\n")
    told = b"".join(chunks_of(answer.partition(b"\r\n\r\n")[2]))
    assert CUT[name]["response"]["body"].encode().startswith(told)
    assert told
