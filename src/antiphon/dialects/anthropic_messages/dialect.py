"""The dialect, put together from its readers and writers."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import ClassVar, Final

import msgspec
from typing_extensions import override

from antiphon.dialects.anthropic_messages.complaints import (
    status_of,
    write_error,
    write_stream_error,
)
from antiphon.dialects.anthropic_messages.decoder import EventStream
from antiphon.dialects.anthropic_messages.encoder import EventWriter
from antiphon.dialects.anthropic_messages.fields import DIALECT
from antiphon.dialects.anthropic_messages.losses import LOSSES, MARKS, UNLIKE, WORDS
from antiphon.dialects.anthropic_messages.replies import inspect_reply, read_reply, write_reply
from antiphon.dialects.anthropic_messages.requests import (
    capped,
    check_request,
    least_answer,
    output_bound,
    read_request,
    without_inner,
    write_request,
)
from antiphon.dialects.anthropic_messages.schemas import schema_loss
from antiphon.dialects.anthropic_messages.thinking import given_up
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
from antiphon.errors import AntiphonError, UpstreamError
from antiphon.model.needs import Loss, Need
from antiphon.model.reply import ChatReply
from antiphon.model.request import ChatRequest
from antiphon.wire.shallow import Members
from antiphon.wire.sse import Splitter

_INSIDE = {Need.EFFORT: ("output_config", "effort"), Need.SUMMARY: ("thinking", "display")}
"""Needs that are asked for in one member of an object."""

_UNCOUNTED: Final = (
    *("max_tokens", "stream", "temperature", "top_p", "top_k", "stop_sequences"),
    *("metadata", "service_tier"),
)
"""Members of a request that the endpoint which counts its prompt does not take."""


class AnthropicMessages(Dialect):
    """Anthropic Messages, of both versions of its API."""

    name: ClassVar[str] = DIALECT
    heartbeat: ClassVar[bytes] = b'event: ping\ndata: {"type": "ping"}\n\n'
    stream_type: ClassVar[str] = "text/event-stream"
    endpoint: ClassVar[str] = "/messages"
    version: ClassVar[str] = "/v1"
    traits: ClassVar[Traits] = Traits(
        DIALECT,
        call_id=re.compile(r"[a-zA-Z0-9_-]{1,64}"),
        tool_name=re.compile(r"[a-zA-Z0-9_-]{1,128}"),
        tool_name_length=128,
        custom_tools=False,
        legacy_functions=False,
        stops=None,
        blanks=False,
        later_system=False,
        user_first=True,
        unsigned_thought=False,
    )
    marks: ClassVar[frozenset[str] | None] = MARKS
    losses: ClassVar[Mapping[Need, Loss]] = LOSSES
    unlike: ClassVar[Mapping[Need, Loss]] = UNLIKE
    words: ClassVar[Mapping[Need, tuple[str, ...]]] = WORDS
    form_members: ClassVar[tuple[str, ...]] = ("output_config", "output_format")
    forced_choice_free: ClassVar[bytes] = b'{"type":"auto"}'
    forwarded: ClassVar[frozenset[bytes]] = frozenset({b"anthropic-beta", b"anthropic-version"})
    headers: ClassVar[Mapping[bytes, bytes]] = MappingProxyType(
        {b"anthropic-version": b"2023-06-01"}
    )
    id_header: ClassVar[bytes] = b"request-id"
    strict_end: ClassVar[bool] = True

    @override
    def decode_request(self, members: Members) -> ChatRequest:
        return read_request(members)

    @override
    def encode_request(self, request: ChatRequest, target: Target) -> Members:
        return write_request(request, target)

    @override
    def given_up(self, request: ChatRequest, target: Target) -> Mapping[Need, Loss]:
        return given_up(request, target)

    @override
    def schema_loss(self, schema: msgspec.Raw, target: Target) -> Loss | None:
        del target
        return schema_loss(schema)

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
    def least_answer(self, members: Members) -> int:
        return least_answer(members)

    @override
    def counting_path(self, model: str) -> str:
        del model
        return f"{self.endpoint}/count_tokens"

    @override
    def count_request(self, members: Members, model: str) -> Members:
        return super().count_request(members.without(*_UNCOUNTED), model)

    @override
    def cut(self, members: Members, dropped: Collection[Need]) -> Members:
        members = super().cut(members, [need for need in dropped if need not in _INSIDE])
        for need, (outer, inner) in _INSIDE.items():
            if need in dropped:
                members = without_inner(members, outer, inner)
        return members

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
        del position
        return write_stream_error(error, request_id=request_id)

    @override
    def status_of(self, error: AntiphonError) -> int:
        return status_of(error)


ANTHROPIC_MESSAGES = AnthropicMessages()
"""The dialect: it holds no state."""
