"""The dialect, put together from its readers and writers."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import ClassVar

import msgspec
from typing_extensions import override

from antiphon.dialects.base import Dialect, Payload
from antiphon.dialects.contract import (
    START,
    Framing,
    Position,
    ReplyFacts,
    StreamDecoder,
    StreamEncoder,
    Target,
    Traits,
)
from antiphon.dialects.envelopes import read_error
from antiphon.dialects.ollama.complaints import write_error, write_stream_error
from antiphon.dialects.ollama.decoder import LineStream
from antiphon.dialects.ollama.encoder import CHAT, GENERATE, LineWriter, heartbeat_of
from antiphon.dialects.ollama.fields import DIALECT
from antiphon.dialects.ollama.formats import schema_loss
from antiphon.dialects.ollama.generate import (
    check_generate,
    prompts_nothing,
    read_generate,
    write_generate,
)
from antiphon.dialects.ollama.losses import GENERATE_WORDS, LOSSES, MARKS, OPTIONS, TRAITS, WORDS
from antiphon.dialects.ollama.replies import (
    inspect_reply,
    read_reply,
    write_generated,
    write_loaded,
    write_reply,
)
from antiphon.dialects.ollama.requests import (
    asks_nothing,
    capped,
    check_request,
    output_bound,
    read_request,
    says,
    unloads,
    without_options,
    write_request,
)
from antiphon.errors import AntiphonError, UpstreamError
from antiphon.model.needs import Loss, Need
from antiphon.model.reply import ChatReply
from antiphon.model.request import ChatRequest
from antiphon.wire.ndjson import Splitter
from antiphon.wire.shallow import Members


class Ollama(Dialect):
    """Ollama's `/api/chat`."""

    name: ClassVar[str] = DIALECT
    heartbeat: ClassVar[bytes] = heartbeat_of(CHAT)
    stream_type: ClassVar[str] = "application/x-ndjson"
    endpoint: ClassVar[str] = "/chat"
    version: ClassVar[str] = "/api"
    listing: ClassVar[str] = "/tags"
    loaded: ClassVar[str] = "/ps"
    traits: ClassVar[Traits] = TRAITS
    marks: ClassVar[frozenset[str] | None] = MARKS
    losses: ClassVar[Mapping[Need, Loss]] = LOSSES
    words: ClassVar[Mapping[Need, tuple[str, ...]]] = WORDS
    form_members: ClassVar[tuple[str, ...]] = ("format",)
    forced_choice_free: ClassVar[bytes] = b'"auto"'
    strict_end: ClassVar[bool] = True

    # ------------------------------------------------------------------ requests

    @override
    def decode_request(self, members: Members) -> ChatRequest:
        return read_request(members)

    @override
    def encode_request(self, request: ChatRequest, target: Target) -> Members:
        return write_request(request, target)

    @override
    def schema_loss(self, schema: msgspec.Raw, target: Target) -> Loss | None:
        del target
        return schema_loss(schema)

    @override
    def check_request(self, members: Members) -> tuple[str, bool]:
        return check_request(members)

    def asks_nothing(self, members: Members) -> bool:
        """Whether a request loads a model, or lets it go: `encode_loaded` answers it."""
        return asks_nothing(members)

    @override
    def output_bound(self, members: Members) -> tuple[int | None, int]:
        return output_bound(members)

    @override
    def capped(self, members: Members, tokens: int) -> Members:
        return capped(members, tokens)

    @override
    def based(self, path: str) -> str:
        # The address of a server may be that of its OpenAI-like endpoints.
        return super().based(path.removesuffix("/v1"))

    @override
    def asks(self, members: Members, need: Need) -> bool:
        if need in OPTIONS:
            return any(says(members, name) for name in OPTIONS[need])
        return super().asks(members, need)

    @override
    def cut(self, members: Members, dropped: Collection[Need]) -> Members:
        inner = [name for need in dropped for name in OPTIONS.get(need, ())]
        members = super().cut(members, [need for need in dropped if need not in OPTIONS])
        return without_options(members, inner)

    # ------------------------------------------------------------------ replies

    @override
    def inspect_reply(self, body: bytes) -> ReplyFacts:
        return inspect_reply(body)

    @override
    def decode_reply(self, body: bytes) -> ChatReply:
        return read_reply(body)

    @override
    def encode_reply(self, reply: ChatReply, asked: Payload | None = None) -> bytes:
        del asked
        return write_reply(reply)

    def encode_loaded(self, members: Members, *, created: int) -> bytes:
        """The answer to a request that asks nothing, from a gateway that loads no models."""
        model = members.text("model") or ""
        return write_loaded(model, created=created, unloaded=unloads(members))

    # ------------------------------------------------------------------ streams

    @override
    def splitter(self) -> Framing:
        return Splitter()

    @override
    def stream_decoder(self) -> StreamDecoder:
        return LineStream()

    @override
    def stream_encoder(self, *, include_usage: bool, asked: Payload | None = None) -> StreamEncoder:
        del include_usage, asked
        return LineWriter(CHAT)

    # ------------------------------------------------------------------ errors

    @override
    def decode_error(
        self, status: int, headers: Mapping[bytes, bytes], body: bytes
    ) -> UpstreamError:
        return read_error(status, headers, body)

    @override
    def encode_error(self, error: AntiphonError, *, request_id: str) -> bytes:
        return write_error(error, request_id=request_id)

    @override
    def encode_stream_error(
        self, error: AntiphonError, *, request_id: str, position: Position = START
    ) -> bytes:
        del position
        return write_stream_error(error, request_id=request_id)


class OllamaGenerate(Ollama):
    """Ollama's `/api/generate`, for callers: a provider is asked at its `/api/chat`."""

    name: ClassVar[str] = f"{DIALECT}_generate"
    heartbeat: ClassVar[bytes] = heartbeat_of(GENERATE)
    words: ClassVar[Mapping[Need, tuple[str, ...]]] = GENERATE_WORDS
    endpoint: ClassVar[str] = "/generate"

    @override
    def decode_request(self, members: Members) -> ChatRequest:
        return read_generate(members)

    @override
    def encode_request(self, request: ChatRequest, target: Target) -> Members:
        return write_generate(request, target)

    @override
    def check_request(self, members: Members) -> tuple[str, bool]:
        return check_generate(members)

    @override
    def asks_nothing(self, members: Members) -> bool:
        return prompts_nothing(members)

    @override
    def encode_reply(self, reply: ChatReply, asked: Payload | None = None) -> bytes:
        del asked
        return write_generated(reply)

    @override
    def encode_loaded(self, members: Members, *, created: int) -> bytes:
        model = members.text("model") or ""
        return write_loaded(model, created=created, unloaded=unloads(members), generated=True)

    @override
    def stream_encoder(self, *, include_usage: bool, asked: Payload | None = None) -> StreamEncoder:
        del include_usage, asked
        return LineWriter(GENERATE)


OLLAMA = Ollama()
"""The dialect: it holds no state."""
OLLAMA_GENERATE = OllamaGenerate()
"""Its shape for completions, which callers may use."""
