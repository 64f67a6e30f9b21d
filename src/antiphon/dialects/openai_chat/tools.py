"""Tools and the choice among them, both ways."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from antiphon.dialects.fields import Json, Written
from antiphon.dialects.openai_chat.fields import DIALECT, Fields, own, written
from antiphon.dialects.openai_chat.parts import read_cache, write_cache
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


def read_tools(items: Sequence[Json]) -> tuple[Tool, ...]:
    """The members of `tools`."""
    return tuple(_read_tool(raw, f"tools[{at}]") for at, raw in enumerate(items))


def read_functions(items: Sequence[Json]) -> tuple[Tool, ...]:
    """The members of the legacy `functions`."""
    return tuple(
        _read_function(Fields.parse(raw, f"functions[{at}]"), None) for at, raw in enumerate(items)
    )


def write_tool(tool: Tool) -> Written | msgspec.Raw | None:
    """One of `tools`; None for a server tool of another dialect."""
    match tool:
        case FunctionTool():
            out = {"type": "function", "function": _write_function(tool), **write_cache(tool.cache)}
            return written(out, tool.extra)
        case CustomTool():
            custom = written(
                {"name": tool.name, "description": tool.description, "format": _nested(tool.format)}
            )
            out = {"type": "custom", "custom": custom, **write_cache(tool.cache)}
            return written(out, tool.extra)
        case ServerTool():
            return tool.payload if tool.dialect == DIALECT else None


def write_function(tool: FunctionTool) -> Written:
    """One of the legacy `functions`."""
    return written(_write_function(tool), tool.extra)


def read_choice(fields: Fields) -> ToolChoice | None:
    """Take `tool_choice`."""
    if fields.begins("tool_choice", b'"'):
        raw = fields.raw("tool_choice")
        word = msgspec.json.decode(raw, type=str)
        if word in _MODES:
            return ToolChoice(_MODES[word])
        # Mistral says `any`; TGI takes the bare name of a tool.
        mode = ToolMode.REQUIRED if word == "any" else ToolMode.NAMED
        names = (word,) if mode is ToolMode.NAMED else ()
        return ToolChoice(mode, names, extra=_whole(raw))
    if "tool_choice" not in fields:
        return None
    raw = fields.raw_object("tool_choice")
    return _read_choice(Fields.parse(raw, "tool_choice"), raw)


def read_legacy_choice(fields: Fields) -> ToolChoice | None:
    """Take the legacy `function_call`."""
    if fields.begins("function_call", b'"'):
        word = fields.text("function_call") or ""
        if word not in _MODES:
            raise MalformedBody(
                "'function_call' must be auto, none or a function.", param="function_call"
            )
        return ToolChoice(_MODES[word])
    inner = fields.object("function_call")
    return None if inner is None else ToolChoice(ToolMode.NAMED, (inner.text("name") or "",))


def write_choice(choice: ToolChoice, tools: Sequence[Tool]) -> str | Written | msgspec.Raw:
    """The `tool_choice`."""
    whole = own(choice.extra).get("tool_choice")
    if whole is not None:
        return whole
    match choice.mode:
        case ToolMode.AUTO | ToolMode.NONE | ToolMode.REQUIRED:
            return choice.mode.value
        case ToolMode.NAMED:
            custom = choice.kind is CallKind.CUSTOM
            return _reference(choice.names[0] if choice.names else "", custom=custom)
        case ToolMode.ALLOWED:
            custom_names = {tool.name for tool in tools if isinstance(tool, CustomTool)}
            allowed = [_reference(name, custom=name in custom_names) for name in choice.names]
            mode = "required" if choice.required else "auto"
            return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": allowed}}


def write_legacy_choice(choice: ToolChoice) -> str | Written:
    """The legacy `function_call`."""
    if choice.mode is ToolMode.NAMED and choice.names:
        return {"name": choice.names[0]}
    return "none" if choice.mode is ToolMode.NONE else "auto"


# ------------------------------------------------------------------ reading


def _read_tool(raw: Json, path: str) -> Tool:
    fields = Fields.parse(raw, path)
    kind = fields.text("type") or "function"
    inner = fields.object(kind) if kind in {"function", "custom"} else None
    if inner is None:
        return ServerTool(DIALECT, msgspec.Raw(raw))
    if kind == "function":
        return _read_function(inner, fields)
    name, description = _name(inner), inner.text("description")
    form = inner.raw_object("format")
    fields.keep_rest_of("custom", inner)
    cache = read_cache(fields)
    return CustomTool(name, description, form, cache=cache, extra=fields.extra())


def _read_function(inner: Fields, outer: Fields | None) -> FunctionTool:
    name, description = _name(inner), inner.text("description")
    parameters, strict = inner.raw_object("parameters"), inner.flag("strict")
    if outer is None:
        return FunctionTool(name, description, parameters, strict, extra=inner.extra())
    outer.keep_rest_of("function", inner)
    cache = read_cache(outer)
    return FunctionTool(name, description, parameters, strict, cache=cache, extra=outer.extra())


def _name(fields: Fields) -> str:
    name = fields.text("name")
    if not name:
        raise MalformedBody(f"'{fields.path}.name' is missing.", param=f"{fields.path}.name")
    return name


def _read_choice(fields: Fields, whole: msgspec.Raw) -> ToolChoice:
    kind = fields.text("type") or "function"
    inner = fields.object(kind)
    if kind == "allowed_tools" and inner is not None:
        tools = inner.objects("tools")
        required = inner.text("mode") == "required"
        choice = ToolChoice(ToolMode.ALLOWED, tuple(_referred(tool) for tool in tools), required)
        plain = all(choice.names) and not any(tool.left() for tool in tools)
        known = plain and not inner.left() and not fields.left()
        return choice if known else msgspec.structs.replace(choice, extra=_whole(whole))
    if kind in {"function", "custom"} and inner is not None:
        choice = ToolChoice(ToolMode.NAMED, (_name(inner),), kind=CallKind(kind))
        known = not inner.left() and not fields.left()
        return choice if known else msgspec.structs.replace(choice, extra=_whole(whole))
    return ToolChoice(ToolMode.AUTO, extra=_whole(whole))


def _referred(fields: Fields) -> str:
    kind = fields.text("type") or ""
    inner = fields.object(kind) if kind in {"function", "custom"} else None
    return (inner.text("name") or "") if inner is not None else ""


def _whole(raw: Json) -> Extra:
    return Extra(DIALECT, {"tool_choice": msgspec.Raw(raw)})


# ------------------------------------------------------------------ writing


def _write_function(tool: FunctionTool) -> Written:
    return written(
        {
            "name": tool.name,
            "description": tool.description,
            "parameters": tool.parameters,
            "strict": tool.strict,
        }
    )


def _nested(form: msgspec.Raw) -> msgspec.Raw:
    """The grammar inside an object of its own, which Responses does without."""
    fields = Fields.parse(form, "format") if form else Fields({})
    if "grammar" in fields or bytes(fields.raw("type")) != b'"grammar"':
        return form
    return msgspec.Raw(msgspec.json.encode({"type": "grammar", "grammar": fields.left()}))


def _reference(name: str, *, custom: bool) -> Written:
    kind = "custom" if custom else "function"
    return {"type": kind, kind: {"name": name}}
