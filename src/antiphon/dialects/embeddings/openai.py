"""OpenAI's `/embeddings`, and the many servers that are like it.

An input is a text or the tokens of one. A vector is an array of numbers, or base64 where the
caller asks for that, as OpenAI's own clients do unasked. What a vector is for is a member that
only others have (`input_type`, `task`); it is read, and not written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar, Final

import msgspec
from typing_extensions import override

from antiphon.dialects import fields
from antiphon.dialects.contract import ReplyFacts
from antiphon.dialects.embeddings.dialect import EmbedDialect, count_inputs, no_vectors
from antiphon.dialects.embeddings.vectors import Vector, packed, unpacked
from antiphon.dialects.fields import UNREADABLE, Written, first_byte, own, written, wrong
from antiphon.dialects.openai_chat import OPENAI_CHAT
from antiphon.dialects.stated import read_stated
from antiphon.errors import InvalidRequest, NotAnAnswer
from antiphon.model.embedding import EmbedNeed, EmbedReply, EmbedRequest
from antiphon.model.needs import Loss, Severity
from antiphon.model.parts import ABSENT
from antiphon.wire.shallow import Members

DIALECT: Final = "openai_embeddings"
_INPUT: Final = "input"
_INPUTS: Final = "a string, an array of strings, or tokens: an array of whole numbers, or of such"
_BASE64: Final = "base64"
_ENCODINGS: Final = ("float", _BASE64)
_TASKS: Mapping[str, Mapping[str, str]] = {
    "input_type": {
        "query": "RETRIEVAL_QUERY",
        "search_query": "RETRIEVAL_QUERY",
        "document": "RETRIEVAL_DOCUMENT",
        "passage": "RETRIEVAL_DOCUMENT",
        "search_document": "RETRIEVAL_DOCUMENT",
        "classification": "CLASSIFICATION",
        "clustering": "CLUSTERING",
    },
    "task": {
        "retrieval.query": "RETRIEVAL_QUERY",
        "retrieval.passage": "RETRIEVAL_DOCUMENT",
        "text-matching": "SEMANTIC_SIMILARITY",
        "classification": "CLASSIFICATION",
        "separation": "CLUSTERING",
        "code.query": "CODE_RETRIEVAL_QUERY",
    },
}
"""What vectors are for, in the words of servers that are like OpenAI's, and in the model's."""
_FIRST: Final = re.compile(rb'"embedding"[ \t\r\n]*:[ \t\r\n]*(["\[])')

_ITEMS: Final = msgspec.json.Decoder(list[msgspec.Raw])
_TEXT: Final = msgspec.json.Decoder(str)
_TEXTS: Final = msgspec.json.Decoder(tuple[str, ...])
_TOKENS: Final = msgspec.json.Decoder(tuple[int, ...])
_MANY_TOKENS: Final = msgspec.json.Decoder(tuple[tuple[int, ...], ...])
_VECTOR: Final = msgspec.json.Decoder(str | Vector)


class _Item(msgspec.Struct):
    embedding: str | Vector
    index: int | None = None


class _Reply(msgspec.Struct):
    data: list[_Item]
    model: str | None = None
    usage: msgspec.Raw = ABSENT
    meta: msgspec.Raw = ABSENT


class _Look(msgspec.Struct):
    data: list[msgspec.Raw] | None = None
    usage: msgspec.Raw = ABSENT
    meta: msgspec.Raw = ABSENT


class _Passed(msgspec.Struct):
    data: list[dict[str, msgspec.Raw]]


_REPLY: Final = msgspec.json.Decoder(_Reply)
_LOOK: Final = msgspec.json.Decoder(_Look)
_PASSED: Final = msgspec.json.Decoder(_Passed)


class _Fields(fields.Fields):
    """What a request still holds."""

    __slots__ = ()

    dialect: ClassVar[str] = DIALECT


class OpenAiEmbeddings(EmbedDialect):
    """`/embeddings`."""

    endpoint: ClassVar[str] = "/embeddings"
    beside: ClassVar[tuple[str, ...]] = ("openai_chat", "openai_responses")
    lost: ClassVar[Mapping[EmbedNeed, Loss]] = MappingProxyType(
        {
            EmbedNeed.TASK: Loss(Severity.WARN, "left out: vectors are for any use"),
            EmbedNeed.TITLE: Loss(Severity.WARN, "left out"),
            EmbedNeed.CUT: Loss(Severity.WARN, "inputs that are too long are refused, not cut"),
            EmbedNeed.UNKNOWN_MEMBERS: Loss(Severity.WARN, "left out"),
        }
    )
    asked_in: ClassVar[Mapping[EmbedNeed, tuple[str, ...]]] = MappingProxyType(
        {
            EmbedNeed.TOKENS: (_INPUT,),
            EmbedNeed.DIMENSIONS: ("dimensions",),
            EmbedNeed.TASK: tuple(_TASKS),
            EmbedNeed.USER: ("user",),
        }
    )
    most_inputs: ClassVar[int | None] = 2048

    @override
    def read_request(self, members: Members, model: str) -> EmbedRequest:
        left = _Fields(members.raws())
        left.raw("model")
        encoding = left.text("encoding_format")
        if encoding is not None and encoding not in _ENCODINGS:
            raise InvalidRequest(
                "'encoding_format' must be 'float' or 'base64'.", param="encoding_format"
            )
        raw = left.raw(_INPUT)
        return EmbedRequest(
            model,
            _read_inputs(raw),
            single=bool(raw) and first_byte(raw) == ord('"'),
            dimensions=left.integer("dimensions"),
            task=_read_task(left),
            encoding=encoding,
            user=left.text("user"),
            extra=left.extra(),
        )

    @override
    def write_request(self, request: EmbedRequest, model: str) -> Members:
        inputs: object = request.inputs
        if request.single and len(request.inputs) == 1:
            inputs = request.inputs[0]
        out = written(
            {
                "model": model,
                _INPUT: inputs,
                "dimensions": request.dimensions,
                "encoding_format": request.encoding,
                "user": request.user,
            },
            own(request.extra, DIALECT),
        )
        return Members({name: msgspec.json.encode(value) for name, value in out.items()})

    @override
    def inputs_of(self, members: Members) -> int | None:
        return count_inputs(members.raw(_INPUT))

    @override
    def look(self, body: bytes) -> ReplyFacts:
        seen = _LOOK.decode(body)
        vectors = None if seen.data is None else len(seen.data)
        return ReplyFacts(read_stated(seen.usage, seen.meta), None, "", vectors)

    @override
    def read_reply(self, body: bytes) -> EmbedReply:
        try:
            reply = _REPLY.decode(body)
        except UNREADABLE as error:
            raise no_vectors() from error
        vectors = tuple(
            [
                unpacked(vector) if isinstance(vector := item.embedding, str) else vector
                for item in _in_order(reply.data)
            ]
        )
        return EmbedReply(vectors, reply.model or "", read_stated(reply.usage, reply.meta))

    @override
    def write_reply(self, reply: EmbedReply, asked: EmbedRequest) -> bytes:
        pack = asked.encoding == _BASE64
        used = reply.usage.input_total if reply.usage is not None else 0
        out: Written = {
            "object": "list",
            "data": [
                {
                    "object": "embedding",
                    "index": at,
                    "embedding": packed(vector) if pack else vector,
                }
                for at, vector in enumerate(reply.vectors)
            ],
            "model": reply.model or asked.model,
            "usage": {"prompt_tokens": used, "total_tokens": used},
        }
        return msgspec.json.encode(out)

    @override
    def as_asked(self, body: bytes, members: Members) -> bytes:
        asked = members.raw("encoding_format")
        if asked is None:
            return body
        found = _FIRST.search(body)
        given = found[1] if found is not None else b""
        if (given, bytes(asked)) not in {(b"[", b'"base64"'), (b'"', b'"float"')}:
            return body
        return _encoded_anew(body)


OPENAI_EMBEDDINGS = OpenAiEmbeddings(DIALECT, OPENAI_CHAT)
"""The dialect: it holds no state."""


def _read_inputs(raw: msgspec.Raw) -> tuple[str, ...] | tuple[tuple[int, ...], ...]:
    if not raw:
        raise wrong(_INPUT, _INPUTS)
    try:
        if first_byte(raw) == ord('"'):
            return (_TEXT.decode(raw),)
        items = _ITEMS.decode(raw)
        if not items:
            raise InvalidRequest("'input' must not be empty.", param=_INPUT)
        match first_byte(items[0]):
            case 0x22:  # "
                return _TEXTS.decode(raw)
            case 0x5B:  # [
                return _MANY_TOKENS.decode(raw)
            case _:
                return (_TOKENS.decode(raw),)
    except UNREADABLE as error:
        raise wrong(_INPUT, _INPUTS) from error


def _read_task(left: _Fields) -> str | None:
    """What the vectors are for; a word that nobody here knows stays where it is."""
    found: str | None = None
    for name, words in _TASKS.items():
        raw = left.raw(name)
        if not raw:
            continue
        word = _TEXT.decode(raw) if first_byte(raw) == ord('"') else ""
        task = words.get(word.lower()) if found is None else None
        if task is None:
            left.keep(name, raw)
        found = found or task
    return found


def _in_order(items: Sequence[_Item]) -> Sequence[_Item]:
    """The items as their numbers say, where all have one.

    Raises:
        NotAnAnswer: Two have the same number, or one is missing.
    """
    numbers = [item.index for item in items if item.index is not None]
    if not numbers or numbers == list(range(len(items))):
        return items
    if sorted(numbers) != list(range(len(items))):
        raise NotAnAnswer("The provider's vectors are in no order.", code="bad_vector")
    return [item for _, item in sorted(zip(numbers, items, strict=True), key=lambda each: each[0])]


def _encoded_anew(body: bytes) -> bytes:
    """A reply with its vectors in the other encoding, and all else as it is."""
    try:
        members = Members.parse(body)
        items = _PASSED.decode(body).data
        data = [{**item, "embedding": _other(item["embedding"])} for item in items]
    except (*UNREADABLE, KeyError) as error:
        raise no_vectors() from error
    return members.replace({"data": msgspec.json.encode(data)}).encode()


def _other(raw: msgspec.Raw) -> str | Vector:
    vector = _VECTOR.decode(raw)
    return unpacked(vector) if isinstance(vector, str) else packed(vector)
