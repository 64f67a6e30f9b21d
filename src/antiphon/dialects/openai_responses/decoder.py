"""Streams, read.

What was said in deltas is said once: the events behind them that repeat it (`.done`, the final
response) are looked at for what is missing, because some servers send arguments, text or whole
items only there.

Hot path: about two microseconds for a frame of text.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec
from typing_extensions import override

from antiphon.dialects.contract import Place, Position, StreamDecoder
from antiphon.dialects.envelopes import Envelope, read_envelope, refusal_of
from antiphon.dialects.fields import UNREADABLE
from antiphon.dialects.openai_responses.events import (
    ARGUED,
    EVENT,
    HEAD,
    OUTPUT,
    SAID,
    SUMMED,
    Event,
    Head,
    Loose,
    raw_of,
)
from antiphon.dialects.openai_responses.fields import DIALECT, Fields
from antiphon.dialects.openai_responses.progress import Progress
from antiphon.dialects.openai_responses.stops import read_stop
from antiphon.dialects.openai_responses.thought import RAW
from antiphon.dialects.openai_responses.usage import read_usage
from antiphon.dialects.unread import bad_event, other_event
from antiphon.errors import MalformedBody, UpstreamRefused
from antiphon.model.events import (
    SUMMARY,
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
    UsageReported,
)
from antiphon.wire.shallow import Members
from antiphon.wire.sse import data_of, frame_of, name_of

_TEXT: Final = b"event: response.output_text.delta\ndata: {"
_ARGUMENTS: Final = b"event: response.function_call_arguments.delta\ndata: {"
_SUMMARY: Final = b"event: response.reasoning_summary_text.delta\ndata: {"
_AT_TEXT: Final = len(_TEXT) - 1
_AT_ARGUMENTS: Final = len(_ARGUMENTS) - 1
_AT_SUMMARY: Final = len(_SUMMARY) - 1


class EventStream(StreamDecoder):
    """Reads one stream."""

    __slots__ = ("_id", "_progress", "_sequence", "_started")

    def __init__(self) -> None:
        self._started = False
        self._id = ""
        self._sequence = -1
        self._progress = Progress()

    @property
    @override
    def position(self) -> Position:
        return Position(self._id, self._sequence)

    @property
    @override
    def place(self) -> Place | None:
        return self._progress.place(self._sequence)

    @override
    def feed(self, frame: bytes) -> tuple[StreamEvent, ...]:
        if self._started and not self._progress.moved:
            try:
                # To JSON the line ends are white space; what stands on other lines is an error.
                if frame.startswith(_TEXT):
                    return self._said(frame)
                if frame.startswith(_ARGUMENTS):
                    return self._argued(frame)
                if frame.startswith(_SUMMARY):
                    return self._summed(frame)
            except UNREADABLE:
                pass
        return self._read_frame(frame)

    @override
    def without_usage(self, frame: bytes) -> bytes:
        data = data_of(frame)
        if data is None or b'"usage"' not in data:
            return frame
        try:
            members = Members.parse(data)
            response = members.get("response")
            if response is None:
                return frame
            cut = Members.parse(response).replace({"usage": b"null"}).encode()
        except MalformedBody:
            return frame
        name = name_of(frame)
        event = b"event: %b\n" % name if name else b""
        return event + frame_of(members.replace({"response": cut}).encode())

    # ------------------------------------------------------------------ the short roads

    def _said(self, frame: bytes) -> tuple[StreamEvent, ...]:
        event = SAID.decode(frame[_AT_TEXT:])
        self._sequence = event.sequence_number
        text = event.delta
        if not text:
            return ()
        self._progress.said(event.output_index, event.content_index, len(text))
        if event.logprobs:
            return (TextDelta(text), LogprobsDelta(DIALECT, raw_of(event.logprobs)))
        return (TextDelta(text),)

    def _argued(self, frame: bytes) -> tuple[StreamEvent, ...]:
        event = ARGUED.decode(frame[_AT_ARGUMENTS:])
        self._sequence = event.sequence_number
        index = self._progress.argued(event.output_index, event.delta)
        return () if index is None else (ToolCallDelta(index, event.delta),)

    def _summed(self, frame: bytes) -> tuple[StreamEvent, ...]:
        event = SUMMED.decode(frame[_AT_SUMMARY:])
        self._sequence = event.sequence_number
        text = self._progress.summed(event.output_index, event.summary_index, event.delta)
        return (ReasoningDelta(text, 0, SUMMARY),) if text else ()

    # ------------------------------------------------------------------ the long one

    def _read_frame(self, frame: bytes) -> tuple[StreamEvent, ...]:
        data = data_of(frame)
        if data is None or not data.strip() or data.strip() == b"[DONE]":
            return ()
        try:
            event = EVENT.decode(data)
        except UNREADABLE as error:
            return self._read_other(frame, data, error)
        kind = event.type or name_of(frame).decode(errors="replace")
        events: list[StreamEvent] = []
        if event.response:
            self._start(event.response, events)
        try:
            reader = _READERS.get(kind)
            if self._progress.moved and kind != "response.output_item.added":
                place = event.output_index or 0
                event.output_index = self._progress.moved.get(place, place)
            if reader is not None:
                reader(self._progress, event, events, data)
            elif event.error:
                _fail(self._progress, event, events, data)
            elif kind not in _REPEATED:
                events.append(OpaqueEvent(DIALECT, frame))
        except (*UNREADABLE, MalformedBody) as error:
            raise bad_event() from error
        if event.sequence_number is not None and not _fails(events):
            # What fails is not passed on: the error that is told in its place takes its number.
            self._sequence = event.sequence_number
        return tuple(events)

    def _read_other(self, frame: bytes, data: bytes, error: Exception) -> tuple[StreamEvent, ...]:
        if name_of(frame) == b"error":
            envelope = read_envelope(data) or Envelope(data[:1000].decode(errors="replace"))
            return (StreamFailed(refusal_of(envelope, status=0)),)
        return (other_event(DIALECT, frame, data, error),)

    def _start(self, response: msgspec.Raw, events: list[StreamEvent]) -> None:
        if self._started:
            return
        self._started = True
        try:
            head = HEAD.decode(response)
        except UNREADABLE:
            head = Head()
        self._id = head.id or ""
        self._progress.begin(self._id, head.model or "")
        events.append(Started(self._id, head.model or "", int(head.created_at or 0)))


def _fails(events: list[StreamEvent]) -> bool:
    return bool(events) and isinstance(events[-1], StreamFailed)


# ------------------------------------------------------------------ readers


def _read_text(progress: Progress, event: Event, events: list[StreamEvent], data: bytes) -> None:
    del data
    progress.text(_place(event), _words(event.delta), events)
    if event.logprobs:
        events.append(LogprobsDelta(DIALECT, raw_of(event.logprobs)))


def _read_text_done(
    progress: Progress, event: Event, events: list[StreamEvent], data: bytes
) -> None:
    del data
    progress.text_so_far(_place(event), _words(event.text), events)
    progress.text_done()


def _read_refusal(progress: Progress, event: Event, events: list[StreamEvent], data: bytes) -> None:
    del data
    progress.refusal(_place(event), _words(event.delta), events)


def _read_refusal_done(
    progress: Progress, event: Event, events: list[StreamEvent], data: bytes
) -> None:
    del data
    progress.refusal_so_far(_place(event), _words(event.refusal), events)


def _read_thought(progress: Progress, event: Event, events: list[StreamEvent], data: bytes) -> None:
    del data
    progress.thought(_place(event), _words(event.delta), RAW, events)


def _read_thought_done(
    progress: Progress, event: Event, events: list[StreamEvent], data: bytes
) -> None:
    del data
    progress.thought_so_far(_place(event), _words(event.text), RAW, events)


def _read_summary(progress: Progress, event: Event, events: list[StreamEvent], data: bytes) -> None:
    del data
    place = (event.output_index or 0, event.summary_index or 0)
    progress.thought(place, _words(event.delta), SUMMARY, events)


def _read_summary_done(
    progress: Progress, event: Event, events: list[StreamEvent], data: bytes
) -> None:
    del data
    place = (event.output_index or 0, event.summary_index or 0)
    progress.thought_so_far(place, _words(event.text), SUMMARY, events)


def _read_arguments(
    progress: Progress, event: Event, events: list[StreamEvent], data: bytes
) -> None:
    del data
    text = _words(event.delta)
    index = progress.argued(event.output_index or 0, text)
    if index is not None and text:
        events.append(ToolCallDelta(index, text))


def _read_arguments_done(
    progress: Progress, event: Event, events: list[StreamEvent], data: bytes
) -> None:
    del data
    whole = event.arguments if event.arguments is not None else event.input
    progress.argued_so_far(event.output_index or 0, _words(whole), events)


def _read_part(progress: Progress, event: Event, events: list[StreamEvent], data: bytes) -> None:
    del event, events, data
    progress.part_added()


def _read_part_done(
    progress: Progress, event: Event, events: list[StreamEvent], data: bytes
) -> None:
    del data
    progress.part_done(_place(event), events)


def _read_item(progress: Progress, event: Event, events: list[StreamEvent], data: bytes) -> None:
    known = progress.item_added(event.output_index or 0, event.item, events)
    if not known:
        events.append(_opaque(event, data))


def _read_item_done(
    progress: Progress, event: Event, events: list[StreamEvent], data: bytes
) -> None:
    known = progress.item_done(event.output_index or 0, event.item, events)
    if not known:
        events.append(_opaque(event, data))


def _read_end(progress: Progress, event: Event, events: list[StreamEvent], data: bytes) -> None:
    del data
    fields = Fields.parse(event.response, "response")
    output = fields.raw("output")
    if output:
        for at, item in enumerate(OUTPUT.decode(output)):
            progress.item_done(at, item, events)
    progress.finish(events)
    _read_usage(fields, events)
    details = (
        fields.object("incomplete_details") if fields.begins("incomplete_details", b"{") else None
    )
    stop = read_stop(
        "incomplete" if event.type == "response.incomplete" else "completed",
        details.text("reason") if details is not None else None,
        called=progress.called,
        refused=progress.refused,
    )
    assert stop is not None
    events += (Finished(stop), Ended())


def _read_usage(fields: Fields, events: list[StreamEvent]) -> None:
    raw = fields.raw("usage")
    usage = read_usage(raw) if raw else None
    if usage is not None:
        events.append(UsageReported(usage, alone=False))


def _read_failed(progress: Progress, event: Event, events: list[StreamEvent], data: bytes) -> None:
    del data
    _read_usage(Fields.parse(event.response or b"{}", "response"), events)
    events.append(StreamFailed(failure_of(bytes(event.response))))


def _fail(progress: Progress, event: Event, events: list[StreamEvent], data: bytes) -> None:
    del event
    envelope = read_envelope(data) or Envelope("The provider reports an error.")
    events.append(StreamFailed(refusal_of(envelope, status=0)))


_Reader = Callable[[Progress, Event, list[StreamEvent], bytes], None]

_READERS: Final[dict[str, _Reader]] = {
    "response.output_text.delta": _read_text,
    "response.output_text.done": _read_text_done,
    "response.refusal.delta": _read_refusal,
    "response.refusal.done": _read_refusal_done,
    "response.reasoning_text.delta": _read_thought,
    "response.reasoning_text.done": _read_thought_done,
    "response.reasoning.delta": _read_thought,
    "response.reasoning.done": _read_thought_done,
    "response.reasoning_summary_text.delta": _read_summary,
    "response.reasoning_summary_text.done": _read_summary_done,
    "response.function_call_arguments.delta": _read_arguments,
    "response.function_call_arguments.done": _read_arguments_done,
    "response.custom_tool_call_input.delta": _read_arguments,
    "response.custom_tool_call_input.done": _read_arguments_done,
    "response.content_part.added": _read_part,
    "response.content_part.done": _read_part_done,
    "response.output_item.added": _read_item,
    "response.output_item.done": _read_item_done,
    "response.completed": _read_end,
    "response.incomplete": _read_end,
    "response.failed": _read_failed,
    "response.cancelled": _read_failed,
    "error": _fail,
}

_REPEATED: Final = frozenset(
    {
        "response.created",
        "response.queued",
        "response.in_progress",
        "response.reasoning_summary_part.added",
        "response.reasoning_summary_part.done",
        "keepalive",
    }
)
"""Events that say nothing that is not said elsewhere."""


def failure_of(response: bytes) -> UpstreamRefused:
    """The error of a response that failed."""
    envelope = read_envelope(response) or Envelope("The provider broke off its answer.")
    return refusal_of(envelope, status=0)


def _place(event: Event) -> tuple[int, int]:
    return event.output_index or 0, event.content_index or 0


def _words(value: Loose) -> str:
    """Text; what a server did not write as text, as JSON."""
    if isinstance(value, str):
        return value
    return "" if value is None else msgspec.json.encode(value).decode()


def _opaque(event: Event, data: bytes) -> OpaqueEvent:
    return OpaqueEvent(DIALECT, b"event: %b\n%b" % ((event.type or "").encode(), frame_of(data)))
