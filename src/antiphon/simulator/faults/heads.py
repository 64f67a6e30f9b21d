"""Faults of HTTP itself: heads, lengths and what stands between answers."""

from collections.abc import Mapping
from itertools import chain, repeat
from types import MappingProxyType
from typing import Final

from msgspec.structs import replace

from antiphon.simulator.faults.fault import Damage, Fault, Scene
from antiphon.simulator.reply import Ending, Framing, Headers, Piece, Reply

_GARBAGE: Final = b"\x16\x03\x01\x00\xc8SSH-2.0-garbage\r\n\x00\xff\xfe" * 8
_BLOCK: Final = b"f" * 65_536
_INTERIM: Final = (
    b"HTTP/1.1 100 Continue\r\n\r\n"
    b"HTTP/1.1 103 Early Hints\r\nlink: </style.css>; rel=preload\r\n\r\n"
)
_TRAILERS: Final = ((b"x-checksum", b"0000"), (b"content-encoding", b"gzip"))
_NOBODYS: Final = b'{"choices":[{"message":{"content":"This answers no question."}}]}'
_SECOND: Final = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
    % (len(_NOBODYS), _NOBODYS)
)


def _length(number: int) -> tuple[bytes, bytes]:
    return b"content-length", b"%d" % number


def _garbage(reply: Reply, _scene: Scene) -> Reply:
    pieces = (Piece(_GARBAGE),)
    return replace(reply, pieces=pieces, framing=Framing.NO_HTTP, ending=Ending.CLOSE)


def _bad_chunk(reply: Reply, _scene: Scene) -> Reply:
    headers = reply.with_headers((b"transfer-encoding", b"chunked"))
    pieces = (Piece(b"zz\r\nthis is no chunk\r\n"),)
    return replace(headers, pieces=pieces, framing=Framing.AS_GIVEN, ending=Ending.CLOSE)


def _wrong_length(difference: int) -> Damage:
    def damage(reply: Reply, _scene: Scene) -> Reply:
        length = _length(max(len(reply.body()) + difference, 0))
        return replace(reply.with_headers(length), framing=Framing.AS_GIVEN, ending=Ending.CLOSE)

    return damage


def _two_lengths(reply: Reply, _scene: Scene) -> Reply:
    size = len(reply.body())
    told = reply.with_headers(_length(size), _length(size // 2))
    return replace(told, framing=Framing.AS_GIVEN, ending=Ending.CLOSE)


def _length_and_chunks(reply: Reply, _scene: Scene) -> Reply:
    told = reply.with_headers(_length(len(reply.body()) // 2))
    return replace(told, framing=Framing.CHUNKED, ending=Ending.CLOSE)


def _with_headers(headers: Headers) -> Damage:
    def damage(reply: Reply, _scene: Scene) -> Reply:
        return reply.with_headers(*headers)

    return damage


def _endless_header(reply: Reply, _scene: Scene) -> Reply:
    begun = Piece(b"HTTP/1.1 200 OK\r\nx-filler: ")
    pieces = chain((begun,), repeat(Piece(_BLOCK)))
    return replace(reply, pieces=pieces, framing=Framing.NO_HTTP, ending=Ending.CUT)


def _interim(reply: Reply, _scene: Scene) -> Reply:
    return replace(reply, preface=_INTERIM)


def _trailers(reply: Reply, _scene: Scene) -> Reply:
    announced = reply.with_headers((b"trailer", b"x-checksum"))
    return replace(announced, framing=Framing.CHUNKED, trailers=_TRAILERS)


def _second_answer(reply: Reply, _scene: Scene) -> Reply:
    return replace(reply, surplus=_SECOND)


HEAD_FAULTS: Final[Mapping[str, Fault]] = MappingProxyType(
    {
        "garbage": Fault(
            "bytes that are not HTTP", _garbage, "closes the connection, and fails over"
        ),
        "bad-chunk": Fault(
            "a chunk whose size is no number",
            _bad_chunk,
            "closes the connection, and fails over",
        ),
        "length-long": Fault(
            "`Content-Length` promises 100 bytes more than come",
            _wrong_length(100),
            "takes a body that is too short for broken, unless the stream in it is whole",
        ),
        "length-short": Fault(
            "`Content-Length` is 10 bytes short",
            _wrong_length(-10),
            "reads no further than the length, and uses the connection no more",
        ),
        "two-lengths": Fault(
            "two `Content-Length` headers that differ",
            _two_lengths,
            "believes neither, closes the connection, and fails over",
        ),
        "length-and-chunks": Fault(
            "a `Content-Length` that is wrong beside a chunked body",
            _length_and_chunks,
            "refuses the mixture, with which requests are smuggled, and fails over",
        ),
        "huge-headers": Fault(
            "300 KB of headers",
            _with_headers(tuple((b"x-filler-%d" % n, b"f" * 1000) for n in range(300))),
            "stops at a bound, and fails over",
        ),
        "header-flood": Fault(
            "10,000 short headers",
            _with_headers(tuple((b"x-%d" % n, b"f") for n in range(10_000))),
            "bounds a head as a whole, not only each line of it",
        ),
        "endless-header": Fault(
            "a header line without an end",
            _endless_header,
            "stops at a bound: a deadline alone would let memory grow until then",
        ),
        "interim": Fault(
            "100 and 103 before the answer",
            _interim,
            "passes over what is no final answer, and takes the one that follows",
        ),
        "trailers": Fault(
            "headers after the last chunk, one of them `Content-Encoding: gzip`",
            _trailers,
            "takes the body for whole, and no trailer for a header",
        ),
        "second-answer": Fault(
            "a second answer behind the first on the same connection",
            _second_answer,
            "gives it to nobody, least of all to the next caller, and closes the connection",
        ),
    }
)
