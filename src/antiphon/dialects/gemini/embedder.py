"""`embedContent` and `batchEmbedContents` as dialects of embeddings (`dialects.embeddings`)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar, Final

import msgspec
from typing_extensions import override

from antiphon.dialects.base import Dialect
from antiphon.dialects.contract import ReplyFacts
from antiphon.dialects.embeddings.dialect import EmbedDialect
from antiphon.dialects.fields import UNREADABLE, first_byte
from antiphon.dialects.gemini.dialect import GEMINI
from antiphon.dialects.gemini.embeddings import (
    embed_path,
    model_path,
    read_counts,
    read_embed_reply,
    read_embed_request,
    write_embed_reply,
    write_embed_request,
)
from antiphon.dialects.gemini.fields import DIALECT
from antiphon.model.embedding import EmbedNeed, EmbedReply, EmbedRequest
from antiphon.model.needs import Loss, Severity
from antiphon.model.parts import ABSENT
from antiphon.wire.shallow import Members

_REQUESTS: Final = "requests"


class _Look(msgspec.Struct, rename="camel"):
    embedding: msgspec.Raw = ABSENT
    embeddings: list[msgspec.Raw] | None = None
    usage_metadata: msgspec.Raw = ABSENT


_LOOK: Final = msgspec.json.Decoder(_Look)
_ITEMS: Final = msgspec.json.Decoder(list[msgspec.Raw])


class GeminiEmbeddings(EmbedDialect):
    """One of the two.

    Args:
        single: It is `embedContent`, of one input.
    """

    beside: ClassVar[tuple[str, ...]] = (DIALECT,)
    lost: ClassVar[Mapping[EmbedNeed, Loss]] = MappingProxyType(
        {
            EmbedNeed.TOKENS: Loss(Severity.REFUSE, "it takes texts only"),
            EmbedNeed.UNCUT: Loss(Severity.WARN, "inputs that are too long may be cut"),
            EmbedNeed.USER: Loss(Severity.SAFE, "left out: it is for a log, not for the model"),
            EmbedNeed.UNKNOWN_MEMBERS: Loss(Severity.WARN, "left out"),
        }
    )
    asked_in: ClassVar[Mapping[EmbedNeed, tuple[str, ...]]] = MappingProxyType(
        {
            EmbedNeed.DIMENSIONS: ("outputDimensionality",),
            EmbedNeed.TASK: ("taskType",),
            EmbedNeed.TITLE: ("title",),
            EmbedNeed.CUT: ("autoTruncate",),
            EmbedNeed.UNCUT: ("autoTruncate",),
        }
    )
    most_inputs: ClassVar[int | None] = 100

    def __init__(self, name: str, dialect: Dialect, *, single: bool) -> None:
        super().__init__(name, dialect)
        self._single = single

    @override
    def shape_for(self, inputs: int) -> EmbedDialect:
        return GEMINI_EMBED if inputs == 1 else GEMINI_BATCH_EMBED

    @override
    def target_path(self, model: str, *, stream: bool) -> str:
        return embed_path(model, single=self._single)

    @override
    def read_request(self, members: Members, model: str) -> EmbedRequest:
        return read_embed_request(members, model, single=self._single)

    @override
    def write_request(self, request: EmbedRequest, model: str) -> Members:
        # Only Vertex knows `autoTruncate`; the others refuse it, and cut.
        request = msgspec.structs.replace(request, single=self._single, truncate=None)
        return write_embed_request(request, model)

    @override
    def inputs_of(self, members: Members) -> int | None:
        if self._single:
            return 1
        raw = members.raw(_REQUESTS)
        if raw is None or first_byte(raw) != ord("["):
            return None
        return len(_ITEMS.decode(raw))

    @override
    def aimed(self, members: Members, model: str) -> Members:
        named = msgspec.json.encode(model_path(model))
        if self._single:
            return members.replace({"model": named}) if "model" in members else members
        raw = members.raw(_REQUESTS)
        if raw is None:
            return members
        try:
            items = _ITEMS.decode(raw)
        except UNREADABLE:
            # It is for the provider to say what is wrong.
            return members
        if any(first_byte(item) != ord("{") for item in items):
            return members
        aimed = [Members.parse(bytes(item)).replace({"model": named}).encode() for item in items]
        return members.replace({_REQUESTS: b"[%b]" % b",".join(aimed)})

    @override
    def look(self, body: bytes) -> ReplyFacts:
        seen = _LOOK.decode(body)
        vectors = None if seen.embeddings is None else len(seen.embeddings)
        if seen.embedding:
            vectors = 1
        return ReplyFacts(read_counts(seen.usage_metadata), None, "", vectors)

    @override
    def read_reply(self, body: bytes) -> EmbedReply:
        return read_embed_reply(body)

    @override
    def write_reply(self, reply: EmbedReply, asked: EmbedRequest) -> bytes:
        return write_embed_reply(reply, single=self._single)


GEMINI_EMBED = GeminiEmbeddings("gemini_embed", GEMINI, single=True)
"""`embedContent`: it holds no state."""
GEMINI_BATCH_EMBED = GeminiEmbeddings("gemini_batch_embed", GEMINI, single=False)
"""`batchEmbedContents`."""
