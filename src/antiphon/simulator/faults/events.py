"""Faults inside the events of a Chat Completions stream.

They edit the bytes of our own frames, whose spelling is known, so an edit is a substitution.
Those that concern framing or text befall a whole body just as well; the others leave it alone.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

from msgspec.structs import replace

from antiphon.simulator.faults.fault import Damage, Fault, Scene
from antiphon.simulator.openai_chat.stream import DONE
from antiphon.simulator.reply import Ending, Framing, Piece, Reply

_Frames: TypeAlias = tuple[bytes, ...]
_USAGE: Final = re.compile(rb',"usage":(\{.*\}|null)(?=\}\s*$)')
_CALL_INDEX: Final = re.compile(rb'("tool_calls":\[\{)"index":\d+,')
_CONTENT: Final = re.compile(rb'("content":")')
_NO_CHOICES: Final = b'"choices":[]'
_FINISH: Final = re.compile(rb'"finish_reason":"')
_SOME_USAGE: Final = b'{"prompt_tokens":9,"completion_tokens":3,"total_tokens":12}'
_NEGATIVE_USAGE: Final = b'{"prompt_tokens":-9,"completion_tokens":-3,"total_tokens":-12}'
_ERROR_EVENT: Final = (
    b'data: {"error":{"message":"The server had an error while streaming.",'
    b'"type":"server_error","param":null,"code":"server_error"}}\n\n'
)
_COMMENT: Final = b": OPENROUTER PROCESSING\n\n"
_HUGE: Final = 8 * 1024 * 1024
_DEEP: Final = 20_000


def _frames(change: Callable[[_Frames], Iterable[bytes]], ending: Ending | None = None) -> Damage:
    """Changes the frames of a stream and leaves a whole body alone."""

    def damage(reply: Reply, _scene: Scene) -> Reply:
        if not reply.streamed:
            return reply
        pieces = tuple(reply.pieces)
        changed = tuple(change(tuple(piece.data for piece in pieces)))
        pauses = [piece.pause for piece in pieces] + [0.0] * len(changed)
        paced = tuple(Piece(data, pause) for data, pause in zip(changed, pauses, strict=False))
        return replace(reply, pieces=paced, ending=ending or reply.ending)

    return damage


def _each(change: Callable[[bytes], bytes]) -> Damage:
    """Changes each piece of any body."""

    def damage(reply: Reply, _scene: Scene) -> Reply:
        pieces = tuple(replace(piece, data=change(piece.data)) for piece in reply.pieces)
        return replace(reply, pieces=pieces)

    return damage


def _first(prefix: bytes) -> Damage:
    """Puts something before the body."""

    def damage(reply: Reply, _scene: Scene) -> Reply:
        return replace(reply, pieces=(Piece(prefix), *reply.pieces))

    return damage


def _broken_off_with(frame: bytes) -> Damage:
    """Half of the frames, then this one, then a proper end."""

    def change(frames: _Frames) -> _Frames:
        return (*frames[: max(len(frames) // 2, 1)], frame)

    return _frames(change)


def _inserted(make: Callable[[], bytes]) -> Damage:
    """A frame in the middle of the others; made when it is needed, for some are large."""

    def change(frames: _Frames) -> _Frames:
        middle = len(frames) // 2
        return (*frames[:middle], make(), *frames[middle:])

    return _frames(change)


def _garbage_frame() -> bytes:
    return b'data: {"id":"chatcmpl-x","choices":[{"del\x00\xff<garbage>\n\n'


def _huge_frame() -> bytes:
    return b'data: {"choices":[],"filler":"%b"}\n\n' % (b"x" * _HUGE)


def _deep_frame() -> bytes:
    return b'data: {"choices":%b%b}\n\n' % (b"[" * _DEEP, b"]" * _DEEP)


def _without_done(frames: _Frames) -> Iterable[bytes]:
    return (frame for frame in frames if frame != DONE)


def _without_finish(frames: _Frames) -> Iterable[bytes]:
    return (frame for frame in frames if not _FINISH.search(frame))


def _without_usage(frames: _Frames) -> Iterable[bytes]:
    return (_USAGE.sub(b"", frame) for frame in frames if _NO_CHOICES not in frame)


def _usage_of(frames: _Frames) -> bytes:
    found = (_USAGE.search(frame) for frame in frames if _NO_CHOICES in frame)
    return next((match[1] for match in found if match), _SOME_USAGE)


def _with_usage(frame: bytes, usage: bytes) -> bytes:
    if not frame.startswith(b"data: {"):
        return frame
    return _USAGE.sub(b"", frame)[: -len(b"}\n\n")] + b',"usage":%b}\n\n' % usage


def _usage_on_the_last_choice(frames: _Frames) -> Iterable[bytes]:
    usage = _usage_of(frames)
    for frame in frames:
        if _NO_CHOICES not in frame:
            yield _with_usage(frame, usage) if _FINISH.search(frame) else frame


def _usage_everywhere(frames: _Frames) -> Iterable[bytes]:
    usage = _usage_of(frames)
    return (_with_usage(frame, usage) for frame in frames)


def _negative_usage(reply: Reply, _scene: Scene) -> Reply:
    ending = b',"usage":%b' % _NEGATIVE_USAGE
    pieces = tuple(
        replace(piece, data=_ANY_USAGE.sub(ending, piece.data)) for piece in reply.pieces
    )
    return replace(reply, pieces=pieces)


_ANY_USAGE: Final = re.compile(rb',"usage":\{(?:[^{}]|\{[^{}]*\})*\}')


def _commented(frames: _Frames) -> Iterable[bytes]:
    return (_COMMENT + frame for frame in frames)


def _split(reply: Reply, _scene: Scene) -> Reply:
    """Every byte a chunk of its own, with no pause: cuts inside lines and characters."""
    pieces = tuple(Piece(bytes((byte,))) for byte in reply.body())
    return replace(reply, pieces=pieces, framing=Framing.CHUNKED)


def _one_read(reply: Reply, _scene: Scene) -> Reply:
    return replace(reply, pieces=(Piece(reply.body()),))


def _late_content(frames: _Frames) -> Iterable[bytes]:
    """The finish reason before the last word."""
    places = [number for number, frame in enumerate(frames) if _FINISH.search(frame)]
    if not places or places[0] == 0:
        return frames
    at = places[0]
    return (*frames[: at - 1], frames[at], frames[at - 1], *frames[at + 1 :])


EVENT_FAULTS: Final[Mapping[str, Fault]] = MappingProxyType(
    {
        "error-event": Fault(
            "an error event in the middle, and then the end", _broken_off_with(_ERROR_EVENT)
        ),
        "error-first": Fault(
            "200, and the first event is an error", _frames(lambda _: (_ERROR_EVENT,))
        ),
        "garbage-data": Fault("an event in the middle that is no JSON", _inserted(_garbage_frame)),
        "no-done": Fault("no `[DONE]` after the finish reason", _frames(_without_done)),
        "no-finish": Fault("`[DONE]` without a finish reason", _frames(_without_finish)),
        "late-content": Fault(
            "the finish reason comes before the last word", _frames(_late_content)
        ),
        "preamble-only": Fault("only the role, then `[DONE]`", _frames(lambda f: (f[0], DONE))),
        "usage-on-choice": Fault(
            "usage on the last chunk with a choice instead of a chunk of its own",
            _frames(_usage_on_the_last_choice),
        ),
        "usage-everywhere": Fault("usage repeated on every chunk", _frames(_usage_everywhere)),
        "no-usage": Fault("usage was asked for and does not come", _frames(_without_usage)),
        "negative-usage": Fault("usage with negative figures", _negative_usage),
        "tool-index-missing": Fault(
            "tool call fragments without an index",
            _each(lambda data: _CALL_INDEX.sub(rb"\1", data)),
        ),
        "tool-index-zero": Fault(
            "every tool call has index 0",
            _each(lambda data: _CALL_INDEX.sub(rb'\1"index":0,', data)),
        ),
        "crlf": Fault("lines end with CR LF", _each(lambda data: data.replace(b"\n", b"\r\n"))),
        "comments": Fault("a comment before every event", _frames(_commented)),
        "bom": Fault("a byte order mark before the body", _first(b"\xef\xbb\xbf")),
        "line-separators": Fault(
            "U+2028, U+2029 and U+0085 inside the text",
            _each(lambda data: _CONTENT.sub(b"\\1\xe2\x80\xa8\xe2\x80\xa9\xc2\x85", data)),
        ),
        "invalid-utf8": Fault(
            "bytes inside the text that are not UTF-8",
            _each(lambda data: _CONTENT.sub(b"\\1\xff\xc0", data)),
        ),
        "byte-chunks": Fault("every byte in a chunk of its own", _split),
        "one-read": Fault("all events in one chunk", _one_read),
        "huge-event": Fault("an event of 8 MB", _inserted(_huge_frame)),
        "deep-event": Fault("an event nested 20,000 deep", _inserted(_deep_frame)),
    }
)
