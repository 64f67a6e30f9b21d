"""Faults of what the events of a stream say, and in which order."""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from antiphon.simulator.faults.fault import Fault, Scene
from antiphon.simulator.faults.frames import (
    Frames,
    Spelling,
    before_text_of,
    broken_off_with,
    in_each,
    in_frames,
    spelled,
)
from antiphon.simulator.reply import Reply
from antiphon.simulator.wires import CHAT, GEMINI, MESSAGES, OLLAMA, RESPONSES, WIRES

_PROMPT_FILTER: Final = (
    b'data: {"id":"","object":"","created":0,"model":"","choices":[],"prompt_filter_results":'
    b'[{"prompt_index":0,"content_filter_results":{"hate":{"filtered":false}}}]}\n\n'
)
_NUMBER: Final = re.compile(rb'("(?:created(?:_at)?|total_duration)":)\d+')
_ONLY_CHAT: Final = frozenset({CHAT})
_WITH_AN_END: Final = WIRES - {GEMINI}
"""Where something comes behind the reason, and says that all of it was said."""
_NO_CHOICES: Final = b'"choices":[],'


def _without_end(frames: Frames, spelling: Spelling) -> Iterable[bytes]:
    return (frame for frame in frames if not spelling.is_end(frame))


def _without_finish(frames: Frames, spelling: Spelling) -> Iterable[bytes]:
    return (frame for frame in frames if not spelling.is_finish(frame))


def _without_choices(frames: Frames) -> Iterable[bytes]:
    return (frame.replace(_NO_CHOICES, b"") for frame in frames)


def _late_content(frames: Frames, spelling: Spelling) -> Iterable[bytes]:
    """The finish reason before the last word."""
    finish = next((number for number, each in enumerate(frames) if spelling.is_finish(each)), 0)
    said = [number for number, each in enumerate(frames[:finish]) if spelling.text.search(each)]
    last = said[-1] if said else max(finish - 1, 0)
    between = frames[last:finish]
    return (*frames[:last], *frames[finish : finish + 1], *between, *frames[finish + 1 :])


def _ending_twice(frames: Frames, spelling: Spelling) -> Frames:
    return (*frames, *(frame for frame in frames[-1:] if spelling.is_end(frame)))


def _nulls(reply: Reply, scene: Scene) -> Reply:
    return in_each(scene.dialect.spelling.nulls)(reply, scene)


def _not_this(member: bytes) -> bytes:
    return b'not this","%b":"' % member


EVENT_FAULTS: Final[Mapping[str, Fault]] = MappingProxyType(
    {
        "error-event": Fault(
            "an error event in the middle, and then the end",
            broken_off_with(lambda spelling: spelling.error),
            "ends the stream with an error event of its own, in the caller's dialect",
        ),
        "error-first": Fault(
            "200, and the first event is an error",
            spelled(lambda _, spelling: (spelling.error,)),
            "has sent no status yet, and fails over",
        ),
        "preamble-only": Fault(
            "only a beginning, then the last event, where there is one",
            spelled(lambda frames, spelling: spelling.bare(frames)),
            "takes a stream without content for no answer, and fails over; where it is said to be "
            "complete, in Responses and by Ollama, that is believed",
        ),
        "empty-choices": Fault(
            "a first chunk without a choice, as Azure reports its filters",
            in_frames(lambda frames: (_PROMPT_FILTER, *frames)),
            "takes it for no content, and passes it on",
            _ONLY_CHAT,
        ),
        "choices-missing": Fault(
            "the chunk with usage has no `choices` at all",
            in_frames(_without_choices),
            "reads the usage, and shows the chunk only to who asked for usage",
            _ONLY_CHAT,
        ),
        "nulls": Fault(
            "null for all that is empty: content, tool calls, usage",
            _nulls,
            "takes null for absent",
        ),
        "repeated-members": Fault(
            "the member with the text stands twice in one object",
            before_text_of(_not_this),
            "sees what its caller will see: the last one",
        ),
        "huge-number": Fault(
            "`created`, `created_at` or `total_duration` is 1e999",
            in_each(lambda data: _NUMBER.sub(rb"\g<1>1e999", data)),
            "does not stumble over a number that it need not read",
            frozenset({CHAT, RESPONSES, OLLAMA}),
        ),
        "no-done": Fault(
            "no last event after the finish reason: `[DONE]`, `message_stop`, "
            "`response.completed`, or the line that is `done`",
            spelled(_without_end),
            "takes an answer of Chat Completions for whole, and writes the `[DONE]` that its "
            "caller waits for; in the other dialects nothing else says that all of it is here",
            _WITH_AN_END,
        ),
        "no-finish": Fault(
            "the last event without a finish reason before it",
            spelled(_without_finish),
            "takes the answer for whole: the provider said so",
            frozenset({CHAT, MESSAGES}),
        ),
        "late-content": Fault(
            "the finish reason comes before the last word",
            spelled(_late_content),
            "reads on until the end, and loses no word",
            frozenset({CHAT, MESSAGES, GEMINI}),
        ),
        "done-twice": Fault(
            "the last event twice",
            spelled(_ending_twice),
            "ends a stream once",
        ),
        "after-done": Fault(
            "more content after the last event",
            spelled(lambda frames, spelling: (*frames, spelling.late)),
            "passes on nothing after the end",
            _WITH_AN_END,
        ),
    }
)
