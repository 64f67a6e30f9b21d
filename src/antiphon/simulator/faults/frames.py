"""How faults edit the frames of a Chat Completions stream.

They edit the bytes of our own frames, whose spelling is known, so an edit is a substitution.
Those that concern framing or text befall a whole body just as well; the others leave it alone.
"""

import re
from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

from msgspec.structs import replace

from antiphon.simulator.faults.fault import Damage, Scene
from antiphon.simulator.reply import Ending, Piece, Reply

Frames: TypeAlias = tuple[bytes, ...]

CONTENT: Final = re.compile(rb'("content":")')
FINISH: Final = re.compile(rb'"finish_reason":"')
NO_CHOICES: Final = b'"choices":[]'


def in_frames(change: Callable[[Frames], Iterable[bytes]], ending: Ending | None = None) -> Damage:
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


def in_each(change: Callable[[bytes], bytes]) -> Damage:
    """Changes each piece of any body."""

    def damage(reply: Reply, _scene: Scene) -> Reply:
        pieces = tuple(replace(piece, data=change(piece.data)) for piece in reply.pieces)
        return replace(reply, pieces=pieces)

    return damage


def before_text(prefix: bytes) -> Damage:
    """Puts something at the beginning of each text."""
    return in_each(lambda data: CONTENT.sub(lambda found: found[1] + prefix, data))


def first(prefix: bytes) -> Damage:
    """Puts something before the body."""

    def damage(reply: Reply, _scene: Scene) -> Reply:
        return replace(reply, pieces=(Piece(prefix), *reply.pieces))

    return damage


def broken_off_with(frame: bytes) -> Damage:
    """Half of the frames, then this one, then a proper end."""

    def change(frames: Frames) -> Frames:
        return (*frames[: max(len(frames) // 2, 1)], frame)

    return in_frames(change)


def inserted(make: Callable[[], bytes]) -> Damage:
    """A frame in the middle of the others; made when it is needed, for some are large."""

    def change(frames: Frames) -> Frames:
        middle = len(frames) // 2
        return (*frames[:middle], make(), *frames[middle:])

    return in_frames(change)
