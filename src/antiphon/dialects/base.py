"""What a dialect is, and the one fork in the road.

A dialect is a pair of pure mappings between bytes and the model, for requests, replies, streams
and errors. It has no clock, no socket and no log. `Payload` holds a caller's request: its bytes,
and a typed view for whoever asks.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, Protocol

import msgspec

from antiphon.errors import AntiphonError, UpstreamError
from antiphon.model.events import StreamEvent
from antiphon.model.reply import ChatReply, StopReason
from antiphon.model.request import ChatRequest
from antiphon.model.usage import Usage
from antiphon.wire.shallow import Members

Quirk = Callable[[Members], Members]
"""A named pure function that bends a request to what one provider takes."""


class ReplyFacts(msgspec.Struct, frozen=True):
    """What the road must know of a whole reply that it passes on unread.

    Attributes:
        usage: None where the provider gave none.
        stop: Of the first choice.
        model: The model that the provider says answered.
    """

    usage: Usage | None
    stop: StopReason | None
    model: str


class Framing(Protocol):
    """Cuts a byte stream into frames (`wire.sse.Splitter`, `wire.ndjson.Splitter`)."""

    def feed(self, chunk: bytes) -> list[bytes]:
        """The frames that this chunk completes, terminators included."""
        ...

    def flush(self) -> bytes:
        """What is left at the end of the stream."""
        ...


class StreamDecoder(Protocol):
    """Reads one stream of a provider, frame by frame."""

    def feed(self, frame: bytes) -> tuple[StreamEvent, ...]:
        """The events of one frame, in order; empty for comments.

        Raises:
            UpstreamBroken: The frame cannot be read (`code="bad_event"`).
        """
        ...

    def without_usage(self, frame: bytes) -> bytes:
        """The same frame with its usage left out and every other byte of meaning kept."""
        ...


class StreamEncoder(Protocol):
    """Writes one stream to a caller, event by event."""

    def feed(self, event: StreamEvent) -> bytes:
        """The frames of one event; empty where the dialect has none for it."""
        ...


class Dialect(ABC):
    """One wire format, both ways."""

    name: ClassVar[str]
    heartbeat: ClassVar[bytes]
    """Bytes that every client of the dialect ignores inside a stream."""
    stream_type: ClassVar[str]
    """Content type of a stream."""

    # requests

    @abstractmethod
    def decode_request(self, members: Members) -> ChatRequest:
        """Read a caller's request.

        Raises:
            MalformedBody: A member has the wrong type; `param` names it.
            InvalidRequest: A member has an impossible value.
        """

    @abstractmethod
    def encode_request(self, request: ChatRequest, *, model: str) -> Members:
        """Write a request for a provider."""

    @abstractmethod
    def check_request(self, members: Members) -> tuple[str, bool]:
        """The cheap checks of a request that goes through unread.

        Returns:
            The model that is asked for, and whether a stream is.

        Raises:
            MalformedBody: A member that the dialect requires is absent or of another type.
        """

    @abstractmethod
    def output_bound(self, members: Members) -> tuple[int | None, int]:
        """The tokens that one answer may have, or None, and how many answers are asked for."""

    @abstractmethod
    def wants_usage(self, members: Members) -> bool:
        """Whether the caller of a stream asked for its usage."""

    @abstractmethod
    def ask_usage(self, members: Members) -> Members:
        """The same request, asking for usage at the end of the stream."""

    # replies

    @abstractmethod
    def inspect_reply(self, body: bytes) -> ReplyFacts:
        """What the road must know of a reply with a success status.

        Raises:
            NotAnAnswer: It is HTML, an error body, nothing, or no reply at all.
            UpstreamRefused: It is an error body that says what is wrong.
        """

    @abstractmethod
    def decode_reply(self, body: bytes) -> ChatReply:
        """Read a provider's whole reply.

        Raises:
            NotAnAnswer: It is none.
            UpstreamRefused: It is an error body that says what is wrong.
        """

    @abstractmethod
    def encode_reply(self, reply: ChatReply) -> bytes:
        """Write a whole reply for a caller."""

    # streams

    @abstractmethod
    def splitter(self) -> Framing:
        """A new splitter for one stream."""

    @abstractmethod
    def stream_decoder(self) -> StreamDecoder:
        """A new reader for one stream of a provider."""

    @abstractmethod
    def stream_encoder(self, *, include_usage: bool) -> StreamEncoder:
        """A new writer for one stream to a caller."""

    # errors

    @abstractmethod
    def decode_error(
        self, status: int, headers: Mapping[bytes, bytes], body: bytes
    ) -> UpstreamError:
        """Read a provider's refusal: what it was, and what it says about trying again.

        Args:
            status: The HTTP status.
            headers: Names in lower case.
            body: As much of it as was read.
        """

    @abstractmethod
    def encode_error(self, error: AntiphonError, *, request_id: str) -> bytes:
        """The body of an error answer."""

    @abstractmethod
    def encode_stream_error(self, error: AntiphonError, *, request_id: str) -> bytes:
        """The frames that end a stream that failed after its status went out."""

    def status_of(self, error: AntiphonError) -> int:
        """The HTTP status of an error in this dialect."""
        return error.status


class Payload:
    """A request body: the caller's bytes, and a typed view for whoever asks.

    Raises:
        MalformedBody: On construction, where the body lacks what the dialect requires.
    """

    __slots__ = ("_members", "_request", "dialect", "model", "stream")

    def __init__(self, dialect: Dialect, members: Members) -> None:
        self.dialect = dialect
        self._members: Members | None = members
        self._request: ChatRequest | None = None
        self.model, self.stream = dialect.check_request(members)

    @property
    def request(self) -> ChatRequest:
        """The typed request; decoded on first use, from members already split."""
        if self._request is None:
            assert self._members is not None
            self._request = self.dialect.decode_request(self._members)
        return self._request

    @property
    def body(self) -> bytes:
        """What the caller sent, byte for byte; empty once it was rewritten."""
        return b"" if self._members is None else self._members.source

    @property
    def wants_usage(self) -> bool:
        """Whether the caller of a stream asked for its usage."""
        if self._members is None:
            return self.request.include_usage
        return self.dialect.wants_usage(self._members)

    @property
    def output_bound(self) -> tuple[int | None, int]:
        """The tokens that one answer may have, or None, and how many answers are asked for."""
        if self._members is None:
            return self.request.max_output_tokens, self.request.n or 1
        return self.dialect.output_bound(self._members)

    def rewrite(self, request: ChatRequest) -> None:
        """Replace what is asked; the caller's bytes no longer speak for it."""
        self._request = request
        self._members = None

    def encode(self, dialect: Dialect, *, model: str, quirks: Sequence[Quirk] = ()) -> bytes:
        """The body to send upstream.

        The one fork in the road. A caller and a provider who speak the same dialect exchange the
        caller's own bytes; all others meet in the model. Usage of a stream is always asked for.
        """
        if dialect is self.dialect and self._members is not None:
            members = self._members.replace({"model": msgspec.json.encode(model)})
        else:
            members = dialect.encode_request(self.request, model=model)
        if self.stream:
            members = dialect.ask_usage(members)
        for quirk in quirks:
            members = quirk(members)
        return members.encode()
