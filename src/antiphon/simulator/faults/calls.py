"""Faults of tool calls."""

import re
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from antiphon.simulator.faults.fault import Damage, Fault, by_wire
from antiphon.simulator.faults.frames import Frames, in_each, in_frames
from antiphon.simulator.ollama.spelling import with_arguments
from antiphon.simulator.wires import CHAT, GEMINI, MESSAGES, OLLAMA, RESPONSES

_TEXT: Final = rb'((?:[^"\\]|\\.)*)"'
_INDEX: Final = {
    CHAT: re.compile(rb'("tool_calls":\[\{)"index":\d+(,)'),
    MESSAGES: re.compile(rb'("type":"content_block_(?:start|delta|stop)"),"index":\d+()'),
    RESPONSES: re.compile(rb'("sequence_number":\d+,(?:"item_id":"[^"]*",)?)"output_index":\d+(,)'),
    OLLAMA: re.compile(rb'("function":\{)"index":\d+(,)'),
}
"""Where a call's number stands: in two of the dialects each block or item has one."""
_ZERO: Final = {
    CHAT: rb'\1"index":0,',
    MESSAGES: rb'\1,"index":0',
    RESPONSES: rb'\1"output_index":0,',
    OLLAMA: rb'\1"index":0,',
}
_ID: Final = {
    CHAT: re.compile(rb'("id":")call_[^"]*'),
    MESSAGES: re.compile(rb'("id":")toolu_[^"]*'),
    RESPONSES: re.compile(rb'("call_id":")call_[^"]*'),
    GEMINI: re.compile(rb'("id":")call_[^"]*'),
    OLLAMA: re.compile(rb'("id":")call_[^"]*'),
}
_ARGUMENTS: Final = {
    CHAT: re.compile(rb'("arguments":")' + _TEXT),
    MESSAGES: re.compile(rb'("partial_json":")' + _TEXT),
    RESPONSES: re.compile(
        rb'("arguments":"|"type":"response\.function_call_arguments\.delta".*?"delta":")' + _TEXT
    ),
}
_FRAGMENT: Final = {
    CHAT: re.compile(rb'"tool_calls":\[\{"index":(\d+),.*?("arguments":")' + _TEXT),
    MESSAGES: re.compile(
        rb'"index":(\d+),"delta":\{"type":"input_json_delta",' + rb'("partial_json":")' + _TEXT
    ),
    RESPONSES: re.compile(
        rb'"type":"response\.function_call_arguments\.delta".*?"output_index":(\d+),("delta":")'
        + _TEXT
    ),
}
_FINISH: Final = {
    CHAT: (b'"finish_reason":"tool_calls"', b'"finish_reason":"stop"'),
    MESSAGES: (b'"stop_reason":"tool_use"', b'"stop_reason":"end_turn"'),
}


def _substituted(patterns: Mapping[str, re.Pattern[bytes]], by: Mapping[str, bytes]) -> Damage:
    """In each piece what the dialect's pattern finds, by what is to stand there."""
    return by_wire({wire: in_each(_put(patterns[wire], put)) for wire, put in by.items()})


def _put(pattern: re.Pattern[bytes], put: bytes) -> Callable[[bytes], bytes]:
    return lambda data: pattern.sub(put, data)


def _everywhere(put: bytes) -> Mapping[str, bytes]:
    return dict.fromkeys(_INDEX, put)


_ONLY_OLLAMA: Final = frozenset({OLLAMA})
_WHOLE_ID: Final = re.compile(rb'"id":"call_[^"]*",|,"id":"call_[^"]*"(?=\})')


def _empty_arguments() -> Damage:
    put = dict.fromkeys(_ARGUMENTS, rb'\1"')
    empty = {wire: in_each(_put(_ARGUMENTS[wire], by)) for wire, by in put.items()}
    whole = in_each(lambda data: with_arguments(data, lambda _: b'""'))
    return by_wire({**empty, OLLAMA: whole})


def _as_text(arguments: bytes) -> bytes:
    return msgspec.json.encode(arguments.decode("utf-8", "replace"))


def _replaced(old: bytes, new: bytes) -> Damage:
    return in_each(lambda data: data.replace(old, new))


def _snapshots(fragment: re.Pattern[bytes]) -> Damage:
    """All arguments so far in every fragment."""

    def change(frames: Frames) -> Iterable[bytes]:
        so_far: dict[bytes, bytes] = {}
        for frame in frames:
            found = fragment.search(frame)
            if found is None:
                yield frame
                continue
            told = so_far[found[1]] = so_far.get(found[1], b"") + found[3]
            yield frame[: found.start(3)] + told + frame[found.end(3) :]

    return in_frames(change)


CALL_FAULTS: Final[Mapping[str, Fault]] = MappingProxyType(
    {
        "tool-index-missing": Fault(
            "tool call fragments, blocks or items without an index",
            _substituted(_INDEX, _everywhere(rb"\1")),
            "tells calls apart by their ids; between equal dialects the bytes stay as they are",
            frozenset(_INDEX),
        ),
        "tool-index-zero": Fault(
            "every tool call, block or item has index 0",
            _substituted(_INDEX, _ZERO),
            "takes a new id for a new call; between equal dialects the bytes stay as they are",
            frozenset(_INDEX),
        ),
        "tool-id-twice": Fault(
            "all tool calls have the same id",
            _substituted(_ID, dict.fromkeys(_ID, rb"\1call_same")),
            "tells calls apart by their numbers, and gives the second an id of its own; between "
            "equal dialects the bytes stay as they are",
            frozenset(_ID),
        ),
        "tool-id-empty": Fault(
            "tool calls have an empty id",
            _substituted(_ID, dict.fromkeys(_ID, rb"\1")),
            "gives each call an id; between equal dialects the bytes stay as they are",
            frozenset(_ID),
        ),
        "tool-arguments-empty": Fault(
            "tool calls have empty arguments, not `{}`",
            _empty_arguments(),
            "keeps the text that it got, and reads it nowhere as JSON",
            frozenset(_ARGUMENTS) | {OLLAMA},
        ),
        "tool-arguments-snapshots": Fault(
            "every fragment repeats all arguments so far",
            by_wire({wire: _snapshots(fragment) for wire, fragment in _FRAGMENT.items()}),
            "passes them on unchanged: nobody can tell a snapshot from a fragment for sure, and "
            "a provider that is known for it needs a quirk",
            frozenset(_FRAGMENT),
        ),
        "tool-id-missing": Fault(
            "tool calls have no id at all, as older servers and models say them",
            in_each(lambda data: _WHOLE_ID.sub(b"", data)),
            "gives each call an id; between equal dialects the bytes stay as they are",
            frozenset({OLLAMA, GEMINI}),
        ),
        "tool-arguments-text": Fault(
            "a call's arguments are a text with JSON in it instead of an object",
            in_each(lambda data: with_arguments(data, _as_text)),
            "reads the object in the text; between equal dialects the bytes stay as they are",
            _ONLY_OLLAMA,
        ),
        "tool-finish-stop": Fault(
            "the finish reason is `stop` or `end_turn` although tools are called",
            by_wire({wire: _replaced(*words) for wire, words in _FINISH.items()}),
            "knows that a tool was called; between equal dialects the bytes stay as they are",
            frozenset(_FINISH),
        ),
    }
)
