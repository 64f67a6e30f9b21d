"""Streams, read.

Hot path: about two microseconds for a frame of text. The usual frame (one choice, text, nothing
else) leaves on the short road of `feed`; all others take the long one.
"""

from __future__ import annotations

import msgspec
from typing_extensions import override

from antiphon.dialects.contract import START, Position, StreamDecoder
from antiphon.dialects.envelopes import Envelope, read_envelope, refusal_of
from antiphon.dialects.fields import UNREADABLE
from antiphon.dialects.openai_chat.calls import made_up_id
from antiphon.dialects.openai_chat.chunks import (
    CHUNK,
    CHUNK_HEAD,
    Chunk,
    ChunkChoice,
    ChunkHead,
    Delta,
    Loose,
    raw_of,
)
from antiphon.dialects.openai_chat.fields import DIALECT, Fields
from antiphon.dialects.openai_chat.parts import read_part, thought_of
from antiphon.dialects.openai_chat.reindex import CallIndex
from antiphon.dialects.openai_chat.stops import failure_of, read_stop
from antiphon.dialects.openai_chat.usage import read_usage
from antiphon.dialects.unread import bad_event, other_event
from antiphon.errors import MalformedBody
from antiphon.model.events import (
    Ended,
    Finished,
    LogprobsDelta,
    OpaqueEvent,
    ReasoningDelta,
    RefusalDelta,
    Started,
    StreamEvent,
    StreamFailed,
    TextDelta,
    UsageReported,
)
from antiphon.model.parts import Text
from antiphon.model.reply import StopReason
from antiphon.model.usage import Usage
from antiphon.wire.shallow import Members
from antiphon.wire.sse import data_of, frame_of, name_of

_ENDED = (Ended(),)


class ChunkStream(StreamDecoder):
    """Reads one stream."""

    __slots__ = ("_calls", "_reply_id", "_started", "_usage")

    def __init__(self) -> None:
        self._started = False
        self._reply_id = ""
        self._usage: Usage | None = None
        self._calls: dict[int, CallIndex] = {}

    @property
    @override
    def position(self) -> Position:
        return START

    @override
    def feed(self, frame: bytes) -> tuple[StreamEvent, ...]:
        if not frame.startswith(b"data: {"):
            return self._read_frame(frame)
        try:
            # To JSON the line ends are white space; what stands on other lines is an error.
            chunk = CHUNK.decode(frame[6:])
        except UNREADABLE:
            return self._read_frame(frame)
        choices = chunk.choices
        if (
            self._started
            and choices is not None
            and len(choices) == 1
            and chunk.usage is None
            and chunk.error is None
            and chunk.x_groq is None
        ):
            choice = choices[0]
            delta = choice.delta
            if (
                delta is not None
                and choice.finish_reason is None
                and delta.tool_calls is None
                and not delta.refusal
                and delta.function_call is None
                and choice.logprobs is None
                and choice.usage is None
            ):
                text, thought = delta.content, delta.reasoning_content
                if text and not thought and not delta.reasoning and isinstance(text, str):
                    return (TextDelta(text, choice.index or 0),)
                if thought and not text:
                    return (ReasoningDelta(thought, choice.index or 0, "reasoning_content"),)
        return self._read(frame, frame[6:], chunk)

    @override
    def without_usage(self, frame: bytes) -> bytes:
        data = data_of(frame)
        if data is None or b'"usage"' not in data:
            return frame
        try:
            cut = _without_usage(data)
        except MalformedBody:
            return frame
        at = frame.find(data)
        if at < 0:
            return frame_of(cut)
        return frame[:at] + cut + frame[at + len(data) :]

    def _read_frame(self, frame: bytes) -> tuple[StreamEvent, ...]:
        data = data_of(frame)
        if data is None:
            return ()
        try:
            chunk = CHUNK.decode(data)
        except UNREADABLE as error:
            return _read_other(frame, data.strip(), error)
        return self._read(frame, data, chunk)

    def _read(self, frame: bytes, data: bytes, chunk: Chunk) -> tuple[StreamEvent, ...]:
        try:
            return self._events_of(frame, data, chunk)
        except MalformedBody as error:
            # A member that the chunk did not look at is no UTF-8.
            raise bad_event() from error

    def _events_of(self, frame: bytes, data: bytes, chunk: Chunk) -> tuple[StreamEvent, ...]:
        if chunk.error or not chunk.choices:
            failed = _read_failure(frame, data, chunk)
            if failed is not None:
                usage = self._read_usage(_stated(chunk))
                return (UsageReported(usage, alone=False), failed) if usage else (failed,)
        events: list[StreamEvent] = []
        stated = _stated(chunk)
        if chunk.choices or stated:
            self._start(data, events)
        said = len(events)
        for choice in chunk.choices or ():
            self._read_choice(choice, events)
        if stated:
            events.append(UsageReported(self._read_usage(stated), alone=not chunk.choices))
        elif len(events) == said and _says_more(data):
            events.append(OpaqueEvent(DIALECT, frame))
        return tuple(events)

    def _read_usage(self, stated: Loose) -> Usage | None:
        """What is stated now, if it can be believed, else what was believed before."""
        usage = read_usage(raw_of(stated)) if stated else None
        self._usage = usage or self._usage
        return self._usage

    def _start(self, data: bytes, events: list[StreamEvent]) -> None:
        if self._started:
            return
        self._started = True
        try:
            head = CHUNK_HEAD.decode(data)
        except UNREADABLE:
            head = ChunkHead()
        self._reply_id = head.id or ""
        events.append(Started(self._reply_id, head.model or "", int(head.created or 0)))

    def _read_choice(self, choice: ChunkChoice, events: list[StreamEvent]) -> None:
        index, delta = choice.index or 0, choice.delta
        if delta is not None:
            _read_said(delta, index, events)
            if delta.tool_calls or delta.function_call is not None:
                self._read_calls(delta, index, events)
        if choice.logprobs:
            events.append(LogprobsDelta(DIALECT, raw_of(choice.logprobs), index))
        if choice.finish_reason:
            events += self._finish(choice.finish_reason, index)

    def _read_calls(self, delta: Delta, index: int, events: list[StreamEvent]) -> None:
        calls = self._calls.get(index)
        if calls is None:
            calls = self._calls[index] = CallIndex(index, made_up_id(self._reply_id))
        for call in delta.tool_calls or ():
            calls.feed(call, events)
        if delta.function_call is not None:
            calls.feed_legacy(delta.function_call, events)

    def _finish(self, raw: str, index: int) -> list[StreamEvent]:
        calls = self._calls.get(index)
        stop = read_stop(raw, called=calls is not None)
        if stop.reason is StopReason.ERROR:
            return [StreamFailed(failure_of(raw))]
        events: list[StreamEvent] = []
        if calls is not None:
            calls.finish(events)
        events.append(Finished(stop, index))
        return events


def _read_said(delta: Delta, index: int, events: list[StreamEvent]) -> None:
    if delta.reasoning_content:
        spelling = "reasoning_content"
        events.append(ReasoningDelta(delta.reasoning_content, index, spelling))
    elif delta.reasoning:
        events.append(ReasoningDelta(delta.reasoning, index, "reasoning"))
    if isinstance(delta.content, str):
        if delta.content:
            events.append(TextDelta(delta.content, index))
    else:
        for raw in delta.content or ():
            _read_said_part(raw, index, events)
    if delta.refusal:
        events.append(RefusalDelta(delta.refusal, index))


def _read_said_part(raw: msgspec.Raw, index: int, events: list[StreamEvent]) -> None:
    """Mistral's streams may hold parts instead of text."""
    part = read_part(raw, "content")
    thought = thought_of(part)
    if thought is not None:
        events.append(ReasoningDelta(thought.text, index, "reasoning_content"))
    elif isinstance(part, Text) and part.text:
        events.append(TextDelta(part.text, index))


def _stated(chunk: Chunk) -> Loose:
    """The usage of a chunk, unread, from whichever of its places."""
    stated = chunk.usage
    if not stated:
        stated = next((choice.usage for choice in chunk.choices or () if choice.usage), None)
    if not stated and chunk.x_groq is not None:
        stated = chunk.x_groq.usage
    return stated


def _without_usage(data: bytes) -> bytes:
    members = Members.parse(data)
    choices = members.raw("choices")
    if choices is not None and b'"usage"' in bytes(choices):
        items = (bytes(raw) for raw in Fields(members.raws()).items("choices"))
        cut = [Members.parse(item).without("usage").encode() for item in items]
        members = members.replace({"choices": b"[%b]" % b",".join(cut)})
    return members.without("usage").encode()


# ------------------------------------------------------------------ what is no chunk


def _read_other(frame: bytes, data: bytes, error: Exception) -> tuple[StreamEvent, ...]:
    if data == b"[DONE]":
        return _ENDED
    if not data:
        return ()
    if name_of(frame) == b"error":
        envelope = Envelope(message=data[:1000].decode(errors="replace"))
        return (StreamFailed(refusal_of(envelope, status=0)),)
    return (other_event(DIALECT, frame, data, error),)


def _read_failure(frame: bytes, data: bytes, chunk: Chunk) -> StreamFailed | None:
    """The error that a frame reports, in whichever shape."""
    if not chunk.error and name_of(frame) != b"error":
        fields = Fields.parse(data, "")
        named = (fields.text(name) for name in ("object", "type") if fields.begins(name, b'"'))
        if "error" not in named:
            return None
    envelope = read_envelope(data) or Envelope(message="The provider reports an error.")
    return StreamFailed(refusal_of(envelope, status=0))


def _says_more(data: bytes) -> bool:
    """Whether a frame without an event of ours holds something: audio, annotations, news."""
    fields = Fields.parse(data, "")
    choices = fields.items("choices") if fields.begins("choices", b"[") else []
    if not choices:
        return bool(fields.left())
    for raw in choices:
        choice = Fields.parse(raw, "")
        delta = choice.object("delta")
        if delta is not None and any(name not in _SAID for name in delta.left()):
            return True
    return False


_SAID = frozenset({"role", *Delta.__struct_fields__})
