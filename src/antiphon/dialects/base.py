"""What a dialect is, and the one fork in the road.

A dialect is a pair of pure mappings between bytes and the model, for requests, replies, streams
and errors. `Payload` holds a caller's request: its bytes, and a typed view for whoever asks.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from copy import copy
from typing import ClassVar

import msgspec

from antiphon.dialects.contract import (
    LEAST_ANSWER,
    START,
    Framing,
    Position,
    Quirk,
    ReplyFacts,
    StreamDecoder,
    StreamEncoder,
    Target,
)
from antiphon.dialects.references import holds_bytes, refers
from antiphon.dialects.requests import Requests
from antiphon.errors import AntiphonError, UpstreamError
from antiphon.model.needs import Need, needs_of
from antiphon.model.reply import ChatReply
from antiphon.model.request import ChatRequest
from antiphon.model.within import asks_within
from antiphon.wire.shallow import Members


class Dialect(Requests):
    """One wire format, both ways."""

    heartbeat: ClassVar[bytes]
    """Bytes that every client of the dialect ignores inside a stream."""
    stream_type: ClassVar[str]
    """Content type of a stream."""
    unstreamed: ClassVar[tuple[bytes, ...]] = (b"application/json", b"text/html")
    """What the content type begins with of an answer that is no stream."""
    id_header: ClassVar[bytes] = b"x-request-id"
    """The header in which clients of this dialect look for the request's id."""
    preamble_bytes: ClassVar[int] = 256 * 1024
    """Bytes of a stream that are held back, at most, while nothing useful has come."""
    strict_end: ClassVar[bool] = False
    """Whether a stream that has said why it stopped is broken without its terminal event."""
    loose_end: ClassVar[bool] = False
    """Whether the end of the body ends a stream, since nobody here knows its terminal event."""

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

    def said(self, body: bytes) -> int:
        """Bytes of text in a whole reply, to be counted where no usage is stated."""
        try:
            return len(self.decode_reply(body).text.encode())
        except UpstreamError:
            # Good enough to be passed on, not to be read: all of it, then.
            return len(body)

    @abstractmethod
    def encode_reply(self, reply: ChatReply, asked: Payload | None = None) -> bytes:
        """Write a whole reply for a caller; `asked` is what it answers, which some repeat."""

    # streams

    @abstractmethod
    def splitter(self) -> Framing:
        """A new splitter for one stream."""

    @abstractmethod
    def stream_decoder(self) -> StreamDecoder:
        """A new reader for one stream of a provider."""

    @abstractmethod
    def stream_encoder(self, *, include_usage: bool, asked: Payload | None = None) -> StreamEncoder:
        """A new writer for one stream to a caller; `asked` is what it answers."""

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
    def encode_stream_error(
        self, error: AntiphonError, *, request_id: str, position: Position = START
    ) -> bytes:
        """The frames that end a stream that failed after its status went out."""

    def status_of(self, error: AntiphonError) -> int:
        """The HTTP status of an error in this dialect."""
        return error.status


class Payload:
    """A request body: the caller's bytes, and a typed view for whoever asks.

    Attributes:
        begun: It ends with the beginning of its own answer, which is to be gone on with.
        opaque: What it costs cannot be told by its size.
        model: The name that is asked for.
        stream: The answer is to be read as it comes.
        input_estimate: Tokens of the prompt, as far as somebody has estimated them.

    Raises:
        MalformedBody: On construction, where the body lacks what the dialect requires.
    """

    __slots__ = (
        "_members",
        "_needs",
        "_output_bound",
        "_refers",
        "_request",
        "begun",
        "dialect",
        "input_estimate",
        "model",
        "stream",
    )

    opaque = False

    def __init__(self, dialect: Dialect, members: Members) -> None:
        self.dialect = dialect
        self._members: Members | None = members
        self._request: ChatRequest | None = None
        self._needs: frozenset[Need] | None = None
        self._output_bound: tuple[int | None, int] | None = None
        self._refers: bool | None = None
        self.input_estimate = 0
        self.begun = False
        self.model, self.stream = dialect.check_request(members)

    @property
    def request(self) -> ChatRequest:
        """The typed request; decoded on first use, from members already split."""
        if self._request is None:
            assert self._members is not None
            self._request = self.dialect.decode_request(self._members)
        return self._request

    @property
    def needs(self) -> frozenset[Need]:
        """What the request needs beyond text; found on first use."""
        if self._needs is None:
            needs, marks = needs_of(self.request), self.dialect.marks
            if marks is not None and asks_within(self.request, marks):
                needs |= {Need.UNKNOWN_MEMBERS}
            self._needs = needs
        return self._needs

    @property
    def body(self) -> bytes:
        """What the caller sent, byte for byte; empty once it was rewritten."""
        return b"" if self._members is None else self._members.source

    @property
    def readable(self) -> bytes:
        """What is sent of it, as far as it may be text."""
        return self.body

    @property
    def hides(self) -> bool:
        """Whether some of it may be no text, or lie elsewhere: nobody can look through it all."""
        return self.refers or holds_bytes(self.body)

    @property
    def metadata(self) -> bytes | msgspec.Raw | None:
        """What came along with it, unread; None where nothing did."""
        members = self._members
        return None if members is None else members.raw("metadata")

    @property
    def refers(self) -> bool:
        """Whether some of what is asked may lie elsewhere: its size does not bound its tokens."""
        if self._refers is None:
            self._refers = refers(self.body)
        return self._refers

    @property
    def size(self) -> int:
        """Bytes of what the caller sent; 0 once it was rewritten."""
        return len(self.body)

    @property
    def wants_usage(self) -> bool:
        """Whether the caller of a stream asked for its usage."""
        if self._members is None:
            return self.request.include_usage
        return self.dialect.wants_usage(self._members)

    @property
    def members(self) -> Members | None:
        """What the caller sent, split; None once it was rewritten."""
        return self._members

    @property
    def output_bound(self) -> tuple[int | None, int]:
        """The tokens that one answer may have, or None, and how many answers are asked for."""
        bound = self._output_bound
        if bound is None:
            members = self._members
            if members is None:
                bound = self.request.max_output_tokens, self.request.n or 1
            else:
                bound = self.dialect.output_bound(members)
            self._output_bound = bound
        return bound

    @property
    def least_answer(self) -> int | None:
        """The tokens to which its answers can be capped, at least; None where they cannot be."""
        members = self._members
        return LEAST_ANSWER if members is None else self.dialect.least_answer(members)

    def countable(self, size: int) -> int:
        """How much of what is sent, a body of this size, can be tokens."""
        return size

    def rewrite(self, request: ChatRequest) -> None:
        """Replace what is asked; the caller's bytes no longer speak for it."""
        self._refers = self.refers
        self._request = request
        self._members = None
        self._needs = None
        self._output_bound = None

    def asking(self, request: ChatRequest, *, begun: bool) -> Payload:
        """Another question in place of this one, of the same caller."""
        other = copy(self)
        other.rewrite(request)
        other.begun = begun
        other.input_estimate = 0
        return other

    def passes(self, dialect: Dialect) -> bool:
        """Whether the caller's own bytes can go to a provider of this dialect.

        A seal that another dialect's provider made, and that the caller gives back wrapped, would
        be refused there: such a request is written anew.
        """
        members = self._members
        return (
            dialect is self.dialect
            and members is not None
            and self.dialect.seal_mark not in members.source
        )

    def encode(
        self,
        target: Target,
        *,
        quirks: Sequence[Quirk] = (),
        dropped: Collection[Need] = (),
        cap: int = 0,
    ) -> bytes:
        """The caller's own bytes for a provider of its dialect, answers capped at some tokens."""
        members = self._members
        assert members is not None
        dialect = self.dialect
        members = dialect.prepare(members.replace({"model": msgspec.json.encode(target.model)}))
        if dropped:
            members = dialect.cut(members, dropped)
        if cap:
            members = dialect.capped(members, cap)
        return finish(dialect, members, stream=self.stream, quirks=quirks)


def finish(dialect: Dialect, members: Members, *, stream: bool, quirks: Sequence[Quirk]) -> bytes:
    """A request's last steps before it is sent: usage is asked for, and quirks do their part."""
    if stream:
        members = dialect.ask_usage(members)
    for quirk in quirks:
        members = quirk(members)
    return dialect.strip(members).encode()
