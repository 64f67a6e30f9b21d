"""Faults of streams that are made of blocks or items: they begin, they end, and they have an order.

Chat Completions know neither, so these are faults of other dialects; a few befall lines, too, and
the parts of Gemini, which have no beginnings and no ends.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from itertools import zip_longest
from types import MappingProxyType
from typing import Final

from antiphon.simulator.faults.fault import Damage, Fault, by_wire
from antiphon.simulator.faults.frames import Frames, Spelling, in_each, in_frames, inserted, spelled
from antiphon.simulator.openai_responses.spelling import NUMBER, is_end
from antiphon.simulator.wires import GEMINI, MESSAGES, OLLAMA, RESPONSES

BOTH: Final = frozenset({MESSAGES, RESPONSES})
_IN_PARTS: Final = BOTH | {GEMINI}
_ONLY_RESPONSES: Final = frozenset({RESPONSES})
_WITH_LINES: Final = BOTH | {OLLAMA}
_PINGS: Final = 1_000
_PING: Final = b'event: ping\ndata: {"type":"ping"}\n\n'
_KEEPALIVE: Final = b'event: keepalive\ndata: {"type":"keepalive","sequence_number":0}\n\n'
_UNKNOWN: Final = {
    MESSAGES: b'event: weather_report\ndata: {"type":"weather_report","sky":{"clear":true}}\n\n',
    RESPONSES: (
        b'event: response.weather.report\ndata: {"type":"response.weather.report",'
        b'"sequence_number":0,"output_index":0,"sky":{"clear":true}}\n\n'
    ),
    GEMINI: b'data: {"weatherReport":{"sky":{"clear":true}},"modelVersion":"sim-small"}\r\n\r\n',
    OLLAMA: b'{"weather_report":{"sky":{"clear":true}}}\n',
}
_BLOCK: Final = b'event: content_block_%b\ndata: {"type":"content_block_%b","index":9%b}\n\n'
_ITEM: Final = (
    b'event: response.output_item.%b\ndata: {"type":"response.output_item.%b",'
    b'"sequence_number":0,"output_index":9,"item":{"type":"weather_call","id":"wc_1"}}\n\n'
)
_PART: Final = (
    b'data: {"candidates":[{"content":{"parts":[{"weather":{"sky":"clear"}}],"role":"model"},'
    b'"index":0}],"modelVersion":"sim-small","responseId":"simulated"}\r\n\r\n'
)
_UNKNOWN_PART: Final = {
    MESSAGES: (
        _BLOCK % (b"start", b"start", b',"content_block":{"type":"weather","sky":""}'),
        _BLOCK % (b"delta", b"delta", b',"delta":{"type":"weather_delta","sky":"clear"}'),
        _BLOCK % (b"stop", b"stop", b""),
    ),
    RESPONSES: (_ITEM % (b"added", b"added"), _ITEM % (b"done", b"done")),
    GEMINI: (_PART,),
}
_BEGINNINGS: Final = {
    MESSAGES: (b"event: content_block_start\n",),
    RESPONSES: (b"event: response.output_item.added\n", b"event: response.content_part.added\n"),
}
_ENDINGS: Final = {
    MESSAGES: (b"event: content_block_stop\n",),
    RESPONSES: (b"event: response.output_item.done\n", b"event: response.content_part.done\n"),
}
_PLACE: Final = {
    MESSAGES: re.compile(rb'"type":"content_block_\w+","index":(\d+)'),
    RESPONSES: re.compile(rb'"sequence_number":\d+,(?:"item_id":"[^"]*",)?"output_index":(\d+)'),
}
_REASON: Final = {
    MESSAGES: re.compile(rb'("stop_reason":)"\w+"'),
    RESPONSES: re.compile(rb'("incomplete_details":)\{[^{}]*\}'),
    GEMINI: re.compile(rb'("finishReason":)"\w+"'),
}
_NO_REASON: Final = {
    MESSAGES: rb"\1null",
    RESPONSES: rb"\1null",
    GEMINI: rb'\1"FINISH_REASON_UNSPECIFIED"',
}
_DONE_REASON: Final = re.compile(rb',"done_reason":"\w+"')
_COMPLETED: Final = re.compile(rb'"status":"completed"')
_FAILURE: Final = (
    b'"error":{"code":"server_error","message":"The model failed to answer."},'
    b'"incomplete_details":null'
)


def _each(make: Callable[[str], Damage], wires: frozenset[str] = BOTH) -> Damage:
    """The damage of each of the two dialects, or of these."""
    return by_wire({wire: make(wire) for wire in sorted(wires)})


def _without(names: Mapping[str, tuple[bytes, ...]]) -> Damage:
    def leaving_out(wire: str) -> Damage:
        return in_frames(
            lambda frames: (frame for frame in frames if not frame.startswith(names[wire]))
        )

    return _each(leaving_out)


def _flooded(ping: bytes) -> Damage:
    return in_frames(lambda frames: (*frames[:1], *[ping] * _PINGS, *frames[1:]))


def _flooded_with_beats(frames: Frames, spelling: Spelling) -> Frames:
    return (*frames[:1], *[spelling.heartbeat] * _PINGS, *frames[1:])


def _unknown_part(wire: str) -> Damage:
    """A whole block of a kind that nobody knows, before the others."""
    return in_frames(lambda frames: (*frames[:2], *_UNKNOWN_PART[wire], *frames[2:]))


def _interleaved(wire: str) -> Damage:
    """The frames of all blocks by turns: the first of each, then the second of each."""

    def change(frames: Frames) -> Iterable[bytes]:
        rows: dict[bytes, list[bytes]] = {}
        before: list[bytes] = []
        after: list[bytes] = []
        for frame in frames:
            if found := _PLACE[wire].search(frame):
                rows.setdefault(found[1], []).append(frame)
            else:
                (after if rows else before).append(frame)
        turns = [frame for row in zip_longest(*rows.values()) for frame in row if frame]
        return (*before, *turns, *after)

    return in_frames(change)


def _without_reason(wire: str) -> Damage:
    """No word on why the answer ended; a response is incomplete then."""
    if wire == OLLAMA:
        return in_each(lambda data: _DONE_REASON.sub(b"", data))

    def change(data: bytes) -> bytes:
        if wire == RESPONSES and _is_whole_end(data):
            data = data.replace(b"response.completed", b"response.incomplete")
            data = _COMPLETED.sub(b'"status":"incomplete"', data, count=1)
        return _REASON[wire].sub(_NO_REASON[wire], data)

    return in_each(change)


def _is_whole_end(data: bytes) -> bool:
    """Whether these bytes are a response that has ended, alone or in a frame."""
    return is_end(data) or data.startswith(b'{"id":"resp_')


def _failed(frames: Frames) -> Iterable[bytes]:
    """Half of the frames, and then a response that failed."""
    ended = [frame for frame in frames if is_end(frame)]
    kept = frames[: max(len(frames) // 2, 1)]
    return (*kept, *(_as_failure(frame) for frame in ended))


def _as_failure(frame: bytes) -> bytes:
    failed = re.sub(rb"response\.(?:completed|incomplete)", b"response.failed", frame)
    failed = re.sub(rb'"status":"(?:completed|incomplete)"', b'"status":"failed"', failed, count=1)
    details = rb'"error":null,"incomplete_details":(?:null|\{[^{}]*\})'
    return re.sub(details, _FAILURE, failed, count=1)


def _with_empty_output(frames: Frames) -> Iterable[bytes]:
    for frame in frames:
        at = frame.find(b'"output":[')
        end = frame.find(b'],"previous_response_id":')
        yield frame[: at + 10] + frame[end:] if is_end(frame) and 0 < at < end else frame


BLOCK_FAULTS: Final[Mapping[str, Fault]] = MappingProxyType(
    {
        "start-twice": Fault(
            "`message_start` or `response.created` twice",
            in_frames(lambda frames: (*frames[:1], *frames)),
            "begins an answer once",
            BOTH,
        ),
        "start-missing": Fault(
            "no `message_start`, no `response.created`",
            in_frames(lambda frames: frames[1:]),
            "takes the first event for the beginning; between equal dialects the bytes stay as "
            "they are",
            BOTH,
        ),
        "block-unstarted": Fault(
            "fragments of blocks and items that never began",
            _without(_BEGINNINGS),
            "lets text begin with its first fragment, or fails over; loses none in silence; "
            "between equal dialects the bytes stay as they are",
            BOTH,
        ),
        "block-unended": Fault(
            "blocks and items that never end",
            _without(_ENDINGS),
            "ends them when the next one begins, or at the end of the answer",
            BOTH,
        ),
        "blocks-interleaved": Fault(
            "the fragments of all blocks or items by turns",
            _each(_interleaved),
            "tells them apart by their index, and mixes no text into another's",
            BOTH,
        ),
        "block-unknown": Fault(
            "a block, item or part of a kind that nobody knows",
            _each(_unknown_part, _IN_PARTS),
            "passes it on between equal dialects, and over it between others",
            _IN_PARTS,
        ),
        "event-unknown": Fault(
            "an event of a type that nobody knows, or with nothing in it that anybody knows",
            _each(lambda wire: inserted(lambda _: _UNKNOWN[wire]), _WITH_LINES | {GEMINI}),
            "passes it on between equal dialects, and over it between others",
            _WITH_LINES | {GEMINI},
        ),
        "ping-flood": Fault(
            "1,000 events that only say that the connection lives",
            by_wire(
                {
                    MESSAGES: _flooded(_PING),
                    RESPONSES: _flooded(_KEEPALIVE),
                    OLLAMA: spelled(_flooded_with_beats),
                }
            ),
            "takes none of them for an answer, and keeps none of them",
            _WITH_LINES,
        ),
        "no-reason": Fault(
            "`stop_reason` is null, `finishReason` is not specified, a response is incomplete and "
            "does not say why, or there is no `done_reason`",
            _each(_without_reason, _WITH_LINES | {GEMINI}),
            "ends the answer, and makes up no reason that sounds like success by itself",
            _WITH_LINES | {GEMINI},
        ),
        "response-failed": Fault(
            "`response.failed` in the middle",
            in_frames(_failed),
            "ends the stream with an error event of its own, in the caller's dialect",
            _ONLY_RESPONSES,
        ),
        "output-empty": Fault(
            "`response.completed` with an empty `output`, although there was one",
            in_frames(_with_empty_output),
            "believes the events that came before",
            _ONLY_RESPONSES,
        ),
        "sequence-zero": Fault(
            "every `sequence_number` is 0",
            in_each(lambda data: NUMBER.sub(b'"sequence_number":0', data, count=1)),
            "counts by itself where a caller needs numbers",
            _ONLY_RESPONSES,
        ),
    }
)
