"""Every fault of every provider dialect that the newer two callers meet, and theirs for all.

What must hold of each: an answer that says why it stopped, or an error in the caller's envelope;
a stream that ends with its last event or with an error; no defect of ours, no key, one row each.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from antiphon.simulator import FAULTS, SimulatorSpec
from antiphon.simulator.wires import CHAT, GEMINI, MESSAGES, OLLAMA, RESPONSES
from tests.server.stage import Stage, stage

DIALECTS: Final = {
    CHAT: "openai_chat",
    MESSAGES: "anthropic_messages",
    RESPONSES: "openai_responses",
    GEMINI: "gemini",
    OLLAMA: "ollama",
}
NEW: Final = (GEMINI, OLLAMA)
PAIRS: Final = [
    *((caller, spoken) for caller in DIALECTS for spoken in NEW),
    *((caller, CHAT) for caller in NEW),
]
"""All callers at the newer two, and those at one of the others."""
PATIENT: Final = {"connect": 2, "first_byte": 8, "idle": 8, "total": 9}
HASTY: Final = {"connect": 2, "first_byte": 0.25, "idle": 0.25, "total": 0.5}
SILENT: Final = {"stall", "stall-inside", "drip", "heartbeats", "endless"}
DEAD_KEYS: Final = ("quota", "bad-key", "key-echo")
LEFT_OUT: Final = {"refused", "tls-slow", "tls-closed"}
"""They need a provider of their own, and say nothing of a dialect."""
ASKED: Final = "Say something about trains."
STATUSES: Final = {400, 403, 404, 429, 502, 503, 504, 529}


class Read(NamedTuple):
    """What a caller made of an answer.

    Attributes:
        ended: It says why it stopped, or the stream had its last event.
        error: It is one, or ends with one.
    """

    ended: bool
    error: bool


def _chat(pieces: list[Any]) -> Read:
    last = pieces[-1]
    return Read(last == "[DONE]" or _stopped(last), isinstance(last, dict) and "error" in last)


def _stopped(last: Any) -> bool:
    choices = last.get("choices") or [{}]
    return choices[0].get("finish_reason") is not None and last["object"] == "chat.completion"


def _messages(pieces: list[Any]) -> Read:
    last = pieces[-1]
    return Read(
        last["type"] == "message_stop" or last.get("stop_reason") is not None,
        last["type"] == "error",
    )


def _responses(pieces: list[Any]) -> Read:
    last = pieces[-1]
    ended = last.get("type") in {"response.completed", "response.incomplete"}
    whole = last.get("status") in {"completed", "incomplete"}
    error = last.get("type") in {"error", "response.failed"} or bool(last.get("error"))
    return Read(ended or whole, error)


def _gemini(pieces: list[Any]) -> Read:
    last = pieces[-1]
    candidates = [each for piece in pieces for each in piece.get("candidates") or ()]
    blocked = any("promptFeedback" in piece for piece in pieces)
    return Read(blocked or any("finishReason" in each for each in candidates), "error" in last)


def _ollama(pieces: list[Any]) -> Read:
    last = pieces[-1]
    return Read(last.get("done") is True, "error" in last)


CALLERS: Final[Mapping[str, tuple[str, Callable[[list[Any]], Read]]]] = {
    CHAT: ("/v1/chat/completions", _chat),
    MESSAGES: ("/v1/messages", _messages),
    RESPONSES: ("/v1/responses", _responses),
    GEMINI: ("/v1beta/models/{model}:{method}", _gemini),
    OLLAMA: ("/api/chat", _ollama),
}


async def asked(running: Stage, wire: str, model: str, *, stream: bool) -> tuple[int, list[Any]]:
    """Status and what came, in pieces: the events or lines of a stream, or one whole body."""
    path, _ = CALLERS[wire]
    said = [{"role": "user", "content": ASKED}]
    body: dict[str, Any] = {"model": model, "stream": stream}
    if wire == GEMINI:
        method = "streamGenerateContent?alt=sse" if stream else "generateContent"
        path = path.format(model=model.replace("+", "%2B"), method=method)
        body = {"contents": [{"role": "user", "parts": [{"text": ASKED}]}]}
    elif wire == RESPONSES:
        body["input"] = ASKED
    else:
        body["messages"] = said
        body |= {"max_tokens": 4096} if wire == MESSAGES else {}
    answer = await running.http.post(path, json=body)
    assert b"sk-upstream" not in answer.content
    kind = answer.headers["content-type"]
    if kind.startswith("text/event-stream"):
        frames = answer.text.replace("\r\n", "\n").split("\n\n")
        lines = [[each for each in frame.split("\n") if each[:5] == "data:"] for frame in frames]
        datas = ["\n".join(each[5:].strip() for each in frame) for frame in lines if frame]
        pieces = [each if each == "[DONE]" else json.loads(each) for each in datas]
    elif kind.startswith("application/x-ndjson"):
        # A provider's lines go on as they came; only LF ends one.
        pieces = [json.loads(each) for each in answer.content.split(b"\n") if each.strip()]
    else:
        pieces = [answer.json()]
    return answer.status_code, pieces


@pytest.mark.parametrize(("caller", "spoken"), PAIRS, ids=[f"{a}-on-{b}" for a, b in PAIRS])
async def test_whatever_happens_it_is_told(
    tmp_path: Path, caller: str, spoken: str, caplog: pytest.LogCaptureFixture
) -> None:
    names = ("one", "hasty", *DEAD_KEYS)
    specs = [SimulatorSpec(name=name, seed=1) for name in names]
    dialect, read = DIALECTS[spoken], CALLERS[caller][1]
    own = {"dialect": dialect, "timeouts": PATIENT}
    faults = [name for name, each in FAULTS.items() if spoken in each.wires]
    wrong: dict[str, object] = {}
    only_once = {"models": {"*": {"passthrough": True, "retry": {"attempts": 1}}}}
    async with stage(
        tmp_path,
        specs,
        provider=own,
        providers_of={"hasty": {"timeouts": HASTY}},
        **only_once,
    ) as running:

        async def meet(fault: str) -> None:
            name = fault if fault in DEAD_KEYS else "hasty" if fault in SILENT else "one"
            for stream in (False, True):
                model = f"{name}/sim-reason+fault:{fault}"
                status, pieces = await asked(running, caller, model, stream=stream)
                found = read(pieces)
                if status == 200 and fault == "no-reason" and not stream:
                    well = True  # it is whole, and why it stopped nobody has said
                elif status == 200:
                    well = found.ended != found.error
                else:
                    well = found.error and status in STATUSES
                if not well:
                    wrong[f"{fault}, {'stream' if stream else 'whole'}"] = (status, pieces[-1])

        async with asyncio.TaskGroup() as group:
            for fault in SILENT & set(faults):
                group.create_task(meet(fault))
        for fault in faults:
            if fault not in SILENT | LEFT_OUT:
                await meet(fault)
        assert wrong == {}
        assert not [each for each in caplog.records if each.levelno >= logging.ERROR]
        assert running.gateway.metrics.exposition().count(b'status="500"') == 0
