"""Requests, both ways, and the cheap checks of those that go through unread.

The model and whether the answer is a stream stand in the path on this wire; here they are the
members `model` and `stream`, which the door puts in and `stripped` takes out.

Reading and writing again changes these things only, and none of them changes the meaning: names
are written as Google writes them; a null is dropped; one object where an array belongs is an
array; functions stand together; results of tools stand first, and those of contents that follow
each other in one.
"""

from __future__ import annotations

from typing import Final

import msgspec

from antiphon.dialects.contract import Target
from antiphon.dialects.fields import UNREADABLE, Written, first_byte, is_empty_array
from antiphon.dialects.gemini.fields import DIALECT, Fields, is_own, number_of, own, written
from antiphon.dialects.gemini.schemas import Room, adapted, as_json_schema
from antiphon.dialects.gemini.thinking import read_thinking, write_thinking
from antiphon.dialects.gemini.tools import read_choice, read_tools, write_choice, write_tools
from antiphon.dialects.gemini.turns import read_turns, write_turns
from antiphon.errors import MalformedBody
from antiphon.model.parts import ABSENT, Extra
from antiphon.model.request import (
    ChatRequest,
    Output,
    OutputForm,
    PromptCache,
    Sampling,
)
from antiphon.wire.shallow import Members

PATHED: Final = ("model", "stream")
"""Members that stand in the path on the wire."""

_JSON: Final = "application/json"
_PLAIN: Final = "text/plain"
_CHOICE: Final = "text/x.enum"
_MODALITIES: Final = frozenset({"text", "image", "audio"})
_TIERS: Final = {"standard": "default", "flex": "flex", "priority": "priority"}
_TIER_WORDS: Final = {
    "default": "standard",
    "flex": "flex",
    "priority": "priority",
    "fast": "priority",
    "scale": "standard",
}


class _Bounds(msgspec.Struct, gc=False):
    max_output_tokens: int | float | str | None = None
    candidate_count: int | float | str | None = None


class _CamelBounds(msgspec.Struct, gc=False, rename="camel"):
    max_output_tokens: int | float | str | None = None
    candidate_count: int | float | str | None = None


_CAMEL: Final = ("generationConfig", "maxOutputTokens")
_SNAKE: Final = ("generation_config", "max_output_tokens")
_BOUNDS: Final = (msgspec.json.Decoder(_CamelBounds), msgspec.json.Decoder(_Bounds))


# ------------------------------------------------------------------ in passing


def check_request(members: Members) -> tuple[str, bool]:
    """The cheap checks of a request that goes through unread: its model, and if it streams.

    Raises:
        MalformedBody: `model`, `contents` or `stream` is missing or wrong, or there are two
            `generationConfig`.
    """
    model = members.text("model")
    if not model:
        raise MalformedBody("'model' must be a non-empty string.", param="model")
    contents = members.raw("contents")
    if contents is None or first_byte(contents) not in b"[{" or is_empty_array(contents):
        raise MalformedBody("'contents' must be a non-empty array.", param="contents")
    if "generation_config" in members and "generationConfig" in members:
        # What an answer may cost is read from it, also where all else is the provider's to read.
        raise MalformedBody(
            "'generationConfig' is given twice, in both spellings.", param="generationConfig"
        )
    return model, members.flag("stream")


def output_bound(members: Members) -> tuple[int | None, int]:
    """The tokens that one answer may have, or None, and how many answers are asked for."""
    raw = members.raw("generationConfig") or members.raw("generation_config")
    most: int | None = None
    answers = 1
    for decoder in _BOUNDS if raw is not None else ():
        try:
            found = decoder.decode(raw or b"{}")
        except UNREADABLE:
            continue
        bound = _whole(found.max_output_tokens)
        if bound is not None:
            most = max(bound, most or 0)
        answers = max(_whole(found.candidate_count) or 1, answers)
    return most, answers


def capped(members: Members, tokens: int) -> Members:
    """The same request, with a smaller bound of each answer, by the name that it had."""
    outer = _SNAKE[0] if members.raw(_SNAKE[0]) is not None else _CAMEL[0]
    raw = members.raw(outer)
    inner = Members({})
    if raw is not None and first_byte(raw) == ord("{"):
        inner = Members.parse(bytes(raw))
    said = [name for name in (_CAMEL[1], _SNAKE[1]) if name in inner]
    bound = dict.fromkeys(said or _CAMEL[1:], b"%d" % tokens)
    return members.replace({outer: inner.replace(bound).encode()})


def _whole(given: float | str | None) -> int | None:
    found = number_of(given) if isinstance(given, str) else given
    return None if found is None else int(found)


def stripped(members: Members) -> Members:
    """The body as it is sent: without what stands in the path."""
    return members.without(*PATHED)


# ------------------------------------------------------------------ reading


def read_request(members: Members) -> ChatRequest:
    """Read a caller's request.

    Raises:
        MalformedBody: A member has the wrong type; `param` names it.
        InvalidRequest: A member has an impossible value.
    """
    check_request(members)
    fields = Fields(members.raws())
    model, stream = fields.text("model") or "", fields.flag("stream") or False
    turns, offered, choice = read_turns(fields), read_tools(fields), read_choice(fields)
    config = fields.object("generationConfig") or Fields({}, "generationConfig")
    request = ChatRequest(
        model,
        turns,
        tools=offered,
        tool_choice=choice,
        output=_read_output(config),
        reasoning=read_thinking(config),
        sampling=Sampling(
            temperature=config.number("temperature"),
            top_p=config.number("topP"),
            top_k=config.count("topK"),
            frequency_penalty=config.number("frequencyPenalty"),
            presence_penalty=config.number("presencePenalty"),
            seed=config.integer("seed"),
            logprobs=config.flag("responseLogprobs"),
            top_logprobs=config.integer("logprobs"),
        ),
        max_output_tokens=_natural(config, "maxOutputTokens"),
        n=_natural(config, "candidateCount") or None,
        stop=config.text_or_texts("stopSequences"),
        modalities=_read_modalities(config),
        service_tier=_read_tier(fields),
        cache=_read_cache(fields),
        stream=stream,
        include_usage=stream,
    )
    fields.keep_rest_of("generationConfig", config)
    return msgspec.structs.replace(request, extra=fields.extra())


def _natural(fields: Fields, name: str) -> int | None:
    found = fields.integer(name)
    if found is not None and found < 0:
        raise MalformedBody(
            f"'{fields.path}.{name}' must be a whole number.", param=f"{fields.path}.{name}"
        )
    return found


def _read_output(config: Fields) -> Output | None:
    """Take `responseMimeType` and the schema; forms that the model has no word for are left."""
    kind = config.text("responseMimeType")
    schema = config.raw_object("responseJsonSchema")
    kept: dict[str, msgspec.Raw] = {}
    if not schema:
        given = config.raw_object("responseSchema")
        if given:
            kept["responseSchema"] = given
            schema = as_json_schema(given)
    if kind == _CHOICE:
        kept["responseMimeType"] = msgspec.Raw(msgspec.json.encode(kind))
        return Output(schema=schema, choice=True, extra=Extra(DIALECT, kept))
    if kind is not None and kind not in {_JSON, _PLAIN}:
        config.keep("responseMimeType", msgspec.json.encode(kind))
    if kind == _JSON:
        form = OutputForm.SCHEMA if schema else OutputForm.JSON
        return Output(form, schema=schema, extra=Extra(DIALECT, kept))
    if schema:
        # Without a type it is refused there, or ignored.
        name = "responseSchema" if kept else "responseJsonSchema"
        config.keep(name, kept.get(name, schema))
    return Output() if kind == _PLAIN else None


def _read_modalities(config: Fields) -> tuple[str, ...]:
    """Take `responseModalities`; all of them are left where the model has no word for one."""
    given = config.texts("responseModalities")
    read = tuple(each.lower() for each in given if each != "MODALITY_UNSPECIFIED")
    if _MODALITIES.issuperset(read):
        return read
    config.keep("responseModalities", msgspec.json.encode(given))
    return ()


def _read_cache(fields: Fields) -> PromptCache | None:
    """Take `cachedContent`: the beginning of the conversation, which only the provider has."""
    handle = fields.text("cachedContent")
    return PromptCache(handle=handle) if handle else None


def _read_tier(fields: Fields) -> str | None:
    word = fields.text("serviceTier")
    if word is None:
        return None
    found = _TIERS.get(word.lower())
    if found is None:
        fields.keep("serviceTier", msgspec.json.encode(word))
    return found


# ------------------------------------------------------------------ writing


def write_request(request: ChatRequest, target: Target) -> Members:
    """Write a request for a provider."""
    system, contents = write_turns(request.turns, target)
    room, drawn = Room(), request.sampling
    tools = write_tools(request.tools, room)
    kept = {**own(request.extra)}
    chosen = write_choice(request.tool_choice, kept.pop("toolConfig", ABSENT), offers=bool(tools))
    config = {
        "temperature": drawn.temperature,
        "topP": drawn.top_p,
        "topK": drawn.top_k,
        "candidateCount": request.n,
        "maxOutputTokens": _bound(request, target),
        "stopSequences": [*request.stop] or None,
        "presencePenalty": drawn.presence_penalty,
        "frequencyPenalty": drawn.frequency_penalty,
        "seed": drawn.seed,
        "responseLogprobs": drawn.logprobs,
        "logprobs": drawn.top_logprobs,
        "responseModalities": [each.upper() for each in request.modalities] or None,
        **_write_output(request.output, room),
        "thinkingConfig": write_thinking(request.reasoning, target),
    }
    out = written(
        {
            "model": target.model,
            "contents": contents,
            "systemInstruction": system,
            "tools": tools or None,
            "toolConfig": chosen,
            "generationConfig": written(config) or None,
            "cachedContent": request.cache.handle if request.cache is not None else None,
            "serviceTier": _TIER_WORDS.get(request.service_tier or ""),
            "stream": True if request.stream else None,
        },
        Extra(DIALECT, kept),
    )
    return Members({name: _encode(value) for name, value in out.items()})


def _encode(value: object) -> bytes:
    return bytes(value) if isinstance(value, msgspec.Raw) else msgspec.json.encode(value)


def _bound(request: ChatRequest, target: Target) -> int | None:
    asked, most = request.max_output_tokens, target.max_output
    return asked if asked is None or most is None else min(asked, most)


def _write_output(output: Output | None, room: Room) -> Written:
    if output is None:
        return {}
    kept = own(output.extra)
    if output.choice:
        named = "responseSchema" in kept or not output.schema
        schema = {} if named else {"responseJsonSchema": output.schema}
        return {**schema, "responseMimeType": _CHOICE, **kept}
    match output.form:
        case OutputForm.TEXT:
            return {"responseMimeType": _PLAIN} if output.extra is None else {}
        case OutputForm.JSON:
            return {"responseMimeType": _JSON}
        case OutputForm.SCHEMA:
            if "responseSchema" in kept:
                return {"responseMimeType": _JSON, **kept}
            schema = output.schema if is_own(output.extra) else adapted(output.schema, room)
            return {"responseMimeType": _JSON, "responseJsonSchema": schema}
