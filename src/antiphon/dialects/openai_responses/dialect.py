"""The dialect, put together from its readers and writers."""

from __future__ import annotations

import re
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
from antiphon.dialects.openai_responses.complaints import write_error, write_stream_error
from antiphon.dialects.openai_responses.decoder import EventStream
from antiphon.dialects.openai_responses.encoder import EventWriter
from antiphon.dialects.openai_responses.fields import DIALECT
from antiphon.dialects.openai_responses.losses import LOSSES, UNLIKE, WORDS
from antiphon.dialects.openai_responses.passing import (
    check_request,
    output_bound,
    prepare,
    without_logprobs,
)
from antiphon.dialects.openai_responses.replies import inspect_reply, read_reply, write_reply
from antiphon.dialects.openai_responses.requests import read_request, write_request
from antiphon.dialects.strictness import schema_loss
from antiphon.errors import AntiphonError, UpstreamError
from antiphon.model.needs import Loss, Need
from antiphon.model.reply import ChatReply
from antiphon.model.request import ChatRequest
from antiphon.wire.shallow import Members
from antiphon.wire.sse import Splitter


class OpenAIResponses(Dialect):
    """OpenAI Responses, without a store."""

    name: ClassVar[str] = DIALECT
    heartbeat: ClassVar[bytes] = b":\n\n"
    stream_type: ClassVar[str] = "text/event-stream; charset=utf-8"
    endpoint: ClassVar[str] = "/responses"
    traits: ClassVar[Traits] = Traits(
        DIALECT,
        call_id=re.compile(r"[!-~]{1,64}"),
        tool_name=re.compile(r"[a-zA-Z0-9_-]{1,64}"),
        tool_name_length=64,
        custom_tools=True,
        legacy_functions=False,
        stops=0,
        blanks=True,
        later_system=True,
        user_first=False,
        unsigned_thought=False,
        titles=False,
        json_word=True,
    )
    losses: ClassVar[Mapping[Need, Loss]] = LOSSES
    unlike: ClassVar[Mapping[Need, Loss]] = UNLIKE
    words: ClassVar[Mapping[Need, tuple[str, ...]]] = WORDS
    form_members: ClassVar[tuple[str, ...]] = ("text",)
    forced_choice_free: ClassVar[bytes] = b'"auto"'
    forwarded: ClassVar[frozenset[bytes]] = frozenset({b"openai-beta"})
    # The first two events repeat the request, its tools included, before anything is said.
    preamble_bytes: ClassVar[int] = 4 * 1024 * 1024
    strict_end: ClassVar[bool] = True

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
        return members.replace({"max_output_tokens": b"%d" % tokens})

    @override
    def prepare(self, members: Members) -> Members:
        return prepare(members)

    @override
    def cut(self, members: Members, dropped: Collection[Need]) -> Members:
        if Need.LOGPROBS in dropped:
            members = without_logprobs(members)
        return super().cut(members, dropped)

    @override
    def inspect_reply(self, body: bytes) -> ReplyFacts:
        return inspect_reply(body)

    @override
    def decode_reply(self, body: bytes) -> ChatReply:
        return read_reply(body)

    @override
    def encode_reply(self, reply: ChatReply, asked: Payload | None = None) -> bytes:
        return write_reply(reply, asked)

    @override
    def splitter(self) -> Framing:
        return Splitter()

    @override
    def stream_decoder(self) -> StreamDecoder:
        return EventStream()

    @override
    def stream_encoder(self, *, include_usage: bool, asked: Payload | None = None) -> StreamEncoder:
        del include_usage
        return EventWriter(asked)

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
        return write_stream_error(error, request_id=request_id, position=position)


OPENAI_RESPONSES = OpenAIResponses()
"""The dialect: it holds no state."""
