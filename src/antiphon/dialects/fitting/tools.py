"""Tools that a dialect can offer: their names, those that take free text, the choice among them.

What is renamed or wrapped here is undone in the answer (`undo`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from antiphon.dialects.contract import Traits
from antiphon.dialects.fitting.turns import each_part
from antiphon.model.parts import CallKind, Part, ToolCall, ToolResult
from antiphon.model.request import (
    ChatRequest,
    CustomTool,
    FunctionTool,
    ServerTool,
    Tool,
    ToolChoice,
    ToolMode,
)

WRAPPED: Final = msgspec.Raw(
    b'{"type":"object","properties":{"input":{"type":"string","description":'
    b'"The whole input, as plain text."}},"required":["input"],"additionalProperties":false}'
)
"""The parameters of a function that stands for a tool of free text."""

_HOW: Final = "The input is plain text: write it, whole and as it is, into the member `input`."
_NOT_SAFE: Final = re.compile(r"[^a-zA-Z0-9_-]")
_HASHED: Final = 8
_AUTO: Final = ToolChoice(ToolMode.AUTO)


# ------------------------------------------------------------------ which are offered


def offered(request: ChatRequest, traits: Traits) -> ChatRequest:
    """Without tools that only the provider of another dialect runs, and no name twice.

    The choice is free where it named what is gone; without any tool there is none.
    """
    choice = request.tool_choice
    if not request.tools and choice is None and request.parallel_tool_calls is None:
        return request
    seen: set[str] = set()
    tools: list[Tool] = []
    for tool in request.tools:
        if isinstance(tool, ServerTool):
            if tool.dialect == traits.dialect:
                tools.append(tool)
        elif tool.name not in seen:
            seen.add(tool.name)
            tools.append(tool)
    gone = len(tools) < len(request.tools)
    if not tools:
        choice, parallel = None, None
    else:
        parallel = request.parallel_tool_calls
        if choice is not None:
            choice = _choosable(choice, seen if gone else None, traits)
    if not gone and choice is request.tool_choice and parallel is request.parallel_tool_calls:
        return request
    return msgspec.structs.replace(
        request, tools=tuple(tools), tool_choice=choice, parallel_tool_calls=parallel
    )


def _choosable(choice: ToolChoice, names: set[str] | None, traits: Traits) -> ToolChoice:
    if choice.extra is not None and choice.extra.dialect != traits.dialect:
        choice = msgspec.structs.replace(choice, extra=None)
    if names is None or choice.mode not in {ToolMode.NAMED, ToolMode.ALLOWED}:
        return choice
    left = tuple(name for name in choice.names if name in names)
    if not left:
        return _AUTO
    return choice if left == choice.names else msgspec.structs.replace(choice, names=left)


# ------------------------------------------------------------------ free text


def wrapped(request: ChatRequest) -> ChatRequest:
    """With a function in place of each tool that takes free text, in past calls too."""
    tools = tuple(
        _function(tool) if isinstance(tool, CustomTool) else tool for tool in request.tools
    )
    choice = request.tool_choice
    if choice is not None and choice.kind is CallKind.CUSTOM:
        choice = msgspec.structs.replace(choice, kind=CallKind.FUNCTION, extra=None)
    return msgspec.structs.replace(
        request, tools=tools, tool_choice=choice, turns=each_part(request.turns, _wrapped_part)
    )


def _function(tool: CustomTool) -> FunctionTool:
    told = (tool.description, _HOW, _form(tool.format))
    return FunctionTool(
        tool.name,
        "\n\n".join(text for text in told if text),
        WRAPPED,
        cache=tool.cache,
    )


class _Grammar(msgspec.Struct):
    syntax: str = ""
    definition: str = ""


class _Form(_Grammar):
    """As Responses writes it, flat; Chat writes the grammar into a member of that name."""

    type: str = ""
    grammar: _Grammar | None = None


_FORM: Final = msgspec.json.Decoder(_Form)


def _form(raw: msgspec.Raw) -> str:
    if not raw:
        return ""
    try:
        form = _FORM.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return f"The format of the input: {bytes(raw).decode(errors='replace')}"
    grammar = form.grammar or form
    if grammar.definition:
        return f"The input must follow this {grammar.syntax} grammar:\n{grammar.definition}"
    if form.type in {"text", ""}:
        return ""
    return f"The format of the input: {bytes(raw).decode()}"


def _wrapped_part(part: Part) -> Part:
    match part:
        case ToolCall(kind=CallKind.CUSTOM):
            inner = msgspec.json.encode({"input": part.arguments}).decode()
            return msgspec.structs.replace(part, kind=CallKind.FUNCTION, arguments=inner)
        case ToolResult(kind=CallKind.CUSTOM):
            return msgspec.structs.replace(part, kind=CallKind.FUNCTION)
        case _:
            return part


def with_ids(request: ChatRequest) -> ChatRequest:
    """With tools in place of the legacy `functions`, of which an answer calls one at most."""
    one = request.legacy_functions and bool(request.tools)
    return msgspec.structs.replace(
        request,
        legacy_functions=False,
        parallel_tool_calls=False if one else request.parallel_tool_calls,
        turns=each_part(request.turns, _modern_part),
    )


def _modern_part(part: Part) -> Part:
    if isinstance(part, ToolCall | ToolResult) and part.kind is CallKind.LEGACY:
        return msgspec.structs.replace(part, kind=CallKind.FUNCTION)
    return part


# ------------------------------------------------------------------ names


def legal_names(request: ChatRequest, traits: Traits) -> Mapping[str, str]:
    """New names for the tools, offered or called, whose names the dialect refuses."""
    legal = traits.tool_name
    names = dict.fromkeys(_names(request))
    taken = {name for name in names if legal.fullmatch(name)}
    new: dict[str, str] = {}
    for name in names:
        if name not in taken:
            new[name] = _legal_name(name, taken, traits)
    return new


def _names(request: ChatRequest) -> Iterable[str]:
    for tool in request.tools:
        if not isinstance(tool, ServerTool):
            yield tool.name
    for turn in request.turns:
        for part in turn.parts:
            if isinstance(part, ToolCall):
                yield part.name


def _legal_name(name: str, taken: set[str], traits: Traits) -> str:
    """What can be read of the name, and a hash of all of it."""
    readable = _NOT_SAFE.sub("_", name)[: traits.tool_name_length - _HASHED - 1] or "tool"
    times = 0
    while True:
        text = f"{times} {name}".encode(errors="surrogatepass")
        new = f"{readable}_{hashlib.sha256(text).hexdigest()[:_HASHED]}"
        if new not in taken:
            taken.add(new)
            return new
        times += 1


def renamed(request: ChatRequest, names: Mapping[str, str]) -> ChatRequest:
    """With these names in the tools, in the choice among them, and in the calls before."""
    tools = tuple(
        tool
        if isinstance(tool, ServerTool) or tool.name not in names
        else msgspec.structs.replace(tool, name=names[tool.name])
        for tool in request.tools
    )
    choice = request.tool_choice
    if choice is not None and any(name in names for name in choice.names):
        chosen = tuple(names.get(name, name) for name in choice.names)
        choice = msgspec.structs.replace(choice, names=chosen, extra=None)

    def rename(part: Part) -> Part:
        new = names.get(part.name or "") if isinstance(part, ToolCall | ToolResult) else None
        return part if new is None else msgspec.structs.replace(part, name=new)

    return msgspec.structs.replace(
        request, tools=tools, tool_choice=choice, turns=each_part(request.turns, rename)
    )
