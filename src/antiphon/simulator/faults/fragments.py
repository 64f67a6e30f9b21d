"""Faults of how blocks and items are told: arguments and thoughts that come whole, late or bare."""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from antiphon.simulator.faults.fault import Damage, Fault, Scene, by_wire
from antiphon.simulator.faults.frames import Frames, in_each, in_frames
from antiphon.simulator.reply import Reply
from antiphon.simulator.wires import GEMINI, MESSAGES, RESPONSES

_ALL_SEALED: Final = frozenset({MESSAGES, RESPONSES, GEMINI})
_ONLY_MESSAGES: Final = frozenset({MESSAGES})
_ONLY_RESPONSES: Final = frozenset({RESPONSES})
_TEXT: Final = rb'((?:[^"\\]|\\.)*)"'
_INPUT: Final = re.compile(
    rb'"index":(\d+),"delta":\{"type":"input_json_delta","partial_json":("(?:[^"\\]|\\.)*")'
)
_TOOL: Final = re.compile(rb'"index":(\d+),"content_block":\{"type":"tool_use",.*("input":)\{\}')
_SIGNATURE: Final = re.compile(rb'("signature":")' + _TEXT)
_SEAL: Final = re.compile(rb',"encrypted_content":"[^"]*"')
_THOUGHT: Final = re.compile(rb'("thinking":")' + _TEXT)
_THOUGHT_SIGNATURE: Final = re.compile(rb',"thoughtSignature":"[^"]*"')
_THOUGHT_PART: Final = re.compile(rb'\{"text":"(?:[^"\\]|\\.)*","thought":true\},?')
_SUMMARY: Final = re.compile(rb'"summary":\[\{[^\]]*\}\]')
_DELTA: Final = (
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%b,'
    b'"delta":{"type":"input_json_delta","partial_json":%b}}\n\n'
)


def _inputs(frames: Frames) -> dict[bytes, str]:
    """The whole input of each call, by the index of its block."""
    whole: dict[bytes, str] = {}
    for frame in frames:
        if found := _INPUT.search(frame):
            told = msgspec.json.decode(found[2], type=str)
            whole[found[1]] = whole.get(found[1], "") + told
    return whole


def _input_in_start(frames: Frames) -> Iterable[bytes]:
    inputs = _inputs(frames)
    for frame in frames:
        if found := _TOOL.search(frame):
            told = inputs.get(found[1], "{}").encode()
            yield frame[: found.end(2)] + told + frame[found.end() :]
        elif not _INPUT.search(frame):
            yield frame


def _input_twice(frames: Frames) -> Iterable[bytes]:
    inputs = _inputs(frames)
    for frame in frames:
        if found := _TOOL.search(frame):
            yield frame
            yield _DELTA % (found[1], b'"{}"')
            yield _DELTA % (found[1], msgspec.json.encode(inputs.get(found[1], "{}")))
        elif not _INPUT.search(frame):
            yield frame


def _without_events(*names: bytes) -> Damage:
    started = tuple(b"event: %b\n" % name for name in names)
    return in_frames(lambda frames: (frame for frame in frames if not frame.startswith(started)))


def _unsigned(data: bytes) -> bytes:
    return b"" if b'"type":"signature_delta"' in data else _SIGNATURE.sub(rb'\1"', data)


def _without_thoughts(data: bytes) -> bytes:
    return b"" if b'"type":"thinking_delta"' in data else _THOUGHT.sub(rb'\1"', data)


def _without_thought_parts(data: bytes) -> bytes:
    """The parts without thoughts; a chunk that had nothing else is gone."""
    left = _THOUGHT_PART.sub(b"", data)
    return b"" if left != data and b'"parts":[]' in left else left


def _without_summaries(reply: Reply, scene: Scene) -> Reply:
    told = in_each(lambda data: _SUMMARY.sub(b'"summary":[]', data))(reply, scene)
    return _WITHOUT_SUMMARY_EVENTS(told, scene)


_WITHOUT_SUMMARY_EVENTS: Final = _without_events(
    b"response.reasoning_summary_part.added",
    b"response.reasoning_summary_text.delta",
    b"response.reasoning_summary_text.done",
    b"response.reasoning_summary_part.done",
)

FRAGMENT_FAULTS: Final[Mapping[str, Fault]] = MappingProxyType(
    {
        "input-in-start": Fault(
            "a call's whole input in `content_block_start`, and no fragment of it",
            in_frames(_input_in_start),
            "reads it there, and never takes the call for one without arguments",
            _ONLY_MESSAGES,
        ),
        "input-twice": Fault(
            "`{}` as the first fragment of a call's input, and then the whole of it",
            in_frames(_input_twice),
            "passes them on unchanged between equal dialects; a provider known for it has a quirk",
            _ONLY_MESSAGES,
        ),
        "arguments-on-done": Fault(
            "a call's arguments only on `response.function_call_arguments.done`",
            _without_events(
                b"response.function_call_arguments.delta", b"response.custom_tool_call_input.delta"
            ),
            "reads them there, and never takes the call for one without arguments",
            _ONLY_RESPONSES,
        ),
        "text-on-done": Fault(
            "the text only on `response.output_text.done`",
            _without_events(b"response.output_text.delta"),
            "reads it there, and loses no word",
            _ONLY_RESPONSES,
        ),
        "thought-unsealed": Fault(
            "thoughts without a signature or encrypted content",
            by_wire(
                {
                    MESSAGES: in_each(_unsigned),
                    RESPONSES: in_each(lambda data: _SEAL.sub(b"", data)),
                    GEMINI: in_each(lambda data: _THOUGHT_SIGNATURE.sub(b"", data)),
                }
            ),
            "tells them, and sends none of them back as if it were signed",
            _ALL_SEALED,
        ),
        "thought-untold": Fault(
            "thoughts that are only a signature or encrypted content",
            by_wire(
                {
                    MESSAGES: in_each(_without_thoughts),
                    RESPONSES: _without_summaries,
                    GEMINI: in_each(_without_thought_parts),
                }
            ),
            "keeps them: without them the next turn of a tool loop is refused",
            _ALL_SEALED,
        ),
    }
)
