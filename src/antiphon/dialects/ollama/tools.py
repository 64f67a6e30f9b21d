"""Tools, both ways. There is no choice among them: what may not be called is not offered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from antiphon.dialects.fields import UNREADABLE, Json, Written
from antiphon.dialects.ollama.fields import DIALECT, Fields, written
from antiphon.errors import MalformedBody
from antiphon.model.request import (
    CustomTool,
    FunctionTool,
    ServerTool,
    Tool,
    ToolChoice,
    ToolMode,
)

_SPLIT: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_NO_PARAMETERS: Final = msgspec.Raw(b'{"type":"object","properties":{}}')
_ONE_TEXT: Final = msgspec.Raw(
    b'{"type":"object","properties":{"input":{"type":"string"}},"required":["input"]}'
)


def read_tools(items: Sequence[Json]) -> tuple[Tool, ...]:
    """The members of `tools`."""
    return tuple(_read_tool(raw, f"tools[{at}]") for at, raw in enumerate(items))


def write_tools(tools: Sequence[Tool], choice: ToolChoice | None) -> list[Written | msgspec.Raw]:
    """The `tools` that may be called; none where none may, only the one that must be."""
    mode = choice.mode if choice is not None else ToolMode.AUTO
    if mode is ToolMode.NONE:
        return []
    offered = [out for tool in tools if (out := _write_tool(tool)) is not None]
    if choice is None or mode not in {ToolMode.ALLOWED, ToolMode.NAMED}:
        return offered
    return [
        out
        for tool in tools
        if isinstance(tool, ServerTool) or tool.name in choice.names
        if (out := _write_tool(tool)) is not None
    ]


# ------------------------------------------------------------------ reading


def _read_tool(raw: Json, path: str) -> Tool:
    fields = Fields.parse(raw, path)
    kind = fields.text("type")
    inner = fields.object("function") if kind in {None, "function"} else None
    if inner is None:
        return ServerTool(DIALECT, msgspec.Raw(raw))
    name = inner.text("name")
    if not name:
        raise MalformedBody(f"'{path}.function.name' is missing.", param=f"{path}.function.name")
    description, parameters = inner.text("description"), inner.raw_object("parameters")
    fields.keep_rest_of("function", inner)
    return FunctionTool(name, description, parameters, extra=fields.extra())


# ------------------------------------------------------------------ writing


def _write_tool(tool: Tool) -> Written | msgspec.Raw | None:
    match tool:
        case FunctionTool():
            kept = tool.extra is not None and tool.extra.dialect == DIALECT
            parameters = tool.parameters if kept else _write_parameters(tool.parameters)
            return _function(tool, parameters or _NO_PARAMETERS)
        case CustomTool():
            return _function(tool, _ONE_TEXT)
        case ServerTool():
            return tool.payload if tool.dialect == DIALECT else None


def _function(tool: FunctionTool | CustomTool, parameters: object) -> Written:
    function = written(
        {"name": tool.name, "description": tool.description, "parameters": parameters}
    )
    return written({"type": "function", "function": function}, tool.extra)


def _write_parameters(schema: msgspec.Raw) -> msgspec.Raw | Written:
    """A schema as the server reads it: an object whose properties are objects.

    It refuses the whole request for a property that is `true` or `false`.
    """
    if not schema:
        return _NO_PARAMETERS
    try:
        members = _SPLIT.decode(schema)
        given = _SPLIT.decode(members["properties"]) if "properties" in members else {}
    except UNREADABLE:
        return _NO_PARAMETERS
    bare = {name: msgspec.Raw(b"{}") for name, raw in given.items() if bytes(raw)[:1] != b"{"}
    if "type" in members and "properties" in members and not bare:
        return schema
    return {"type": "object", **members, "properties": {**given, **bare}}
