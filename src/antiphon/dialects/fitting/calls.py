"""Calls of tools and their results: ids that are legal and unique, results where they belong.

A result belongs to the nearest earlier call of its id that has none yet: local servers call their
first call `call_0` in every turn.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from operator import is_
from typing import Final

import msgspec

from antiphon.dialects.contract import Traits
from antiphon.dialects.fitting.carried import uncarried
from antiphon.dialects.fitting.turns import Turns
from antiphon.model.parts import Author, Part, Text, ToolCall, ToolResult, Turn

NO_RESULT: Final = "(no result)"
"""What is said of a call whose result is missing."""
STRAY: Final = "Result of a tool call that is not in this conversation:"
"""What stands before a result without a call."""
REPEATED: Final = "Another result of the tool call before:"
"""What stands before a second result of one call."""

_HASHED: Final = 20


def is_answered(turns: Turns, traits: Traits) -> bool:
    """Whether `identified` and `answered` have nothing to do: one look at each part."""
    legal = traits.call_id.fullmatch
    taken: set[str] = set()
    waiting: list[ToolCall] = []
    for turn in turns:
        if turn.author is Author.TOOL:
            results = turn.parts
            asked, waiting = waiting[: len(results)], waiting[len(results) :]
            if len(asked) < len(results) or not all(map(_answers, results, asked)):
                return False
        elif waiting:
            return False
        else:
            for part in turn.parts:
                if isinstance(part, ToolCall):
                    call_id = part.call_id
                    if call_id in taken or not legal(call_id) or uncarried(call_id) != call_id:
                        return False
                    taken.add(call_id)
                    waiting.append(part)
                elif isinstance(part, ToolResult):
                    return False
    return not waiting


def _answers(part: Part, call: ToolCall) -> bool:
    return isinstance(part, ToolResult) and part.call_id == call.call_id and part.kind is call.kind


# ------------------------------------------------------------------ ids


def identified(turns: Turns, traits: Traits) -> Turns:
    """With ids of calls that are legal in the dialect and unique, the results' ids likewise.

    An id that is both already stays, or is again what the provider gave (`carried`). Any other
    becomes a hash of itself and of how often it came before, so that a conversation that grows
    keeps the ids that it has.
    """
    ids = _Ids(traits.call_id)
    out: list[Turn] = []
    changed = False
    for at, turn in enumerate(turns):
        parts = [ids.of(part, at) for part in turn.parts]
        if _are_same(parts, turn.parts):
            out.append(turn)
        else:
            changed = True
            out.append(msgspec.structs.replace(turn, parts=tuple(parts)))
    return tuple(out) if changed else turns


class _Ids:
    """The ids of one conversation, as far as it was read."""

    def __init__(self, legal: re.Pattern[str]) -> None:
        self._legal = legal
        self._taken: set[str] = set()
        self._times: dict[str, int] = {}
        self._waiting: dict[str, list[tuple[int, str]]] = {}

    def of(self, part: Part, at: int) -> Part:
        """The part with its new id; the same object where it keeps the old one."""
        if isinstance(part, ToolCall):
            new = self._call(part.call_id, at)
        elif isinstance(part, ToolResult):
            new = self._result(part.call_id)
        else:
            return part
        if new == part.call_id:
            return part
        return msgspec.structs.replace(part, call_id=new)

    def _call(self, old: str, at: int) -> str:
        times = self._times[old] = self._times.get(old, -1) + 1
        new = uncarried(old)
        if new in self._taken or not self._legal.fullmatch(new):
            new = old
        while new in self._taken or not self._legal.fullmatch(new):
            new = f"call_{_hash(f'{times} {old}', _HASHED)}"
            times += 1
        self._taken.add(new)
        self._waiting.setdefault(old, []).append((at, new))
        return new

    def _result(self, old: str) -> str:
        waiting = self._waiting.get(old)
        if not waiting:
            return old
        # The last turn that waits for it; there, the first call.
        turn = waiting[-1][0]
        first = next(place for place, (at, _) in enumerate(waiting) if at == turn)
        return waiting.pop(first)[1]


def _hash(text: str, length: int) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:length]


# ------------------------------------------------------------------ results


def answered(turns: Turns) -> Turns:
    """With the result of every call directly behind the turn that called, in the calls' order.

    Results that stand later are moved up, missing ones are said to be missing, and what answers
    no call, or answers one again, becomes text. Ids must be unique (`identified`).
    """
    found = _Results(turns)
    out: list[Turn] = []
    at = 0
    while at < len(turns):
        turn = turns[at]
        said, stray = found.without(turn, at)
        at += 1
        if said is not None:
            out.append(said)
        calls = turn.tool_calls
        if calls:
            results = [found.answer(call) for call in calls]
            behind = at
            while behind < len(turns) and turns[behind].author is Author.TOOL:
                behind += 1
            here = [part for each in turns[at:behind] for part in each.parts]
            if _are_same(here, results):
                out += turns[at:behind]
                at = behind
            else:
                out.append(Turn(Author.TOOL, tuple(results)))
        if stray is not None:
            out.append(stray)
    return turns if _are_same(out, turns) else tuple(out)


def _are_same(some: Sequence[object], others: Sequence[object]) -> bool:
    return len(some) == len(others) and all(map(is_, some, others))


class _Results:
    """The results of a conversation: which of them counts for which call."""

    def __init__(self, turns: Turns) -> None:
        called: set[str] = set()
        self._answers: dict[str, ToolResult] = {}
        # Places, not parts: one object may stand in two of them.
        self._counted: set[tuple[int, int]] = set()
        self._repeated: set[tuple[int, int]] = set()
        for at, turn in enumerate(turns):
            for place, part in enumerate(turn.parts):
                if isinstance(part, ToolCall):
                    called.add(part.call_id)
                elif isinstance(part, ToolResult) and part.call_id in called:
                    if part.call_id in self._answers:
                        self._repeated.add((at, place))
                    else:
                        self._answers[part.call_id] = part
                        self._counted.add((at, place))

    def answer(self, call: ToolCall) -> ToolResult:
        """The result of a call, or one that says that it is missing."""
        result = self._answers.get(call.call_id)
        if result is None:
            return ToolResult(call.call_id, (Text(NO_RESULT),), is_error=True, kind=call.kind)
        if result.kind is not call.kind:
            return msgspec.structs.replace(result, kind=call.kind)
        return result

    def without(self, turn: Turn, at: int) -> tuple[Turn | None, Turn | None]:
        """The turn without its results, and a turn of the user for what must not be lost of them.

        Args:
            turn: Any turn.
            at: Its place in the conversation.
        """
        author = turn.author
        if author is not Author.TOOL and not any(
            isinstance(part, ToolResult) for part in turn.parts
        ):
            return turn, None
        said: list[Part] = []
        stray: list[Part] = []
        for place, part in enumerate(turn.parts):
            if not isinstance(part, ToolResult):
                (stray if author is Author.TOOL else said).append(part)
            elif (at, place) not in self._counted:
                words = REPEATED if (at, place) in self._repeated else STRAY
                (said if author is Author.USER else stray).extend(_as_text(part, words))
        return (
            msgspec.structs.replace(turn, parts=tuple(said)) if said else None,
            Turn(Author.USER, tuple(stray)) if stray else None,
        )


def _as_text(result: ToolResult, words: str) -> Sequence[Part]:
    told = "\n".join(part.text for part in result.parts if isinstance(part, Text))
    shown = [part for part in result.parts if not isinstance(part, Text)]
    return [Text(f"{words} {told or NO_RESULT}"), *shown]
