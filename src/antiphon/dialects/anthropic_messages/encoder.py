"""Streams, written.

The bytes around the text of a block are made once; an event of text costs one small encode and a
join. The last frames wait for the end, since other dialects count after they have stopped.
"""

from __future__ import annotations

from typing import Final

import msgspec
from typing_extensions import override

from antiphon.dialects.anthropic_messages.fields import DIALECT
from antiphon.dialects.anthropic_messages.frames import EVENT
from antiphon.dialects.anthropic_messages.opening import PASSED, TEXT, THOUGHT, BlockWriter
from antiphon.dialects.anthropic_messages.replies import id_of
from antiphon.dialects.anthropic_messages.stops import write_stop
from antiphon.dialects.anthropic_messages.usage import write_usage
from antiphon.dialects.base import Payload
from antiphon.dialects.continued import continued_member, continued_note
from antiphon.dialects.contract import Place, Position, StreamEncoder
from antiphon.dialects.fields import UNREADABLE, Written
from antiphon.errors import MalformedBody
from antiphon.model.events import (
    Continued,
    Ended,
    Finished,
    OpaqueEvent,
    PartEnded,
    ReasoningDelta,
    ReasoningSealed,
    RefusalDelta,
    Started,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from antiphon.model.parts import Reasoning
from antiphon.model.reply import Stop, StopReason
from antiphon.model.usage import Usage
from antiphon.wire.shallow import Members
from antiphon.wire.sse import data_of

_JSON: Final = msgspec.json.Encoder()
_STOPPED: Final = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'


def estimated_input(asked: Payload | None) -> int:
    """Tokens of the prompt, for clients who read them before the provider has counted.

    A stream's end says how many there were.
    """
    return asked.input_estimate if asked is not None else 0


class EventWriter(StreamEncoder):
    """Writes one stream."""

    __slots__ = (
        "_asked",
        "_blocks",
        "_called",
        "_continued",
        "_id",
        "_passed",
        "_refused",
        "_stop",
        "_stopped",
        "_unsent",
        "_usage",
    )

    def __init__(self, asked: Payload | None = None) -> None:
        self._asked = asked
        self._blocks = BlockWriter()
        self._id = ""
        self._unsent = True
        self._usage: Usage | None = None
        self._stop = Stop(StopReason.STOP)
        self._refused = self._called = self._stopped = False
        self._continued: list[str] = []
        self._passed = -1
        """The provider's number of its own block that goes through whole."""

    @property
    @override
    def position(self) -> Position:
        return Position(self._id)

    @override
    def take_over(self, place: Place) -> bytes:
        self._unsent, self._stopped = False, bool(place.rest)
        self._blocks.take_over(place.index, text=place.state == "open")
        return b""

    @override
    def feed(self, event: StreamEvent) -> bytes:
        blocks = self._blocks
        if type(event) is TextDelta and blocks.kind == TEXT and not event.choice:
            return b"%b%b}}\n\n" % (blocks.head, _JSON.encode(event.text))
        if type(event) is Started:
            # Told with the next event: that may say how long the prompt is.
            self._id, blocks.model = id_of(event.id), event.model
            return b""
        if type(event) is UsageReported:
            self._usage = event.usage
        return self._opening() + self._write(event) if self._unsent else self._write(event)

    def _write(self, event: StreamEvent) -> bytes:
        out, blocks = b"", self._blocks
        match event:
            case TextDelta(text=text, choice=0):
                out = blocks.say(TEXT, text)
            case ReasoningDelta(text=text, choice=0):
                out = blocks.say(THOUGHT, text)
            case ToolCallDelta(choice=0):
                out = blocks.grow(event)
            case ToolCallStarted(choice=0):
                self._called = True
                out = blocks.call(event)
            case ReasoningSealed(choice=0):
                seal, origin, sealed = event.signature, event.origin, event.sealed
                out = blocks.seal(Reasoning(signature=seal, origin=origin, sealed=sealed))
            case RefusalDelta(text=text, choice=0):
                self._refused = True
                out = blocks.say(TEXT, text)
            case PartEnded(choice=0):
                out = blocks.end_part()
            case Finished(stop=stop, choice=0):
                self._stop = stop
                out = blocks.close_all()
            case Ended():
                out = blocks.close_all() + self._ending()
            case OpaqueEvent() if event.dialect == DIALECT:
                out = self._pass(event.payload)
            case Continued(by=by):
                self._continued.append(by)
                out = continued_note(by)
            case _:
                # Other choices have no place here; a failure is rendered by whoever knows the
                # request.
                pass
        return out

    # ------------------------------------------------------------------ the message

    def _opening(self) -> bytes:
        self._unsent = False
        message: Written = {
            "id": self._id or id_of(""),
            "type": "message",
            "role": "assistant",
            "model": self._blocks.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": write_usage(self._counted()),
        }
        return b'event: message_start\ndata: {"type":"message_start","message":%b}\n\n' % (
            _JSON.encode(message)
        )

    def _ending(self) -> bytes:
        if self._stopped:
            # Its provider has told the reason and the usage.
            return _STOPPED
        delta = {
            "stop_reason": write_stop(self._stop, refused=self._refused, called=self._called),
            "stop_sequence": self._stop.sequence,
        }
        usage, more = write_usage(self._counted()), b""
        if self._continued:
            more = b"," + continued_member(self._continued)
        return b"%b%b" % (
            b'event: message_delta\ndata: {"type":"message_delta","delta":%b,"usage":%b%b}\n\n'
            % (_JSON.encode(delta), _JSON.encode(usage), more),
            _STOPPED,
        )

    def _counted(self) -> Usage:
        return self._usage or Usage(input_tokens=estimated_input(self._asked))

    # ------------------------------------------------------------------ what goes through whole

    def _pass(self, frame: bytes) -> bytes:
        """A frame of our own dialect, its block numbered as it is here."""
        data = data_of(frame)
        try:
            event = EVENT.decode(data or b"{}")
        except UNREADABLE:
            return frame
        theirs, blocks, out = event.index or 0, self._blocks, b""
        passing = blocks.kind == PASSED and theirs == self._passed
        match event.type:
            case "content_block_start":
                out = blocks.begin_passed()
                self._passed = theirs
            case "content_block_stop":
                if not passing:
                    return b""
                ended = _numbered(frame, data, blocks.index)
                blocks.end_passed()
                return ended
            case "content_block_delta" if not passing:
                if event.delta is not None and event.delta.type == "citations_delta":
                    # What is cited stands before what is said with it.
                    out = blocks.begin_text()
                if blocks.kind in {None, PASSED}:
                    return out
            case "content_block_delta":
                pass
            case _:
                return frame
        return out + _numbered(frame, data, blocks.index)


def _numbered(frame: bytes, data: bytes | None, index: int) -> bytes:
    """A frame with another number of its block."""
    try:
        members = Members.parse(data or b"{}")
    except MalformedBody:
        return frame
    number = str(index).encode()
    if members.raw("index") == number or data is None or b"\n" in data:
        return frame
    return frame.replace(data, members.replace({"index": number}).encode())
