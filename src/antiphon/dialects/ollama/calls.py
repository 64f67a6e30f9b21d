"""Calls of tools inside messages, both ways.

Their arguments are objects, and are kept as the text that stood there, byte for byte. Older
servers and the official Python client know no ids: such calls are given some by their place, and
results are given to calls by the name of the tool, else by their order.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

import msgspec

from antiphon.dialects.arguments import write_object
from antiphon.dialects.fields import Json, Written
from antiphon.dialects.ollama.fields import Fields, written
from antiphon.model.parts import ToolCall

_UNNAMED: Final = "call_unnamed"
_MADE_UP: Final = re.compile(rf"{_UNNAMED}_\d+_\d+")


def unnamed(at: int) -> str:
    """What the calls of a request's message are named after where they have no id."""
    return f"{_UNNAMED}_{at}"


def read_calls(fields: Fields, *, named: str, in_reply: bool = False) -> list[ToolCall]:
    """Take `tool_calls`.

    Args:
        fields: The message.
        named: What a call without an id is named after.
        in_reply: The second call of one id is given another.
    """
    path = f"{fields.path}.tool_calls" if fields.path else "tool_calls"
    calls: list[ToolCall] = []
    taken: set[str] = set()
    for at, raw in enumerate(fields.items("tool_calls")):
        call = _read_call(Fields.parse(raw, f"{path}[{at}]"), f"{named}_{at}")
        if in_reply and call.call_id in taken:
            call = msgspec.structs.replace(call, call_id=distinct(call.call_id, at, taken))
        taken.add(call.call_id)
        calls.append(call)
    return calls


def read_arguments(raw: Json) -> str:
    """Arguments as text: those of an object, or the text where a client wrote one."""
    text = bytes(raw).decode()
    return msgspec.json.decode(raw, type=str) if text.startswith('"') else text


def distinct(call_id: str, at: int, taken: Collection[str]) -> str:
    """The id of a reply's call, changed where an earlier call has it."""
    return f"{call_id}_{at}" if call_id in taken else call_id


def write_call(call: ToolCall, at: int | None = None) -> Written:
    """One of `tool_calls`; `at` is its number in a reply."""
    function: Written = {"name": call.name, "arguments": write_object(call.arguments, call.kind)}
    if at is not None:
        function = {"index": at, **function}
    call_id = None if _MADE_UP.fullmatch(call.call_id) else call.call_id or None
    return written({"id": call_id, "function": function}, call.extra if at is None else None)


def write_id(call_id: str) -> str | None:
    """The id of a call that a result answers; None where its caller gave it none."""
    return None if not call_id or _MADE_UP.fullmatch(call_id) else call_id


def _read_call(fields: Fields, unnamed_id: str) -> ToolCall:
    inner = fields.object("function") or Fields({}, f"{fields.path}.function")
    name, arguments = inner.text("name") or "", inner.raw("arguments")
    fields.keep_rest_of("function", inner)
    call_id = fields.text("id") or unnamed_id
    text = read_arguments(arguments) if arguments else "{}"
    return ToolCall(call_id, name, text, extra=fields.extra())
