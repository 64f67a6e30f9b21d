"""Leaving out of a request what somebody does not take."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import msgspec

from antiphon.model.needs import DRAWN, Need
from antiphon.model.parts import Opaque, Part, Refusal, ToolResult, Turn
from antiphon.model.request import (
    ChatRequest,
    CustomTool,
    FunctionTool,
    Identity,
    Sampling,
    Tool,
    ToolChoice,
    ToolMode,
)

_PLAIN: Final = Sampling()
_AUTO: Final = ToolChoice(ToolMode.AUTO)
_THOUGHT: Final = frozenset({Need.EFFORT, Need.BUDGET, Need.NO_THOUGHT, Need.SUMMARY})
_NAMED: Final = {Need.USER: "user", Need.SAFETY_ID: "safety_id", Need.METADATA: "metadata"}
_NOBODY: Final = Identity()
OMISSIBLE: Final = frozenset(
    {*DRAWN, *_THOUGHT, *_NAMED, Need.FORCED_TOOL, Need.VERBOSITY, Need.TIER}
    | {Need.CACHE_KEY, Need.CACHE_MARKS}
)
"""What can be left out, because the request means nearly the same without it."""


def without(request: ChatRequest, dropped: Collection[Need]) -> ChatRequest:
    """The same request, without these needs; those that are not omissible stay."""
    changes: dict[str, object] = {}
    drawn = [name for need in dropped for name in DRAWN.get(need, ())]
    if drawn:
        plain = {name: getattr(_PLAIN, name) for name in drawn}
        changes["sampling"] = msgspec.structs.replace(request.sampling, **plain)
    if Need.FORCED_TOOL in dropped and request.tool_choice is not None:
        changes["tool_choice"] = _AUTO
    if not _THOUGHT.isdisjoint(dropped):
        changes["reasoning"] = None
    named = {_NAMED[need]: getattr(_NOBODY, _NAMED[need]) for need in dropped if need in _NAMED}
    if named and request.identity is not None:
        changes["identity"] = msgspec.structs.replace(request.identity, **named)
    if Need.VERBOSITY in dropped:
        changes["verbosity"] = None
    if Need.TIER in dropped:
        changes["service_tier"] = None
    if Need.CACHE_KEY in dropped:
        changes["cache"] = None
    if Need.CACHE_MARKS in dropped:
        changes["turns"] = tuple(_unmarked(turn) for turn in request.turns)
        changes["tools"] = tuple(_unmarked_tool(tool) for tool in request.tools)
    return msgspec.structs.replace(request, **changes) if changes else request


def _unmarked(turn: Turn) -> Turn:
    return msgspec.structs.replace(turn, parts=tuple(_unmarked_part(part) for part in turn.parts))


def _unmarked_part(part: Part) -> Part:
    if isinstance(part, ToolResult):
        inner = tuple(
            each
            if isinstance(each, Opaque) or each.cache is None
            else msgspec.structs.replace(each, cache=None)
            for each in part.parts
        )
        return msgspec.structs.replace(part, cache=None, parts=inner)
    if isinstance(part, Refusal | Opaque) or part.cache is None:
        return part
    return msgspec.structs.replace(part, cache=None)


def _unmarked_tool(tool: Tool) -> Tool:
    if isinstance(tool, FunctionTool | CustomTool) and tool.cache is not None:
        return msgspec.structs.replace(tool, cache=None)
    return tool
