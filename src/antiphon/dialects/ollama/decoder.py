"""Streams, read.

Hot path: about two microseconds for a line of text. The usual line (text or thought of a message,
nothing else) leaves on the short road of `feed`; all others take the long one.
"""

from __future__ import annotations

from typing import Final

from typing_extensions import override

from antiphon.dialects.contract import Position, StreamDecoder
from antiphon.dialects.envelopes import Envelope, read_envelope, refusal_of
from antiphon.dialects.fields import UNREADABLE, first_byte
from antiphon.dialects.ollama.calls import distinct, read_arguments
from antiphon.dialects.ollama.fields import DIALECT, Fields
from antiphon.dialects.ollama.lines import HEAD, LINE, Call, Function, Head, Line, Message
from antiphon.dialects.ollama.moments import id_of, read_moment
from antiphon.dialects.ollama.replies import calls_named, fails, logprobs_of, stop_of, usage_of
from antiphon.dialects.ollama.usage import COUNTS
from antiphon.dialects.unread import bad_event, other_event
from antiphon.errors import MalformedBody
from antiphon.model.events import (
    Ended,
    Finished,
    LogprobsDelta,
    OpaqueEvent,
    ReasoningDelta,
    Started,
    StreamEvent,
    StreamFailed,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from antiphon.model.reply import Stop, StopReason
from antiphon.wire.shallow import Members

_KNOWN: Final = frozenset({*Line.__struct_fields__, *Head.__struct_fields__})
_SAID: Final = frozenset({"role", *Message.__struct_fields__})


class LineStream(StreamDecoder):
    """Reads one stream, of `/api/chat` or of `/api/generate`."""

    __slots__ = ("_call_ids", "_ended", "_reply_id", "_started")

    def __init__(self) -> None:
        self._started = False
        self._ended = False
        self._reply_id = ""
        self._call_ids: list[str] = []

    @property
    @override
    def position(self) -> Position:
        return Position(self._reply_id)

    @override
    def feed(self, frame: bytes) -> tuple[StreamEvent, ...]:
        try:
            line = LINE.decode(frame)
        except UNREADABLE as error:
            return _read_other(frame, error)
        message = line.message
        if (
            self._started
            and message is not None
            and not line.done
            and not message.tool_calls
            and not line.logprobs
            and not line.error
            and not self._ended
        ):
            text, thought = message.content, message.thinking
            if text and not thought:
                return (TextDelta(text),)
            if thought and not text:
                return (ReasoningDelta(thought),)
        try:
            return self._read(frame, line)
        except MalformedBody as error:
            # A member that the line did not look at is no UTF-8.
            raise bad_event() from error

    @override
    def without_usage(self, frame: bytes) -> bytes:
        if b'eval_count"' not in frame:
            return frame
        body = frame.rstrip(b"\r\n")
        try:
            return Members.parse(body).without(*COUNTS).encode() + frame[len(body) :]
        except MalformedBody:
            return frame

    def _read(self, frame: bytes, line: Line) -> tuple[StreamEvent, ...]:
        if fails(line):
            return (_failure(frame, line),)
        if self._ended:
            return ()
        logprobs = logprobs_of(line)
        if not line.done and not logprobs and not _speaks(line):
            # An empty line keeps the connection alive.
            return (OpaqueEvent(DIALECT, frame),) if _says_more(frame) else ()
        events: list[StreamEvent] = []
        self._start(frame, events)
        self._read_said(line, events)
        if logprobs:
            events.append(LogprobsDelta(DIALECT, logprobs))
        if line.done:
            self._end(line, events)
        return tuple(events)

    def _start(self, frame: bytes, events: list[StreamEvent]) -> None:
        if self._started:
            return
        self._started = True
        try:
            head = HEAD.decode(frame)
        except UNREADABLE:
            head = Head()
        self._reply_id = id_of(head.created_at)
        events.append(Started(self._reply_id, head.model or "", read_moment(head.created_at)))

    def _read_said(self, line: Line, events: list[StreamEvent]) -> None:
        message = line.message or Message(line.response, line.thinking, line.tool_calls)
        if message.thinking:
            events.append(ReasoningDelta(message.thinking))
        if message.content:
            events.append(TextDelta(message.content))
        for call in message.tool_calls or ():
            self._read_call(call, events)

    def _read_call(self, call: Call, events: list[StreamEvent]) -> None:
        """A call, whole. Its number is its place: servers have called every one number 0."""
        at, function = len(self._call_ids), call.function or Function()
        call_id = distinct(call.id or f"{calls_named(self._reply_id)}_{at}", at, self._call_ids)
        self._call_ids.append(call_id)
        events.append(ToolCallStarted(at, call_id, function.name or ""))
        try:
            text = read_arguments(function.arguments) if function.arguments else "{}"
        except UNREADABLE as error:
            raise bad_event() from error
        events.append(ToolCallDelta(at, text))

    def _end(self, line: Line, events: list[StreamEvent]) -> None:
        self._ended = True
        usage = usage_of(line)
        if usage is not None:
            events.append(UsageReported(usage, alone=False))
        stop = stop_of(line, called=bool(self._call_ids)) or Stop(StopReason.STOP)
        events += (Finished(stop), Ended())


# ------------------------------------------------------------------ what says nothing, or no more


def _speaks(line: Line) -> bool:
    said = line.message or Message(line.response, line.thinking, line.tool_calls)
    return bool(said.content or said.thinking or said.tool_calls)


def _says_more(frame: bytes) -> bool:
    """Whether a line without an event of ours holds something: pictures, progress, news.

    Raises:
        UpstreamBroken: The line cannot be read.
    """
    try:
        fields = Fields.parse(frame, "")
        message = fields.object("message") if fields.begins("message", b"{") else None
    except MalformedBody as error:
        # A name that is no text, which the typed reader steps over.
        raise bad_event() from error
    left = message.left() if message is not None else {}
    return any(name not in _KNOWN for name in fields.left()) or any(
        name not in _SAID for name in left
    )


def _read_other(frame: bytes, error: Exception) -> tuple[StreamEvent, ...]:
    body = frame.strip()
    if not body:
        return ()
    return (other_event(DIALECT, frame, body, error),)


def _failure(frame: bytes, line: Line) -> StreamFailed:
    said = first_byte(line.error) in b'"{'
    envelope = read_envelope(frame) if said else None
    envelope = envelope or Envelope(message="The provider reports an error.")
    return StreamFailed(refusal_of(envelope, status=0))
