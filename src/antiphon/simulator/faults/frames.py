"""How faults edit the frames of a stream.

Those that concern framing or text befall a whole body just as well; the others leave it alone.
"""

from collections.abc import Callable, Iterable

from msgspec.structs import replace

from antiphon.simulator.faults.fault import Damage, Scene
from antiphon.simulator.reply import Ending, Piece, Reply
from antiphon.simulator.spelling import Frames, Prefix, Spelling

__all__ = [
    "Frames",
    "Spelling",
    "before_text",
    "before_text_of",
    "broken_off_with",
    "first",
    "in_each",
    "in_frames",
    "inserted",
    "spelled",
]


def spelled(
    change: Callable[[Frames, Spelling], Iterable[bytes]], ending: Ending | None = None
) -> Damage:
    """Changes the frames of a stream, as the dialect writes them, and leaves a whole body alone."""

    def damage(reply: Reply, scene: Scene) -> Reply:
        if not reply.streamed:
            return reply
        spelling = scene.dialect.spelling
        pieces = tuple(reply.pieces)
        frames = tuple(piece.data for piece in pieces)
        changed = tuple(spelling.in_order(change(frames, spelling)))
        pauses = [piece.pause for piece in pieces] + [0.0] * len(changed)
        paced = tuple(Piece(data, pause) for data, pause in zip(changed, pauses, strict=False))
        return replace(reply, pieces=paced, ending=ending or reply.ending)

    return damage


def in_frames(change: Callable[[Frames], Iterable[bytes]]) -> Damage:
    """Changes the frames of a stream and leaves a whole body alone."""
    return spelled(lambda frames, _: change(frames))


def in_each(change: Callable[[bytes], bytes]) -> Damage:
    """Changes each piece of any body."""

    def damage(reply: Reply, _scene: Scene) -> Reply:
        pieces = tuple(replace(piece, data=change(piece.data)) for piece in reply.pieces)
        return replace(reply, pieces=pieces)

    return damage


def before_text(prefix: bytes) -> Damage:
    """Puts the same at the beginning of each text."""
    return before_text_of(lambda _: prefix)


def before_text_of(prefix: Prefix) -> Damage:
    """Puts something at the beginning of each text, by the name of the member that holds it."""

    def damage(reply: Reply, scene: Scene) -> Reply:
        pieces = tuple(reply.pieces)
        frames = tuple(piece.data for piece in pieces)
        changed = scene.dialect.spelling.before_text(frames, prefix)
        paced = [Piece(data, piece.pause) for data, piece in zip(changed, pieces, strict=True)]
        return replace(reply, pieces=tuple(paced))

    return damage


def first(prefix: bytes) -> Damage:
    """Puts something before the body."""

    def damage(reply: Reply, _scene: Scene) -> Reply:
        return replace(reply, pieces=(Piece(prefix), *reply.pieces))

    return damage


def broken_off_with(frame: Callable[[Spelling], bytes]) -> Damage:
    """Half of the frames, then this one, then a proper end."""

    def change(frames: Frames, spelling: Spelling) -> Frames:
        return (*frames[: max(len(frames) // 2, 1)], frame(spelling))

    return spelled(change)


def inserted(make: Callable[[Spelling], bytes]) -> Damage:
    """A frame in the middle of the others; made when it is needed, for some are large."""

    def change(frames: Frames, spelling: Spelling) -> Frames:
        middle = len(frames) // 2
        return (*frames[:middle], make(spelling), *frames[middle:])

    return spelled(change)
