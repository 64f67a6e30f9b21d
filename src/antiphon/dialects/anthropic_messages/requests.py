"""Requests, both ways, and the cheap checks of those that go through unread.

Reading and writing again changes these things only, and none of them changes the meaning:
a null is dropped, as is a `false` that is the default; content that is one plain text is written
as a string; texts of nothing but white space, which the API refuses, are left out; results of
tools stand first, and those of messages that follow each other in one; a plain text in base64 is
written as text; thought without a seal that is valid there is left out.
"""

from __future__ import annotations

from typing import Final

import msgspec

from antiphon.dialects.anthropic_messages.blocks import Block
from antiphon.dialects.anthropic_messages.fields import DIALECT, Fields, is_own, own, written
from antiphon.dialects.anthropic_messages.messages import read_turns, write_turns
from antiphon.dialects.anthropic_messages.schemas import closed
from antiphon.dialects.anthropic_messages.thinking import (
    LEAST_BUDGET,
    Asked,
    read_thinking,
    write_thinking,
)
from antiphon.dialects.anthropic_messages.tools import (
    read_choice,
    read_tools,
    write_choice,
    write_tools,
)
from antiphon.dialects.contract import LEAST_ANSWER, Target
from antiphon.dialects.fields import Written, first_byte, is_empty_array, whole_number
from antiphon.errors import MalformedBody
from antiphon.model.parts import Extra
from antiphon.model.request import (
    ChatRequest,
    Identity,
    Output,
    OutputForm,
    Sampling,
)
from antiphon.wire.shallow import Members

_MOST_DIGITS: Final = 9
_TIERS: Final = {"auto": "auto", "standard_only": "default"}
_TIER_WORDS: Final = {"auto": "auto", "default": "standard_only", "priority": "auto"}
_NARROW_TOP_P: Final = 0.95


# ------------------------------------------------------------------ in passing


def check_request(members: Members) -> tuple[str, bool]:
    """The cheap checks of a request that goes through unread: its model, and if it streams.

    Hot path: about a microsecond, whatever the size of the body.

    Raises:
        MalformedBody: `model`, `messages`, `max_tokens` or `stream` is missing or wrong.
    """
    model = members.text("model")
    if not model:
        raise MalformedBody("'model' must be a non-empty string.", param="model")
    messages = members.raw("messages")
    if messages is None or first_byte(messages) != ord("[") or is_empty_array(messages):
        raise MalformedBody("'messages' must be a non-empty array.", param="messages")
    bound = members.raw("max_tokens")
    if bound is None or whole_number(bound) is None:
        raise MalformedBody("'max_tokens' must be a whole number.", param="max_tokens")
    return model, members.flag("stream")


def output_bound(members: Members) -> tuple[int | None, int]:
    """The tokens that an answer may have, and how many answers are asked for: one."""
    bound = members.raw("max_tokens")
    return whole_number(bound) if bound is not None else None, 1


def capped(members: Members, tokens: int) -> Members:
    """The same request, with a smaller bound of its answer; a budget of thought stays below it."""
    changes = {"max_tokens": b"%d" % tokens}
    budget = _budget(members)
    if budget is not None and budget >= tokens:
        less = b"%d" % max(LEAST_BUDGET, tokens // 2)
        thinking = Members.parse(members["thinking"]).replace({"budget_tokens": less})
        changes["thinking"] = thinking.encode()
    return members.replace(changes)


def least_answer(members: Members) -> int:
    """The tokens to which an answer can be capped: with a budget of thought, room for both."""
    return LEAST_ANSWER if _budget(members) is None else 2 * LEAST_BUDGET


def _budget(members: Members) -> int | None:
    """The budget of thought; None where none is given."""
    raw = members.raw("thinking")
    if raw is None or first_byte(raw) != ord("{"):
        return None
    budget = Members.parse(bytes(raw)).raw("budget_tokens")
    return whole_number(budget) if budget is not None else None


def without_inner(members: Members, outer: str, inner: str) -> Members:
    """The same request, without a member of one of its objects."""
    raw = members.raw(outer)
    if raw is None or first_byte(raw) != ord("{"):
        return members
    left = Members.parse(bytes(raw)).without(inner)
    return members.replace({outer: left.encode()}) if left else members.without(outer)


# ------------------------------------------------------------------ reading


def read_request(members: Members) -> ChatRequest:
    """Read a caller's request.

    Raises:
        MalformedBody: A member has the wrong type; `param` names it.
        InvalidRequest: A member has an impossible value.
    """
    check_request(members)
    fields = Fields(members.raws())
    model, turns, bound = fields.text("model") or "", read_turns(fields), _read_bound(fields)
    offered, (choice, parallel) = read_tools(fields.items("tools")), read_choice(fields)
    config = fields.object("output_config")
    reasoning, output = read_thinking(fields, config), _read_output(fields, config)
    fields.keep_rest_of("output_config", config)
    stream = fields.flag("stream") or False
    return ChatRequest(
        model,
        turns,
        tools=offered,
        tool_choice=choice,
        parallel_tool_calls=parallel,
        output=output,
        reasoning=reasoning,
        sampling=Sampling(
            temperature=fields.number("temperature"),
            top_p=fields.number("top_p"),
            top_k=fields.integer("top_k"),
        ),
        max_output_tokens=bound,
        stop=fields.texts("stop_sequences"),
        service_tier=_read_tier(fields),
        identity=_read_identity(fields),
        stream=stream,
        include_usage=stream,
        extra=fields.extra(),
    )


def _read_bound(fields: Fields) -> int | None:
    bound = fields.integer("max_tokens")
    if bound is not None and bound < 0:
        raise MalformedBody("'max_tokens' must be a whole number.", param="max_tokens")
    return bound


def _read_output(fields: Fields, config: Fields | None) -> Output | None:
    """Take the form of the answer: in `output_config`, or where its beta had it."""
    name, holder = "format", config
    if config is None or "format" not in config:
        name, holder = "output_format", fields
    if holder is None or name not in holder:
        return None
    raw = holder.raw_object(name)
    inner = Fields.parse(raw, f"{holder.path}.{name}" if holder.path else name)
    kept: dict[str, msgspec.Raw] = {} if holder is config else {name: raw}
    if inner.text("type") != "json_schema":
        return Output(extra=Extra(DIALECT, {name: raw}))
    schema = inner.raw_object("schema")
    if inner.left():
        kept = {name: raw}
    return Output(OutputForm.SCHEMA, schema=schema, extra=Extra(DIALECT, kept))


def _read_identity(fields: Fields) -> Identity | None:
    inner = fields.object("metadata")
    if inner is None:
        return None
    user = inner.text("user_id")
    fields.keep_rest_of("metadata", inner)
    return None if user is None else Identity(user=user)


def _read_tier(fields: Fields) -> str | None:
    word = fields.text("service_tier")
    if word is not None and word not in _TIERS:
        fields.keep("service_tier", msgspec.json.encode(word))
        return None
    return _TIERS[word] if word is not None else None


# ------------------------------------------------------------------ writing


def write_request(request: ChatRequest, target: Target) -> Members:
    """Write a request for a provider."""
    system, messages = write_turns(request.turns, target.scope)
    thought = write_thinking(request, target)
    identity = request.identity or Identity()
    user = identity.user if identity.user is not None else identity.safety_id
    out = written(
        {
            "model": target.model,
            "max_tokens": thought.max_tokens,
            "system": system,
            "messages": messages,
            **_write_tools(request),
            "thinking": thought.thinking,
            **_write_form(request.output, thought.effort),
            **_write_sampling(request.sampling, thought),
            "stop_sequences": [each for each in request.stop if each.strip()] or None,
            "metadata": {"user_id": user} if user is not None else None,
            "service_tier": _TIER_WORDS.get(request.service_tier or ""),
            "stream": True if request.stream else None,
        },
        request.extra,
    )
    return Members({name: _encode(value) for name, value in out.items()})


def _encode(value: object) -> bytes:
    return bytes(value) if isinstance(value, msgspec.Raw) else msgspec.json.encode(value)


def _write_tools(request: ChatRequest) -> Written:
    offered = write_tools(request.tools, request.tool_choice)
    choice = write_choice(request.tool_choice, parallel=request.parallel_tool_calls)
    # A choice among no tools is refused; those of a server's own are offered elsewhere.
    chosen = choice if offered or "mcp_servers" in own(request.extra) else None
    return {"tools": offered or None, "tool_choice": chosen}


def _write_form(output: Output | None, effort: str | None) -> Written:
    kept = own(output.extra if output is not None else None)
    form: Block | None = kept.get("format")
    if "output_format" in kept:
        beta: Written = {"output_format": kept["output_format"]}
    else:
        beta = {}
        if form is None and output is not None and output.form is OutputForm.SCHEMA:
            schema = output.schema if is_own(output.extra) else closed(output.schema)
            form = written({"type": "json_schema", "schema": schema})
    config = written({"effort": effort, "format": form})
    return {"output_config": config or None, **beta}


def _write_sampling(sampling: Sampling, thought: Asked) -> Written:
    """How the next token is drawn; with thought on, only as the API takes it."""
    temperature, top_p, top_k = sampling.temperature, sampling.top_p, sampling.top_k
    if temperature is not None:
        temperature = min(max(temperature, 0.0), 1.0)
        # Some models refuse both, and this one says nothing.
        top_p = None if top_p == 1 else top_p
    if thought.translated:
        temperature = top_k = None
        top_p = None if top_p is not None and top_p < _NARROW_TOP_P else top_p
    return {"temperature": temperature, "top_p": top_p, "top_k": top_k}
