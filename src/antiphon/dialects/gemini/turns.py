"""Contents and turns, both ways.

`systemInstruction` is a turn before all others. A content of the user that holds results of tools
is one turn of tools, with whatever else it says; results that follow each other are written in
one content, because all calls of a turn must be answered in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from antiphon.dialects.contract import Target
from antiphon.dialects.fields import Json, Written
from antiphon.dialects.gemini.calls import Calls
from antiphon.dialects.gemini.fields import Fields, written
from antiphon.dialects.gemini.parts import Block, Reader, Writer
from antiphon.dialects.gemini.seals import wants_seals
from antiphon.dialects.results import joined
from antiphon.errors import InvalidRequest, MalformedBody
from antiphon.model.parts import Author, Text, ToolResult, Turn

_AUTHORS: Final = {
    "user": Author.USER,
    "model": Author.ASSISTANT,
    "function": Author.TOOL,
    "tool": Author.TOOL,
}
_RULES: Final = {Author.SYSTEM, Author.DEVELOPER}


def read_turns(fields: Fields) -> tuple[Turn, ...]:
    """Take `systemInstruction` and `contents`."""
    calls = Calls()
    turns: list[Turn] = []
    if fields.begins("systemInstruction", b'"'):
        turns.append(Turn(Author.SYSTEM, (Text(fields.text("systemInstruction") or ""),)))
    elif "systemInstruction" in fields:
        raw = fields.raw_object("systemInstruction")
        inner = Fields.parse(raw, "systemInstruction")
        inner.raw("role")
        parts = Reader(calls).read(inner.some("parts"), "systemInstruction.parts")
        if parts:
            turns.append(Turn(Author.SYSTEM, parts, extra=inner.extra()))
    reader = Reader(calls)
    for at, raw in enumerate(fields.some("contents")):
        _read_content(raw, f"contents[{at}]", reader, turns)
    return tuple(turns)


def write_turns(turns: Sequence[Turn], target: Target) -> tuple[Written | None, list[Written]]:
    """The `systemInstruction` and the `contents`."""
    names = {call.call_id: call.name for turn in turns for call in turn.tool_calls}
    recent = wants_seals(target.model)
    first = next((at for at, turn in enumerate(turns) if turn.author not in _RULES), len(turns))
    rules = [
        part
        for turn in turns[:first]
        for part in Writer(names, scope=target.scope).write(turn.parts)
    ]
    extra = turns[0].extra if first == 1 else None
    contents: list[Written] = []
    for turn in joined(turns[first:]):
        said = turn.author is Author.ASSISTANT
        writer = Writer(names, scope=target.scope, stands_in=said and recent, shows=recent)
        parts = writer.write(turn.parts)
        if turn.author is Author.TOOL:
            parts = sorted(parts, key=_stands_behind)
        if parts:
            role = "model" if said else "user"
            contents.append(written({"role": role, "parts": parts}, turn.extra))
    if not contents and rules:
        # Rules alone are no conversation there.
        return None, [{"role": "user", "parts": rules}]
    return written({"parts": rules}, extra) if rules else None, contents


def _read_content(raw: Json, path: str, reader: Reader, turns: list[Turn]) -> None:
    fields = Fields.parse(raw, path)
    role = fields.text("role") or "user"
    author = _AUTHORS.get(role)
    if author is None:
        raise InvalidRequest(f"'{path}.role' must be user or model.", param=f"{path}.role")
    if fields.begins("parts", b'"'):
        raise MalformedBody(f"'{path}.parts' must be an array.", param=f"{path}.parts")
    items, path = fields.some("parts"), f"{path}.parts"
    extra = fields.extra()
    last = turns[-1] if turns else None
    if (
        author is Author.ASSISTANT
        and last is not None
        and last.author is author
        and not (extra or last.extra)
    ):
        # The official client keeps every chunk of a stream as a content of its own.
        turns[-1] = Turn(author, reader.read_on(last.parts, items, path))
        return
    parts = reader.read(items, path)
    if author is not Author.ASSISTANT:
        answers = any(isinstance(part, ToolResult) for part in parts)
        author = Author.TOOL if answers else Author.USER
    turns.append(Turn(author, parts, extra=extra))


def _stands_behind(part: Block) -> bool:
    """Results come first: they answer the calls before them."""
    return not (isinstance(part, dict) and "functionResponse" in part)
