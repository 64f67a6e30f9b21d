"""Tools and the choice among them, both ways."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from antiphon.dialects.fields import Json, Written
from antiphon.dialects.openai_responses.fields import DIALECT, OURS, Fields, is_ours, own, written
from antiphon.errors import MalformedBody
from antiphon.model.parts import CallKind, Extra
from antiphon.model.request import (
    CustomTool,
    FunctionTool,
    ServerTool,
    Tool,
    ToolChoice,
    ToolMode,
)

_MODES = {"auto": ToolMode.AUTO, "none": ToolMode.NONE, "required": ToolMode.REQUIRED}
_NOTHING = msgspec.Raw(b'{"type":"object","properties":{}}')
_REFERENCES = frozenset({"function", "custom"})


def read_tools(items: Sequence[Json]) -> tuple[Tool, ...]:
    """The members of `tools`."""
    return tuple(_read_tool(raw, f"tools[{at}]") for at, raw in enumerate(items))


def write_tool(tool: Tool) -> Written | msgspec.Raw | None:
    """One of `tools`; None for a server tool of another dialect."""
    match tool:
        case FunctionTool():
            strict, parameters = tool.strict, tool.parameters
            if not is_ours(tool.extra):
                # What is unsaid elsewhere is loose, and nothing is a schema: here it is strict.
                strict, parameters = strict or False, parameters or _NOTHING
            out: Written = {
                "type": "function",
                "name": tool.name,
                "description": tool.description,
                "parameters": parameters,
                "strict": strict,
            }
            return written(out, tool.extra)
        case CustomTool():
            out = {
                "type": "custom",
                "name": tool.name,
                "description": tool.description,
                "format": _flat_format(tool),
            }
            return written(out, tool.extra)
        case ServerTool():
            return tool.payload if tool.dialect == DIALECT else None


def read_choice(fields: Fields) -> ToolChoice | None:
    """Take `tool_choice`."""
    if fields.begins("tool_choice", b'"'):
        word = fields.text("tool_choice") or ""
        if word not in _MODES:
            raise MalformedBody(
                "'tool_choice' must be auto, none, required or a tool.", param="tool_choice"
            )
        return ToolChoice(_MODES[word])
    if "tool_choice" not in fields:
        return None
    raw = fields.raw_object("tool_choice")
    return _read_choice(Fields.parse(raw, "tool_choice"), raw)


def write_choice(choice: ToolChoice, tools: Sequence[Tool]) -> str | Written | msgspec.Raw:
    """The `tool_choice`."""
    whole = own(choice.extra).get("tool_choice")
    if whole is not None:
        return whole
    match choice.mode:
        case ToolMode.AUTO | ToolMode.NONE | ToolMode.REQUIRED:
            return choice.mode.value
        case ToolMode.NAMED:
            kind = "custom" if choice.kind is CallKind.CUSTOM else "function"
            return {"type": kind, "name": choice.names[0] if choice.names else ""}
        case ToolMode.ALLOWED:
            custom = {tool.name for tool in tools if isinstance(tool, CustomTool)}
            allowed = [
                {"type": "custom" if name in custom else "function", "name": name}
                for name in choice.names
            ]
            mode = "required" if choice.required else "auto"
            return {"type": "allowed_tools", "mode": mode, "tools": allowed}


# ------------------------------------------------------------------ reading


def _read_tool(raw: Json, path: str) -> Tool:
    fields = Fields.parse(raw, path)
    kind = fields.text("type")
    if kind is None:
        raise MalformedBody(f"'{path}.type' is missing.", param=f"{path}.type")
    if kind not in _REFERENCES:
        return ServerTool(DIALECT, msgspec.Raw(raw))
    name, description = _name(fields), fields.text("description")
    if kind == "custom":
        return CustomTool(
            name, description, fields.raw_object("format"), extra=fields.extra() or OURS
        )
    parameters, strict = fields.raw_object("parameters"), fields.flag("strict")
    return FunctionTool(name, description, parameters, strict, extra=fields.extra() or OURS)


def _name(fields: Fields) -> str:
    name = fields.text("name")
    if not name:
        raise MalformedBody(f"'{fields.path}.name' is missing.", param=f"{fields.path}.name")
    return name


def _read_choice(fields: Fields, whole: msgspec.Raw) -> ToolChoice:
    kind = fields.text("type") or ""
    if kind == "allowed_tools":
        tools = fields.objects("tools")
        required = fields.text("mode") == "required"
        names = tuple(_referred(tool) for tool in tools)
        choice = ToolChoice(ToolMode.ALLOWED, names, required)
        known = all(names) and not any(tool.left() for tool in tools) and not fields.left()
        return choice if known else msgspec.structs.replace(choice, extra=_whole(whole))
    if kind in _REFERENCES:
        choice = ToolChoice(ToolMode.NAMED, (_name(fields),), kind=CallKind(kind))
        return msgspec.structs.replace(choice, extra=_whole(whole)) if fields.left() else choice
    return ToolChoice(ToolMode.AUTO, extra=_whole(whole))


def _referred(fields: Fields) -> str:
    kind = fields.text("type") or ""
    return (fields.text("name") or "") if kind in _REFERENCES else ""


def _whole(raw: Json) -> Extra:
    return Extra(DIALECT, {"tool_choice": msgspec.Raw(raw)})


# ------------------------------------------------------------------ writing


def _flat_format(tool: CustomTool) -> msgspec.Raw:
    """The grammar: Chat has one more object around it."""
    if not tool.format or is_ours(tool.extra):
        return tool.format
    fields = Fields.parse(tool.format, "format")
    inner = fields.object("grammar") if fields.text("type") == "grammar" else None
    if inner is None:
        return tool.format
    members = {"type": msgspec.Raw(b'"grammar"'), **inner.left()}
    return msgspec.Raw(msgspec.json.encode(members))
