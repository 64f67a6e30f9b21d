"""Recorded answers through the whole gateway, each heard by the official SDK of every dialect.

The simulator replays a recording over real sockets. What the SDK of the recording's own dialect
reads of it directly is the truth, and what the five read through the gateway is held against it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from antiphon.config.load import load
from antiphon.gateway.gateway import Antiphon
from antiphon.server.serve import serving
from antiphon.simulator import Fleet, Recording, Simulator, SimulatorSpec
from tests.corpus.framed import retold
from tests.corpus.heard import Asked, Read
from tests.corpus.reading import Clients, clients

WIRES: Final = {
    "openai-chat": "openai_chat",
    "openai-responses": "openai_responses",
    "anthropic-messages": "anthropic_messages",
    "gemini": "gemini",
    "ollama": "ollama",
}
SPOKEN: Final = tuple(WIRES.values())
KNOWN: Final = Path(__file__).parent / "differences.json"


class Relayed(Struct, frozen=True):
    """One recording.

    Attributes:
        dialect: Of its provider.
        directly: What its own SDK reads of it directly.
        truth: What it holds: the same, unless that SDK cannot read it (`framed`).
        heard: What the SDK of each dialect reads through the gateway.
    """

    recording: Recording
    dialect: str
    directly: Read
    truth: Read
    heard: Mapping[str, Read]


async def relayed(recordings: Path, data: Path) -> list[Relayed]:
    """Every recording of a file or folder; `data` is the gateway's folder."""
    spec = SimulatorSpec(name="one", replay=recordings, replay_pause=0.0)
    async with Fleet([spec]) as fleet:
        simulator = fleet["one"]
        async with clients(simulator.url) as [directly]:
            truths = {
                name: await _truths(directly, one) for name, one in simulator.recordings.items()
            }
        gateway = Antiphon(load(_settings(simulator, truths, data), environ={}))
        async with gateway, serving(gateway) as address, clients(address) as [through]:
            return [
                await _relayed(through, one, *truths[name])
                for name, one in simulator.recordings.items()
            ]


async def _truths(directly: Clients, recording: Recording) -> tuple[Read, Read]:
    """What the SDK reads of a recording, and what it holds."""
    read = await directly.read(WIRES[recording.wire], _asked(recording, ""))
    told = retold(recording.body) if recording.wire == "gemini" else None
    return read, told or read


def _asked(recording: Recording, provider: str, tools: Sequence[str] = ()) -> Asked:
    model = f"{provider}/replay:{recording.id}" if provider else f"replay:{recording.id}"
    completed = recording.wire == "ollama" and b'"message":' not in recording.body[:300]
    return Asked(model, is_stream(recording), tools, completed)


def is_stream(recording: Recording) -> bool:
    if recording.wire == "ollama":
        return recording.body.count(b"\n{") > 0
    return recording.body.lstrip().startswith((b"data:", b":", b"event:", b"["))


def _settings(
    simulator: Simulator, truths: Mapping[str, tuple[Read, Read]], data: Path
) -> dict[str, object]:
    """A provider for each dialect; one more for each error and caller, since keys may die of it."""
    names = {dialect: dialect for dialect in SPOKEN} | {
        _provider(name, heard): WIRES[simulator.recordings[name].wire]
        for name, (_, truth) in truths.items()
        if truth.error
        for heard in SPOKEN
    }
    return {
        "server": {"port": 0, "drain_seconds": 0.5},
        "storage": {"data_dir": str(data)},
        "providers": {
            name: {"dialect": dialect, "base_url": simulator.base_url, "api_key": "sk-upstream"}
            for name, dialect in names.items()
        },
        "models": {"*": {"passthrough": True}},
    }


def _provider(name: str, heard: str) -> str:
    return f"{heard}-{name}"


async def _relayed(through: Clients, recording: Recording, directly: Read, truth: Read) -> Relayed:
    dialect = WIRES[recording.wire]
    tools = list(dict.fromkeys(name for name, _ in truth.calls if name))
    heard: dict[str, Read] = {}
    for caller in SPOKEN:
        provider = _provider(recording.id, caller) if truth.error else dialect
        heard[caller] = await through.read(caller, _asked(recording, provider, tools))
    return Relayed(recording, dialect, directly, truth, heard)


# ------------------------------------------------------------------ comparing

_STOPS: Final = {
    # Chat Completions
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool",
    "function_call": "tool",
    "content_filter": "refusal",
    "eos": "stop",
    # Responses; a response with calls is `completed` too
    "completed": "stop",
    "complete": "stop",
    "max_output_tokens": "length",
    # Messages
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "tool_use": "tool",
    "refusal": "refusal",
    # Gemini; an answer with calls is `STOP` too
    "FinishReason.STOP": "stop",
    "FinishReason.MAX_TOKENS": "length",
    "FinishReason.SAFETY": "refusal",
    "FinishReason.PROHIBITED_CONTENT": "refusal",
    "FinishReason.RECITATION": "refusal",
    "FinishReason.MODEL_ARMOR": "refusal",
    "FinishReason.UNEXPECTED_TOOL_CALL": "tool",
    "BlockedReason.MODEL_ARMOR": "refusal",
    "BlockedReason.PROHIBITED_CONTENT": "refusal",
    "BlockedReason.SAFETY": "refusal",
    # Ollama
    "load": "stop",
}
_UNSAID: Final = {None, "", "queued", "in_progress"}


def differences(one: Relayed, caller: str) -> list[str]:
    """Where a caller reads otherwise than the truth; nothing if all is well.

    Between equal dialects that is anything at all; else what no translation may lose. What the SDK
    of its own dialect cannot read may have become readable here, or not.
    """
    if caller == one.dialect and one.heard[caller] == one.directly:
        return []
    truth, read = one.truth, one.heard[caller]
    if truth.error and truth.status is None:
        # Inside a stream or a success. The gateway saw it before anything was said, and may say so.
        return [] if read.error else [f"no error, but {read.text!r}"]
    if caller == one.dialect:
        told = {name: (getattr(truth, name), getattr(read, name)) for name in _MEMBERS}
    else:
        told = {"text": (truth.text, read.text), "calls": (_calls(truth), _calls(read))}
        told["status"] = (truth.status, read.status)
        if truth.usage is not None:
            told["usage"] = (truth.usage, read.usage)
        if truth.stop not in _UNSAID:
            told["stop"] = (_stop(truth), _stop(read))
    return [
        f"{name} {mine!r}, said {said!r}" for name, (said, mine) in told.items() if said != mine
    ]


_MEMBERS: Final = Read.__struct_fields__


def _calls(read: Read) -> list[tuple[str, Any]]:
    return [(name, _parsed(arguments)) for name, arguments in read.calls]


def _parsed(arguments: str) -> object:
    try:
        return json.loads(arguments or "{}")
    except ValueError:
        return arguments


def _stop(read: Read) -> str:
    """The class of a stop."""
    stop = _STOPS.get(read.stop or "", f"unknown: {read.stop}")
    if stop != "stop":
        return stop
    if read.calls:
        return "tool"
    return "refusal" if read.refused else stop


def against_truth(read: Read, truth: Mapping[str, Any]) -> list[str]:
    """Where an SDK reads otherwise than a line of `*.truth.jsonl` says."""
    if "error" in truth:
        # Inside a stream it may come with a status of its own, as long as nothing was said.
        exactly = truth["status"] >= 400
        fine = (
            (read.error, read.status) == (truth["error"], truth["code"]) if exactly else read.error
        )
        return [] if fine else [f"{read}, said {truth}"]
    text = truth["text"] or ""
    if isinstance(text, list):
        text = "".join(part.get("text") or "" for part in text)
    told = {
        "text": (text, read.text),
        "calls": ([tuple(call) for call in truth["tools"]], _calls(read)),
        "stop": (truth["finish"], str(read.stop) if truth["finish"] == "None" else read.stop),
        "usage": (tuple(truth["usage"]) if truth["usage"] else None, read.stated),
    }
    return [
        f"{name} {mine!r}, said {said!r}" for name, (said, mine) in told.items() if said != mine
    ]


# ------------------------------------------------------------------ known differences


def known() -> dict[tuple[str, str], str]:
    """Why a caller reads a recording otherwise, by recording and caller."""
    reasons: dict[str, dict[str, Sequence[str]]] = json.loads(KNOWN.read_text("utf-8"))
    return {
        (name, caller): reason
        for reason, exchanges in reasons.items()
        for name, callers in exchanges.items()
        for caller in callers
    }


def found(all_: Sequence[Relayed]) -> Iterator[tuple[tuple[str, str], list[str]]]:
    """Every difference, by recording and caller."""
    for one in all_:
        for caller in SPOKEN:
            if told := differences(one, caller):
                yield (one.recording.id, caller), told
