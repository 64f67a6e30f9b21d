"""Messages and turns, both ways.

What a user says beside the results of tools stands in one turn with them, as it stood in one
message. Results are written first, and all that answer one turn in one message, as the API wants
it; texts of nothing but white space, which it refuses, are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from antiphon.dialects.anthropic_messages.blocks import (
    Block,
    as_content,
    read_content,
    write_block,
    write_content,
)
from antiphon.dialects.anthropic_messages.fields import DIALECT, Fields, own, written
from antiphon.dialects.anthropic_messages.sources import write_cache
from antiphon.dialects.fields import Written
from antiphon.dialects.results import joined
from antiphon.errors import InvalidRequest, MalformedBody
from antiphon.model import seals
from antiphon.model.parts import Author, Part, Reasoning, ToolResult, Turn

_AUTHORS: Final = {
    "user": Author.USER,
    "assistant": Author.ASSISTANT,
    "system": Author.SYSTEM,
}
_ROLES: Final = {
    Author.USER: "user",
    Author.TOOL: "user",
    Author.ASSISTANT: "assistant",
    Author.SYSTEM: "system",
    Author.DEVELOPER: "system",
}
_RULES: Final = {Author.SYSTEM, Author.DEVELOPER}


def read_turns(fields: Fields) -> tuple[Turn, ...]:
    """Take `system` and `messages`."""
    rules = read_content(fields, "system")
    turns = [Turn(Author.SYSTEM, rules)] if rules else []
    began = False
    for at, raw in enumerate(fields.items("messages")):
        turn = _read_message(Fields.parse(raw, f"messages[{at}]"), began=began)
        began = began or turn.author is not Author.SYSTEM
        turns.append(turn)
    return tuple(turns)


def write_turns(
    turns: Sequence[Turn], scope: str
) -> tuple[str | list[Block] | None, list[Written]]:
    """The `system` and the `messages`.

    Args:
        turns: The conversation.
        scope: Where a seal over thought must come from to be written.
    """
    first = next((at for at, turn in enumerate(turns) if not _is_rule(turn)), len(turns))
    rules = write_content([part for turn in turns[:first] for part in turn.parts])
    messages: list[Written] = []
    content: str | list[Block] = ""
    for turn in joined(turns[first:]):
        said = _write_turn(turn, scope)
        if said:
            content = said
            out: Written = {"role": _ROLES[turn.author], "content": content}
            messages.append(written(out, turn.extra))
    if not messages and rules:
        # Rules alone are no conversation there.
        return None, [{"role": "user", "content": rules}]
    if messages:
        messages[-1] = _trimmed(messages[-1], content)
    return rules or None, messages


def begins_with_thought(turn: Turn, scope: str) -> bool:
    """Whether what is written of an assistant's turn begins with thought that is valid there."""
    for part in turn.parts:
        if isinstance(part, Reasoning):
            if _write_thought(part, scope) is not None:
                return True
        elif write_block(part) is not None:
            return False
    return False


# ------------------------------------------------------------------ reading


def _read_message(fields: Fields, *, began: bool) -> Turn:
    role = fields.text("role")
    if role is None:
        raise MalformedBody(f"'{fields.path}.role' is missing.", param=f"{fields.path}.role")
    author = _AUTHORS.get(role)
    if author is None:
        raise InvalidRequest(
            f"'{fields.path}.role' must be one of {', '.join(_AUTHORS)}.",
            param=f"{fields.path}.role",
        )
    parts = read_content(fields)
    if parts is None:
        path = f"{fields.path}.content"
        raise MalformedBody(f"{path!r} is missing.", param=path)
    if author is Author.USER and any(isinstance(part, ToolResult) for part in parts):
        author = Author.TOOL
    if author is Author.SYSTEM and not began:
        # It stands where `system` would be said, but is a message.
        fields.keep("role", b'"system"')
    return Turn(author, parts, extra=fields.extra())


# ------------------------------------------------------------------ writing


def _is_rule(turn: Turn) -> bool:
    return turn.author in _RULES and "role" not in own(turn.extra)


def _trimmed(message: Written, content: str | list[Block]) -> Written:
    """The last message; an answer that is to be continued must not end with white space."""
    if message["role"] != "assistant":
        return message
    if isinstance(content, str):
        return {**message, "content": content.rstrip()}
    match content[-1]:
        case {"type": "text", "text": str(text), **rest}:
            last: Written = {"type": "text", "text": text.rstrip(), **rest}
            return {**message, "content": [*content[:-1], last]}
        case _:
            return message


def _write_turn(turn: Turn, scope: str) -> str | list[Block]:
    parts: Sequence[Part] = turn.parts
    if turn.author is not Author.ASSISTANT:
        return write_content(sorted(parts, key=lambda part: not isinstance(part, ToolResult)))
    blocks: list[Block] = []
    for part in parts:
        out = _write_thought(part, scope) if isinstance(part, Reasoning) else write_block(part)
        if out is not None:
            blocks.append(out)
    return as_content(blocks)


def _write_thought(part: Reasoning, scope: str) -> Written | None:
    """Thought, where its seal is valid: all other is refused there."""
    if not seals.is_valid_at(part, DIALECT, scope):
        return None
    if part.sealed:
        out: Written = {"type": "redacted_thinking", "data": part.signature}
    else:
        out = {"type": "thinking", "thinking": part.text, "signature": part.signature}
    return written({**out, **write_cache(part.cache)}, part.extra)
