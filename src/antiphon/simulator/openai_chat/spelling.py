"""How the frames of Chat Completions are written, and how a stream of them is folded."""

import re
from contextlib import suppress
from typing import Final

import msgspec
from msgspec import Struct

from antiphon.simulator.openai_chat.stream import DONE
from antiphon.simulator.spelling import Frames, Spelling, before_every_text, events_of

FINISH: Final = re.compile(rb'"finish_reason":"')
_TEXT: Final = re.compile(rb'"(content)":"')
_ERROR: Final = (
    b'data: {"error":{"message":"The server had an error while streaming.",'
    b'"type":"server_error","param":null,"code":"server_error"}}\n\n'
)
_LATE: Final = (
    b'data: {"id":"chatcmpl-late","object":"chat.completion.chunk","choices":'
    b'[{"index":0,"delta":{"content":" And more."},"finish_reason":null}]}\n\n'
)
_SAID: Final = re.compile(rb'("delta":|"message":)\{(?=(.))')
_USAGE: Final = re.compile(rb'"usage":\{(?:[^{}]|\{[^{}]*\})*\}')


def _bare(frames: Frames) -> Frames:
    return frames[0], DONE


def _holding(value: bytes) -> bytes:
    return b'data: {"choices":[],"filler":%b}\n\n' % value


def _nested(value: bytes) -> bytes:
    return b'data: {"choices":%b}\n\n' % value


def _nulls(data: bytes) -> bytes:
    absent = [name for name in (b"content", b"tool_calls") if b'"%b":' % name not in data]
    nulls = b",".join(b'"%b":null' % name for name in absent)

    def filled(found: re.Match[bytes]) -> bytes:
        comma = b"," if nulls and found[2] != b"}" else b""
        return b"%b{%b%b" % (found[1], nulls, comma)

    return _USAGE.sub(b'"usage":null', _SAID.sub(filled, data))


def _figures(prompt: object, completion: object, total: object) -> bytes:
    told = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": total}
    return msgspec.json.encode(told)


class _Delta(Struct):
    content: str | None = None


class _Choice(Struct):
    delta: _Delta
    index: int = 0
    finish_reason: str | None = None


class _Chunk(Struct):
    id: str = ""
    created: int = 0
    model: str = ""
    system_fingerprint: str = ""
    choices: list[_Choice] = []


_CHUNK: Final = msgspec.json.Decoder(_Chunk)


def _folded(body: bytes) -> bytes:
    """The text of a stream's first choice as a whole answer."""
    chunks: list[_Chunk] = []
    for event in events_of(body):
        # A recording may hold events of any shape.
        with suppress(msgspec.DecodeError):
            chunks.append(_CHUNK.decode(event))
    first = chunks[0] if chunks else _Chunk()
    choices = [choice for chunk in chunks for choice in chunk.choices if choice.index == 0]
    message = {"role": "assistant", "content": "".join(c.delta.content or "" for c in choices)}
    finish = next((choice.finish_reason for choice in choices if choice.finish_reason), None)
    whole = {
        "id": first.id,
        "object": "chat.completion",
        "created": first.created,
        "model": first.model,
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "system_fingerprint": first.system_fingerprint,
    }
    return msgspec.json.encode(whole)


SPELLING: Final = Spelling(
    text=_TEXT,
    before_text=before_every_text(_TEXT),
    is_end=lambda frame: frame == DONE,
    is_finish=lambda frame: FINISH.search(frame) is not None,
    bare=_bare,
    seam=re.compile(rb',(?="choices":)'),
    further_lines=b"event: message\nid: 7\nretry: 10\n",
    error=_ERROR,
    late=_LATE,
    unreadable=b'data: {"id":"chatcmpl-x","choices":[{"del\x00\xff<garbage>\n\n',
    holding=_holding,
    nested=_nested,
    nulls=_nulls,
    figures=_figures,
    folded=_folded,
)
