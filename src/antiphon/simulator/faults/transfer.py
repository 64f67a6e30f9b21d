"""Faults of the connection and of HTTP itself: what a caller meets below the dialect."""

import gzip
import zlib
from collections.abc import Iterable, Mapping
from functools import cache
from itertools import chain, repeat
from types import MappingProxyType
from typing import Final

from msgspec.structs import replace

from antiphon.simulator.faults.fault import Damage, Fault, Scene
from antiphon.simulator.reply import Ending, Framing, Piece, Reply

_GARBAGE: Final = b"\x16\x03\x01\x00\xc8SSH-2.0-garbage\r\n\x00\xff\xfe" * 8
_BLOCK: Final = 65_536
_DRIP_PAUSE = 0.01
_BOMB_BYTES = 64 * 1024 * 1024
_GZIP = 31


def _nothing(ending: Ending) -> Damage:
    def damage(reply: Reply, _scene: Scene) -> Reply:
        return replace(reply, pieces=(), framing=Framing.NO_HTTP, ending=ending)

    return damage


def _half(ending: Ending) -> Damage:
    """The first half of the body, and then this end."""

    def damage(reply: Reply, _scene: Scene) -> Reply:
        return replace(_with_a_true_length(reply), pieces=half(reply.pieces), ending=ending)

    return damage


def half(pieces: Iterable[Piece]) -> tuple[Piece, ...]:
    """The first half: of the events, or of the bytes where there is only one piece."""
    whole = tuple(pieces)
    if len(whole) != 1:
        return whole[: len(whole) // 2]
    return (replace(whole[0], data=whole[0].data[: len(whole[0].data) // 2]),)


def _with_a_true_length(reply: Reply) -> Reply:
    """Promises the whole body before half of it is taken away."""
    if reply.framing is not Framing.SIZED:
        return reply
    length = (b"content-length", b"%d" % len(reply.body()))
    return replace(reply.with_headers(length), framing=Framing.AS_GIVEN)


def _half_an_event(reply: Reply, _scene: Scene) -> Reply:
    kept = half(reply.pieces)
    last = replace(kept[-1], data=kept[-1].data[: len(kept[-1].data) // 2])
    return replace(_with_a_true_length(reply), pieces=(*kept[:-1], last), ending=_end_early(reply))


def _truncated(reply: Reply, _scene: Scene) -> Reply:
    return replace(reply, pieces=half(reply.pieces), ending=Ending.CLOSE)


def _end_early(reply: Reply) -> Ending:
    return Ending.CLOSE if reply.framing is Framing.CHUNKED else Ending.CUT


def _garbage(reply: Reply, _scene: Scene) -> Reply:
    pieces = (Piece(_GARBAGE),)
    return replace(reply, pieces=pieces, framing=Framing.NO_HTTP, ending=Ending.CLOSE)


def _bad_chunk(reply: Reply, _scene: Scene) -> Reply:
    headers = reply.with_headers((b"transfer-encoding", b"chunked"))
    pieces = (Piece(b"zz\r\nthis is no chunk\r\n"),)
    return replace(headers, pieces=pieces, framing=Framing.AS_GIVEN, ending=Ending.CLOSE)


def _wrong_length(difference: int) -> Damage:
    def damage(reply: Reply, _scene: Scene) -> Reply:
        length = (b"content-length", b"%d" % max(len(reply.body()) + difference, 0))
        return replace(reply.with_headers(length), framing=Framing.AS_GIVEN, ending=Ending.CLOSE)

    return damage


def _huge_headers(reply: Reply, _scene: Scene) -> Reply:
    return reply.with_headers(*((b"x-filler-%d" % n, b"f" * 1000) for n in range(300)))


def _endless(reply: Reply, _scene: Scene) -> Reply:
    # Comments for a stream, white space for a body: nothing that a reader would refuse at once.
    filler = b" " * _BLOCK
    block = b":%b\n\n" % filler if reply.streamed else filler
    pieces = chain(half(reply.pieces), repeat(Piece(block)))
    return replace(reply, pieces=pieces, framing=Framing.CHUNKED, ending=Ending.CUT)


def _drip(reply: Reply, _scene: Scene) -> Reply:
    body = reply.body()
    pieces = tuple(Piece(body[at : at + 1], _DRIP_PAUSE) for at in range(len(body)))
    return replace(_with_a_true_length(reply), pieces=pieces)


def _gzipped(reply: Reply, _scene: Scene) -> Reply:
    packed = gzip.compress(reply.body(), mtime=0)
    return replace(reply.with_headers((b"content-encoding", b"gzip")), pieces=(Piece(packed),))


def _bomb(reply: Reply, _scene: Scene) -> Reply:
    packed = reply.with_headers((b"content-encoding", b"gzip"))
    return replace(packed, pieces=(Piece(_packed_zeros()),))


@cache
def _packed_zeros() -> bytes:
    packer = zlib.compressobj(wbits=_GZIP)
    zeros = bytes(_BOMB_BYTES // 64)
    return b"".join([*(packer.compress(zeros) for _ in range(64)), packer.flush()])


TRANSFER_FAULTS: Final[Mapping[str, Fault]] = MappingProxyType(
    {
        "refused": Fault(
            "the connection is reset and for a second nobody can connect", _nothing(Ending.REFUSE)
        ),
        "reset": Fault("the connection is reset before any byte", _nothing(Ending.RESET)),
        "hangup": Fault("the connection is closed before any byte", _nothing(Ending.CLOSE)),
        "stall": Fault("no byte ever comes", _nothing(Ending.STALL)),
        "reset-inside": Fault(
            "the connection is reset after half of the body", _half(Ending.RESET)
        ),
        "stall-inside": Fault("nothing comes after half of the body", _half(Ending.STALL)),
        "cut": Fault("the connection is closed after half of the body", _half(Ending.CUT)),
        "truncated": Fault(
            "half of the body, ended properly: no finish reason, no `[DONE]`", _truncated
        ),
        "half-event": Fault("the body ends properly inside an event", _half_an_event),
        "garbage": Fault("bytes that are not HTTP", _garbage),
        "bad-chunk": Fault("a chunk whose size is no number", _bad_chunk),
        "length-long": Fault(
            "`Content-Length` promises 100 bytes more than come", _wrong_length(100)
        ),
        "length-short": Fault("`Content-Length` is 10 bytes short", _wrong_length(-10)),
        "huge-headers": Fault("300 KB of headers", _huge_headers),
        "endless": Fault("half of the body, then filler without an end", _endless),
        "drip": Fault("a byte every 10 ms", _drip),
        "gzip": Fault("a gzip body, asked for or not", _gzipped),
        "bomb": Fault("a gzip body of 64 KB that inflates to 64 MB", _bomb),
    }
)
