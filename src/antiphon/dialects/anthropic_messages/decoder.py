"""Streams, read.

Hot path: about two microseconds for a frame of text. The usual frame (a delta of a block that is
text, thought or a call) leaves on the short road of `feed`; all others take the long one.
"""

from __future__ import annotations

from typing import Final

import msgspec
from typing_extensions import override

from antiphon.dialects.anthropic_messages.fields import DIALECT
from antiphon.dialects.anthropic_messages.frames import EVENT, Block, Delta, Event
from antiphon.dialects.anthropic_messages.stops import read_stop
from antiphon.dialects.anthropic_messages.usage import Counts, counts_of, read_usage
from antiphon.dialects.contract import Place, Position, StreamDecoder
from antiphon.dialects.counts import merged
from antiphon.dialects.envelopes import Envelope, read_envelope, refusal_of
from antiphon.dialects.fields import UNREADABLE
from antiphon.dialects.unread import bad_event, other_event
from antiphon.model.events import (
    Ended,
    Finished,
    OpaqueEvent,
    PartEnded,
    ReasoningDelta,
    ReasoningSealed,
    Started,
    StreamEvent,
    StreamFailed,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from antiphon.model.parts import Origin
from antiphon.wire.sse import data_of, name_of

_DELTA: Final = b"event: content_block_delta\ndata: {"
_AT: Final = len(_DELTA) - 1
_TEXT, _THOUGHT, _SEALED, _FOREIGN = -1, -2, -3, -4
"""What a block is; a call is its own number, from 0."""
_PLAIN: Final = {"text": _TEXT, "thinking": _THOUGHT, "redacted_thinking": _SEALED}
_KNOWN: Final = {"text_delta", "thinking_delta", "input_json_delta", "signature_delta"}
_PART_ENDED: Final = (PartEnded(),)


class EventStream(StreamDecoder):
    """Reads one stream."""

    __slots__ = (
        "_blocks",
        "_calls",
        "_counts",
        "_empty",
        "_inputs",
        "_next",
        "_origin",
        "_reply_id",
        "_started",
        "_stop",
    )

    def __init__(self) -> None:
        self._started = False
        self._reply_id = ""
        self._origin = Origin(DIALECT)
        self._counts = Counts()
        self._stop: tuple[str, str | None] | None = None
        self._blocks: dict[int, int] = {}
        self._calls = 0
        self._next = 0
        self._empty = True
        self._inputs: dict[int, str] = {}
        """What each call began with, until it says more."""

    @property
    @override
    def position(self) -> Position:
        return Position(self._reply_id)

    @property
    @override
    def place(self) -> Place | None:
        if self._stop is not None:
            return Place(self._next, rest=self._end())
        match [*self._blocks.items()]:
            case []:
                return Place(self._next)
            case [(index, kind)] if kind == _TEXT:
                return Place(index, "open")
            case _:
                return None

    @override
    def feed(self, frame: bytes) -> tuple[StreamEvent, ...]:
        if not frame.startswith(_DELTA):
            return self._read_frame(frame)
        try:
            # To JSON the line ends are white space; what stands on other lines is an error.
            event = EVENT.decode(frame[_AT:])
        except UNREADABLE:
            return self._read_frame(frame)
        delta = event.delta
        if delta is not None and event.error is None and event.type == "content_block_delta":
            block = self._blocks.get(event.index or 0, _FOREIGN)
            if block == _TEXT:
                if delta.text and delta.type == "text_delta":
                    return (TextDelta(delta.text),)
            elif block == _THOUGHT:
                if delta.thinking and delta.type == "thinking_delta":
                    return (ReasoningDelta(delta.thinking),)
            elif block >= 0 and delta.partial_json and delta.type == "input_json_delta":
                self._inputs.pop(block, None)
                return (ToolCallDelta(block, delta.partial_json),)
        return self._read(frame, frame[_AT:], event)

    @override
    def without_usage(self, frame: bytes) -> bytes:
        return frame

    def _read_frame(self, frame: bytes) -> tuple[StreamEvent, ...]:
        data = data_of(frame)
        if data is None:
            return ()
        try:
            event = EVENT.decode(data)
        except UNREADABLE as error:
            return _read_other(frame, data.strip(), error)
        return self._read(frame, data, event)

    def _read(self, frame: bytes, data: bytes, event: Event) -> tuple[StreamEvent, ...]:
        kind = event.type or name_of(frame).decode(errors="replace")
        if event.error or kind == "error":
            envelope = read_envelope(data) or Envelope("The provider reports an error.")
            return (StreamFailed(refusal_of(envelope, status=0)),)
        said: tuple[StreamEvent, ...] = ()
        match kind:
            case "content_block_delta" if event.delta is not None:
                said = self._read_delta(frame, event.index or 0, event.delta)
            case "content_block_start" if event.content_block is not None:
                said = self._begin(frame, event.index or 0, event.content_block)
            case "content_block_stop":
                said = self._end_block(frame, event.index or 0)
            case "message_start":
                said = self._start(event)
            case "message_delta":
                said = self._read_end(event)
            case "message_stop":
                said = self._end()
            case "ping":
                pass
            case _:
                said = (OpaqueEvent(DIALECT, frame),)
        return said

    # ------------------------------------------------------------------ the message

    def _start(self, event: Event) -> tuple[StreamEvent, ...]:
        if self._started:
            return ()
        self._started = True
        message = event.message
        model, usage = "", event.usage
        if message is not None:
            self._reply_id, model = message.id or "", message.model or ""
            usage = message.usage
        self._origin = Origin(DIALECT, model)
        return (Started(self._reply_id, model), *self._count(usage))

    def _read_end(self, event: Event) -> tuple[StreamEvent, ...]:
        delta = event.delta
        if delta is not None and delta.stop_reason:
            self._stop = (delta.stop_reason, delta.stop_sequence)
        return self._count(event.usage)

    def _count(self, raw: msgspec.Raw) -> tuple[StreamEvent, ...]:
        if not raw:
            return ()
        counts = counts_of(raw)
        if counts is not None:
            self._counts = merged(self._counts, counts)
        return (UsageReported(read_usage(self._counts), alone=False),)

    def _end(self) -> tuple[StreamEvent, ...]:
        if self._stop is None and self._empty:
            # It says nothing, and not why: that is no answer.
            return (Ended(),)
        raw, sequence = self._stop or ("tool_use" if self._calls else "end_turn", None)
        return (Finished(read_stop(raw, sequence)), Ended())

    # ------------------------------------------------------------------ its blocks

    def _begin(self, frame: bytes, index: int, block: Block) -> tuple[StreamEvent, ...]:
        self._empty = False
        self._next = index + 1
        if block.type == "tool_use":
            call = self._blocks[index] = self._calls
            self._calls += 1
            self._inputs[call] = bytes(block.input).decode(errors="replace") or "{}"
            return (ToolCallStarted(call, block.id or f"call_{call}", block.name or ""),)
        kind = self._blocks[index] = _PLAIN.get(block.type or "", _FOREIGN)
        match kind:
            case -4:
                return (OpaqueEvent(DIALECT, frame),)
            case -3:
                return (ReasoningSealed(block.data or "", self._origin, sealed=True),)
            case -2:
                said: list[StreamEvent] = []
                if block.thinking:
                    said.append(ReasoningDelta(block.thinking))
                if block.signature:
                    said.append(ReasoningSealed(block.signature, self._origin))
                return tuple(said)
            case _:
                return (TextDelta(block.text),) if block.text else ()

    def _read_delta(self, frame: bytes, index: int, delta: Delta) -> tuple[StreamEvent, ...]:
        block = self._blocks.get(index)
        if block is None and delta.type in _KNOWN:
            block = self._begin_late(index, delta.type)
        if block is None or block == _FOREIGN or delta.type not in _KNOWN:
            return (OpaqueEvent(DIALECT, frame),)
        if delta.text:
            return (TextDelta(delta.text),)
        if delta.thinking:
            return (ReasoningDelta(delta.thinking),)
        if delta.partial_json and block >= 0:
            self._inputs.pop(block, None)
            return (ToolCallDelta(block, delta.partial_json),)
        if delta.signature:
            return (ReasoningSealed(delta.signature, self._origin),)
        return ()

    def _begin_late(self, index: int, kind: str) -> int:
        """A block that is there without having begun; a call must begin, to have a name."""
        if kind == "input_json_delta":
            raise bad_event()
        self._empty = False
        self._next = index + 1
        block = self._blocks[index] = _TEXT if kind == "text_delta" else _THOUGHT
        return block

    def _end_block(self, frame: bytes, index: int) -> tuple[StreamEvent, ...]:
        block = self._blocks.pop(index, _FOREIGN)
        if block == _FOREIGN:
            return (OpaqueEvent(DIALECT, frame),)
        whole = self._inputs.pop(block, None) if block >= 0 else None
        return _PART_ENDED if whole is None else (ToolCallDelta(block, whole), *_PART_ENDED)


# ------------------------------------------------------------------ what is no event of ours


def _read_other(frame: bytes, data: bytes, error: Exception) -> tuple[StreamEvent, ...]:
    if data == b"[DONE]" or not data:
        # Servers that speak every dialect end every stream so.
        return ()
    if name_of(frame) == b"error":
        envelope = read_envelope(data) or Envelope(data[:1000].decode(errors="replace"))
        return (StreamFailed(refusal_of(envelope, status=0)),)
    return (other_event(DIALECT, frame, data, error),)
