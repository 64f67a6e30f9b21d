"""What a response repeats of the request, and what it always says.

Strict clients (the Open Responses schema) want some thirty members, each in its full form: a tool
says that it has no description, a format says that it is text. What the caller said in this dialect
is repeated raw; what it left out is said as the default.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from antiphon.dialects.base import Payload
from antiphon.dialects.contract import Target
from antiphon.dialects.fields import UNREADABLE, Written, is_null
from antiphon.dialects.openai_responses.fields import DIALECT, raw_of
from antiphon.dialects.openai_responses.requests import write_request

_OBJECT: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_OBJECTS: Final = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_FUNCTION: Final = msgspec.Raw(b'"function"')
_SCHEMA: Final = msgspec.Raw(b'"json_schema"')

DEFAULTS: Final[Mapping[str, object]] = {
    "id": "",
    "object": "response",
    "created_at": 0,
    "completed_at": None,
    "status": "in_progress",
    "background": False,
    "error": None,
    "incomplete_details": None,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "model": "",
    "output": [],
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "reasoning": {"effort": None, "summary": None},
    "safety_identifier": None,
    "service_tier": "default",
    "store": False,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "presence_penalty": 0.0,
    "frequency_penalty": 0.0,
    "truncation": "disabled",
    "usage": None,
    "user": None,
    "metadata": {},
}
"""Everything that a response says, as it is where nobody says otherwise."""

_REPEATED: Final = (
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "parallel_tool_calls",
    "prompt_cache_key",
    "safety_identifier",
    "temperature",
    "tool_choice",
    "top_logprobs",
    "top_p",
    "truncation",
    "user",
    "metadata",
    "prompt_cache_retention",
    "prompt_cache_options",
)
"""What is repeated as it was said."""

_NULL: Final = msgspec.Raw(b"null")
_FALSE: Final = msgspec.Raw(b"false")


def response_of(members: Mapping[str, object], asked: Payload | None) -> Written:
    """A response with these members; all others are the request's, or the defaults."""
    return {**DEFAULTS, **echo_of(asked), **members}


def echo_of(asked: Payload | None) -> Written:
    """What a response repeats of its request."""
    if asked is None:
        return {}
    said = members_of(asked)
    out: Written = {
        name: msgspec.Raw(raw)
        for name in _REPEATED
        if (raw := said.get(name)) is not None and not is_null(raw)
    }
    for name, complete in (("tools", _tools), ("text", _text), ("reasoning", _reasoning)):
        raw = said.get(name)
        if raw is not None and not is_null(raw):
            try:
                out[name] = complete(raw)
            except UNREADABLE:
                out[name] = msgspec.Raw(raw)
    return out


def members_of(asked: Payload) -> Mapping[str, bytes]:
    """The request in this dialect: as it was said, or as it would be."""
    if asked.dialect.name == DIALECT and asked.members is not None:
        return asked.members
    return write_request(asked.request, Target(asked.model))


def _tools(raw: bytes) -> list[Written]:
    return [_tool(tool) for tool in _OBJECTS.decode(raw)]


def _tool(tool: dict[str, msgspec.Raw]) -> Written:
    if tool.get("type") != _FUNCTION:
        return {**tool}
    # What is unsaid is strict, and is repeated so.
    return {"description": None, "parameters": None, "strict": True, **tool}


def _text(raw: bytes) -> Written:
    text = _OBJECT.decode(raw)
    form = text.get("format")
    if form is None:
        return {"format": {"type": "text"}, **text}
    members = _OBJECT.decode(form)
    if members.get("type") == _SCHEMA:
        members = {"description": _NULL, "strict": _FALSE, **members}
    return {**text, "format": raw_of(members)}


def _reasoning(raw: bytes) -> Written:
    return {"effort": None, "summary": None, **_OBJECT.decode(raw)}
