"""The dialect, put together from its readers and writers."""

from __future__ import annotations

from collections.abc import Mapping
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
from antiphon.dialects.openai_chat.complaints import write_error, write_stream_error
from antiphon.dialects.openai_chat.decoder import ChunkStream
from antiphon.dialects.openai_chat.encoder import ChunkWriter
from antiphon.dialects.openai_chat.fields import DIALECT
from antiphon.dialects.openai_chat.losses import LOSSES, TRAITS, UNLIKE, WORDS
from antiphon.dialects.openai_chat.replies import inspect_reply, read_reply, write_reply
from antiphon.dialects.openai_chat.requests import (
    ask_usage,
    capped,
    check_request,
    output_bound,
    read_request,
    wants_usage,
    write_request,
)
from antiphon.dialects.strictness import schema_loss
from antiphon.errors import AntiphonError, UpstreamError
from antiphon.model.needs import Loss, Need
from antiphon.model.reply import ChatReply
from antiphon.model.request import ChatRequest
from antiphon.wire.shallow import Members
from antiphon.wire.sse import Splitter


class OpenAIChat(Dialect):
    """OpenAI Chat Completions."""

    name: ClassVar[str] = DIALECT
    # A comment with its blank line, as OpenRouter sends it to every client there is: a reader of
    # lines skips it, and a reader that cuts at blank lines loses nothing that follows.
    heartbeat: ClassVar[bytes] = b":\n\n"
    stream_type: ClassVar[str] = "text/event-stream; charset=utf-8"
    endpoint: ClassVar[str] = "/chat/completions"
    traits: ClassVar[Traits] = TRAITS
    losses: ClassVar[Mapping[Need, Loss]] = LOSSES
    unlike: ClassVar[Mapping[Need, Loss]] = UNLIKE
    words: ClassVar[Mapping[Need, tuple[str, ...]]] = WORDS
    form_members: ClassVar[tuple[str, ...]] = ("response_format",)
    forced_choice_free: ClassVar[bytes] = b'"auto"'

    @override
    def decode_request(self, members: Members) -> ChatRequest:
        return read_request(members)

    @override
    def encode_request(self, request: ChatRequest, target: Target) -> Members:
        return write_request(request, target)

    @override
    def schema_loss(self, schema: msgspec.Raw, target: Target) -> Loss | None:
        return schema_loss(schema, target)

    @override
    def check_request(self, members: Members) -> tuple[str, bool]:
        return check_request(members)

    @override
    def output_bound(self, members: Members) -> tuple[int | None, int]:
        return output_bound(members)

    @override
    def capped(self, members: Members, tokens: int) -> Members:
        return capped(members, tokens)

    @override
    def wants_usage(self, members: Members) -> bool:
        return wants_usage(members)

    @override
    def ask_usage(self, members: Members) -> Members:
        return ask_usage(members)

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

    @override
    def splitter(self) -> Framing:
        return Splitter()

    @override
    def stream_decoder(self) -> StreamDecoder:
        return ChunkStream()

    @override
    def stream_encoder(self, *, include_usage: bool, asked: Payload | None = None) -> StreamEncoder:
        del asked
        return ChunkWriter(include_usage=include_usage)

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


OPENAI_CHAT = OpenAIChat()
"""The dialect: it holds no state."""
