"""Instructions that show something.

Most dialects take nothing but text in instructions. Pictures, sounds and documents that stand
there are shown by the user who speaks next, before what that user says.
"""

from __future__ import annotations

import msgspec

from antiphon.dialects.fitting.turns import INSTRUCTIONS, Turns
from antiphon.model.parts import Audio, Author, File, Image, Part, Turn

_SHOWN = (Image, Audio, File)


def pictured(turns: Turns) -> Turns:
    """The turns with instructions that show nothing; the same object where none does."""
    if not any(map(_shows, turns)):
        return turns
    out: list[Turn] = []
    shown: list[Part] = []
    for turn in turns:
        if turn.author in INSTRUCTIONS:
            if _shows(turn):
                shown += [part for part in turn.parts if isinstance(part, _SHOWN)]
                told = tuple(part for part in turn.parts if not isinstance(part, _SHOWN))
                turn = msgspec.structs.replace(turn, parts=told)  # noqa: PLW2901
            if turn.parts:
                out.append(turn)
            continue
        if shown and turn.author is Author.USER:
            turn = msgspec.structs.replace(turn, parts=(*shown, *turn.parts))  # noqa: PLW2901
            shown = []
        elif shown:
            out.append(Turn(Author.USER, tuple(shown)))
            shown = []
        out.append(turn)
    if shown:
        out.append(Turn(Author.USER, tuple(shown)))
    return tuple(out)


def _shows(turn: Turn) -> bool:
    return turn.author in INSTRUCTIONS and any(isinstance(part, _SHOWN) for part in turn.parts)
