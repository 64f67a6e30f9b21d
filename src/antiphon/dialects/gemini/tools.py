"""Tools and the choice among them, both ways.

A function of another dialect is written with `parametersJsonSchema`, which every model since 2.0
takes, on both of Google's clouds, and which says more than `parameters` can. One that came with
`parameters` keeps them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from antiphon.dialects.fields import Json, Written
from antiphon.dialects.gemini.fields import DIALECT, Fields, is_own, own, written
from antiphon.dialects.gemini.parts import Block
from antiphon.dialects.gemini.schemas import Room, adapted, as_json_schema
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

_ONE_TEXT: Final = msgspec.Raw(
    b'{"type":"object","properties":{"input":{"type":"string"}},"required":["input"]}'
)
_CHOICE: Final = "functionCallingConfig"
_MODES: Final = {
    "AUTO": ToolMode.AUTO,
    "MODE_UNSPECIFIED": ToolMode.AUTO,
    "NONE": ToolMode.NONE,
    "ANY": ToolMode.NAMED,
}
_READ: Final = Extra(DIALECT, {})
"""Marks a function of this dialect, whose schema is written as it is."""


def read_tools(fields: Fields) -> tuple[Tool, ...]:
    """Take `tools`; the functions of one of them, and what the provider runs itself."""
    tools: list[Tool] = []
    for at, raw in enumerate(fields.some("tools")):
        path = f"tools[{at}]"
        inner = Fields.parse(raw, path)
        path = f"{path}.functionDeclarations"
        tools += [
            _read_function(each, f"{path}[{number}]")
            for number, each in enumerate(inner.some("functionDeclarations"))
        ]
        left = inner.left()
        if left:
            tools.append(ServerTool(DIALECT, msgspec.Raw(msgspec.json.encode(left))))
    return tuple(tools)


def write_tools(tools: Sequence[Tool], room: Room) -> list[Block]:
    """The `tools`: all functions in one, then those of the provider."""
    functions = [_write_function(tool, room) for tool in tools if not isinstance(tool, ServerTool)]
    out: list[Block] = [{"functionDeclarations": functions}] if functions else []
    out += [
        tool.payload for tool in tools if isinstance(tool, ServerTool) and tool.dialect == DIALECT
    ]
    return out


def read_choice(fields: Fields) -> ToolChoice | None:
    """Take `toolConfig.functionCallingConfig`; what else is in `toolConfig` is left."""
    outer = fields.object("toolConfig")
    if outer is None:
        return None
    inner = outer.object(_CHOICE)
    choice: ToolChoice | None = None
    if inner is not None:
        mode, names = (inner.text("mode") or "").upper(), inner.texts("allowedFunctionNames")
        choice = _read_mode(mode, names)
        if choice is None and mode:
            inner.keep("mode", msgspec.json.encode(mode))
        outer.keep_rest_of(_CHOICE, inner)
    fields.keep_rest_of("toolConfig", outer)
    return choice


def write_choice(choice: ToolChoice | None, kept: msgspec.Raw, *, offers: bool) -> Written | None:
    """The `toolConfig`.

    Args:
        choice: The choice.
        kept: What this dialect kept of a `toolConfig`.
        offers: There is something to be chosen.
    """
    outer = Fields.parse(kept, "toolConfig") if kept else Fields({})
    left = outer.raw_object(_CHOICE)
    out: Written = {}
    if choice is not None and offers:
        out = _write_mode(choice)
    if left:
        out |= Fields.parse(left, _CHOICE).left()
    return {**({_CHOICE: out} if out else {}), **outer.left()} or None


def _write_mode(choice: ToolChoice) -> Written:
    names = [*choice.names]
    match choice.mode:
        case ToolMode.AUTO:
            return {"mode": "AUTO"}
        case ToolMode.NONE:
            return {"mode": "NONE"}
        case ToolMode.REQUIRED:
            return {"mode": "ANY"}
        case ToolMode.NAMED:
            return {"mode": "ANY", "allowedFunctionNames": names[:1]}
        case ToolMode.ALLOWED:
            mode = "ANY" if choice.required else "VALIDATED"
            return {"mode": mode, "allowedFunctionNames": names}


def _read_mode(mode: str, names: tuple[str, ...]) -> ToolChoice | None:
    if mode == "ANY" and len(names) != 1:
        return ToolChoice(ToolMode.ALLOWED if names else ToolMode.REQUIRED, names, bool(names))
    if mode == "VALIDATED":
        # Without names it is a way to call that the model has no word for.
        return ToolChoice(ToolMode.ALLOWED, names) if names else None
    found = _MODES.get(mode)
    return None if found is None else ToolChoice(found, names if mode == "ANY" else ())


def _read_function(raw: Json, path: str) -> FunctionTool:
    fields = Fields.parse(raw, path)
    name = fields.text("name")
    if not name:
        raise MalformedBody(f"'{path}.name' is missing.", param=f"{path}.name")
    description = fields.text("description")
    schema = fields.raw_object("parametersJsonSchema")
    if not schema:
        given = fields.raw_object("parameters")
        schema = as_json_schema(given) if given else given
        if given:
            fields.keep("parameters", given)
    return FunctionTool(name, description, schema, extra=fields.extra() or _READ)


def _write_function(tool: FunctionTool | CustomTool, room: Room) -> Written:
    out: Written = {"name": tool.name, "description": tool.description}
    if isinstance(tool, CustomTool):
        out["parametersJsonSchema"] = _ONE_TEXT
    elif "parameters" not in own(tool.extra) and tool.parameters:
        schema = tool.parameters if is_own(tool.extra) else adapted(tool.parameters, room)
        out["parametersJsonSchema"] = schema
    return written(out, tool.extra)
