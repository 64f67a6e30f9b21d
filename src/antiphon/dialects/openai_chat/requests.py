"""Requests, both ways, and the cheap checks of those that go through unread.

Reading and writing again changes these things only, and none of them changes the meaning:
a null is dropped, as is a `false` that is the default; `stop` is written as an array; content
that is one plain text is written as a string; a URL of a picture is written inside an object;
arguments are written as text; a refusal that stood among the parts is written beside them;
whichever of two equal members is the older is written only if it alone was given.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from antiphon.dialects.contract import Target
from antiphon.dialects.efforts import effort_of
from antiphon.dialects.fields import (
    Written,
    first_byte,
    is_empty_array,
    is_null,
    whole_number,
)
from antiphon.dialects.openai_chat.fields import DIALECT, Fields, own, written
from antiphon.dialects.openai_chat.messages import read_messages, write_messages
from antiphon.dialects.openai_chat.tools import (
    read_choice,
    read_functions,
    read_legacy_choice,
    read_tools,
    write_choice,
    write_function,
    write_legacy_choice,
    write_tool,
)
from antiphon.dialects.strictness import strict_of
from antiphon.errors import MalformedBody
from antiphon.model.parts import ABSENT, Extra
from antiphon.model.request import (
    ChatRequest,
    FunctionTool,
    Identity,
    Output,
    OutputForm,
    PromptCache,
    ReasoningAsk,
    Sampling,
    State,
    Tool,
    ToolChoice,
)
from antiphon.wire.shallow import Members

_MAXIMA = ("max_completion_tokens", "max_tokens")
_FORMS = {
    "text": OutputForm.TEXT,
    "json_object": OutputForm.JSON,
    "json_schema": OutputForm.SCHEMA,
}
_FORM_NAMES = {form: name for name, form in _FORMS.items()}
_OBJECTS = ("audio", "prediction", "web_search_options", "moderation")
"""Members that must be objects, and that the model has no word for."""

_USAGE_ASKED = b'{"include_usage":true}'


# ------------------------------------------------------------------ in passing


def check_request(members: Members) -> tuple[str, bool]:
    """The cheap checks of a request that goes through unread: its model, and if it streams.

    Hot path: about a microsecond, whatever the size of the body.

    Raises:
        MalformedBody: `model`, `messages`, `stream` or `stream_options` is missing or wrong.
    """
    model = members.text("model")
    if not model:
        raise MalformedBody("'model' must be a non-empty string.", param="model")
    messages = members.raw("messages")
    if messages is None or first_byte(messages) != ord("[") or is_empty_array(messages):
        raise MalformedBody("'messages' must be a non-empty array.", param="messages")
    stream = members.flag("stream")
    options = members.raw("stream_options")
    if options is not None and first_byte(options) not in b"{n":
        raise MalformedBody("'stream_options' must be an object.", param="stream_options")
    return model, stream


def wants_usage(members: Members) -> bool:
    """Whether the caller of a stream asked for its usage."""
    options = _stream_options(members)
    return options is not None and options.flag("include_usage")


def output_bound(members: Members) -> tuple[int | None, int]:
    """The tokens that an answer may have, and how many answers are asked for."""
    raw = members.raw
    answers = raw("n")
    # Where both names stand, it is the provider's choice which one it reads.
    said = [
        bound
        for name in _MAXIMA
        if (value := raw(name)) is not None and (bound := whole_number(value)) is not None
    ]
    return max(said, default=None), whole_number(answers) or 1 if answers else 1


def capped(members: Members, tokens: int) -> Members:
    """The same request, with a smaller bound of each answer, by the name that it had."""
    said = [name for name in _MAXIMA if (raw := members.raw(name)) and not is_null(raw)]
    return members.replace(dict.fromkeys(said or _MAXIMA[:1], b"%d" % tokens))


def ask_usage(members: Members) -> Members:
    """The same request, asking for usage at the end of the stream."""
    options = _stream_options(members)
    if options is None:
        return members.replace({"stream_options": _USAGE_ASKED})
    if options.flag("include_usage"):
        return members
    return members.replace({"stream_options": options.replace({"include_usage": b"true"}).encode()})


def _stream_options(members: Members) -> Members | None:
    raw = members.raw("stream_options")
    if raw is None or first_byte(raw) != ord("{"):
        return None
    return Members.parse(bytes(raw))


# ------------------------------------------------------------------ reading


def read_request(members: Members) -> ChatRequest:
    """Read a caller's request.

    Raises:
        MalformedBody: A member has the wrong type; `param` names it.
        InvalidRequest: A member has an impossible value.
    """
    check_request(members)
    fields = Fields(members.raws())
    model, turns = fields.text("model") or "", read_messages(fields.items("messages"))
    maximum, legacy_max_tokens = _read_maximum(fields)
    offered, choice, legacy_functions = _read_tools(fields)
    stream, include_usage = fields.flag("stream") or False, _read_stream_options(fields)
    effort = fields.text("reasoning_effort")
    for name in _OBJECTS:
        if name in fields:
            fields.keep(name, fields.raw_object(name))
    return ChatRequest(
        model,
        turns,
        tools=offered,
        tool_choice=choice,
        parallel_tool_calls=fields.flag("parallel_tool_calls"),
        output=_read_output(fields),
        reasoning=ReasoningAsk(effort) if effort is not None else None,
        sampling=_read_sampling(fields),
        max_output_tokens=maximum,
        legacy_max_tokens=legacy_max_tokens,
        legacy_functions=legacy_functions,
        n=fields.integer("n"),
        stop=fields.text_or_texts("stop"),
        modalities=fields.texts("modalities"),
        service_tier=fields.text("service_tier"),
        verbosity=fields.text("verbosity"),
        cache=_read_prompt_cache(fields),
        identity=_read_identity(fields),
        state=_read_state(fields),
        stream=stream,
        include_usage=include_usage,
        extra=fields.extra(),
    )


def _read_maximum(fields: Fields) -> tuple[int | None, bool]:
    maximum = fields.integer("max_completion_tokens")
    if maximum is not None:
        return maximum, False
    legacy = fields.integer("max_tokens")
    return legacy, legacy is not None


def _read_tools(fields: Fields) -> tuple[tuple[Tool, ...], ToolChoice | None, bool]:
    if "tools" not in fields and ("functions" in fields or "function_call" in fields):
        offered = read_functions(fields.items("functions"))
        return offered, read_legacy_choice(fields), True
    return read_tools(fields.items("tools")), read_choice(fields), False


def _read_stream_options(fields: Fields) -> bool:
    options = fields.object("stream_options")
    if options is None:
        return False
    include_usage = options.flag("include_usage") or False
    fields.keep_rest_of("stream_options", options)
    return include_usage


def _read_output(fields: Fields) -> Output | None:
    if "response_format" not in fields:
        return None
    raw = fields.raw_object("response_format")
    inner = Fields.parse(raw, "response_format")
    form = _FORMS.get(inner.text("type") or "")
    if form is None:
        # A grammar of one server (`regex`, `ebnf`): only its own dialect can say it again.
        return Output(extra=Extra(DIALECT, {"response_format": raw}))
    schema = inner.object("json_schema")
    if schema is None:
        return Output(form, extra=inner.extra())
    output = Output(
        form,
        name=schema.text("name"),
        description=schema.text("description"),
        schema=schema.raw_object("schema"),
        strict=schema.flag("strict"),
    )
    inner.keep_rest_of("json_schema", schema)
    return msgspec.structs.replace(output, extra=inner.extra())


def _read_sampling(fields: Fields) -> Sampling:
    return Sampling(
        temperature=fields.number("temperature"),
        top_p=fields.number("top_p"),
        top_k=fields.integer("top_k"),
        min_p=fields.number("min_p"),
        frequency_penalty=fields.number("frequency_penalty"),
        presence_penalty=fields.number("presence_penalty"),
        repetition_penalty=fields.number("repetition_penalty"),
        seed=fields.integer("seed"),
        logit_bias=fields.raw("logit_bias"),
        logprobs=fields.flag("logprobs"),
        top_logprobs=fields.integer("top_logprobs"),
    )


def _read_prompt_cache(fields: Fields) -> PromptCache | None:
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
    sampling = request.sampling
    maximum = "max_tokens" if request.legacy_max_tokens else "max_completion_tokens"
    out = written(
        {
            "model": target.model,
            "messages": write_messages(request.turns),
            **_write_tools(request),
            "parallel_tool_calls": request.parallel_tool_calls,
            "response_format": _write_output(request.output, target),
            "reasoning_effort": effort_of(request.reasoning),
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "top_k": sampling.top_k,
            "min_p": sampling.min_p,
            "frequency_penalty": sampling.frequency_penalty,
            "presence_penalty": sampling.presence_penalty,
            "repetition_penalty": sampling.repetition_penalty,
            "seed": sampling.seed,
            "logit_bias": sampling.logit_bias,
            "logprobs": sampling.logprobs,
            "top_logprobs": sampling.top_logprobs,
            maximum: request.max_output_tokens,
            "n": request.n,
            "stop": request.stop or None,
            "modalities": request.modalities or None,
            "service_tier": request.service_tier,
            "verbosity": request.verbosity,
            **_write_facts(request),
            "stream": True if request.stream else None,
            "stream_options": {"include_usage": True} if request.include_usage else None,
        },
        request.extra,
    )
    return Members({name: _encode(value) for name, value in out.items()})


def _encode(value: object) -> bytes:
    return bytes(value) if isinstance(value, msgspec.Raw) else msgspec.json.encode(value)


def _write_tools(request: ChatRequest) -> Mapping[str, object]:
    choice = request.tool_choice
    if request.legacy_functions:
        functions = [
            write_function(tool) for tool in request.tools if isinstance(tool, FunctionTool)
        ]
        call = write_legacy_choice(choice) if choice else None
        return {"functions": functions or None, "function_call": call}
    offered = [out for tool in request.tools if (out := write_tool(tool)) is not None]
    chosen = write_choice(choice, request.tools) if choice else None
    return {"tools": offered or None, "tool_choice": chosen}


def _write_output(output: Output | None, target: Target) -> Written | msgspec.Raw | None:
    if output is None:
        return None
    whole = own(output.extra).get("response_format")
    if whole is not None:
        return whole
    schema: Written | None = None
    if output.form is OutputForm.SCHEMA:
        schema = written(
            {
                "name": output.name or ("answer" if output.schema else None),
                "description": output.description,
                "schema": output.schema,
                "strict": strict_of(output, target),
            }
        )
    return written({"type": _FORM_NAMES[output.form], "json_schema": schema or None}, output.extra)


def _write_facts(request: ChatRequest) -> Mapping[str, object]:
    cache, identity = request.cache or PromptCache(), request.identity or Identity()
    return {
        "prompt_cache_key": cache.key,
        "prompt_cache_retention": cache.retention,
        "prompt_cache_options": cache.options or ABSENT,
        "user": identity.user,
        "safety_identifier": identity.safety_id,
        "metadata": identity.metadata or ABSENT,
        "store": request.state.store if request.state else None,
    }
