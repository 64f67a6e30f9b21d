"""Items and turns, both ways.

A turn of an assistant is a run of items: thought, messages, calls. Each becomes a part that keeps
the item's id, so that the turn is the one that other dialects know, and the items are the same
when they are written again. What a message says of itself (its status, its phase) is kept with its
first part. An item that the model has no word for stands whole among the parts.

An id is written only where it was read here: elsewhere it means nothing, or something else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from antiphon.dialects.fields import Json
from antiphon.dialects.openai_responses.fields import (
    DIALECT,
    OURS,
    Fields,
    own,
    raw_of,
)
from antiphon.dialects.openai_responses.namespaces import Place
from antiphon.dialects.openai_responses.parts import Said, read_content
from antiphon.dialects.openai_responses.thought import read_reasoning
from antiphon.dialects.openai_responses.tools import ADDITIONAL, read_tools
from antiphon.errors import InvalidRequest, MalformedBody
from antiphon.model.parts import (
    Author,
    CallKind,
    Extra,
    Opaque,
    Part,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
    Turn,
)
from antiphon.model.request import Tool

ITEM: Final = Extra(DIALECT, {"item": msgspec.Raw(b"true")})
"""Says that the turn is one whole item that only this dialect knows."""

_AUTHORS: Final = {
    "user": Author.USER,
    "system": Author.SYSTEM,
    "developer": Author.DEVELOPER,
    "assistant": Author.ASSISTANT,
}
_OF_ASSISTANT: Final = ("_call", "mcp_list_tools", "mcp_approval_request", "program")
"""How the types of items end that an assistant says, and that the model has no word for."""


def read_items(
    items: Sequence[Json], path: str = "input"
) -> tuple[tuple[Turn, ...], tuple[Tool, ...]]:
    """The turns of a request, and the tools that its items hold."""
    reading = _Reading()
    for at, raw in enumerate(items):
        reading.take(raw, f"{path}[{at}]")
    return reading.finish(), tuple(reading.tools)


def read_output(items: Sequence[Json]) -> Turn:
    """The turn of a reply; a thought of which nothing was told is left out."""
    reading = _Reading(whole=True)
    for at, raw in enumerate(items):
        reading.take(raw, f"output[{at}]")
    turns = reading.finish()
    return turns[0] if turns else Turn(Author.ASSISTANT, ())


def read_output_item(raw: Json) -> tuple[Part, ...]:
    """The parts of one item of a reply."""
    return read_output([raw]).parts


class _Reading:
    """Items on their way into turns."""

    __slots__ = ("_items", "_open", "_phase", "_turns", "_whole", "tools")

    def __init__(self, *, whole: bool = False) -> None:
        self._turns: list[Turn] = []
        self._open: list[Part] = []
        self._phase: str | None = None
        self._whole = whole
        self._items = 0
        self.tools: list[Tool] = []

    def finish(self) -> tuple[Turn, ...]:
        self._close()
        return tuple(self._turns)

    def take(self, raw: Json, path: str) -> None:
        fields = Fields.parse(raw, path)
        kind = fields.text("type")
        if kind is None and "role" in fields:
            kind = "message"
        reader = _READERS.get(kind or "")
        if reader is not None:
            reader(self, fields, raw)
        elif kind is None:
            raise MalformedBody(f"'{path}.type' is missing.", param=f"{path}.type")
        else:
            self._other(kind, raw)

    def _other(self, kind: str, raw: Json) -> None:
        """An item that the model has no word for."""
        part = Opaque(DIALECT, msgspec.Raw(raw))
        if self._whole or kind.endswith(_OF_ASSISTANT):
            self._open.append(part)
        else:
            author = Author.TOOL if kind.endswith("_output") else Author.USER
            self._add(Turn(author, (part,), extra=ITEM))

    def additional_tools(self, fields: Fields, raw: Json) -> None:
        tools = fields.items("tools") if fields.begins("tools", b"[") else []
        if self._whole or not tools:
            self._other(ADDITIONAL, raw)
            return
        self._close()
        place = Place(self._items, len(self._turns), raw_of(fields.left()))
        self._items += 1
        self.tools += read_tools(tools, f"{fields.path}.tools", place)

    def message(self, fields: Fields, raw: Json) -> None:
        path = fields.path
        role = fields.text("role")
        # What a reply says is the assistant's, whatever a server writes there.
        author = Author.ASSISTANT if self._whole else _AUTHORS.get(role or "")
        if author is None:
            wanted = ", ".join(_AUTHORS)
            raise InvalidRequest(f"'{path}.role' must be one of {wanted}.", param=f"{path}.role")
        parts = read_content(fields)
        if parts is None:
            raise MalformedBody(f"'{path}.content' is missing.", param=f"{path}.content")
        item_id = fields.text("id")
        if author is Author.ASSISTANT:
            self._assistant(fields, raw, parts, item_id)
        else:
            extra = fields.extra() or (OURS if item_id else None)
            self._add(Turn(author, parts, id=item_id, extra=extra))

    def _assistant(
        self, fields: Fields, raw: Json, parts: Sequence[Part], item_id: str | None
    ) -> None:
        said = [part for part in parts if isinstance(part, Text | Refusal)]
        if len(said) < len(parts):
            self._open.append(Opaque(DIALECT, msgspec.Raw(raw)))
            return
        last = self._open[-1] if self._open else None
        if not item_id and isinstance(last, Text | Refusal) and not last.id and not self._whole:
            # Two messages that nothing tells apart but that they are two.
            self._close()
        self._phase = _read_phase(fields) or self._phase
        left = fields.left()
        for at, part in enumerate(said):
            extra = part.extra or (OURS if item_id else None)
            if left and at == 0:
                members = {**own(part.extra), "message": raw_of(left)}
                extra = Extra(DIALECT, members)
            self._open.append(msgspec.structs.replace(part, id=item_id, extra=extra))

    def function_call(self, fields: Fields, raw: Json) -> None:
        del raw
        self._call(fields, CallKind.FUNCTION, "arguments")

    def custom_call(self, fields: Fields, raw: Json) -> None:
        del raw
        self._call(fields, CallKind.CUSTOM, "input")

    def _call(self, fields: Fields, kind: CallKind, member: str) -> None:
        name, item_id = fields.text("name") or "", fields.text("id")
        call_id = fields.text("call_id") or item_id or ""
        arguments = read_arguments(fields, member)
        extra = fields.extra() or OURS
        call = ToolCall(call_id, name, arguments, kind=kind, id=item_id, extra=extra)
        self._open.append(call)

    def function_output(self, fields: Fields, raw: Json) -> None:
        del raw
        self._result(fields, CallKind.FUNCTION)

    def custom_output(self, fields: Fields, raw: Json) -> None:
        del raw
        self._result(fields, CallKind.CUSTOM)

    def _result(self, fields: Fields, kind: CallKind) -> None:
        call_id, item_id = fields.text("call_id"), fields.text("id")
        if not call_id:
            path = f"{fields.path}.call_id"
            raise MalformedBody(f"{path!r} is missing.", param=path)
        if fields.begins("output", b"{"):
            parts: tuple[Said, ...] = (Text(bytes(fields.raw("output")).decode()),)
        else:
            parts = read_content(fields, "output") or (Text(""),)
        inner = tuple(Text(part.text) if isinstance(part, Refusal) else part for part in parts)
        extra = fields.extra() or (OURS if item_id else None)
        result = ToolResult(call_id, inner, kind=kind, id=item_id, extra=extra)
        self._add(Turn(Author.TOOL, (result,)))

    def reasoning(self, fields: Fields, raw: Json) -> None:
        del raw
        thought = read_reasoning(fields)
        if self._whole and not (thought.text or thought.summary or thought.signature):
            return
        self._open.append(thought)

    def _add(self, turn: Turn) -> None:
        self._close()
        self._turns.append(turn)

    def _close(self) -> None:
        if self._open:
            turn = Turn(Author.ASSISTANT, tuple(self._open), phase=self._phase)
            self._turns.append(turn)
        self._open, self._phase = [], None


_READERS: Final[dict[str, Callable[[_Reading, Fields, Json], None]]] = {
    "message": _Reading.message,
    "function_call": _Reading.function_call,
    "custom_tool_call": _Reading.custom_call,
    "function_call_output": _Reading.function_output,
    "custom_tool_call_output": _Reading.custom_output,
    "reasoning": _Reading.reasoning,
    ADDITIONAL: _Reading.additional_tools,
}


def read_arguments(fields: Fields, name: str) -> str:
    """Take arguments: text, or the text of an object where a server did not write text."""
    if fields.begins(name, b"{"):
        return bytes(fields.raw(name)).decode()
    return fields.text(name) or ""


def _read_phase(fields: Fields) -> str | None:
    """The phase, which stays among the members of its message."""
    if not fields.begins("phase", b'"'):
        return None
    phase = fields.text("phase")
    fields.keep("phase", raw_of(phase))
    return phase
