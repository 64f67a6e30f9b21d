"""Requests, both ways.

Reading and writing again changes these things only, and none of them changes the meaning: a null
is dropped, as is an empty list and what is the default (`truncation: disabled`); `store` is
written, false where nothing is said; a message says its type; content that is one plain text is
written as a string; an assistant's text that has neither id nor annotations is written so, too;
fewer tokens than are allowed become the fewest that are; the content of thought is asked for where
thought is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from antiphon.dialects.contract import Target
from antiphon.dialects.efforts import effort_of
from antiphon.dialects.fields import Written
from antiphon.dialects.openai_responses.fields import DIALECT, Fields, own, raw_of, written
from antiphon.dialects.openai_responses.items import read_items
from antiphon.dialects.openai_responses.namespaces import called, named
from antiphon.dialects.openai_responses.passing import LOGPROBS, STORED, check_request
from antiphon.dialects.openai_responses.tools import (
    read_choice,
    read_tools,
    write_choice,
    write_tools,
)
from antiphon.dialects.openai_responses.turns import Item, write_turns
from antiphon.dialects.strictness import strict_of
from antiphon.errors import MalformedBody
from antiphon.model.parts import ABSENT, Author, Extra, Opaque, Reasoning, Text, Turn
from antiphon.model.request import (
    ChatRequest,
    Identity,
    Output,
    OutputForm,
    PromptCache,
    ReasoningAsk,
    Sampling,
    State,
    Tool,
)
from antiphon.wire.shallow import Members

FEWEST_TOKENS: Final = 16
"""`max_output_tokens` below this is refused."""

_SEALED: Final = "reasoning.encrypted_content"

_FORMS: Final = {
    "text": OutputForm.TEXT,
    "json_object": OutputForm.JSON,
    "json_schema": OutputForm.SCHEMA,
}
_FORM_NAMES: Final = {form: name for name, form in _FORMS.items()}
_OBJECTS: Final = ("stream_options", "moderation", "image", "access_programs")
_INSTRUCTIONS: Final = Extra(DIALECT, {"instructions": msgspec.Raw(b"true")})
_PROMPT: Final = Extra(DIALECT, {"prompt": msgspec.Raw(b"true")})


# ------------------------------------------------------------------ reading


def read_request(members: Members) -> ChatRequest:
    """Read a caller's request.

    Raises:
        MalformedBody: A member has the wrong type; `param` names it.
        InvalidRequest: A member has an impossible value.
    """
    check_request(members)
    fields = Fields(members.raws())
    for name in (*STORED, "background"):
        fields.raw(name)
    model = fields.text("model") or ""
    turns, added = _read_turns(fields)
    offered, names = named((*read_tools(fields.items("tools")), *added))
    if names:
        turns = called(turns, names)
    choice = read_choice(fields, names)
    include = _read_include(fields)
    output, verbosity = _read_text(fields)
    if "truncation" in fields and (truncation := fields.text("truncation")) != "disabled":
        fields.keep("truncation", raw_of(truncation))
    for name in _OBJECTS:
        if name in fields:
            fields.keep(name, fields.raw_object(name))
    stream = fields.flag("stream") or False
    return ChatRequest(
        model,
        turns,
        tools=offered,
        tool_choice=choice,
        parallel_tool_calls=fields.flag("parallel_tool_calls"),
        output=output,
        reasoning=_read_reasoning(fields, sealed=_SEALED in include),
        sampling=Sampling(
            temperature=fields.number("temperature"),
            top_p=fields.number("top_p"),
            logprobs=True if LOGPROBS in include else None,
            top_logprobs=fields.integer("top_logprobs"),
        ),
        max_output_tokens=fields.integer("max_output_tokens"),
        service_tier=fields.text("service_tier"),
        verbosity=verbosity,
        cache=_read_cache(fields),
        identity=_read_identity(fields),
        state=_read_state(fields),
        stream=stream,
        include_usage=stream,
        extra=fields.extra(),
    )


def _read_turns(fields: Fields) -> tuple[tuple[Turn, ...], tuple[Tool, ...]]:
    """The turns, and the tools that are offered among them."""
    turns: list[Turn] = []
    if "prompt" in fields:
        # Its words stand at the provider: nothing else can say them.
        raw = fields.raw_object("prompt")
        turns.append(Turn(Author.SYSTEM, (Opaque(DIALECT, raw),), extra=_PROMPT))
    instructions = fields.text("instructions")
    if instructions is not None:
        turns.append(Turn(Author.SYSTEM, (Text(instructions),), extra=_INSTRUCTIONS))
    asked = fields.text_or_items("input")
    if isinstance(asked, str):
        return (*turns, Turn(Author.USER, (Text(asked),))), ()
    said, added = read_items(asked or ())
    return (*turns, *said), added


def _read_include(fields: Fields) -> tuple[str, ...]:
    include = fields.texts("include")
    left = [name for name in include if name not in {_SEALED, LOGPROBS}]
    if left:
        fields.keep("include", msgspec.json.encode(left))
    return include


def _read_reasoning(fields: Fields, *, sealed: bool) -> ReasoningAsk | None:
    inner = fields.object("reasoning")
    if inner is None and not sealed:
        return None
    inner = inner or Fields({})
    effort, summary = inner.text("effort"), inner.text("summary")
    if sealed:
        inner.keep("include", b"true")
    asked = ReasoningAsk(effort, summary=summary, extra=inner.extra())
    return None if asked == ReasoningAsk() else asked


def _read_text(fields: Fields) -> tuple[Output | None, str | None]:
    inner = fields.object("text")
    if inner is None:
        return None, None
    verbosity, form = inner.text("verbosity"), inner.object("format")
    fields.keep_rest_of("text", inner)
    if form is None:
        return None, verbosity
    raw = raw_of(form.left())
    known = _FORMS.get(form.text("type") or "")
    if known is None:
        # A grammar of one server: only its own dialect can say it again.
        return Output(extra=Extra(DIALECT, {"format": raw})), verbosity
    output = Output(
        known,
        name=form.text("name"),
        description=form.text("description"),
        schema=form.raw_object("schema"),
        strict=form.flag("strict"),
        extra=form.extra(),
    )
    return output, verbosity


def _read_cache(fields: Fields) -> PromptCache | None:
    cache = PromptCache(
        key=fields.text("prompt_cache_key"),
        retention=fields.text("prompt_cache_retention"),
        options=fields.raw_object("prompt_cache_options"),
    )
    return None if cache == PromptCache() else cache


def _read_identity(fields: Fields) -> Identity | None:
    identity = Identity(
        user=fields.text("user"),
        safety_id=fields.text("safety_identifier"),
        metadata=fields.raw_object("metadata"),
    )
    return None if identity == Identity() else identity


def _read_state(fields: Fields) -> State | None:
    store = fields.flag("store")
    return None if store is None else State(store=store)


# ------------------------------------------------------------------ writing


def write_request(request: ChatRequest, target: Target) -> Members:
    """Write a request for a provider."""
    head, turns = _write_head(request.turns)
    sampling = request.sampling
    cache, identity = request.cache or PromptCache(), request.identity or Identity()
    maximum = request.max_output_tokens
    offered, added = write_tools(request.tools)
    choice = request.tool_choice
    out = written(
        {
            "model": target.model,
            **head,
            "input": None
            if head.get("prompt") and not (turns or added)
            else _write_input(turns, target.scope, added),
            "tools": offered or None,
            "tool_choice": write_choice(choice, request.tools) if choice else None,
            "parallel_tool_calls": request.parallel_tool_calls,
            "text": _write_text(request, target),
            "reasoning": _write_reasoning(request.reasoning),
            "include": _write_include(request, target) or None,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "top_logprobs": sampling.top_logprobs,
            "max_output_tokens": None if maximum is None else max(maximum, FEWEST_TOKENS),
            "service_tier": request.service_tier,
            "prompt_cache_key": cache.key,
            "prompt_cache_retention": cache.retention,
            "prompt_cache_options": cache.options or ABSENT,
            "user": identity.user,
            "safety_identifier": identity.safety_id,
            "metadata": identity.metadata or ABSENT,
            "store": bool(request.state and request.state.store),
            "stream": True if request.stream else None,
        },
        request.extra,
    )
    return Members({name: _encode(value) for name, value in out.items()})


def _encode(value: object) -> bytes:
    return bytes(value) if isinstance(value, msgspec.Raw) else msgspec.json.encode(value)


def _write_head(turns: tuple[Turn, ...]) -> tuple[Written, tuple[Turn, ...]]:
    """What stands before the conversation, and the conversation."""
    out: Written = {}
    rest: list[Turn] = []
    for turn in turns:
        if turn.extra == _PROMPT and turn.parts and isinstance(turn.parts[0], Opaque):
            out["prompt"] = turn.parts[0].payload
        elif turn.extra == _INSTRUCTIONS and "instructions" not in out:
            out["instructions"] = turn.text
        else:
            rest.append(turn)
    return out, tuple(rest)


def _write_input(
    turns: tuple[Turn, ...], scope: str, between: Mapping[int, Sequence[Item]]
) -> str | list[Item]:
    match turns:
        case (Turn(author=Author.USER, parts=(Text() as text,), extra=None, id=None),) if (
            not between and text == Text(text.text)
        ):
            return text.text
        case _:
            return write_turns(turns, scope, between)


def _write_text(request: ChatRequest, target: Target) -> Written | None:
    output, form = request.output, None
    if output is not None:
        form = own(output.extra).get("format")
        if form is None:
            schema = output.form is OutputForm.SCHEMA
            form = written(
                {
                    "type": _FORM_NAMES[output.form],
                    "name": output.name or ("answer" if schema else None),
                    "description": output.description,
                    "schema": output.schema if schema else None,
                    "strict": strict_of(output, target) if schema else output.strict,
                },
                output.extra,
            )
    return written({"format": form, "verbosity": request.verbosity}) or None


def _write_reasoning(asked: ReasoningAsk | None) -> Written | None:
    if asked is None:
        return None
    summary = None if asked.summary == "omitted" else asked.summary
    out = written({"effort": effort_of(asked), "summary": summary}, asked.extra)
    out.pop("include", None)
    return out or None


def _write_include(request: ChatRequest, target: Target) -> list[str]:
    include: list[str] = []
    if _thinks(request, target):
        include.append(_SEALED)
    if request.sampling.logprobs:
        include.append(LOGPROBS)
    return include


def _thinks(request: ChatRequest, target: Target) -> bool:
    """Whether thought would be lost without its seal: nothing is stored.

    A model that does not think refuses to be asked for seals, so there must be a sign that it
    does: thought is asked for, or was given before.
    """
    asked = request.reasoning
    if asked is not None and ("include" in own(asked.extra) or _asks_for_thought(asked)):
        return True
    return any(
        isinstance(part, Reasoning)
        and part.signature is not None
        and part.origin is not None
        and part.origin.dialect == DIALECT
        for turn in request.turns
        for part in turn.parts
    )


def _asks_for_thought(asked: ReasoningAsk) -> bool:
    if asked.effort is not None:
        return asked.effort != "none"
    return asked.budget not in {None, 0} or asked.summary not in {None, "omitted"}


def summed(members: Mapping[str, bytes]) -> bool:
    """Whether a caller asked to be told thought in summary."""
    raw = members.get("reasoning")
    try:
        asked = Fields.parse(raw, "reasoning").text("summary") if raw else None
    except MalformedBody:
        return False
    return asked not in {None, "none"}
