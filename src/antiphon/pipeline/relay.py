"""Forwarding a stream spoken in one dialect to a caller who hears another.

Every frame is split on bytes and decoded once. Between equal dialects a frame that nobody
changes goes on as the provider's bytes, and all frames of one read leave in one piece.

Hot path: per event one decode and a few comparisons; see `benchmarks/hot_path.py`.
"""

from __future__ import annotations

from typing import NamedTuple

from antiphon.dialects.base import Dialect, Payload
from antiphon.dialects.contract import Place, Position, StreamEncoder
from antiphon.errors import UpstreamBroken, UpstreamError
from antiphon.model.events import (
    USEFUL,
    Ended,
    Finished,
    OpaqueEvent,
    ReasoningDelta,
    RefusalDelta,
    StreamEvent,
    StreamFailed,
    TextDelta,
    ToolCallDelta,
    UsageReported,
)
from antiphon.model.reply import StopReason
from antiphon.model.structured import Structured
from antiphon.model.usage import Usage
from antiphon.pipeline.forms import Form, Hearing
from antiphon.pipeline.kept import joined_events
from antiphon.pipeline.translation import Reader, Translation
from antiphon.wire.sse import FrameTooLong

_ROOM = 512
"""Events that are kept before they are put together."""
_LARGE = 4096
"""Bytes of a frame without a word of ours that is not kept until there are so many events."""
_MOST_SAID = 1 << 18
"""Bytes of an answer beyond which it is not kept."""


class Ongoing(NamedTuple):
    """A caller's stream that was begun.

    Attributes:
        encoder: Writes on in it.
        read: What becomes of an event before it is written there.
        events: What was told there so far.
    """

    encoder: StreamEncoder
    read: Reader
    events: list[StreamEvent]


class Relay:
    """One provider's stream on its way to one caller.

    Args:
        spoken: The provider's dialect.
        asked: What is answered, in the caller's dialect.
        translation: Set where the caller cannot have the provider's own bytes.
        form: What the answer must have, where that is looked at.
        usage: Whether usage is told; by default where the caller asked for it.
        onto: The caller's stream, where it was begun already.

    Attributes:
        events: What was told, for whoever must go on with it; None of an answer that is too long.
        encoder: Writes what the caller hears, where that are not the provider's bytes.
        useful: The first useful event was seen: the content commit point.
        ended: The provider's terminal event was seen: the answer is whole.
        finished: A choice has said why it stopped.
        usage: What the provider counted, so far.
        failure: What broke the stream, or None.
        said: Bytes of text, thought and arguments that passed.
        frames: Frames seen; the status commit point counts them.
    """

    __slots__ = (
        "_decode",
        "_decoder",
        "_encode",
        "_hearing",
        "_hide_usage",
        "_kept",
        "_loose",
        "_read",
        "_room",
        "_splitter",
        "_strict",
        "encoder",
        "ended",
        "events",
        "failure",
        "finished",
        "frames",
        "said",
        "stop",
        "usage",
        "useful",
    )

    def __init__(
        self,
        spoken: Dialect,
        asked: Payload,
        translation: Translation | None = None,
        form: Form | None = None,
        *,
        usage: bool | None = None,
        onto: Ongoing | None = None,
    ) -> None:
        wants_usage = asked.wants_usage if usage is None else usage
        self._splitter = spoken.splitter()
        self._decoder = spoken.stream_decoder()
        self._decode = self._decoder.feed
        self._kept: list[StreamEvent] = []
        self._read = None if translation is None else translation.reader()
        if onto is None:
            self.encoder = asked.dialect.stream_encoder(include_usage=wants_usage, asked=asked)
        else:
            self.encoder, self._read, self._kept = onto
        self._encode = self.encoder.feed
        self.events: list[StreamEvent] | None = self._kept
        self._hearing = None if form is None else Hearing(form)
        if self._hearing is not None:
            # Beside the road: a stream whose form nobody looks at has nothing of this.
            if self._read is None:
                self._decode = self._hearing.beside(self._decode)
            else:
                self._read = self._hearing.beside(self._read)
        self._strict = spoken.strict_end
        self._loose = spoken.loose_end
        self._hide_usage = not wants_usage
        self._room = _ROOM
        self.useful = False
        self.ended = False
        self.finished = False
        self.frames = 0
        self.said = 0
        self.failure: UpstreamError | None = None
        self.stop: StopReason | None = None
        self.usage: Usage | None = None

    @property
    def position(self) -> Position:
        """How far the caller's stream has come."""
        return self._decoder.position if self._read is None else self.encoder.position

    @property
    def structured(self) -> Structured | None:
        """What is known of the form of the answer, at its end; None where nobody looks."""
        return None if self._hearing is None else self._hearing.found

    def feed(self, chunk: bytes) -> bytes:
        """What the caller gets of the next bytes of the provider.

        An error does not raise here, since what came before it in the same bytes is still good:
        it is left in `failure`, and nothing after it is passed on.
        """
        try:
            frames = self._splitter.feed(chunk)
        except FrameTooLong as error:
            self.failure = UpstreamBroken(str(error), code="event_too_large")
            return b""
        return self._forward(frames)

    @property
    def is_whole(self) -> bool:
        """Whether the answer has said why it stopped, and its dialect asks for nothing more."""
        return self.finished and not self._strict

    def finish(self) -> bytes:
        """What the caller gets at the provider's clean end of file.

        A stream that has said why it stopped is whole even where the provider forgot the
        terminal event; the caller gets it from us. Any other end leaves `truncated` in `failure`.
        """
        whole, left, piece = self.is_whole, self._splitter.flush().strip(), b""
        if left and not self.ended:
            piece = self._forward([left + b"\n\n"], cut=True)
            if whole and self.failure is not None and self.failure.code == "bad_event":
                # The half of a terminal event, behind an answer that is whole.
                self.failure = None
        if self.ended or self.failure is not None:
            return piece
        if self.is_whole or (self._loose and self.useful):
            self.ended = True
            return piece + self._encode(Ended())
        self.failure = UpstreamBroken(
            "The stream ended before its terminal event.", code="truncated"
        )
        return piece

    def _forward(self, frames: list[bytes], *, cut: bool = False) -> bytes:
        pieces: list[bytes] = []
        said = 0
        decode, read, encode, kept = self._decode, self._read, self._encode, self._kept
        try:
            for frame in frames:
                if self.ended:
                    break
                events = decode(frame)
                if cut and not events:
                    break
                usage_shown = False
                for event in events:
                    if type(event) is TextDelta:
                        self.useful = True
                        said += _size(event.text)
                    elif self._observe(event):
                        usage_shown = True
                if read is not None:
                    told = [each for event in events for each in read(event)]
                    pieces += map(encode, told)
                    kept += told
                    continue
                if usage_shown and self._hide_usage:
                    frame = self._masked(frame, events)  # noqa: PLW2901
                pieces.append(frame)
                kept += events
        except UpstreamError as error:
            self.failure = error
        self.frames += len(frames)
        self.said += said
        if len(kept) >= self._room:
            self._make_room(kept)
        return b"".join(pieces)

    @property
    def place(self) -> Place | None:
        """Where the provider's own frames have left off; None where another cannot go on."""
        return self._decoder.place

    @property
    def rest(self) -> tuple[StreamEvent, ...]:
        """What is missing of an answer that has said why it stopped, where it is only that."""
        place = self._decoder.place
        return () if self.ended or place is None else place.rest

    def told(self, events: tuple[StreamEvent, ...]) -> bytes:
        """Say what the provider has left unsaid."""
        for event in events:
            self._observe(event)
        read = self._read
        told = events if read is None else [each for event in events for each in read(event)]
        return b"".join(map(self.encoder.feed, told))

    @property
    def passes(self) -> bool:
        """Whether the caller hears the provider's own bytes."""
        return self._read is None

    def _make_room(self, kept: list[StreamEvent]) -> None:
        """Put texts together that follow each other; keep nothing of an answer that is too long."""
        if self.said > _MOST_SAID:
            self.events = None
            kept.clear()
            return
        joined = joined_events(kept)
        kept[:] = joined
        self._room = len(joined) + _ROOM

    def _observe(self, event: StreamEvent) -> bool:
        """Note what an event says of the stream; True for usage."""
        match event:
            case UsageReported(usage=usage):
                self.usage = usage
                return True
            case Finished(stop=stop):
                self.finished = True
                self.stop = self.stop or stop.reason
            case Ended():
                self.ended = True
            case StreamFailed(error=error):
                raise error
            case ReasoningDelta(text=text) | RefusalDelta(text=text):
                self.useful = True
                self.said += _size(text)
            case ToolCallDelta(arguments=text):
                self.useful = True
                self.said += _size(text)
            case OpaqueEvent(payload=payload):
                if len(payload) > _LARGE:
                    self._room = 0
            case _ if isinstance(event, USEFUL):
                self.useful = True
            case _:
                pass
        return False

    def _masked(self, frame: bytes, events: tuple[StreamEvent, ...]) -> bytes:
        match events:
            case (UsageReported(alone=True),):
                return b""
            case _:
                return self._decoder.without_usage(frame)


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())
