"""Faults of the connection: it breaks, it ends too early, it never ends, nobody is there."""

from collections.abc import Iterable, Mapping
from itertools import chain, repeat
from types import MappingProxyType
from typing import Final

from msgspec.structs import replace

from antiphon.simulator.faults.fault import Damage, Fault, Scene
from antiphon.simulator.reply import Ending, Framing, Piece, Reply

_BLOCK: Final = 65_536
_DRIP_PAUSE = 0.01
_HEARTBEAT_PAUSE = 0.05
_PART_OF_A_CHARACTER: Final = "…".encode()[:2]


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
    whole = tuple(pieces) or (Piece(b""),)
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


def _half_a_character(reply: Reply, scene: Scene) -> Reply:
    *kept, last = half(reply.pieces)
    found = scene.dialect.spelling.text.search(last.data)
    begun = last.data if found is None else last.data[: found.end()]
    cut = replace(last, data=begun + _PART_OF_A_CHARACTER)
    return replace(reply, pieces=(*kept, cut), ending=Ending.CLOSE)


def _truncated(reply: Reply, _scene: Scene) -> Reply:
    return replace(reply, pieces=half(reply.pieces), ending=Ending.CLOSE)


def _end_early(reply: Reply) -> Ending:
    return Ending.CLOSE if reply.framing is Framing.CHUNKED else Ending.CUT


def _endless(reply: Reply, scene: Scene) -> Reply:
    # Comments for a stream, white space for a body: nothing that a reader would refuse at once.
    filler = b" " * _BLOCK
    block = scene.dialect.spelling.filler(filler) if reply.streamed else filler
    pieces = chain(half(reply.pieces), repeat(Piece(block)))
    return replace(reply, pieces=pieces, framing=Framing.CHUNKED, ending=Ending.CUT)


def _heartbeats(reply: Reply, scene: Scene) -> Reply:
    told = scene.dialect.spelling.heartbeat if reply.streamed else b" "
    beat = Piece(told, _HEARTBEAT_PAUSE)
    return replace(reply, pieces=repeat(beat), framing=Framing.CHUNKED, ending=Ending.CUT)


def _drip(reply: Reply, _scene: Scene) -> Reply:
    body = reply.body()
    pieces = tuple(Piece(body[at : at + 1], _DRIP_PAUSE) for at in range(len(body)))
    return replace(_with_a_true_length(reply), pieces=pieces)


TRANSFER_FAULTS: Final[Mapping[str, Fault]] = MappingProxyType(
    {
        "refused": Fault(
            "the connection is reset and for a second nobody can connect",
            _nothing(Ending.REFUSE),
            "fails over at once; alone, says 503, for nothing was asked",
        ),
        "tls-slow": Fault(
            "the connection is reset and for a second a TLS handshake gets no answer",
            _nothing(Ending.GO_MUTE),
            "counts the handshake in the time to connect, which is short, and fails over",
        ),
        "tls-closed": Fault(
            "the connection is reset and for a second a TLS handshake is broken off",
            _nothing(Ending.GO_RUDE),
            "says that TLS failed, fails over, and never tries without TLS",
        ),
        "reset": Fault(
            "the connection is reset before any byte",
            _nothing(Ending.RESET),
            "asks again once where the connection had served before, else fails over",
        ),
        "hangup": Fault(
            "the connection is closed before any byte",
            _nothing(Ending.CLOSE),
            "asks again once where the connection had served before, else fails over",
        ),
        "stall": Fault(
            "no byte ever comes",
            _nothing(Ending.STALL),
            "has a deadline for the first byte, closes the connection, and fails over",
        ),
        "reset-inside": Fault(
            "the connection is reset after half of the body",
            _half(Ending.RESET),
            "fails over while no text is out; after it, ends the stream with an error event",
        ),
        "stall-inside": Fault(
            "nothing comes after half of the body",
            _half(Ending.STALL),
            "has a deadline between two reads, and ends the stream with an error event",
        ),
        "cut": Fault(
            "the connection is closed after half of the body",
            _half(Ending.CUT),
            "does not take the end of the connection for the end of the answer",
        ),
        "truncated": Fault(
            "half of the body, ended properly: no finish reason, no last event",
            _truncated,
            "does not take a proper end for the end of the answer: no terminal event, an error",
        ),
        "half-event": Fault(
            "the body ends properly inside an event",
            _half_an_event,
            "passes half an event on to nobody, and ends with an error event",
        ),
        "half-character": Fault(
            "the body ends properly inside a UTF-8 character",
            _half_a_character,
            "puts no letter in its place, and takes the answer for broken",
        ),
        "endless": Fault(
            "half of the body, then filler without an end",
            _endless,
            "bounds a whole body by its size and a stream by its time",
        ),
        "heartbeats": Fault(
            "signs of life for ever and no answer: comments or lines without a text in a stream, "
            "white space in a body",
            _heartbeats,
            "takes no sign of life for an answer: it ends at the total deadline and fails over",
        ),
        "drip": Fault(
            "a byte every 10 ms",
            _drip,
            "has a total deadline, which no byte puts off",
        ),
    }
)
