"""`/api/embed` and `/api/embeddings` as dialects of embeddings (`dialects.embeddings`)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar, Final

import msgspec
from typing_extensions import override

from antiphon.dialects.contract import ReplyFacts
from antiphon.dialects.embeddings.dialect import EmbedDialect, count_inputs
from antiphon.dialects.ollama.dialect import OLLAMA
from antiphon.dialects.ollama.embeddings import (
    EMBED_PATH,
    EMBEDDINGS_PATH,
    read_embed_reply,
    read_embed_request,
    read_embeddings_request,
    write_embed_reply,
    write_embed_request,
    write_embeddings_reply,
    write_embeddings_request,
)
from antiphon.dialects.ollama.fields import DIALECT
from antiphon.dialects.ollama.usage import Count, read_usage
from antiphon.model.embedding import EmbedNeed, EmbedReply, EmbedRequest
from antiphon.model.needs import Loss, Severity
from antiphon.model.parts import ABSENT
from antiphon.wire.shallow import Members


class _Look(msgspec.Struct):
    embedding: msgspec.Raw = ABSENT
    embeddings: list[msgspec.Raw] | None = None
    prompt_eval_count: Count = None


_LOOK: Final = msgspec.json.Decoder(_Look)


class OllamaEmbed(EmbedDialect):
    """`/api/embed`."""

    endpoint: ClassVar[str] = EMBED_PATH
    beside: ClassVar[tuple[str, ...]] = (DIALECT,)
    lost: ClassVar[Mapping[EmbedNeed, Loss]] = MappingProxyType(
        {
            EmbedNeed.TOKENS: Loss(Severity.REFUSE, "it takes texts only"),
            EmbedNeed.TASK: Loss(Severity.WARN, "left out: vectors are for any use"),
            EmbedNeed.TITLE: Loss(Severity.WARN, "left out"),
            EmbedNeed.USER: Loss(Severity.SAFE, "left out: it is for a log, not for the model"),
            EmbedNeed.UNKNOWN_MEMBERS: Loss(Severity.WARN, "left out"),
        }
    )
    asked_in: ClassVar[Mapping[EmbedNeed, tuple[str, ...]]] = MappingProxyType(
        {
            EmbedNeed.DIMENSIONS: ("dimensions",),
            EmbedNeed.CUT: ("truncate",),
            EmbedNeed.UNCUT: ("truncate",),
        }
    )

    @override
    def shape_for(self, inputs: int) -> EmbedDialect:
        return OLLAMA_EMBED

    @override
    def read_request(self, members: Members, model: str) -> EmbedRequest:
        return read_embed_request(members)

    @override
    def write_request(self, request: EmbedRequest, model: str) -> Members:
        if request.inputs == ("",):
            # An empty text that is no item of an array only loads the model.
            request = msgspec.structs.replace(request, single=False)
        return write_embed_request(request, model)

    @override
    def inputs_of(self, members: Members) -> int | None:
        raw = members.raw("input")
        return None if raw == msgspec.Raw(b'""') else count_inputs(raw)

    @override
    def look(self, body: bytes) -> ReplyFacts:
        seen = _LOOK.decode(body)
        vectors = None if seen.embeddings is None else len(seen.embeddings)
        if seen.embedding:
            vectors = 1
        return ReplyFacts(read_usage(seen.prompt_eval_count, None), None, "", vectors)

    @override
    def read_reply(self, body: bytes) -> EmbedReply:
        return read_embed_reply(body)

    @override
    def write_reply(self, reply: EmbedReply, asked: EmbedRequest) -> bytes:
        named = reply if reply.model else msgspec.structs.replace(reply, model=asked.model)
        return write_embed_reply(named)


class OllamaEmbeddings(OllamaEmbed):
    """`/api/embeddings`, the older one: one text, one vector, no usage."""

    endpoint: ClassVar[str] = EMBEDDINGS_PATH

    @override
    def read_request(self, members: Members, model: str) -> EmbedRequest:
        return read_embeddings_request(members)

    @override
    def write_request(self, request: EmbedRequest, model: str) -> Members:
        return write_embeddings_request(request, model)

    @override
    def inputs_of(self, members: Members) -> int | None:
        return 1

    @override
    def write_reply(self, reply: EmbedReply, asked: EmbedRequest) -> bytes:
        return write_embeddings_reply(reply)


OLLAMA_EMBED = OllamaEmbed("ollama_embed", OLLAMA)
"""The dialect: it holds no state."""
OLLAMA_EMBEDDINGS = OllamaEmbeddings("ollama_embeddings", OLLAMA)
"""Its older shape, which callers may use."""
