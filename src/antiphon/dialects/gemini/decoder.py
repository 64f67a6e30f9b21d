"""Streams, read.

Hot path: about three microseconds for a chunk of text. Every chunk is a whole response that
holds what is new; there is no terminal event, the end of the body ends the stream. A chunk that
came in an array is read as one of server-sent events.
"""

from __future__ import annotations

from typing import Final

import msgspec
from typing_extensions import override

from antiphon.dialects.contract import Position, StreamDecoder
from antiphon.dialects.counts import merged
from antiphon.dialects.envelopes import Envelope, refusal_of
from antiphon.dialects.fields import UNREADABLE
from antiphon.dialects.gemini.complaints import read_failure
from antiphon.dialects.gemini.fields import DIALECT
from antiphon.dialects.gemini.frames import CHUNK, Call, Candidate, Chunk, Piece
from antiphon.dialects.gemini.partials import Assembly
from antiphon.dialects.gemini.replies import prefix_of
from antiphon.dialects.gemini.stops import blocked, failure_of, read_stop
from antiphon.dialects.gemini.usage import Counts, counts_of, read_usage
from antiphon.dialects.unread import bad_event
from antiphon.model.events import (
    Finished,
    LogprobsDelta,
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
from antiphon.model.reply import StopReason
from antiphon.wire.sse import data_of

_DATA: Final = b"data: "
_AT: Final = len(_DATA)
_SPACE: Final = b" \t\r\n"
_PART: Final = b'data: {"candidates":[{"content":{"parts":[%b],"role":"model"},"index":%d}]}\n\n'


class _RawContent(msgspec.Struct):
    parts: list[msgspec.Raw] = []


class _RawCandidate(msgspec.Struct):
    content: _RawContent | None = None


class _RawChunk(msgspec.Struct):
    candidates: list[_RawCandidate] = []


_RAW: Final = msgspec.json.Decoder(_RawChunk)


class _Choice:
    """One candidate that is being written."""

    __slots__ = ("assembly", "calls", "finished", "open")

    def __init__(self) -> None:
        self.calls = 0
        self.finished = False
        self.open = -1
        """The number of a call whose arguments come in pieces; -1 where there is none."""
        self.assembly = Assembly()


class EventStream(StreamDecoder):
    """Reads one stream."""

    __slots__ = ("_choices", "_counts", "_origin", "_reply_id", "_started", "_stated")

    def __init__(self) -> None:
        self._started = False
        self._reply_id = ""
        self._origin = Origin(DIALECT)
        self._counts = Counts()
        self._stated = b""
        self._choices: dict[int, _Choice] = {}

    @property
    @override
    def position(self) -> Position:
        return Position(self._reply_id)

    @override
    def feed(self, frame: bytes) -> tuple[StreamEvent, ...]:
        if frame.startswith(_DATA):
            try:
                # To JSON the line ends are white space; what stands on other lines is an error.
                return self._read(CHUNK.decode(frame[_AT:]), frame, _AT)
            except UNREADABLE:
                pass
        return self._read_frame(frame)

    @override
    def without_usage(self, frame: bytes) -> bytes:
        return frame

    def _read_frame(self, frame: bytes) -> tuple[StreamEvent, ...]:
        data = frame.strip(b"[], \t\r\n") if _is_element(frame) else data_of(frame)
        if data is None or not data.strip(_SPACE) or data.strip() == b"[DONE]":
            return ()
        try:
            return self._read(CHUNK.decode(data), data, 0)
        except UNREADABLE as error:
            lines = data.split(b"\n")
            if len(lines) == 1:
                raise bad_event() from error
            said: list[StreamEvent] = []
            for line in lines:
                # Some proxies end their events with one line end.
                said += self._read_line(line)
            return tuple(said)

    def _read_line(self, line: bytes) -> tuple[StreamEvent, ...]:
        if not line.strip():
            return ()
        try:
            return self._read(CHUNK.decode(line), line, 0)
        except UNREADABLE as error:
            raise bad_event() from error

    def _read(self, chunk: Chunk, frame: bytes, at: int) -> tuple[StreamEvent, ...]:
        if chunk.error:
            failure = read_failure(frame[at:])
            if failure is None:
                failure = refusal_of(Envelope("The provider reports an error."), status=0)
            return (StreamFailed(failure),)
        said: list[StreamEvent] = []
        if not self._started:
            said.append(self._start(chunk))
        if chunk.usage_metadata and bytes(chunk.usage_metadata) != self._stated:
            self._count(chunk.usage_metadata, said)
        for place, candidate in enumerate(chunk.candidates or ()):
            self._hear(candidate, place, frame, at, said)
        feedback = chunk.prompt_feedback
        if feedback is not None and feedback.block_reason and not chunk.candidates:
            said.append(Finished(blocked(feedback.block_reason)))
        return tuple(said)

    def _start(self, chunk: Chunk) -> Started:
        self._started = True
        self._reply_id, model = chunk.response_id or "", chunk.model_version or ""
        self._origin = Origin(DIALECT, model)
        return Started(self._reply_id, model)

    def _count(self, raw: msgspec.Raw, said: list[StreamEvent]) -> None:
        self._stated = bytes(raw)
        counts = counts_of(raw)
        if counts is None:
            return
        # One that has a total says all there is to say, whatever was said before.
        whole = counts.total_token_count is not None
        self._counts = counts if whole else merged(self._counts, counts)
        usage = read_usage(self._counts)
        if usage is not None or counts.total_token_count is not None:
            said.append(UsageReported(usage, alone=False))

    def _hear(
        self, candidate: Candidate, place: int, frame: bytes, at: int, said: list[StreamEvent]
    ) -> None:
        index = candidate.index or 0
        choice = self._choices.get(index)
        if choice is None:
            choice = self._choices[index] = _Choice()
        content = candidate.content
        for number, part in enumerate((content.parts if content else None) or ()):
            if part.text is not None:
                self._say(part, index, said)
            elif part.function_call is not None:
                self._call(part, part.function_call, index, choice, said)
            else:
                raw = _RAW.decode(frame[at:]).candidates[place].content
                assert raw is not None
                said.append(OpaqueEvent(DIALECT, _PART % (bytes(raw.parts[number]), index)))
        if candidate.logprobs_result:
            # A copy: what is cut out of a frame keeps the whole of it.
            said.append(
                LogprobsDelta(DIALECT, msgspec.Raw(bytes(candidate.logprobs_result)), index)
            )
        if candidate.finish_reason and not choice.finished:
            self._finish(candidate, index, choice, said)

    def _say(self, part: Piece, index: int, said: list[StreamEvent]) -> None:
        text, seal = part.text, part.thought_signature
        if part.thought:
            if text:
                said.append(ReasoningDelta(text, index))
            if seal:
                self._seal(seal, index, said)
            return
        if seal:
            self._seal(seal, index, said)
        if text:
            said.append(TextDelta(text, index))

    def _seal(self, seal: str, index: int, said: list[StreamEvent]) -> None:
        said += (ReasoningSealed(seal, self._origin, index), PartEnded(index))

    # ------------------------------------------------------------------ calls

    def _call(
        self, part: Piece, call: Call, index: int, choice: _Choice, said: list[StreamEvent]
    ) -> None:
        if part.thought_signature:
            self._seal(part.thought_signature, index, said)
        if call.name or choice.open < 0:
            if not call.name:
                # The end of a call that ended already.
                return
            self._close(index, choice, said)
            number = choice.calls
            choice.calls += 1
            call_id = call.id or f"{prefix_of(self._reply_id)}{number}"
            said.append(ToolCallStarted(number, call_id, call.name, index))
            if not call.will_continue and not call.partial_args:
                arguments = bytes(call.args).decode() or "{}"
                said += (ToolCallDelta(number, arguments, index), PartEnded(index))
                return
            choice.open, choice.assembly = number, Assembly()
        if call.args:
            choice.assembly.whole |= msgspec.json.decode(call.args, type=dict[str, object])
        for piece in call.partial_args or ():
            choice.assembly.add(piece)
        if not call.will_continue:
            self._close(index, choice, said)

    def _close(self, index: int, choice: _Choice, said: list[StreamEvent]) -> None:
        """The end of a call whose arguments came in pieces."""
        if choice.open >= 0:
            whole = msgspec.json.encode(choice.assembly.whole).decode()
            said += (ToolCallDelta(choice.open, whole, index), PartEnded(index))
            choice.open = -1

    def _finish(
        self, candidate: Candidate, index: int, choice: _Choice, said: list[StreamEvent]
    ) -> None:
        choice.finished = True
        self._close(index, choice, said)
        stop = read_stop(candidate.finish_reason or "", called=choice.calls > 0)
        if stop.reason is StopReason.ERROR:
            said.append(StreamFailed(failure_of(stop.raw, candidate.finish_message)))
        else:
            said.append(Finished(stop, index))


def _is_element(frame: bytes) -> bool:
    """Whether a frame is an element of an array, and no server-sent event."""
    return frame.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in {b"[", b",", b"{", b"]"}
