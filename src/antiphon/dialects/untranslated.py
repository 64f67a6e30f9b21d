"""The endpoints of a family that nobody translates: bytes there, bytes back, and usage read.

A family is a vendor's API with all its endpoints, of which a dialect is one. Its errors are its
dialect's; of its answers only what the road must know is looked at: whether it is an error, and
what was used.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar, NoReturn

import msgspec
from typing_extensions import override

from antiphon.dialects.base import Dialect, Payload
from antiphon.dialects.contract import (
    START,
    Framing,
    Place,
    Position,
    ReplyFacts,
    StreamDecoder,
    StreamEncoder,
    Target,
)
from antiphon.dialects.envelopes import Envelope, read_envelope, refusal_of
from antiphon.dialects.fields import UNREADABLE
from antiphon.dialects.readings import BY_TEXT
from antiphon.dialects.stated import read_stated
from antiphon.errors import (
    AntiphonError,
    Disposition,
    Kind,
    NotAnAnswer,
    UpstreamError,
    UpstreamRefused,
)
from antiphon.model.events import (
    Ended,
    StreamEvent,
    StreamFailed,
    TextDelta,
    UsageReported,
)
from antiphon.model.needs import Loss, Need
from antiphon.model.parts import ABSENT
from antiphon.model.reply import ChatReply
from antiphon.model.request import ChatRequest
from antiphon.wire.shallow import Members
from antiphon.wire.sse import Splitter, data_of, name_of

_TAKEN = (
    *("heartbeat", "stream_type", "id_header", "forwarded", "headers", "preamble_bytes"),
    "traits",
)
"""What a family's dialect says for its other endpoints too."""
_PAGES = (b"<!doctype html", b"<html")
_NOT_FOUND = 404
_UNTOLD: Mapping[int, Kind] = {_NOT_FOUND: Kind.NOT_FOUND, 409: Kind.BAD_REQUEST}
"""Statuses about an object that is not there, or not in the state for what is asked of it."""
_NO_ENDPOINT = re.compile(
    r"\b(?:invalid|unknown|no such|unsupported) (?:url|path|endpoint|route)", re.IGNORECASE
)
"""How some say that they have no such endpoint, in an error as of any other request."""


class _Choice(msgspec.Struct):
    text: str | None = None


class _Seen(msgspec.Struct):
    error: msgspec.Raw = ABSENT
    type: msgspec.Raw = ABSENT
    object: msgspec.Raw = ABSENT
    usage: msgspec.Raw = ABSENT
    meta: msgspec.Raw = ABSENT
    choices: msgspec.Raw = ABSENT


_SEEN = msgspec.json.Decoder(_Seen)
_CHOICES = msgspec.json.Decoder(list[_Choice])


class Untranslated(Dialect):
    """The endpoints of one family that are passed on as they are.

    Args:
        name: The family's.
        dialect: Whose errors and headers are the family's.
        verbatim: Its answers are what somebody has stored: nothing in them means anything here.
    """

    losses: ClassVar[Mapping[Need, Loss]] = {}
    words: ClassVar[Mapping[Need, tuple[str, ...]]] = {}
    endpoint: ClassVar[str] = ""
    forced_choice_free: ClassVar[bytes] = b""
    loose_end: ClassVar[bool] = True

    def __init__(self, name: str, dialect: Dialect, *, verbatim: bool = False) -> None:
        self._dialect = dialect
        self._verbatim = verbatim
        # What a dialect is says its class; this one is made of a name and of another dialect.
        for word, value in {
            "name": name,
            **{each: getattr(dialect, each) for each in _TAKEN},
        }.items():
            setattr(self, word, value)

    # requests: they are never read, see `UntranslatedPayload`

    @override
    def decode_request(self, members: Members) -> ChatRequest:
        self._is_not_translated()

    @override
    def encode_request(self, request: ChatRequest, target: Target) -> Members:
        self._is_not_translated()

    @override
    def check_request(self, members: Members) -> tuple[str, bool]:
        self._is_not_translated()

    @override
    def output_bound(self, members: Members) -> tuple[int | None, int]:
        self._is_not_translated()

    @override
    def capped(self, members: Members, tokens: int) -> Members:
        return members.replace({"max_tokens": b"%d" % tokens})

    # replies

    @override
    def inspect_reply(self, body: bytes) -> ReplyFacts:
        if self._verbatim:
            return ReplyFacts(None, None, "")
        start = body[:256].lstrip()
        if not start:
            raise NotAnAnswer("The provider answered with nothing.", code="empty_body")
        if start[: len(_PAGES[0])].lower().startswith(_PAGES):
            raise NotAnAnswer("The provider answered with a web page.", code="html")
        seen = _read(body) if start.startswith(b"{") else None
        if seen is None:
            return ReplyFacts(None, None, "")
        error = _error_in(seen, body)
        if error is not None:
            raise error
        return ReplyFacts(read_stated(seen.usage, seen.meta), None, "")

    @override
    def said(self, body: bytes) -> int:
        seen = _read(body)
        return 0 if seen is None else len(_text_of(seen).encode())

    @override
    def decode_reply(self, body: bytes) -> ChatReply:
        self._is_not_translated()

    @override
    def encode_reply(self, reply: ChatReply, asked: Payload | None = None) -> bytes:
        self._is_not_translated()

    # streams

    @override
    def splitter(self) -> Framing:
        return Splitter()

    @override
    def stream_decoder(self) -> StreamDecoder:
        return _Frames()

    @override
    def stream_encoder(self, *, include_usage: bool, asked: Payload | None = None) -> StreamEncoder:
        return _NOTHING_TO_WRITE

    # errors

    @override
    def decode_error(
        self, status: int, headers: Mapping[bytes, bytes], body: bytes
    ) -> UpstreamError:
        error = self._dialect.decode_error(status, headers, body)
        kind = _UNTOLD.get(status)
        envelope = read_envelope(body) if kind is not None else None
        if kind is None or (envelope is not None and _is_read(envelope)):
            return error
        if envelope is not None and (envelope.type or envelope.code):
            if not _NO_ENDPOINT.search(envelope.message):
                return _refused(error, kind, Disposition.CALLERS_FAULT, error.code)
        elif status != _NOT_FOUND:
            return error
        error.message = "The provider has no such endpoint."
        return _refused(error, kind, Disposition.HARD_DOWN, f"http_{status}")

    @override
    def encode_error(self, error: AntiphonError, *, request_id: str) -> bytes:
        return self._dialect.encode_error(error, request_id=request_id)

    @override
    def encode_stream_error(
        self, error: AntiphonError, *, request_id: str, position: Position = START
    ) -> bytes:
        return self._dialect.encode_stream_error(error, request_id=request_id, position=position)

    @override
    def status_of(self, error: AntiphonError) -> int:
        return self._dialect.status_of(error)

    def _is_not_translated(self) -> NoReturn:
        raise NotImplementedError(f"Nothing of {self.name} is translated here.")


class _Frames:
    """Reads the frames of a stream: whether one is an error or the last, and what was used."""

    position = START
    place = None

    def feed(self, frame: bytes) -> tuple[StreamEvent, ...]:
        """What the road must know of one frame."""
        data = data_of(frame)
        if data is None:
            return ()
        data = data.strip()
        if data == b"[DONE]":
            return (Ended(),)
        seen = _read(data)
        if seen is None:
            return (TextDelta(""),)
        error = _error_in(seen, data)
        if error is not None or name_of(frame) == b"error":
            return (StreamFailed(error or refusal_of(None, status=0, body=data)),)
        usage = read_stated(seen.usage)
        told = TextDelta(_text_of(seen))
        return (told,) if usage is None else (told, UsageReported(usage, alone=False))

    def without_usage(self, frame: bytes) -> bytes:
        """The frame as it is: usage is never hidden here."""
        return frame


class _NothingToWrite:
    """What is added to a stream that passes as bytes: nothing."""

    position = START

    def feed(self, event: StreamEvent) -> bytes:
        """No frame for any event."""
        del event
        return b""

    def take_over(self, place: Place) -> bytes:
        """Nobody goes on with such a stream."""
        del place
        return b""


_NOTHING_TO_WRITE = _NothingToWrite()


def _read(body: bytes) -> _Seen | None:
    try:
        return _SEEN.decode(body)
    except UNREADABLE:
        return None


def _error_in(seen: _Seen, body: bytes) -> UpstreamError | None:
    """The error that an answer is, although its status says otherwise."""
    named = bytes(seen.error)[:1] in {b"{", b'"'} and bytes(seen.error) not in {b"{}", b'""'}
    if not named and b'"error"' not in {bytes(seen.type), bytes(seen.object)}:
        return None
    return refusal_of(read_envelope(body), status=0, body=body)


def _text_of(seen: _Seen) -> str:
    """The text of the older completions."""
    if not seen.choices:
        return ""
    try:
        return "".join([choice.text or "" for choice in _CHOICES.decode(seen.choices)])
    except UNREADABLE:
        return ""


def _is_read(envelope: Envelope) -> bool:
    """Whether an error says what it is: that a model is missing, say, and no object."""
    if envelope.reading is not None:
        return True
    text = f"{envelope.code} {envelope.message}"
    return any(phrase.search(text) for phrase, _ in BY_TEXT)


def _refused(
    error: UpstreamError, kind: Kind, disposition: Disposition, code: str
) -> UpstreamRefused:
    return UpstreamRefused(
        error.message,
        kind=kind,
        disposition=disposition,
        code=code,
        upstream_status=error.upstream_status,
        param=error.param,
    )
