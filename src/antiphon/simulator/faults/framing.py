"""Faults of framing and of bytes: all that a reader of server-sent events or lines may trip over.

Most are no fault at all by the standard; a reader that looks for `data: {` and a line end loses
text over them.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from msgspec.structs import replace

from antiphon.simulator.faults.fault import Fault, Scene
from antiphon.simulator.faults.frames import (
    Frames,
    Spelling,
    before_text,
    first,
    in_each,
    in_frames,
    inserted,
    spelled,
)
from antiphon.simulator.reply import Framing, Piece, Reply
from antiphon.simulator.wires import GEMINI, OLLAMA, WIRES

_COMMENT: Final = b": OPENROUTER PROCESSING\n\n"
_HUGE: Final = 8 * 1024 * 1024
_DEEP: Final = 20_000
_EVENTS: Final = WIRES - {OLLAMA}
"""The wires of server-sent events."""
_LINES: Final = frozenset({OLLAMA})
"""The wires of lines."""


def _commented(frames: Frames) -> Iterable[bytes]:
    return (_COMMENT + frame for frame in frames)


def _with_fields(frames: Frames, spelling: Spelling) -> Iterable[bytes]:
    return (spelling.further_lines + frame for frame in frames)


def _on_two_lines(frames: Frames, spelling: Spelling) -> Iterable[bytes]:
    return (spelling.seam.sub(b",\ndata: ", frame, count=1) for frame in frames)


def _after_blanks(frames: Frames) -> Iterable[bytes]:
    return (b"\n" + frame for frame in frames)


def _in_halves(frames: Frames, spelling: Spelling) -> Iterable[bytes]:
    return (spelling.seam.sub(b",\n", frame, count=1) for frame in frames)


def _without_last_end(frames: Frames) -> Iterable[bytes]:
    return (*frames[:-1], *(frame.rstrip(b"\n") for frame in frames[-1:]))


def _split(reply: Reply, _scene: Scene) -> Reply:
    """Every byte a chunk of its own, with no pause: cuts inside lines and characters."""
    pieces = tuple(Piece(bytes((byte,))) for byte in reply.body())
    return replace(reply, pieces=pieces, framing=Framing.CHUNKED)


def _one_read(reply: Reply, _scene: Scene) -> Reply:
    return replace(reply, pieces=(Piece(reply.body()),))


def _huge_frame(spelling: Spelling) -> bytes:
    return spelling.holding(b'"%b"' % (b"x" * _HUGE))


def _deep_frame(spelling: Spelling) -> bytes:
    return spelling.nested(b"%b%b" % (b"[" * _DEEP, b"]" * _DEEP))


FRAMING_FAULTS: Final[Mapping[str, Fault]] = MappingProxyType(
    {
        "crlf": Fault(
            "lines end with CR LF",
            in_each(lambda data: data.replace(b"\n", b"\r\n")),
            "takes CR, LF and CR LF for a line's end",
            WIRES - {GEMINI},
        ),
        "comments": Fault(
            "a comment before every event",
            in_frames(_commented),
            "passes over comments, and counts none as an answer",
            _EVENTS,
        ),
        "event-fields": Fault(
            "`id:` and `retry:` lines in every event, and `event:` where none stands there",
            spelled(_with_fields),
            "reads the data, and passes the other lines on",
            _EVENTS,
        ),
        "data-lines": Fault(
            "the data of an event on two `data:` lines",
            spelled(_on_two_lines),
            "joins the lines before it reads them",
            _EVENTS,
        ),
        "blank-lines": Fault(
            "a blank line before every line",
            in_frames(_after_blanks),
            "passes over them, and counts none as an answer",
            _LINES,
        ),
        "line-halves": Fault(
            "each object on two lines",
            spelled(_in_halves),
            "reads neither half as an answer: a line is an object, and these are broken",
            _LINES,
        ),
        "no-newline": Fault(
            "the last line has no end but the body's",
            in_frames(_without_last_end),
            "reads it all the same, and takes the answer for whole",
            _LINES,
        ),
        "byte-chunks": Fault(
            "every byte in a chunk of its own",
            _split,
            "waits for the end of an event, wherever the network cuts it",
        ),
        "one-read": Fault(
            "all events in one chunk", _one_read, "finds every event, however many come at once"
        ),
        "bom": Fault(
            "a byte order mark before the body",
            first(b"\xef\xbb\xbf"),
            "takes it off, and loses no first event over it",
        ),
        "line-separators": Fault(
            "U+2028, U+2029 and U+0085 inside the text",
            before_text(b"\xe2\x80\xa8\xe2\x80\xa9\xc2\x85"),
            "takes none of them for a line's end",
        ),
        "invalid-utf8": Fault(
            "bytes inside the text that are not UTF-8",
            before_text(b"\xff\xc0"),
            "passes on no text that a caller's client would choke on: it fails over",
        ),
        "nul-bytes": Fault(
            "a NUL byte inside the text",
            before_text(b"\x00"),
            "passes on no JSON that strict readers refuse: it fails over",
        ),
        "huge-event": Fault(
            "an event of 8 MB", inserted(_huge_frame), "bounds an event, above any that is honest"
        ),
        "deep-event": Fault(
            "an event nested 20,000 deep",
            inserted(_deep_frame),
            "neither overflows its stack nor passes it on to overflow another's",
        ),
        "garbage-data": Fault(
            "an event in the middle that is no JSON",
            inserted(lambda spelling: spelling.unreadable),
            "ends the stream with an error event, for a part of the answer is lost",
        ),
    }
)
