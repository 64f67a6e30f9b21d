"""Streams: wherever the network cuts them, whatever is between, however they end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from antiphon.model.events import (
    Ended,
    Finished,
    OpaqueEvent,
    PartEnded,
    Started,
    StreamEvent,
    StreamFailed,
    UsageReported,
)
from antiphon.model.fold import fold
from antiphon.simulator.dice import Dice
from antiphon.testing.compliance.cases import ended, events_of, frames_of, write
from antiphon.testing.compliance.dialect import samples
from antiphon.testing.compliance.dialect.said import answer, sums
from antiphon.testing.compliance.findings import Broken, Findings, holds, same
from antiphon.testing.compliance.subject import Subject
from antiphon.wire.sse import FrameTooLong

_SEED: Final = "streams"
_PIECE: Final = b"x" * 2**20
_ENDLESS: Final = 10


def told(subject: Subject) -> Iterator[tuple[str, bytes]]:
    """Every stream to try: those of the cases, and two that the dialect writes itself."""
    for case in subject.cases:
        if case.stream is not None:
            yield f"{case.name}/stream{case.suffix}", case.stream
    yield "a written stream of text", write(subject.dialect, samples.events())
    yield "a written stream of calls", write(subject.dialect, samples.events(*samples.CALLS))


def cut(subject: Subject, found: Findings) -> None:
    """A stream that is cut in two at any byte, or at every byte, has the same events."""
    dialect = subject.dialect
    for where, stream in told(subject):
        with found.trying(where):
            frames = frames_of(dialect, [stream])
            events = events_of(dialect, [stream])
            for at in range(1, len(stream)):
                _as_before(subject, samples.cut_at(stream, [at]), frames, events, f"at byte {at}")
            every = samples.cut_at(stream, range(1, len(stream)))
            _as_before(subject, every, frames, events, "at every byte")


def joined(subject: Subject, found: Findings) -> None:
    """A stream that comes in pieces of any size has the same events."""
    dialect, dice = subject.dialect, Dice(_SEED)
    for where, stream in told(subject):
        with found.trying(where):
            frames = frames_of(dialect, [stream])
            events = events_of(dialect, [stream])
            for _ in range(40):
                cuts = [dice.below(len(stream)) for _ in range(dice.between(1, 12))]
                pieces = samples.cut_at(stream, cuts)
                _as_before(subject, pieces, frames, events, f"at {sorted(cuts)}")


def _as_before(
    subject: Subject,
    chunks: Sequence[bytes],
    frames: list[bytes],
    events: list[StreamEvent],
    where: str,
) -> None:
    """Equal frames have equal events; others are read."""
    if frames_of(subject.dialect, chunks) != frames:
        same(_comparable(events_of(subject.dialect, chunks)), _comparable(events), f"cut {where}")


def _comparable(events: list[StreamEvent]) -> list[object]:
    return [str(event.error) if isinstance(event, StreamFailed) else event for event in events]


def heartbeat(subject: Subject, found: Findings) -> None:
    """A heartbeat between two frames is no event."""
    dialect = subject.dialect
    for where, stream in told(subject):
        with found.trying(where):
            frames = frames_of(dialect, [stream])
            events = events_of(dialect, [stream])
            for at in range(len(frames)):
                pieces = [*frames[:at], dialect.heartbeat, *frames[at:]]
                seen = _comparable(events_of(dialect, pieces))
                same(seen, _comparable(events), f"a heartbeat before frame {at}: events")


def folded(subject: Subject, found: Findings) -> None:
    """What a stream adds up to is what the same answer is as a whole reply."""
    dialect = subject.dialect
    for where, stream in told(subject):
        with found.trying(where):
            events = events_of(dialect, [stream])
            if any(isinstance(event, StreamFailed) for event in events):
                found.tried -= 1
                continue
            whole = fold(events)
            again = dialect.decode_reply(dialect.encode_reply(whole))
            same(answer(again), answer(whole), "as a whole reply")
    for calls in ((), samples.CALLS):
        for size in (1, 3, 1000):
            with found.trying(f"{len(calls)} calls in pieces of {size}"):
                events = samples.events(*calls, size=size)
                again = fold(events_of(dialect, [write(dialect, events)]))
                same(answer(again), answer(fold(events)), "as a stream")
                reply = dialect.decode_reply(dialect.encode_reply(samples.reply(*calls)))
                same(answer(again), answer(reply), "as a whole reply")


def bounded(subject: Subject, found: Findings) -> None:
    """A frame without an end is refused at a bound, with the error that a relay knows."""
    for start in (b'data: {"a":"', b'{"a":"', b'[{"a":"'):
        with found.trying(f"{start.decode()}…"):
            splitter = subject.dialect.splitter()
            try:
                splitter.feed(start)
                for _ in range(_ENDLESS):
                    splitter.feed(_PIECE)
            except FrameTooLong:
                continue
            raise Broken("FrameTooLong", f"{_ENDLESS} MB without an end")


def end(subject: Subject, found: Findings) -> None:
    """A stream ends once; one that is cut off does not end, by the dialect's own rule."""
    dialect = subject.dialect
    for where, stream in told(subject):
        with found.trying(where):
            events = events_of(dialect, [stream])
            if any(isinstance(event, StreamFailed) for event in events):
                found.tried -= 1
                continue
            stops = [event for event in events if isinstance(event, Finished)]
            ends = [event for event in events if isinstance(event, Ended)]
            holds(len(ends) <= 1, "one end", len(ends))
            holds(not ends or events[-1] == ends[0], "nothing behind the end", events[-1])
            whole = bool(ends) or (bool(stops) and not dialect.strict_end)
            holds(whole or dialect.loose_end, "an end", events[-1:])
    with found.trying("a written stream"):
        wrote = samples.events()
        stream = write(dialect, wrote)
        whole = ended(events_of(dialect, [stream]))
        same(whole[-1], Ended(), "the last event")
        same(sum(isinstance(event, Started) for event in whole), 1, "starts")
    with found.trying("a written stream, broken off before its stop"):
        wrote = [event for event in samples.events() if not isinstance(event, Ended | Finished)]
        events = events_of(dialect, [write(dialect, wrote)])
        over = [event for event in events if isinstance(event, Ended | Finished)]
        holds(not over, "no end", over)


def usage(subject: Subject, found: Findings) -> None:
    """Usage is told to who asks, and a frame without its usage says all else as before."""
    dialect = subject.dialect
    with found.trying("asked for"):
        events = events_of(dialect, [write(dialect, samples.events())])
        same(sums(fold(events).usage), sums(samples.USAGE), "usage")
    for where, stream in told(subject):
        with found.trying(f"{where}, usage left out"):
            reader, again = dialect.stream_decoder(), dialect.stream_decoder()
            for frame in frames_of(dialect, [stream]):
                events = reader.feed(frame)
                stated = [event for event in events if isinstance(event, UsageReported)]
                if not stated or (len(events) == 1 and stated[0].alone):
                    again.feed(frame)
                    continue
                left = again.feed(reader.without_usage(frame))
                same(_but_usage(left), _but_usage(events), "events without usage")


def _but_usage(events: Sequence[StreamEvent]) -> list[object]:
    ignored = (UsageReported, OpaqueEvent, PartEnded)
    return _comparable([event for event in events if not isinstance(event, ignored)])
