"""The dialect, put together from its readers and writers."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import ClassVar, Final

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
from antiphon.dialects.gemini.arrays import Splitter
from antiphon.dialects.gemini.complaints import (
    read_complaint,
    status_of,
    write_error,
    write_stream_error,
)
from antiphon.dialects.gemini.counting import read_count_reply, write_count_request
from antiphon.dialects.gemini.decoder import EventStream
from antiphon.dialects.gemini.encoder import EventWriter
from antiphon.dialects.gemini.fields import DIALECT
from antiphon.dialects.gemini.inner import has, is_forced, unforced, without
from antiphon.dialects.gemini.losses import LOSSES, MARKS, WORDS
from antiphon.dialects.gemini.paths import method_path, path_of
from antiphon.dialects.gemini.replies import inspect_reply, read_reply, write_reply
from antiphon.dialects.gemini.requests import (
    capped,
    check_request,
    output_bound,
    read_request,
    stripped,
    write_request,
)
from antiphon.dialects.gemini.schemas import schema_loss
from antiphon.dialects.gemini.seals import MARK
from antiphon.errors import AntiphonError, UpstreamError
from antiphon.model.needs import Loss, Need
from antiphon.model.reply import ChatReply
from antiphon.model.request import ChatRequest
from antiphon.wire.shallow import Members

_VERSIONED: Final = re.compile(r"/v1(?:(?:alpha|beta)[0-9]*)?(?:/|$)")


class Gemini(Dialect):
    """Gemini's generateContent, on both of Google's clouds."""

    name: ClassVar[str] = DIALECT
    heartbeat: ClassVar[bytes] = b"\n"
    stream_type: ClassVar[str] = "text/event-stream"
    endpoint: ClassVar[str] = "/models"
    # An array is JSON, and a whole reply is a stream of one chunk.
    unstreamed: ClassVar[tuple[bytes, ...]] = (b"text/html",)
    version: ClassVar[str] = "/v1beta"
    listing: ClassVar[str] = "/models?pageSize=1000"
    seal_mark: ClassVar[bytes] = MARK.encode()
    traits: ClassVar[Traits] = Traits(
        DIALECT,
        call_id=re.compile(r"[!-~]{1,128}"),
        tool_name=re.compile(r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}"),
        tool_name_length=128,
        custom_tools=False,
        legacy_functions=False,
        stops=5,
        blanks=True,
        later_system=False,
        user_first=True,
        unsigned_thought=False,
    )
    losses: ClassVar[Mapping[Need, Loss]] = LOSSES
    words: ClassVar[Mapping[Need, tuple[str, ...]]] = WORDS
    marks: ClassVar[frozenset[str] | None] = MARKS
    form_members: ClassVar[tuple[str, ...]] = ("generationConfig", "generation_config")
    forced_choice_free: ClassVar[bytes] = b'{"functionCallingConfig":{"mode":"AUTO"}}'

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

    @override
    def output_bound(self, members: Members) -> tuple[int | None, int]:
        return output_bound(members)

    @override
    def capped(self, members: Members, tokens: int) -> Members:
        return capped(members, tokens)

    @override
    def target_path(self, model: str, *, stream: bool) -> str:
        return path_of(model, stream=stream)

    @override
    def based(self, path: str) -> str:
        # Vertex has its version before the place of a model, and Google a door like OpenAI's.
        path = path.removesuffix("/openai")
        return path if _VERSIONED.search(path) else path + self.version

    @override
    def counting_path(self, model: str) -> str:
        return method_path(model, "countTokens")

    @override
    def count_request(self, members: Members, model: str) -> Members:
        return write_count_request(members, model)

    @override
    def read_count(self, body: bytes) -> int:
        return read_count_reply(body)

    @override
    def strip(self, members: Members) -> Members:
        return stripped(members)

    @override
    def asks(self, members: Members, need: Need) -> bool:
        if need is Need.FORCED_TOOL:
            return is_forced(members)
        return any(has(members, path) for path in self.words[need])

    @override
    def cut(self, members: Members, dropped: Collection[Need]) -> Members:
        for need in dropped:
            if need is Need.FORCED_TOOL:
                members = unforced(members, self.forced_choice_free)
            else:
                for path in self.words[need]:
                    members = without(members, path)
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
        del include_usage, asked
        return EventWriter()

    @override
    def decode_error(
        self, status: int, headers: Mapping[bytes, bytes], body: bytes
    ) -> UpstreamError:
        return read_complaint(status, headers, body)

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


GEMINI = Gemini()
"""The dialect: it holds no state."""
