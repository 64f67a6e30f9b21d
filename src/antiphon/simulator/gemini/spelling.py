"""How the chunks of a stream are written, and how a stream of them is folded."""

import re
from contextlib import suppress
from typing import Final

import msgspec
from msgspec import Raw, Struct

from antiphon.simulator.spelling import Frames, Spelling, before_every_text, events_of

FINISH: Final = re.compile(rb'"finishReason":"')

_STRING: Final = rb'(?:[^"\\]|\\.)*"'
_TEXT: Final = re.compile(rb'"(text)":"(?!"|' + _STRING + rb',"thought":true)')
_ERROR: Final = (
    b'data: {"error":{"code":503,"message":"The model is overloaded. Please try again later.",'
    b'"status":"UNAVAILABLE"}}\r\n\r\n'
)
_SAID: Final = (
    b'data: {"candidates":[{"content":{"parts":[{"text":"%b"}],"role":"model"},%b"index":0}],'
    b'"modelVersion":"sim-small","responseId":"simulated"}\r\n\r\n'
)
_USAGE: Final = re.compile(rb'"usageMetadata":\{(?:[^{}]|\{[^{}]*\})*\}')
_PART: Final = re.compile(rb'\{(?="text":)')


def _bare(_frames: Frames) -> Frames:
    return (_SAID % (b"", b""),)


def _holding(value: bytes) -> bytes:
    return b'data: {"filler":%b}\r\n\r\n' % value


def _nested(value: bytes) -> bytes:
    return b'data: {"candidates":%b}\r\n\r\n' % value


def _nulls(data: bytes) -> bytes:
    parts = _PART.sub(b'{"functionCall":null,"inlineData":null,', data)
    return _USAGE.sub(b'"usageMetadata":null', parts)


def _figures(prompt: object, completion: object, total: object) -> bytes:
    told = {
        "promptTokenCount": prompt,
        "candidatesTokenCount": completion,
        "totalTokenCount": total,
    }
    return msgspec.json.encode(told)


class _Content(Struct):
    parts: list[dict[str, object]] = []


class _Candidate(Struct):
    content: _Content | None = None
    index: int = 0
    finish_reason: str | None = msgspec.field(default=None, name="finishReason")


class _Chunk(Struct):
    candidates: list[_Candidate] = []


_CHUNK: Final = msgspec.json.Decoder(_Chunk)
_MEMBERS: Final = msgspec.json.Decoder(dict[str, Raw])


class _Folded:
    """A candidate while it is put together."""

    def __init__(self) -> None:
        self.parts: list[dict[str, object]] = []
        self.finish: str | None = None

    def add(self, candidate: _Candidate) -> None:
        self.finish = candidate.finish_reason or self.finish
        for part in candidate.content.parts if candidate.content else ():
            before = self.parts[-1] if self.parts else {}
            if "text" in part and "text" in before and _kind(part) == _kind(before):
                text = f"{before['text']}{part['text']}"
                before.update({**part, "text": text})
            elif part.get("text") != "" or "thoughtSignature" in part:
                self.parts.append(part)

    def whole(self, index: int) -> dict[str, object]:
        content = {"parts": self.parts, "role": "model"}
        finish = {"finishReason": self.finish} if self.finish else {}
        return {"content": content, **finish, "index": index}


def _kind(part: dict[str, object]) -> bool:
    return part.get("thought") is True


def _folded(body: bytes) -> bytes:
    """The answer that a stream amounts to."""
    candidates: dict[int, _Folded] = {}
    members: dict[str, Raw] = {}
    for data in events_of(body):
        # A recording may hold events of any shape.
        with suppress(msgspec.DecodeError):
            members.update(_MEMBERS.decode(data))
            for candidate in _CHUNK.decode(data).candidates:
                candidates.setdefault(candidate.index, _Folded()).add(candidate)
    whole = [candidates[index].whole(index) for index in sorted(candidates)]
    return msgspec.json.encode({**members, "candidates": whole} if whole else members)


SPELLING: Final = Spelling(
    text=_TEXT,
    before_text=before_every_text(_TEXT),
    is_end=lambda frame: FINISH.search(frame) is not None,
    is_finish=lambda frame: FINISH.search(frame) is not None,
    bare=_bare,
    seam=re.compile(rb',(?="(?:usageMetadata|modelVersion)":)'),
    further_lines=b"event: message\r\nid: 7\r\nretry: 10\r\n",
    error=_ERROR,
    late=_SAID % (b" And more.", b""),
    unreadable=b'data: {"candidates":[{"content":{"par\x00\xff<garbage>\r\n\r\n',
    holding=_holding,
    nested=_nested,
    nulls=_nulls,
    figures=_figures,
    folded=_folded,
)
