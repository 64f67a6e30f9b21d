"""Tools that are grouped under a name, and tools that stand among the items of the input.

Elsewhere a tool is one of a flat list. So each is read as one, under its own name where no other
has it, else as `NAMESPACE__NAME`; where it stood is kept with it, so that the same groups are
written again here. A call is told to its caller under the name and the namespace that it gave.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from antiphon.dialects.fields import UNREADABLE
from antiphon.dialects.openai_responses.fields import DIALECT, own, raw_of
from antiphon.model.parts import ABSENT, Extra, Part, ToolCall, Turn
from antiphon.model.request import CustomTool, FunctionTool, ServerTool, Tool

PLACE: Final = "type"
"""Where the place of a tool is kept among its members: none that is left over has this name."""
BARE: Final = "name"
"""Where the name of a tool or a call is kept that has another one elsewhere; likewise."""
NAMESPACE: Final = "namespace"

Full = tuple[str, str]
"""A namespace, empty for none, and a name in it."""
Names = Mapping[Full, str]
"""The names of tools elsewhere."""
Spaces = Mapping[str, Full]
"""The namespaces and names of tools here, by their names elsewhere; those in a namespace only."""


class Place(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a tool stands.

    Attributes:
        item: The number of the item that holds it; -1: it is one of `tools`.
        before: The number of turns before that item.
        item_members: What else the item says.
        group: The number of its namespace in the list there; -1: it has none.
        group_members: What else the namespace says, its name too.
    """

    item: int = -1
    before: int = 0
    item_members: msgspec.Raw = ABSENT
    group: int = -1
    group_members: msgspec.Raw = ABSENT


class _Header(msgspec.Struct):
    name: str = ""


class _Placed(msgspec.Struct):
    """A tool that only this dialect knows, with its place: unlike any tool it has no type."""

    place: Place
    tool: msgspec.Raw


FLAT: Final = Place()
_PLACE: Final = msgspec.json.Decoder(Place)
_PLACED: Final = msgspec.json.Decoder(_Placed)
_HEADER: Final = msgspec.json.Decoder(_Header)
_TEXT: Final = msgspec.json.Decoder(str)
_PLACED_BEGINS: Final = b'{"place":{'


# ------------------------------------------------------------------ places


def with_place(tool: FunctionTool | CustomTool, place: Place) -> FunctionTool | CustomTool:
    """The tool, with where it stands."""
    if place == FLAT:
        return tool
    members = {**own(tool.extra), PLACE: raw_of(place)}
    return msgspec.structs.replace(tool, extra=Extra(DIALECT, members))


def server_tool(raw: bytes | msgspec.Raw, place: Place) -> ServerTool:
    """A tool that only this dialect knows, with where it stands."""
    payload = msgspec.Raw(raw)
    return ServerTool(DIALECT, payload if place == FLAT else raw_of(_Placed(place, payload)))


def place_of(tool: Tool) -> tuple[Place, msgspec.Raw]:
    """Where a tool stands, and the raw tool where only this dialect knows it."""
    if not isinstance(tool, ServerTool):
        raw = own(tool.extra).get(PLACE)
        return (FLAT if raw is None else _PLACE.decode(raw)), ABSENT
    if bytes(tool.payload).startswith(_PLACED_BEGINS):
        try:
            placed = _PLACED.decode(tool.payload)
        except UNREADABLE:
            return FLAT, tool.payload
        return placed.place, placed.tool
    return FLAT, tool.payload


# ------------------------------------------------------------------ names


def spaces_of(tools: Sequence[Tool]) -> Spaces:
    """The tools in namespaces."""
    return {
        tool.name: full
        for tool in tools
        if not isinstance(tool, ServerTool) and (full := _full(tool))[0]
    }


def named(tools: tuple[Tool, ...]) -> tuple[tuple[Tool, ...], Names]:
    """The tools under the names that they have elsewhere, and these names.

    They depend on nothing but the tools. Without a namespace among the tools nothing changes, and
    no names are told.
    """
    fulls = [None if isinstance(tool, ServerTool) else _full(tool) for tool in tools]
    known = dict.fromkeys(full for full in fulls if full is not None)
    if not any(namespace for namespace, _ in known):
        return tools, {}
    names = _names(known)
    out = [
        tool if isinstance(tool, ServerTool) or full is None else _renamed(tool, names[full])
        for tool, full in zip(tools, fulls, strict=True)
    ]
    return tuple(out), names


def called(turns: tuple[Turn, ...], names: Names) -> tuple[Turn, ...]:
    """The turns, their calls under the names that the tools have elsewhere."""
    return tuple(
        msgspec.structs.replace(turn, parts=tuple(_called(part, names) for part in turn.parts))
        if turn.tool_calls
        else turn
        for turn in turns
    )


def told(name: str, extra: Extra | None, spaces: Spaces) -> tuple[str, Extra | None]:
    """The name of a call as its caller knows it, and its members, the namespace among them."""
    full = spaces.get(name)
    members = own(extra)
    if full is None or NAMESPACE in members:
        return name, extra
    namespace, bare = full
    return bare, Extra(DIALECT, {**members, NAMESPACE: raw_of(namespace)})


def bare_name(name: str, extra: Extra | None) -> str:
    """The name of a tool or a call here."""
    raw = own(extra).get(BARE)
    return name if raw is None else _TEXT.decode(raw)


def _full(tool: FunctionTool | CustomTool) -> Full:
    place, _ = place_of(tool)
    space = _HEADER.decode(place.group_members).name if place.group_members else ""
    return space, bare_name(tool.name, tool.extra)


def _names(known: Mapping[Full, None]) -> dict[Full, str]:
    times = Counter(name for _, name in known)
    names = {full: full[1] for full in known if not full[0] or times[full[1]] == 1}
    taken = set(names.values())
    for full in known:
        if full not in names:
            name = "__".join(full)
            more = 2
            while name in taken:
                name, more = f"{'__'.join(full)}_{more}", more + 1
            taken.add(name)
            names[full] = name
    return names


def _renamed(tool: FunctionTool | CustomTool, name: str) -> FunctionTool | CustomTool:
    if name == tool.name:
        return tool
    return msgspec.structs.replace(tool, name=name, extra=_with_bare(tool.name, tool.extra))


def _called(part: Part, names: Names) -> Part:
    raw = own(part.extra).get(NAMESPACE) if isinstance(part, ToolCall) else None
    if raw is None or not isinstance(part, ToolCall):
        return part
    try:
        full = _TEXT.decode(raw), part.name
    except UNREADABLE:
        return part
    name = names.get(full)
    if name is None:
        # A tool that is not offered any more: not to be taken for another.
        name = part.name if part.name not in names.values() else "__".join(full)
    if name == part.name:
        return part
    return msgspec.structs.replace(part, name=name, extra=_with_bare(part.name, part.extra))


def _with_bare(name: str, extra: Extra | None) -> Extra:
    return Extra(DIALECT, {**own(extra), BARE: raw_of(name)})
