"""Tools and the choice among them, both ways."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from antiphon.dialects.fields import Json, Written
from antiphon.dialects.openai_responses.fields import (
    DIALECT,
    OURS,
    Fields,
    is_ours,
    own,
    raw_of,
    written,
)
from antiphon.dialects.openai_responses.namespaces import (
    FLAT,
    NAMESPACE,
    Names,
    Place,
    Spaces,
    bare_name,
    place_of,
    server_tool,
    spaces_of,
    with_place,
)
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
_DEFERRED = "defer_loading"

ADDITIONAL = "additional_tools"
"""The type of an item that holds tools."""

Entry = Written | msgspec.Raw
"""A tool, or some of them under one name."""


def read_tools(items: Sequence[Json], path: str = "tools", place: Place = FLAT) -> Iterator[Tool]:
    """The members of `tools`, there or in an item; those of a namespace each by itself."""
    for at, raw in enumerate(items):
        fields = Fields.parse(raw, f"{path}[{at}]")
        kind = _kind(fields)
        if kind == NAMESPACE:
            yield from _read_group(fields, raw, msgspec.structs.replace(place, group=at), place)
        else:
            yield _read_tool(fields, kind, raw, place)


def write_tools(tools: Sequence[Tool]) -> tuple[list[Entry], dict[int, list[Written]]]:
    """`tools`, and the items that hold tools, by the number of turns before them.

    Left out are server tools of other dialects.
    """
    flat: list[Entry] = []
    lists: dict[int, list[Entry]] = {FLAT.item: flat}
    groups: dict[tuple[int, int], list[Entry]] = {}
    items: dict[int, list[Written]] = {}
    for tool in tools:
        if isinstance(tool, ServerTool) and tool.dialect != DIALECT:
            continue
        place, raw = place_of(tool)
        entry = raw if isinstance(tool, ServerTool) else _write_tool(tool)
        if place.item not in lists:
            held = lists[place.item] = []
            item: Written = {"type": ADDITIONAL, **_split(place.item_members), "tools": held}
            items.setdefault(place.before, []).append(item)
        if place.group == FLAT.group:
            lists[place.item].append(entry)
            continue
        key = place.item, place.group
        if key not in groups:
            held = groups[key] = []
            group: Written = {"type": NAMESPACE, **_split(place.group_members), "tools": held}
            lists[place.item].append(group)
        groups[key].append(entry)
    return flat, items


def _write_tool(tool: FunctionTool | CustomTool) -> Written:
    match tool:
        case FunctionTool():
            strict, parameters = tool.strict, tool.parameters
            if not is_ours(tool.extra):
                # What is unsaid elsewhere is loose, and nothing is a schema: here it is strict.
                strict, parameters = strict or False, parameters or _NOTHING
            out: Written = {
                "type": "function",
                "name": bare_name(tool.name, tool.extra),
                "description": tool.description,
                "parameters": parameters,
                "strict": strict,
            }
            return written(out, tool.extra)
        case CustomTool():
            out = {
                "type": "custom",
                "name": bare_name(tool.name, tool.extra),
                "description": tool.description,
                "format": _flat_format(tool),
            }
            return written(out, tool.extra)


def read_choice(fields: Fields, names: Names) -> ToolChoice | None:
    """Take `tool_choice`; `names` are those of the tools."""
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
    return _read_choice(Fields.parse(raw, "tool_choice"), raw, names)


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
            name = choice.names[0] if choice.names else ""
            return _write_reference(name, spaces_of(tools), choice, custom=custom)
        case ToolMode.ALLOWED:
            custom = {tool.name for tool in tools if isinstance(tool, CustomTool)}
            spaces = spaces_of(tools)
            allowed = [
                _write_reference(name, spaces, choice, custom=name in custom)
                for name in choice.names
            ]
            mode = "required" if choice.required else "auto"
            return {"type": "allowed_tools", "mode": mode, "tools": allowed}


# ------------------------------------------------------------------ reading


def _kind(fields: Fields) -> str:
    kind = fields.text("type")
    if kind is None:
        raise MalformedBody(f"'{fields.path}.type' is missing.", param=f"{fields.path}.type")
    return kind


def _read_group(fields: Fields, raw: Json, inside: Place, outside: Place) -> Sequence[Tool]:
    """The tools of a namespace; it stays whole where none of them can be offered elsewhere."""
    if fields.begins("name", b'"') and fields.begins("tools", b"["):
        path, members = f"{fields.path}.tools", fields.items("tools")
        inside = msgspec.structs.replace(inside, group_members=raw_of(fields.left()))
        tools = [_read_member(each, f"{path}[{at}]", inside) for at, each in enumerate(members)]
        if fields.text("name") and any(not isinstance(tool, ServerTool) for tool in tools):
            return tools
    return (server_tool(raw, outside),)


def _read_member(raw: Json, path: str, place: Place) -> Tool:
    fields = Fields.parse(raw, path)
    kind = _kind(fields)
    if fields.begins(_DEFERRED, b"t"):
        # Its provider shows it to the model once it was searched for.
        return server_tool(raw, place)
    return _read_tool(fields, kind, raw, place)


def _read_tool(fields: Fields, kind: str, raw: Json, place: Place) -> Tool:
    if kind not in _REFERENCES:
        return server_tool(raw, place)
    name, description = _name(fields), fields.text("description")
    if kind == "custom":
        form = fields.raw_object("format")
        return with_place(CustomTool(name, description, form, extra=fields.extra() or OURS), place)
    parameters, strict = fields.raw_object("parameters"), fields.flag("strict")
    extra = fields.extra() or OURS
    return with_place(FunctionTool(name, description, parameters, strict, extra=extra), place)


def _name(fields: Fields) -> str:
    name = fields.text("name")
    if not name:
        raise MalformedBody(f"'{fields.path}.name' is missing.", param=f"{fields.path}.name")
    return name


def _read_choice(fields: Fields, whole: msgspec.Raw, names: Names) -> ToolChoice:
    kind = fields.text("type") or ""
    if kind == "allowed_tools":
        tools = fields.objects("tools")
        required = fields.text("mode") == "required"
        extra = OURS if any(NAMESPACE in tool for tool in tools) else None
        allowed = tuple(_referred(tool, names) for tool in tools)
        choice = ToolChoice(ToolMode.ALLOWED, allowed, required, extra=extra)
        known = all(allowed) and not any(tool.left() for tool in tools) and not fields.left()
        return choice if known else msgspec.structs.replace(choice, extra=_whole(whole))
    if kind in _REFERENCES:
        extra = OURS if NAMESPACE in fields else None
        name = _known(fields, _name(fields), names)
        choice = ToolChoice(ToolMode.NAMED, (name,), kind=CallKind(kind), extra=extra)
        return msgspec.structs.replace(choice, extra=_whole(whole)) if fields.left() else choice
    return ToolChoice(ToolMode.AUTO, extra=_whole(whole))


def _referred(fields: Fields, names: Names) -> str:
    if (fields.text("type") or "") not in _REFERENCES:
        return ""
    return _known(fields, fields.text("name") or "", names)


def _known(fields: Fields, name: str, names: Names) -> str:
    """The name that a tool has elsewhere; its namespace need not be said."""
    space = fields.text(NAMESPACE) or ""
    full = space, name
    if full not in names:
        if space:
            fields.keep(NAMESPACE, raw_of(space))
        else:
            full = next((each for each in names if each[1] == name), full)
    return names.get(full, name)


def _whole(raw: Json) -> Extra:
    return Extra(DIALECT, {"tool_choice": msgspec.Raw(raw)})


# ------------------------------------------------------------------ writing


def _split(raw: msgspec.Raw) -> dict[str, msgspec.Raw]:
    """What was kept of an item or a namespace."""
    return msgspec.json.decode(raw, type=dict[str, msgspec.Raw]) if raw else {}


def _write_reference(name: str, spaces: Spaces, choice: ToolChoice, *, custom: bool) -> Written:
    """A tool that is chosen; its namespace is said where it was."""
    space, bare = spaces.get(name, ("", name))
    out: Written = {"type": "custom" if custom else "function", "name": bare}
    return {**out, NAMESPACE: space} if space and is_ours(choice.extra) else out


def _flat_format(tool: CustomTool) -> msgspec.Raw:
    """The grammar: Chat has one more object around it."""
    if not tool.format or is_ours(tool.extra):
        return tool.format
    fields = Fields.parse(tool.format, "format")
    grammar = bytes(fields.raw("type")) == b'"grammar"' and fields.begins("grammar", b"{")
    inner = fields.object("grammar") if grammar else None
    if inner is None:
        return tool.format
    members = {"type": msgspec.Raw(b'"grammar"'), **inner.left()}
    return msgspec.Raw(msgspec.json.encode(members))
