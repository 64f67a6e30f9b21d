"""What goes back to a caller: a plan of bytes, pauses and an end.

An answer is data before it is traffic. That is what makes a fault a function from an honest reply
to a broken one, and what lets one small performer play all of them.
"""

from collections.abc import Iterable, Iterator
from enum import Enum
from http import HTTPStatus
from typing import TypeAlias

import msgspec
from msgspec import Struct

Headers: TypeAlias = tuple[tuple[bytes, bytes], ...]

JSON = (b"content-type", b"application/json")
EVENT_STREAM = (b"content-type", b"text/event-stream; charset=utf-8")
STREAMS = (b"text/event-stream", b"application/x-ndjson")
"""How the types of streams begin: of events, and of lines."""


class Framing(Enum):
    """How the body's length is told."""

    SIZED = "sized"
    CHUNKED = "chunked"
    AS_GIVEN = "as given"
    """The headers say what they say, and the body ends with the connection."""
    NO_HTTP = "no http"
    """No head at all, only the pieces."""


class Ending(Enum):
    """What happens after the last piece."""

    KEEP = "keep"
    CLOSE = "close"
    CUT = "cut"
    """The connection closes without the last chunk."""
    RESET = "reset"
    STALL = "stall"
    """Nothing more, ever, until the caller leaves."""
    REFUSE = "refuse"
    """A reset, and for a while nobody can connect."""
    GO_MUTE = "go mute"
    """A reset, and for a while whoever connects gets no answer, not even to a TLS handshake."""
    GO_RUDE = "go rude"
    """A reset, and for a while whoever connects is cut off at the first byte."""


class Piece(Struct, frozen=True):
    """Bytes of the body, after a pause; without a pause they join what came before them."""

    data: bytes
    pause: float = 0.0


class Reply(Struct, frozen=True):
    """A whole answer, before it is performed."""

    status: int = 200
    headers: Headers = (JSON,)
    pieces: Iterable[Piece] = ()
    """A tuple, except where a body has no end."""
    framing: Framing = Framing.SIZED
    ending: Ending = Ending.KEEP
    delay: float = 0.0
    """Seconds before the head."""
    preface: bytes = b""
    """Bytes before the head."""
    trailers: Headers = ()
    """Headers after the last chunk."""
    surplus: bytes = b""
    """Bytes after the end, which belong to no answer."""

    @property
    def immediate(self) -> bool:
        """Whether all of it may be written at once: nothing waits, nothing breaks, and it ends."""
        return (
            self.ending in _WHOLE
            and not self.delay
            and isinstance(self.pieces, tuple)
            and not any(piece.pause for piece in self.pieces)
        )

    @property
    def streamed(self) -> bool:
        """Whether the body is a stream, of events or of lines."""
        return any(value.startswith(STREAMS) for _, value in self.headers)

    def body(self) -> bytes:
        """The whole body; never asked of one without an end."""
        return b"".join(piece.data for piece in self.pieces)

    def with_headers(self, *headers: tuple[bytes, bytes]) -> "Reply":
        """The same reply with these headers instead of those of their names."""
        names = {name for name, _ in headers}
        kept = tuple(header for header in self.headers if header[0] not in names)
        return msgspec.structs.replace(self, headers=(*kept, *headers))


def plain(body: bytes, *, status: int = 200, headers: Headers = (JSON,)) -> Reply:
    """A reply in one piece."""
    return Reply(status=status, headers=headers, pieces=(Piece(body),))


def json(value: object, *, status: int = 200) -> Reply:
    """A reply that is this value."""
    return plain(msgspec.json.encode(value), status=status)


def performed(reply: Reply) -> Iterator[tuple[float, bytes]]:
    """A reply as bytes for the socket, each with the pause before it."""
    frame = _chunk if reply.framing is Framing.CHUNKED else _bare
    if reply.framing is not Framing.NO_HTTP:
        yield reply.delay, reply.preface + _head(reply)
    for piece in reply.pieces:
        yield piece.pause, frame(piece.data)
    if reply.framing is Framing.CHUNKED and reply.ending in _WHOLE:
        yield 0.0, b"0\r\n%b\r\n" % _lines(reply.trailers)
    if reply.surplus:
        yield 0.0, reply.surplus


_WHOLE = frozenset({Ending.KEEP, Ending.CLOSE})


def _length(reply: Reply) -> bytes:
    match reply.framing:
        case Framing.CHUNKED:
            return b"transfer-encoding: chunked\r\n"
        case Framing.SIZED:
            return b"content-length: %d\r\n" % len(reply.body())
        case _:
            return b""


def _head(reply: Reply) -> bytes:
    head = (_status_line(reply.status), _lines(reply.headers), _length(reply))
    return b"%b%b%b\r\n" % head


def _lines(headers: Headers) -> bytes:
    return b"".join([b"%b: %b\r\n" % header for header in headers])


def _chunk(data: bytes) -> bytes:
    # An empty chunk would end the body.
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""


def _bare(data: bytes) -> bytes:
    return data


def _status_line(status: int) -> bytes:
    return _STATUS_LINES.get(status) or b"HTTP/1.1 %d Unknown\r\n" % status


_STATUS_LINES = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus
}
