"""Tools and the choice among them, both ways."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from antiphon.dialects.anthropic_messages.blocks import Block
from antiphon.dialects.anthropic_messages.fields import DIALECT, Fields, own, written
from antiphon.dialects.anthropic_messages.known_tools import known
from antiphon.dialects.anthropic_messages.sources import read_cache, write_cache
from antiphon.dialects.fields import UNREADABLE, Json, Written
from antiphon.errors import MalformedBody
from antiphon.model.parts import Extra
from antiphon.model.request import (
    CustomTool,
    FunctionTool,
    ServerTool,
    Tool,
    ToolChoice,
    ToolMode,
)

_MODES: Final = {
    "auto": ToolMode.AUTO,
    "any": ToolMode.REQUIRED,
    "tool": ToolMode.NAMED,
    "none": ToolMode.NONE,
}
_WORDS: Final = {mode: word for word, mode in _MODES.items()}
_SCHEMA: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_CUSTOM: Final = msgspec.Raw(b'"custom"')
_NO_SCHEMA: Final = msgspec.Raw(b'{"type":"object","properties":{}}')
_ONE_TEXT: Final = msgspec.Raw(
    b'{"type":"object","properties":{"input":{"type":"string"}},"required":["input"],'
    b'"additionalProperties":false}'
)


def read_tools(items: Sequence[Json]) -> tuple[Tool, ...]:
    """The members of `tools`."""
    return tuple(_read_tool(raw, f"tools[{at}]") for at, raw in enumerate(items))


def write_tools(tools: Sequence[Tool], choice: ToolChoice | None) -> list[Block]:
    """The `tools`; where only some may be called, only those are offered."""
    allowed = choice.names if choice is not None and choice.mode is ToolMode.ALLOWED else None
    return [
        out
        for tool in tools
        if allowed is None or isinstance(tool, ServerTool) or tool.name in allowed
        if (out := _write_tool(tool)) is not None
    ]


def read_choice(fields: Fields) -> tuple[ToolChoice | None, bool | None]:
    """Take `tool_choice`: the choice, and whether calls may be parallel."""
    if "tool_choice" not in fields:
        return None, None
    raw = fields.raw_object("tool_choice")
    inner = Fields.parse(raw, "tool_choice")
    kind, name = inner.text("type") or "", inner.text("name")
    alone = inner.flag("disable_parallel_tool_use")
    mode = _MODES.get(kind)
    choice = ToolChoice(mode or ToolMode.AUTO, (name,) if name else ())
    if mode is None or inner.left() or (mode is ToolMode.NAMED) != bool(name):
        choice = msgspec.structs.replace(choice, extra=Extra(DIALECT, {"tool_choice": raw}))
    return choice, None if alone is None else not alone


def write_choice(choice: ToolChoice | None, *, parallel: bool | None) -> Block | None:
    """The `tool_choice`."""
    if choice is None:
        # Calls are parallel where nothing is said.
        return {"type": "auto", "disable_parallel_tool_use": True} if parallel is False else None
    whole = own(choice.extra).get("tool_choice")
    if whole is not None:
        return whole
    word = _WORDS.get(choice.mode)
    if word is None:
        word = "any" if choice.required else "auto"
    out: Written = {"type": word}
    if choice.mode is ToolMode.NAMED:
        out["name"] = choice.names[0] if choice.names else ""
    if parallel is not None and choice.mode is not ToolMode.NONE:
        out["disable_parallel_tool_use"] = not parallel
    return out


def forces(choice: ToolChoice | None) -> bool:
    """Whether a choice makes the model call a tool."""
    if choice is None:
        return False
    return choice.required or choice.mode in {ToolMode.REQUIRED, ToolMode.NAMED}


# ------------------------------------------------------------------ reading


def _read_tool(raw: Json, path: str) -> Tool:
    fields = Fields.parse(raw, path)
    kind = fields.text("type")
    theirs = known(kind) if kind is not None else None
    if kind not in {None, "custom"} and theirs is None:
        return ServerTool(DIALECT, msgspec.Raw(raw))
    if kind is not None:
        fields.keep("type", msgspec.json.encode(kind))
    name = fields.text("name")
    if not name:
        raise MalformedBody(f"'{path}.name' is missing.", param=f"{path}.name")
    if theirs is not None:
        cache = read_cache(fields)
        return FunctionTool(name, *theirs, cache=cache, extra=fields.extra())
    description, strict = fields.text("description"), fields.flag("strict")
    schema, cache = fields.raw_object("input_schema"), read_cache(fields)
    return FunctionTool(name, description, schema, strict, cache=cache, extra=fields.extra())


# ------------------------------------------------------------------ writing


def _write_tool(tool: Tool) -> Block | None:
    match tool:
        case FunctionTool() if own(tool.extra).get("type", _CUSTOM) != _CUSTOM:
            # Its models know the rest.
            out: Written = {"name": tool.name}
        case FunctionTool():
            out = {
                "name": tool.name,
                "description": tool.description,
                "input_schema": _write_schema(tool.parameters),
                "strict": tool.strict,
            }
        case CustomTool():
            out = {"name": tool.name, "description": tool.description, "input_schema": _ONE_TEXT}
        case ServerTool():
            return tool.payload if tool.dialect == DIALECT else None
    return written({**out, **write_cache(tool.cache)}, tool.extra)


def _write_schema(schema: msgspec.Raw) -> msgspec.Raw | Written:
    """The schema of an input: an object, and one that says so."""
    if not schema:
        return _NO_SCHEMA
    try:
        members = _SCHEMA.decode(schema)
    except UNREADABLE:
        return _NO_SCHEMA
    return schema if "type" in members else {"type": "object", **members}
