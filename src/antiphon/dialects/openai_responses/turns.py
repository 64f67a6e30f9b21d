"""Turns, written as the items of a request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from antiphon.dialects.fields import Written
from antiphon.dialects.openai_responses.fields import DIALECT, is_ours, own, written
from antiphon.dialects.openai_responses.items import ITEM
from antiphon.dialects.openai_responses.namespaces import bare_name
from antiphon.dialects.openai_responses.parts import write_content, write_said
from antiphon.dialects.openai_responses.thought import write_reasoning
from antiphon.model.parts import (
    Author,
    CallKind,
    Extra,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
    Turn,
)

Item = Written | msgspec.Raw


def write_turns(
    turns: Iterable[Turn], scope: str, between: Mapping[int, Sequence[Item]]
) -> list[Item]:
    """The items of a request; `between` are those that are no turns, by the turns before them."""
    turns = tuple(turns)
    kinds = {call.call_id: call.kind for turn in turns for call in turn.tool_calls}
    items: list[Item] = []
    for at, turn in enumerate(turns):
        items += between.get(at, ())
        if turn.author is Author.ASSISTANT:
            items += _write_assistant(turn, scope)
            continue
        results = [part for part in turn.parts if isinstance(part, ToolResult)]
        items += [_write_result(result, kinds) for result in results]
        rest = [part for part in turn.parts if not isinstance(part, ToolResult)]
        if turn.extra == ITEM:
            items += [
                part.payload
                for part in rest
                if isinstance(part, Opaque) and part.dialect == DIALECT
            ]
        elif rest or not results:
            items.append(_write_message(turn, rest))
    for at in sorted(between):
        if at >= len(turns):
            items += between[at]
    return items


def _write_message(turn: Turn, parts: Sequence[Part]) -> Written:
    role = "user" if turn.author is Author.TOOL else turn.author.value
    out: Written = {"type": "message", "role": role, "content": write_content(parts) or ""}
    if is_ours(turn.extra):
        out["id"] = turn.id
    return written(out, turn.extra)


# ------------------------------------------------------------------ assistants


def _write_assistant(turn: Turn, scope: str) -> Iterator[Item]:
    thoughts = {
        at: write_reasoning(part, scope)
        for at, part in enumerate(turn.parts)
        if isinstance(part, Reasoning)
    }
    # The items of a thought that is left out are known by their ids to belong to it.
    named = all(item is not None for item in thoughts.values())
    said: list[Text | Refusal] = []
    for at, part in enumerate(turn.parts):
        if isinstance(part, Text | Refusal) and (not said or said[-1].id == part.id):
            said.append(part)
            continue
        if said:
            yield _write_said(said, turn, named=named)
            said = []
        match part:
            case Text() | Refusal():
                said.append(part)
            case Reasoning():
                item = thoughts[at]
                if item is not None:
                    yield item
            case ToolCall():
                yield write_call(part, part.id if named and is_ours(part.extra) else None)
            case Opaque() if part.dialect == DIALECT:
                yield part.payload
            case _:
                # Results have their own turns; no other medium can be said here.
                pass
    if said:
        yield _write_said(said, turn, named=named)


def _write_said(said: Sequence[Text | Refusal], turn: Turn, *, named: bool) -> Written:
    first = said[0]
    ours = named and is_ours(first.extra)
    unnamed = not first.id or not is_ours(first.extra)
    plain = len(said) == 1 and isinstance(first, Text) and unnamed and _is_bare(first)
    out: Written = {
        "type": "message",
        "role": "assistant",
        "content": first.text if plain else write_said(said),
        "id": first.id if ours else None,
        "phase": phase_of(turn),
    }
    return written(out, message_of(first.extra))


def phase_of(turn: Turn) -> str | None:
    """The phase of a turn's messages, where none of them was read here and says its own."""
    said = (part for part in turn.parts if isinstance(part, Text | Refusal))
    return None if any(is_ours(part.extra) for part in said) else turn.phase


def _is_bare(text: Text) -> bool:
    """Whether a text has nothing of its own beside the words: an easy message will do."""
    cited = bool(text.annotations) and is_ours(text.extra)
    return not cited and own(text.extra).keys() <= {"message"}


def message_of(extra: Extra | None) -> Extra | None:
    """What a message says of itself, as its first part kept it."""
    raw = own(extra).get("message")
    if raw is None:
        return None
    return Extra(DIALECT, msgspec.json.decode(raw, type=dict[str, msgspec.Raw]))


def write_call(call: ToolCall, item_id: str | None) -> Written:
    """A call, as an item; `item_id` None leaves it without one."""
    name = bare_name(call.name, call.extra)
    out: Written = {"type": "function_call", "id": item_id, "call_id": call.call_id}
    if call.kind is CallKind.CUSTOM:
        out |= {"type": "custom_tool_call", "name": name, "input": call.arguments}
    else:
        out |= {"name": name, "arguments": call.arguments}
    return written(out, call.extra)


# ------------------------------------------------------------------ results


def _write_result(result: ToolResult, kinds: dict[str, CallKind]) -> Written:
    kind = kinds.get(result.call_id, result.kind)
    parts: list[Part] = list(result.parts)
    if result.is_error:
        parts = _marked_as_error(parts)
    out: Written = {
        "type": "custom_tool_call_output" if kind is CallKind.CUSTOM else "function_call_output",
        "id": result.id if is_ours(result.extra) else None,
        "call_id": result.call_id,
        "output": write_content(parts) or "",
    }
    return written(out, result.extra)


def _marked_as_error(parts: Sequence[Part]) -> list[Part]:
    """What a tool said that failed: an output has no other place to say so."""
    match parts:
        case [Text() as first, *rest]:
            return [msgspec.structs.replace(first, text=f"Error: {first.text}"), *rest]
        case _:
            return [Text("Error: the tool failed."), *parts]
