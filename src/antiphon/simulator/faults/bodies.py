"""Success that is none: another body, another type or another packing than was asked for."""

import gzip
import zlib
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Final

import msgspec
from msgspec.structs import replace

from antiphon.simulator.dialect import Problem
from antiphon.simulator.faults.answers import ERROR_PAGE, HTML, TEXT, answering
from antiphon.simulator.faults.fault import Damage, Fault, Scene
from antiphon.simulator.reply import EVENT_STREAM, JSON, Ending, Framing, Piece, Reply

_OVERLOADED: Final = Problem(500, "The model is overloaded.", code="overloaded", type="overloaded")
_GZIP: Final = (b"content-encoding", b"gzip")
_BOMB_BYTES = 64 * 1024 * 1024
_GZIP_BITS = 31


def _error_as_success(_reply: Reply, scene: Scene) -> Reply:
    return msgspec.structs.replace(scene.dialect.complain(_OVERLOADED), status=200)


def _called(content_type: tuple[bytes, bytes]) -> Damage:
    """The same body under another type."""

    def damage(reply: Reply, _scene: Scene) -> Reply:
        return reply.with_headers(content_type)

    return damage


def _not_streamed(reply: Reply, scene: Scene) -> Reply:
    """The stream folded into one body; a whole body stays what it is."""
    if not reply.streamed:
        return reply
    whole = (Piece(scene.dialect.spelling.folded(reply.body())),)
    return replace(reply.with_headers(JSON), pieces=whole, framing=Framing.SIZED)


def _whole_as_stream(reply: Reply, scene: Scene) -> Reply:
    return _not_streamed(reply, scene).with_headers(EVENT_STREAM)


def _gzipped(reply: Reply, _scene: Scene) -> Reply:
    packed = gzip.compress(reply.body(), mtime=0)
    return replace(reply.with_headers(_GZIP), pieces=(Piece(packed),))


def _half_gzipped(reply: Reply, _scene: Scene) -> Reply:
    packed = gzip.compress(reply.body(), mtime=0)
    half = Piece(packed[: len(packed) // 2])
    return replace(reply.with_headers(_GZIP), pieces=(half,), ending=Ending.CLOSE)


def _encoded(encoding: bytes) -> Damage:
    """Says that the body is packed so, and it is not."""

    def damage(reply: Reply, _scene: Scene) -> Reply:
        return reply.with_headers((b"content-encoding", encoding))

    return damage


def _bomb(reply: Reply, _scene: Scene) -> Reply:
    return replace(reply.with_headers(_GZIP), pieces=(Piece(_packed_zeros()),))


@cache
def _packed_zeros() -> bytes:
    packer = zlib.compressobj(wbits=_GZIP_BITS)
    zeros = bytes(_BOMB_BYTES // 64)
    return b"".join([*(packer.compress(zeros) for _ in range(64)), packer.flush()])


def _without_length(reply: Reply, _scene: Scene) -> Reply:
    return replace(reply, framing=Framing.AS_GIVEN, ending=Ending.CLOSE)


BODY_FAULTS: Final[Mapping[str, Fault]] = MappingProxyType(
    {
        "html": Fault(
            "200 with an HTML page",
            answering(ERROR_PAGE, status=200, headers=(HTML,)),
            "takes no page for an answer, whatever its status, and fails over",
        ),
        "error-200": Fault(
            "200 with an error as its body",
            _error_as_success,
            "reads the error, and treats it as if it had come with its status",
        ),
        "empty-200": Fault(
            "200 with no body",
            answering(b"", status=200, headers=(JSON,)),
            "takes nothing for no answer, and fails over",
        ),
        "empty-object": Fault(
            "200 with `{}`",
            answering(b"{}", status=200, headers=(JSON,)),
            "takes an answer without a choice for none, and fails over",
        ),
        "no-content": Fault(
            "204", answering(b"", status=204, headers=()), "takes it for no answer, and fails over"
        ),
        "type-text": Fault(
            "the body's type is `text/plain`",
            _called(TEXT),
            "looks at the body, not at its name, and gives its caller the right name",
        ),
        "type-json": Fault(
            "a stream's type is `application/json`",
            _called(JSON),
            "does not pass a stream on under that name; ours fails over",
        ),
        "type-stream": Fault(
            "a whole body whose type is `text/event-stream`",
            _whole_as_stream,
            "sees that no event ever comes, and fails over; to a caller who asked for a whole "
            "body it is one",
        ),
        "not-streamed": Fault(
            "a whole body although a stream was asked for",
            _not_streamed,
            "sends no whole body to a caller who reads events; ours fails over",
        ),
        "no-length": Fault(
            "neither a length nor chunks: the body ends with the connection",
            _without_length,
            "takes the end of the connection for the end of the body, and checks that it is whole",
        ),
        "gzip": Fault(
            "a gzip body, asked for or not",
            _gzipped,
            "unpacks it while it comes, and tells its caller no encoding",
        ),
        "gzip-cut": Fault(
            "a gzip body that ends in the middle, ended properly",
            _half_gzipped,
            "notices that the packing has no end, and takes it for a failure",
        ),
        "gzip-garbage": Fault(
            "a body that is called gzip and is not",
            _encoded(b"gzip"),
            "fails over, and guesses nothing",
        ),
        "unknown-encoding": Fault(
            "a content encoding that nobody asked for: `br`",
            _encoded(b"br"),
            "fails over, and passes on no bytes that it cannot read",
        ),
        "bomb": Fault(
            "a gzip body of 64 KB that inflates to 64 MB",
            _bomb,
            "unpacks in small steps, and stops at a bound",
        ),
    }
)
