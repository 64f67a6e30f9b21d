"""Faults of what the events of a stream say, and in which order."""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from antiphon.simulator.faults.fault import Fault
from antiphon.simulator.faults.frames import (
    FINISH,
    NO_CHOICES,
    Frames,
    before_text,
    broken_off_with,
    in_each,
    in_frames,
)
from antiphon.simulator.openai_chat.stream import DONE

_ERROR_EVENT: Final = (
    b'data: {"error":{"message":"The server had an error while streaming.",'
    b'"type":"server_error","param":null,"code":"server_error"}}\n\n'
)
_PROMPT_FILTER: Final = (
    b'data: {"id":"","object":"","created":0,"model":"","choices":[],"prompt_filter_results":'
    b'[{"prompt_index":0,"content_filter_results":{"hate":{"filtered":false}}}]}\n\n'
)
_LATE: Final = (
    b'data: {"id":"chatcmpl-late","object":"chat.completion.chunk","choices":'
    b'[{"index":0,"delta":{"content":" And more."},"finish_reason":null}]}\n\n'
)
_CREATED: Final = re.compile(rb'"created":\d+')
_SAID: Final = re.compile(rb'("delta":|"message":)\{(?=(.))')
_USAGE: Final = re.compile(rb'"usage":\{(?:[^{}]|\{[^{}]*\})*\}')


def _without_done(frames: Frames) -> Iterable[bytes]:
    return (frame for frame in frames if frame != DONE)


def _without_finish(frames: Frames) -> Iterable[bytes]:
    return (frame for frame in frames if not FINISH.search(frame))


def _without_choices(frames: Frames) -> Iterable[bytes]:
    return (frame.replace(NO_CHOICES + b",", b"") for frame in frames)


def _late_content(frames: Frames) -> Iterable[bytes]:
    """The finish reason before the last word."""
    places = [number for number, frame in enumerate(frames) if FINISH.search(frame)]
    if not places or places[0] == 0:
        return frames
    at = places[0]
    return (*frames[: at - 1], frames[at], frames[at - 1], *frames[at + 1 :])


def _nulls(data: bytes) -> bytes:
    absent = [name for name in (b"content", b"tool_calls") if b'"%b":' % name not in data]
    nulls = b",".join(b'"%b":null' % name for name in absent)

    def filled(found: re.Match[bytes]) -> bytes:
        comma = b"," if nulls and found[2] != b"}" else b""
        return b"%b{%b%b" % (found[1], nulls, comma)

    return _USAGE.sub(b'"usage":null', _SAID.sub(filled, data))


EVENT_FAULTS: Final[Mapping[str, Fault]] = MappingProxyType(
    {
        "error-event": Fault(
            "an error event in the middle, and then the end",
            broken_off_with(_ERROR_EVENT),
            "ends the stream with an error event of its own, in the caller's dialect",
        ),
        "error-first": Fault(
            "200, and the first event is an error",
            in_frames(lambda _: (_ERROR_EVENT,)),
            "has sent no status yet, and fails over",
        ),
        "preamble-only": Fault(
            "only the role, then `[DONE]`",
            in_frames(lambda frames: (frames[0], DONE)),
            "takes a stream without content for no answer, and fails over",
        ),
        "empty-choices": Fault(
            "a first chunk without a choice, as Azure reports its filters",
            in_frames(lambda frames: (_PROMPT_FILTER, *frames)),
            "takes it for no content, and passes it on",
        ),
        "choices-missing": Fault(
            "the chunk with usage has no `choices` at all",
            in_frames(_without_choices),
            "reads the usage, and shows the chunk only to who asked for usage",
        ),
        "nulls": Fault(
            "null for all that is empty: content, tool calls, usage",
            in_each(_nulls),
            "takes null for absent",
        ),
        "repeated-members": Fault(
            "`content` stands twice in one object",
            before_text(b'not this","content":"'),
            "sees what its caller will see: the last one",
        ),
        "huge-number": Fault(
            "`created` is 1e999",
            in_each(lambda data: _CREATED.sub(b'"created":1e999', data)),
            "does not stumble over a number that it need not read",
        ),
        "no-done": Fault(
            "no `[DONE]` after the finish reason",
            in_frames(_without_done),
            "takes the answer for whole, and writes the `[DONE]` that its caller waits for",
        ),
        "no-finish": Fault(
            "`[DONE]` without a finish reason",
            in_frames(_without_finish),
            "takes the answer for whole: the provider said so",
        ),
        "late-content": Fault(
            "the finish reason comes before the last word",
            in_frames(_late_content),
            "reads on until the end, and loses no word",
        ),
        "done-twice": Fault(
            "`[DONE]` twice",
            in_frames(lambda frames: (*frames, DONE)),
            "ends a stream once",
        ),
        "after-done": Fault(
            "more content after `[DONE]`",
            in_frames(lambda frames: (*frames, _LATE)),
            "passes on nothing after the end",
        ),
    }
)
