"""Faults of tool calls."""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from antiphon.simulator.faults.fault import Fault
from antiphon.simulator.faults.frames import Frames, in_each, in_frames

_INDEX: Final = re.compile(rb'("tool_calls":\[\{)"index":\d+,')
_ID: Final = re.compile(rb'"id":"call_[^"]*"')
_TEXT: Final = rb'((?:[^"\\]|\\.)*)"'
_ARGUMENTS: Final = re.compile(rb'("arguments":")' + _TEXT)
_FRAGMENT: Final = re.compile(rb'"tool_calls":\[\{"index":(\d+),.*?("arguments":")' + _TEXT)
_FINISH: Final = b'"finish_reason":"tool_calls"'


def _snapshots(frames: Frames) -> Iterable[bytes]:
    """All arguments so far in every fragment."""
    so_far: dict[bytes, bytes] = {}
    for frame in frames:
        found = _FRAGMENT.search(frame)
        if found is None:
            yield frame
            continue
        told = so_far[found[1]] = so_far.get(found[1], b"") + found[3]
        yield frame[: found.start(3)] + told + frame[found.end(3) :]


CALL_FAULTS: Final[Mapping[str, Fault]] = MappingProxyType(
    {
        "tool-index-missing": Fault(
            "tool call fragments without an index",
            in_each(lambda data: _INDEX.sub(rb"\1", data)),
            "tells calls apart by their ids; between equal dialects the bytes stay as they are",
        ),
        "tool-index-zero": Fault(
            "every tool call has index 0",
            in_each(lambda data: _INDEX.sub(rb'\1"index":0,', data)),
            "takes a new id for a new call; between equal dialects the bytes stay as they are",
        ),
        "tool-id-twice": Fault(
            "all tool calls have the same id",
            in_each(lambda data: _ID.sub(b'"id":"call_same"', data)),
            "tells calls apart by their numbers, and gives the second an id of its own; between "
            "equal dialects the bytes stay as they are",
        ),
        "tool-id-empty": Fault(
            "tool calls have an empty id",
            in_each(lambda data: _ID.sub(b'"id":""', data)),
            "gives each call an id; between equal dialects the bytes stay as they are",
        ),
        "tool-arguments-empty": Fault(
            "tool calls have empty arguments, not `{}`",
            in_each(lambda data: _ARGUMENTS.sub(rb'\1"', data)),
            "keeps the text that it got, and reads it nowhere as JSON",
        ),
        "tool-arguments-snapshots": Fault(
            "every fragment repeats all arguments so far",
            in_frames(_snapshots),
            "passes them on unchanged: nobody can tell a snapshot from a fragment for sure, and "
            "a provider that is known for it needs a quirk",
        ),
        "tool-finish-stop": Fault(
            "the finish reason is `stop` although tools are called",
            in_each(lambda data: data.replace(_FINISH, b'"finish_reason":"stop"')),
            "knows that a tool was called; between equal dialects the bytes stay as they are",
        ),
    }
)
