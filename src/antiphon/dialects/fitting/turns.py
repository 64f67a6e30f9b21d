"""Turns, made such that a dialect that they do not come from can write them.

Each rule is a pure function over turns that returns the same object where nothing is to be done.
Order of the rules matters; `fitting.fitting` keeps it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from operator import is_
from typing import Final

import msgspec

from antiphon.dialects.contract import Traits
from antiphon.model.parts import (
    Author,
    Opaque,
    Part,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
    Turn,
)
from antiphon.model.seals import is_valid_at

Turns = tuple[Turn, ...]

UNSHOWN: Final = "(Something was shown here that cannot be passed on.)"
"""Stands for a user's turn of which nothing is left."""
OPENING: Final = "(The conversation goes on.)"
"""Stands before a conversation that the user does not begin, where the user must."""

INSTRUCTIONS: Final = (Author.SYSTEM, Author.DEVELOPER)


def is_plain(turns: Turns, traits: Traits) -> bool:
    """Whether no rule of this package can change these turns: most conversations are so.

    Hot path: one look at each part.
    """
    began = False
    for turn in turns:
        author = turn.author
        if author is Author.USER:
            began = True
        elif author is Author.ASSISTANT:
            if traits.user_first and not began:
                return False
            began = True
        elif author is Author.TOOL or (began and not traits.later_system):
            return False
        if not turn.parts:
            return False
        for part in turn.parts:
            if not isinstance(part, Text) or not part.text:
                return False
            if not traits.blanks and part.text.isspace():
                return False
    return began or not traits.user_first


# ------------------------------------------------------------------ what can be said


def says_anything(turns: Turns, traits: Traits) -> bool:
    """Whether anything is left to be answered of a conversation that is written in a dialect.

    Instructions alone are enough: providers answer them, also beside a turn that says nothing.

    Hot path: the first turn decides, nearly always.
    """
    return any(_says(part, turn.author, traits) for turn in turns for part in turn.parts)


def _says(part: Part, author: Author, traits: Traits) -> bool:
    match part:
        case Text(text=text):
            return bool(text) and (traits.blanks or not text.isspace())
        case Reasoning():
            return False
        case Opaque(dialect=dialect):
            return author is not Author.ASSISTANT or dialect == traits.dialect
        case _:
            return True


def sayable(turns: Turns, traits: Traits, scope: str) -> Turns:
    """Without parts that the dialect cannot say, and without turns of which nothing is left.

    What a tool gave back in a form of another dialect is told as the JSON that it is. What goes:
    other opaque parts of other dialects, thought whose seal is not valid there, texts that
    are empty, calls that no assistant made. A user's turn of which that leaves nothing keeps its
    place, with a text that says so.
    """
    out: list[Turn] = []
    changed = False
    for turn in turns:
        fitted = _sayable(turn, traits, scope)
        changed |= fitted is not turn
        if fitted is not None:
            out.append(fitted)
    return tuple(out) if changed else turns


def _sayable(turn: Turn, traits: Traits, scope: str) -> Turn | None:
    author, parts = turn.author, turn.parts
    fitted = [_sayable_part(part, author, traits, scope) for part in parts]
    if parts and all(map(is_, fitted, parts)):
        return turn
    kept = tuple(part for part in fitted if part is not None)
    if kept:
        return msgspec.structs.replace(turn, parts=kept)
    if author is Author.USER and any(isinstance(part, Opaque) for part in parts):
        return msgspec.structs.replace(turn, parts=(Text(UNSHOWN),))
    return None


def _sayable_part(part: Part, author: Author, traits: Traits, scope: str) -> Part | None:
    match part:
        case Text(text=text):
            is_said = bool(text) and (traits.blanks or not text.isspace())
        case Opaque(dialect=dialect):
            is_said = dialect == traits.dialect
        case ToolCall():
            is_said = author is Author.ASSISTANT
        case Reasoning():
            is_said = _is_thinkable(part, traits, scope)
        case ToolResult():
            return _sayable_result(part, traits)
        case _:
            is_said = True
    return part if is_said else None


def _is_thinkable(thought: Reasoning, traits: Traits, scope: str) -> bool:
    if is_valid_at(thought, traits.dialect, scope):
        return True
    told = thought.text or thought.summary or thought.spelling is not None
    return traits.unsigned_thought and bool(told)


def _sayable_result(result: ToolResult, traits: Traits) -> ToolResult:
    kept = tuple(
        _told_as_json(part) if isinstance(part, Opaque) and part.dialect != traits.dialect else part
        for part in result.parts
        if not (isinstance(part, Text) and not part.text)
    )
    if len(kept) == len(result.parts) and all(map(is_, kept, result.parts)):
        return result
    return msgspec.structs.replace(result, parts=kept)


def _told_as_json(part: Opaque) -> Text:
    """What a tool gave back in a form of its own: a model reads JSON, and finds what it needs."""
    return Text(bytes(part.payload).decode())


# ------------------------------------------------------------------ assistants


def joined(turns: Turns) -> Turns:
    """Neighbouring turns of an assistant in one, where one of them thinks or calls.

    Responses writes thought, text and each call as items of their own; all other dialects have
    one message for them, and want the results of all its calls behind it.
    """
    if not any(one.author is Author.ASSISTANT is two.author for one, two in pairwise(turns)):
        return turns
    out: list[Turn] = []
    run: list[Turn] = []
    for turn in turns:
        if turn.author is Author.ASSISTANT:
            run.append(turn)
        else:
            out += _joined(run)
            run = []
            out.append(turn)
    out += _joined(run)
    return tuple(out) if len(out) < len(turns) else turns


def _joined(run: Sequence[Turn]) -> Sequence[Turn]:
    if len(run) < 2 or not any(  # noqa: PLR2004 - one turn has no neighbour
        isinstance(part, ToolCall | Reasoning) for turn in run for part in turn.parts
    ):
        return run
    parts = tuple(part for turn in run for part in turn.parts)
    return [msgspec.structs.replace(run[0], parts=parts)]


# ------------------------------------------------------------------ places


def placed(turns: Turns) -> Turns:
    """Later system and developer turns where they stand, as marked text of the user.

    Not moved to the front: that would be another prompt at each turn, and both the provider's
    cache and the seals over thought hold for a prompt that begins the same.
    """
    first = next(
        (at for at, turn in enumerate(turns) if turn.author not in INSTRUCTIONS), len(turns)
    )
    if not any(turn.author in INSTRUCTIONS for turn in turns[first:]):
        return turns
    return turns[:first] + tuple(
        _instruction(turn) if turn.author in INSTRUCTIONS else turn for turn in turns[first:]
    )


def _instruction(turn: Turn) -> Turn:
    parts = tuple(
        msgspec.structs.replace(part, text=f"<system>\n{part.text}\n</system>")
        if isinstance(part, Text)
        else part
        for part in turn.parts
    )
    return msgspec.structs.replace(turn, author=Author.USER, parts=parts)


def begun(turns: Turns) -> Turns:
    """With a turn of the user before all others but instructions."""
    first = next(
        (at for at, turn in enumerate(turns) if turn.author not in INSTRUCTIONS), len(turns)
    )
    if first < len(turns) and turns[first].author is Author.USER:
        return turns
    return (*turns[:first], Turn(Author.USER, (Text(OPENING),)), *turns[first:])


# ------------------------------------------------------------------ all of them


def each_part(turns: Turns, change: Callable[[Part], Part]) -> Turns:
    """The turns with each part changed; the same object where no part was."""
    out: list[Turn] = []
    changed = False
    for turn in turns:
        parts = [change(part) for part in turn.parts]
        if all(map(is_, parts, turn.parts)):
            out.append(turn)
        else:
            changed = True
            out.append(msgspec.structs.replace(turn, parts=tuple(parts)))
    return tuple(out) if changed else turns
