"""Calls of tools inside messages, both ways: functions, custom tools, the legacy member."""

from __future__ import annotations

import re

import msgspec

from antiphon.dialects.fields import Written
from antiphon.dialects.openai_chat.fields import Fields, written
from antiphon.model.parts import CallKind, ToolCall

_NOT_A_WORD = re.compile(r"[^A-Za-z0-9]")

LEGACY_ID = "call_legacy"
"""Stands for the id that a legacy call has not."""


def made_up_id(reply_id: str) -> str:
    """What the calls of a reply are named after where the provider gives them no id."""
    return f"call_{_NOT_A_WORD.sub('', reply_id)[-24:]}" if reply_id else "call"


def read_calls(fields: Fields, *, unnamed: str = "") -> list[ToolCall]:
    """Take `tool_calls`; calls of an unknown type stay in the fields.

    Args:
        fields: The message.
        unnamed: What a call without an id is named after; empty leaves it without one, and
            leaves calls of one id as they are.
    """
    calls: list[ToolCall] = []
    unknown: list[msgspec.Raw] = []
    seen: set[str] = set()
    path = f"{fields.path}.tool_calls" if fields.path else "tool_calls"
    for at, raw in enumerate(fields.items("tool_calls")):
        inner = Fields.parse(raw, f"{path}[{at}]")
        call = _read_call(inner, f"{unnamed}_{at}" if unnamed else "")
        if call is None:
            unknown.append(raw)
            continue
        if unnamed and call.call_id in seen:
            call = msgspec.structs.replace(call, call_id=f"{call.call_id}_{at}")
        seen.add(call.call_id)
        calls.append(call)
    if unknown:
        fields.keep("tool_calls", msgspec.json.encode(unknown))
    return calls


def read_legacy_call(fields: Fields, call_id: str = LEGACY_ID) -> ToolCall | None:
    """Take `function_call`."""
    inner = fields.object("function_call")
    if inner is None:
        return None
    name, arguments = inner.text("name") or "", read_arguments(inner, "arguments")
    if not name and not arguments:
        return None
    fields.keep_rest_of("function_call", inner)
    return ToolCall(call_id, name, arguments, kind=CallKind.LEGACY)


def read_arguments(fields: Fields, name: str) -> str:
    """Take arguments: text, or the text of an object where a server did not write text."""
    if fields.begins(name, b"{"):
        return bytes(fields.raw(name)).decode()
    return fields.text(name) or ""


def write_call(call: ToolCall) -> Written:
    """One of `tool_calls`."""
    if call.kind is CallKind.CUSTOM:
        body = {"custom": {"name": call.name, "input": call.arguments}}
    else:
        body = {"function": {"name": call.name, "arguments": call.arguments}}
    kind = "custom" if call.kind is CallKind.CUSTOM else "function"
    return written({"id": call.call_id or None, "type": kind, **body}, call.extra)


def write_legacy_call(call: ToolCall) -> Written:
    """A `function_call`."""
    return {"name": call.name, "arguments": call.arguments}


def _read_call(fields: Fields, unnamed: str) -> ToolCall | None:
    kind = fields.text("type") or ("custom" if "custom" in fields else "function")
    if kind not in {"function", "custom"}:
        return None
    inner = fields.object(kind)
    if inner is None:
        return None
    name = inner.text("name") or ""
    arguments = read_arguments(inner, "input" if kind == "custom" else "arguments")
    fields.keep_rest_of(kind, inner)
    call_id = fields.text("id") or unnamed
    return ToolCall(call_id, name, arguments, kind=CallKind(kind), extra=fields.extra())
