"""How the frames of Messages are written, and how a stream of them is folded."""

import re
from contextlib import suppress
from typing import Final

import msgspec
from msgspec import Raw, Struct

from antiphon.simulator.spelling import Frames, Spelling, before_every_text, events_of

_TEXT: Final = re.compile(rb'(?<!"content_block":\{)"type":"text(?:_delta)?","(text)":"')
_ERROR: Final = (
    b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error",'
    b'"message":"Overloaded"},"request_id":"req_simulated"}\n\n'
)
_LATE: Final = (
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,'
    b'"delta":{"type":"text_delta","text":" And more."}}\n\n'
)
_STOP: Final = b"event: message_stop\n"
_FINISH: Final = b"event: message_delta\n"
_BLOCK: Final = re.compile(rb'("type":"text",)')
_USAGE: Final = re.compile(rb'"usage":\{(?:[^{}]|\{[^{}]*\})*\}')


def _bare(frames: Frames) -> Frames:
    return frames[0], b'event: message_stop\ndata: {"type":"message_stop"}\n\n'


def _filled(value: bytes) -> bytes:
    return b'event: ping\ndata: {"type":"ping","filler":%b}\n\n' % value


def _nulls(data: bytes) -> bytes:
    return _USAGE.sub(b'"usage":null', _BLOCK.sub(rb'\1"citations":null,', data))


def _figures(prompt: object, completion: object, _total: object) -> bytes:
    return msgspec.json.encode({"input_tokens": prompt, "output_tokens": completion})


class _Delta(Struct, frozen=True):
    text: str = ""
    thinking: str = ""
    signature: str = ""
    partial_json: str = ""
    stop_reason: str | None = None
    stop_sequence: str | None = None


class _Event(Struct, frozen=True):
    type: str
    index: int = 0
    message: dict[str, Raw] = {}
    content_block: dict[str, object] = {}
    delta: _Delta = _Delta()
    usage: Raw = Raw(b"null")


_EVENT: Final = msgspec.json.Decoder(_Event)


class _Block:
    """A block while it is put together."""

    def __init__(self, begun: dict[str, object]) -> None:
        self._members = begun
        self._input = ""

    def add(self, delta: _Delta) -> None:
        self._input += delta.partial_json
        for name in ("text", "thinking", "signature"):
            if more := str(getattr(delta, name)):
                self._members[name] = f"{self._members.get(name) or ''}{more}"

    def whole(self) -> dict[str, object]:
        if self._members.get("type") != "tool_use":
            return self._members
        with suppress(msgspec.DecodeError):
            self._members["input"] = msgspec.json.decode(self._input or "{}")
        return self._members


def _folded(body: bytes) -> bytes:
    """The message that a stream amounts to."""
    message: dict[str, object] = {}
    blocks: dict[int, _Block] = {}
    for data in events_of(body):
        # A recording may hold events of any shape.
        with suppress(msgspec.DecodeError):
            event = _EVENT.decode(data)
            match event.type:
                case "message_start":
                    message.update(event.message)
                case "content_block_start":
                    blocks[event.index] = _Block(event.content_block)
                case "content_block_delta" if event.index in blocks:
                    blocks[event.index].add(event.delta)
                case "message_delta":
                    message["stop_reason"] = event.delta.stop_reason
                    message["stop_sequence"] = event.delta.stop_sequence
                    message["usage"] = event.usage
                case _:
                    pass
    message["content"] = [blocks[index].whole() for index in sorted(blocks)]
    return msgspec.json.encode(message)


SPELLING: Final = Spelling(
    text=_TEXT,
    before_text=before_every_text(_TEXT),
    is_end=lambda frame: frame.startswith(_STOP),
    is_finish=lambda frame: frame.startswith(_FINISH),
    bare=_bare,
    seam=re.compile(rb',(?="(?:message|index|delta)":)'),
    further_lines=b"id: 7\nretry: 10\n",
    error=_ERROR,
    late=_LATE,
    unreadable=b'event: content_block_delta\ndata: {"type":"content_block_del\x00\xff<garbage>\n\n',
    holding=_filled,
    nested=_filled,
    nulls=_nulls,
    figures=_figures,
    folded=_folded,
)
