"""Streams that end after any of their bytes, for every pair of dialects.

The caller has the whole answer, or its beginning and an error in its own dialect: never half an
answer that looks like a whole one, and never half an event.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Final, NamedTuple

import pytest

from antiphon.dialects.base import Payload
from antiphon.dialects.contract import Target
from antiphon.dialects.registry import DIALECTS
from antiphon.errors import UpstreamBroken
from antiphon.model.events import Ended, Finished, StreamEvent, StreamFailed
from antiphon.model.fold import fold
from antiphon.model.parts import Part, Reasoning
from antiphon.model.reply import Stop
from antiphon.pipeline.relay import Relay
from antiphon.pipeline.translation import Translation
from antiphon.providers.face import Face
from antiphon.providers.models import ModelFacts
from antiphon.simulator import Simulator, SimulatorSpec
from antiphon.simulator.wires import CHAT, GEMINI, MESSAGES, OLLAMA, RESPONSES
from antiphon.wire.shallow import Members
from tests.simulator.callers import body_of, called, request_in

WIRES: Final = {
    "openai_chat": CHAT,
    "anthropic_messages": MESSAGES,
    "openai_responses": RESPONSES,
    "gemini": GEMINI,
    "ollama": OLLAMA,
}
PAIRS: Final = [
    pytest.param(heard, spoken, id=f"{heard}-on-{spoken}") for heard in WIRES for spoken in WIRES
]
BEGINNING: Final = 400
END: Final = 1200
STEP: Final = 5
STOPPED: Final = (b'"finish_reason":"tool_calls"', b'"finishReason":"STOP"')
ENDS: Final = {"ollama": b"\n", "gemini": (b"\n\n", b"\r\n\r\n")}
"""What an event ends with."""
SAYING: Final = "get_it [say: é]"
_SCHEMA: Final = {"type": "object", "properties": {"a": {"enum": [1]}}, "required": ["a"]}
ASKED: Final[Mapping[str, dict[str, object]]] = MappingProxyType(
    {
        "openai_chat": {
            "messages": [{"role": "user", "content": SAYING}],
            "reasoning_effort": "low",
            "tools": [
                {"type": "function", "function": {"name": "get_it", "parameters": _SCHEMA}},
            ],
        },
        "anthropic_messages": {
            "messages": [{"role": "user", "content": SAYING}],
            "max_tokens": 2000,
            "tools": [{"name": "get_it", "input_schema": _SCHEMA}],
        },
        "openai_responses": {
            "input": [{"role": "user", "content": SAYING}],
            "reasoning": {"effort": "low", "summary": "auto"},
            "include": ["reasoning.encrypted_content"],
            "tools": [
                {"type": "function", "name": "get_it", "parameters": _SCHEMA, "strict": False},
            ],
        },
        "gemini": {
            "contents": [{"role": "user", "parts": [{"text": SAYING}]}],
            "generationConfig": {"thinkingConfig": {"includeThoughts": True}},
            "tools": [
                {"functionDeclarations": [{"name": "get_it", "parametersJsonSchema": _SCHEMA}]},
            ],
        },
        "ollama": {
            "messages": [{"role": "user", "content": SAYING}],
            "think": True,
            "tools": [
                {"type": "function", "function": {"name": "get_it", "parameters": _SCHEMA}},
            ],
        },
    }
)


@cache
def streamed(dialect: str) -> bytes:
    """A short stream of the simulator: a thought, a text and a call."""

    async def ask() -> bytes:
        members = dict(ASKED[dialect])
        for name in ("input", "messages", "max_tokens", "contents"):
            members.pop(name, None)
        sent = request_in(WIRES[dialect], "sim-reason", text=SAYING, stream=True, **members)
        async with (
            Simulator(SimulatorSpec(name="lab", seed=3)) as lab,
            called(lab) as (reader, writer),
        ):
            writer.write(sent)
            return body_of(await reader.read())

    return asyncio.run(ask())


class Heard(NamedTuple):
    """What a caller makes of a stream."""

    parts: tuple[Part, ...]
    stop: Stop | None
    ended: bool
    failed: bool


@cache
def heard_of(dialect: str, stream: bytes) -> Heard:
    spoken = DIALECTS[dialect]
    splitter, decoder = spoken.splitter(), spoken.stream_decoder()
    events: list[StreamEvent] = []
    for frame in splitter.feed(stream):
        events += decoder.feed(frame)
        if any(isinstance(event, StreamFailed) for event in events):
            # No client reads on.
            break
    assert splitter.flush().strip() == b"" or isinstance(events[-1], StreamFailed)
    reply = fold([event for event in events if not isinstance(event, StreamFailed)])
    choice = reply.choices[0] if reply.choices else None
    failed = any(isinstance(event, StreamFailed) for event in events)
    # A caller of Gemini knows why the answer ended, and then that nothing comes.
    last = Finished if dialect == "gemini" and not failed else Ended
    return Heard(
        choice.turn.parts if choice else (),
        choice.stop if choice else None,
        any(isinstance(event, last) for event in events),
        failed,
    )


class Cutting:
    """One pair, and its stream up to any byte."""

    def __init__(self, heard: str, spoken: str) -> None:
        self.heard = DIALECTS[heard]
        self.spoken = DIALECTS[spoken]
        body = {"model": "m", "stream": True, **ASKED[heard]}
        self._asked = Payload(self.heard, Members.parse(json.dumps(body).encode()))
        face = Face(
            self.spoken,
            lambda *_, **__: b"",
            base="",
            paths=("/", "/"),
            target=Target("sim-reason"),
            quirks=(),
            facts=ModelFacts(),
        )
        self._translation = None if heard == spoken else Translation(self._asked, face)

    def relay(self) -> Relay:
        return Relay(self.spoken, self._asked, self._translation)

    def until(self, stream: bytes) -> tuple[bytes, Relay]:
        """What the caller gets of this much, and of the end of the connection behind it."""
        relay = self.relay()
        out = relay.feed(stream)
        if not relay.ended and relay.failure is None:
            out += relay.finish()
        if not relay.ended:
            assert isinstance(relay.failure, UpstreamBroken)
            assert out == b"" or out.endswith(ENDS.get(self.heard.name, b"\n\n"))
            out += self.heard.encode_stream_error(
                relay.failure, request_id="req_1", position=relay.position
            )
        return out, relay


@pytest.mark.parametrize(("heard", "spoken"), PAIRS)
def test_a_stream_that_ends_after_any_byte(heard: str, spoken: str) -> None:
    stream, cutting = streamed(spoken), Cutting(heard, spoken)
    out, relay = cutting.until(stream)
    assert relay.ended
    whole = heard_of(heard, out)
    assert whole.ended
    # Gemini seals a call, and a seal is told before it.
    said = [type(part).__name__ for part in whole.parts if not isinstance(part, Reasoning)]
    assert said == ["Text", "ToolCall"]
    ends: set[bool] = set()
    for at in places(len(stream)):
        out, relay = cutting.until(stream[:at])
        told = heard_of(heard, out)
        assert told.ended == relay.ended, at
        assert told.failed == (not relay.ended), at
        if relay.ended:
            # Chat Completions may lack their `[DONE]`, once they have said why they stopped, and
            # Gemini has no such event.
            assert (told.parts, told.stop) == (whole.parts, whole.stop), at
            assert at > len(stream) - 20 or not cutting.spoken.strict_end, at
            assert at > max(map(stream.rfind, STOPPED)), at
        else:
            assert is_beginning(told.parts, whole.parts), at
        ends.add(relay.ended)
    assert False in ends


def places(size: int) -> list[int]:
    """Where a stream is cut: anywhere at its beginning and its end, less often between."""
    return [at for at in range(size) if at < BEGINNING or at > size - END or at % STEP == 0]


def is_beginning(some: tuple[Part, ...], all_: tuple[Part, ...]) -> bool:
    """Whether these parts may still become those."""
    texts = [
        [getattr(part, "text", "") or getattr(part, "arguments", "") for part in parts]
        for parts in (some, all_)
    ]
    return all(b.startswith(a) for a, b in zip(*texts, strict=False)) and len(some) <= len(all_)


@pytest.mark.parametrize(("heard", "spoken"), PAIRS)
def test_a_stream_that_comes_byte_by_byte(heard: str, spoken: str) -> None:
    """Wherever the network cuts, the caller gets the same."""
    stream, cutting = streamed(spoken), Cutting(heard, spoken)
    at_once, _ = cutting.until(stream)
    relay = cutting.relay()
    out = b"".join(relay.feed(bytes([byte])) for byte in stream)
    assert out + (b"" if relay.ended else relay.finish()) == at_once
    assert heard != spoken or at_once == stream
    assert relay.ended
