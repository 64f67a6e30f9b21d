"""Tools, both ways. There is no choice among them: what may not be called is not offered."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from antiphon.dialects.fields import Json, Written
from antiphon.dialects.ollama.fields import DIALECT, Fields, written
from antiphon.dialects.ollama.schemas import ONE_TEXT, Room, write_parameters
from antiphon.errors import MalformedBody
from antiphon.model.request import (
    CustomTool,
    FunctionTool,
    ServerTool,
    Tool,
    ToolChoice,
    ToolMode,
)


def read_tools(items: Sequence[Json]) -> tuple[Tool, ...]:
    """The members of `tools`."""
    return tuple(_read_tool(raw, f"tools[{at}]") for at, raw in enumerate(items))


def write_tools(tools: Sequence[Tool], choice: ToolChoice | None) -> list[Written | msgspec.Raw]:
    """The `tools` that may be called; none where none may, only the one that must be."""
    mode = choice.mode if choice is not None else ToolMode.AUTO
    if mode is ToolMode.NONE:
        return []
    if choice is not None and mode in {ToolMode.ALLOWED, ToolMode.NAMED}:
        tools = [
            tool for tool in tools if isinstance(tool, ServerTool) or tool.name in choice.names
        ]
    room = Room()
    return [out for tool in tools if (out := _write_tool(tool, room)) is not None]


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


def _write_tool(tool: Tool, room: Room) -> Written | msgspec.Raw | None:
    match tool:
        case FunctionTool():
            return _function(tool, write_parameters(tool.parameters, room))
        case CustomTool():
            return _function(tool, ONE_TEXT)
        case ServerTool():
            return tool.payload if tool.dialect == DIALECT else None


def _function(tool: FunctionTool | CustomTool, parameters: object) -> Written:
    function = written(
        {"name": tool.name, "description": tool.description, "parameters": parameters}
    )
    return written({"type": "function", "function": function}, tool.extra)
