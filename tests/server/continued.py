"""Streams that are cut once, or twice, and what their callers make of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Any, Final

import httpx2
from msgspec.structs import replace

from antiphon.dialects.registry import DIALECTS
from antiphon.model.events import Ended, Finished, StreamEvent, StreamFailed, TextDelta
from antiphon.model.fold import fold
from antiphon.model.reply import ChatReply
from antiphon.simulator import Fault, Scene, Simulator, SimulatorSpec
from antiphon.simulator.reply import Ending, Reply
from tests.server.cached import ADMIN
from tests.server.stage import Stage, stage

TEXT: Final = "Grüezi, one two three four five six"
SAYING: Final = f"Hello [say: {TEXT}]"
HEARD: Final = ("openai_chat", "anthropic_messages", "openai_responses", "gemini", "ollama")
HEADERS: Final = {"anthropic-version": "2023-06-01"}
_MESSAGES: Final = [{"role": "user", "content": SAYING}]
ASKED: Final[Mapping[str, tuple[str, dict[str, Any]]]] = MappingProxyType(
    {
        "openai_chat": (
            "/v1/chat/completions",
            {"messages": _MESSAGES, "stream_options": {"include_usage": True}},
        ),
        "anthropic_messages": ("/v1/messages", {"messages": _MESSAGES, "max_tokens": 4000}),
        "openai_responses": ("/v1/responses", {"input": _MESSAGES}),
        "gemini": (
            "/v1beta/models/{model}:streamGenerateContent?alt=sse",
            {"contents": [{"role": "user", "parts": [{"text": SAYING}]}]},
        ),
        "ollama": ("/api/chat", {"messages": _MESSAGES}),
        "ollama_generate": ("/api/generate", {"prompt": SAYING}),
    }
)
BACK: Final = "back"
"""A provider that goes on where the first one's dialect has no words for it."""


def cut_at(*frames: int, ending: Ending = Ending.CUT) -> Fault:
    """The first answer up to a frame, the next one up to another; all that follow are whole.

    Less than nothing is counted from the end.
    """
    left = [*frames]

    def damage(reply: Reply, _scene: Scene) -> Reply:
        pieces = tuple(reply.pieces)
        kept = left.pop(0) if left else len(pieces)
        if len(pieces) <= kept:
            return reply
        return replace(reply, pieces=pieces[:kept], ending=ending)

    return Fault("a cut of a test", damage)


def struck(simulator: Simulator, fault: Fault) -> None:
    """Let a fault strike every request of this provider from now on."""
    simulator.disarm()
    simulator.faults = {**simulator.faults, "of-a-test": fault}
    simulator.arm("of-a-test")


@asynccontextmanager
async def cutting(
    tmp_path: object, *, model: str = "sim-small", **sections: Any
) -> AsyncIterator[Stage]:
    """A provider of each dialect, each behind a route of its name, and one that stands back."""
    dialects = dict(zip(HEARD, HEARD, strict=True)) | {BACK: "openai_chat"}
    specs = [SimulatorSpec(name=name, seed=1) for name in dialects]
    route = sections.pop("route", {})
    models = {
        name: {"deployments": [f"{name}/{model}", f"{BACK}/{model}"], **route} for name in HEARD
    }
    facts = {"models": {model: {"prefill": True}}, **sections.pop("provider", {})}
    async with stage(
        tmp_path, specs, dialects=dialects, provider=facts, models=models, auth=ADMIN, **sections
    ) as running:
        yield running


def simulator_of(road: Stage, name: str) -> Simulator:
    [found] = [each for each in road.simulators if each.name == name]
    return found


async def asked(
    road: Stage, heard: str, model: str, headers: Mapping[str, str] = HEADERS, **members: object
) -> httpx2.Response:
    """A stream, read to its end."""
    path, body = ASKED[heard]
    sent = {**body, **members}
    if heard != "gemini":
        sent |= {"model": model, "stream": True}
    return await road.http.post(path.format(model=model), json=sent, headers=headers)


class Heard:
    """What the caller's dialect reads in a stream.

    Attributes:
        reply: The whole of it.
        ended: How often it ended well.
        failed: The error events.
        said: The text, in the order in which it came.
    """

    def __init__(self, heard: str, stream: bytes) -> None:
        dialect = DIALECTS[heard]
        splitter, decoder = dialect.splitter(), dialect.stream_decoder()
        self.frames = splitter.feed(stream)
        assert not splitter.flush().strip()
        events: list[StreamEvent] = []
        for frame in self.frames:
            events += decoder.feed(frame)
        self.failed = [event for event in events if isinstance(event, StreamFailed)]
        good = [event for event in events if not isinstance(event, StreamFailed)]
        last = Finished if heard == "gemini" else Ended
        self.ended = sum(isinstance(event, last) for event in events)
        self.said = "".join(e.text for e in events if isinstance(e, TextDelta))
        self.reply: ChatReply = fold(good)


def partial_of(heard: str, stream: bytes) -> str:
    """The text that the error event at the end of a stream holds."""
    told = [json.loads(data) for frame in _frames(heard, stream) if (data := _data_of(frame))]
    if heard == "openai_responses":
        assert told[-1]["type"] == "response.failed"
        return told[-2]["error"]["partial"]
    return (told[-1] if heard == "ollama" else told[-1]["error"])["partial"]


def _frames(heard: str, stream: bytes) -> list[bytes]:
    return DIALECTS[heard].splitter().feed(stream)


def check_frames(heard: str, frames: list[bytes]) -> None:
    """Ids, numbers and places are those of one stream."""
    told = [json.loads(data) for frame in frames if (data := _data_of(frame))]
    match heard:
        case "openai_chat":
            assert len({(each["id"], each["model"], each["created"]) for each in told}) == 1
        case "anthropic_messages":
            _check_messages(told)
        case "openai_responses":
            _check_responses(told)
        case "gemini":
            assert len({each.get("responseId") for each in told}) == 1
        case _:
            assert len({each["model"] for each in told}) == 1


def _data_of(frame: bytes) -> bytes:
    lines = [line.removeprefix(b"data: ") for line in frame.splitlines()]
    return next((line for line in lines if line.startswith(b"{")), b"")


def _check_messages(told: list[dict[str, Any]]) -> None:
    kinds = Counter(each["type"] for each in told)
    assert kinds["message_start"] == kinds["message_stop"] == kinds["message_delta"] == 1
    open_: int | None = None
    count = 0
    for each in told:
        match each["type"]:
            case "content_block_start":
                assert open_ is None
                assert each["index"] == count
                open_, count = each["index"], count + 1
            case "content_block_delta":
                assert each["index"] == open_
            case "content_block_stop":
                assert each["index"] == open_
                open_ = None
            case _:
                pass
    assert open_ is None


def _check_responses(told: list[dict[str, Any]]) -> None:
    assert [each["sequence_number"] for each in told] == list(range(len(told)))
    texts: dict[tuple[str, int, int], str] = {}
    opened, done = {}, {}
    for each in told:
        kind = each["type"]
        if kind == "response.output_item.added":
            assert each["output_index"] not in opened
            opened[each["output_index"]] = each["item"]["id"]
        elif kind == "response.output_item.done":
            assert opened[each["output_index"]] == each["item"]["id"]
            done[each["output_index"]] = each["item"]
        elif kind.startswith("response.output_text."):
            place = (each["item_id"], each["output_index"], each["content_index"])
            assert opened[each["output_index"]] == each["item_id"]
            if kind.endswith("delta"):
                texts[place] = texts.get(place, "") + each["delta"]
            elif kind.endswith("done"):
                assert each["text"] == texts[place]
    last = told[-1]
    assert last["type"] == "response.completed"
    assert last["response"]["id"] == told[0]["response"]["id"]
    items = [item for _, item in sorted(done.items())]
    # What is written here says of an item that it is completed, where its provider does not.
    assert [out | item for out, item in zip(last["response"]["output"], items, strict=True)] == (
        last["response"]["output"]
    )
    assert opened.keys() == done.keys()
