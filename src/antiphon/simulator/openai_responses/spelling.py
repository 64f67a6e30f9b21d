"""How the frames of Responses are written, and how a stream of them is folded."""

import re
from collections.abc import Iterable
from contextlib import suppress
from itertools import count
from typing import Final

import msgspec
from msgspec import Raw, Struct

from antiphon.simulator.spelling import Frames, Prefix, Spelling, events_of

ENDS: Final = (
    b"event: response.completed\n",
    b"event: response.incomplete\n",
    b"event: response.failed\n",
)
NUMBER: Final = re.compile(rb'"sequence_number":\d+')
_DELTA: Final = re.compile(rb'"type":"response\.output_text\.delta",[^{}]*?"(delta)":"')
_WHOLE: Final = re.compile(
    rb'"type":"(?:output_text|response\.output_text\.done)",[^{}\[\]]*?"(text)":"(?!")'
)
_TEXT: Final = re.compile(b"|".join((rb'"(delta)":"', rb'"type":"output_text","text":"')))
_ADDED: Final = b"event: response.content_part.added\n"
_ERROR: Final = (
    b'event: error\ndata: {"type":"error","sequence_number":0,"code":"server_error",'
    b'"message":"The server had an error while streaming.","param":null}\n\n'
)
_LATE: Final = (
    b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta",'
    b'"sequence_number":0,"item_id":"msg_late","output_index":0,"content_index":0,'
    b'"delta":" And more.","logprobs":[]}\n\n'
)
_WITHOUT_OUTPUT: Final = {"status": Raw(b'"completed"'), "output": Raw(b"[]")}
_COMPLETED: Final = (
    b'event: response.completed\ndata: {"type":"response.completed","sequence_number":1,'
    b'"response":%b}\n\n'
)
_USAGE: Final = re.compile(rb'"usage":\{(?:[^{}]|\{[^{}]*\})*\}')
_EMPTY: Final = re.compile(rb'"(annotations|logprobs|tools|metadata)":(?:\[\]|\{\})')


def before_text(frames: Frames, prefix: Prefix) -> Iterable[bytes]:
    """Something before each text: in its first fragment, and wherever it is repeated whole."""

    def put(found: re.Match[bytes]) -> bytes:
        return found[0] + prefix(found[1])

    before = b""
    for frame in frames:
        begun = _DELTA.sub(put, frame) if before.startswith(_ADDED) else frame
        yield _WHOLE.sub(put, begun)
        before = frame


def in_order(frames: Iterable[bytes]) -> Iterable[bytes]:
    """The frames numbered from 0 on."""
    number = count()
    for frame in frames:
        if NUMBER.search(frame):
            yield NUMBER.sub(b'"sequence_number":%d' % next(number), frame, count=1)
        else:
            yield frame


def is_end(frame: bytes) -> bool:
    """Whether a frame ends a response."""
    return frame.startswith(ENDS)


def _bare(frames: Frames) -> Frames:
    begun = msgspec.json.decode(next(iter(events_of(frames[0])), b"{}"), type=dict[str, Raw])
    response = msgspec.json.decode(begun.get("response", Raw(b"{}")), type=dict[str, Raw])
    ended = msgspec.json.encode(response | _WITHOUT_OUTPUT)
    return frames[0], _COMPLETED % ended


def _filled(value: bytes) -> bytes:
    return (
        b'event: keepalive\ndata: {"type":"keepalive","sequence_number":0,"filler":%b}\n\n' % value
    )


def _nulls(data: bytes) -> bytes:
    return _USAGE.sub(b'"usage":null', _EMPTY.sub(rb'"\1":null', data))


def _figures(prompt: object, completion: object, total: object) -> bytes:
    told = {"input_tokens": prompt, "output_tokens": completion, "total_tokens": total}
    return msgspec.json.encode(told)


class _Event(Struct):
    response: Raw = Raw(b"{}")


_EVENT: Final = msgspec.json.Decoder(_Event)


def _folded(body: bytes) -> bytes:
    """The last response that a stream tells of."""
    last = b"{}"
    for data in events_of(body):
        # A recording may hold events of any shape.
        with suppress(msgspec.DecodeError):
            told = bytes(_EVENT.decode(data).response)
            last = last if told == b"{}" else told
    return last


SPELLING: Final = Spelling(
    text=_TEXT,
    before_text=before_text,
    is_end=is_end,
    is_finish=is_end,
    bare=_bare,
    seam=re.compile(rb',(?="sequence_number":)'),
    further_lines=b"id: 7\nretry: 10\n",
    error=_ERROR,
    late=_LATE,
    unreadable=b'event: response.output_text.delta\ndata: {"type":"respon\x00\xff<garbage>\n\n',
    holding=_filled,
    nested=_filled,
    nulls=_nulls,
    figures=_figures,
    folded=_folded,
    in_order=in_order,
)
