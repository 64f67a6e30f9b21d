"""Requests to chat and to generate, read as the server does: strictly what is used."""

from typing import Final

import msgspec
from msgspec import Raw, Struct

from antiphon.simulator.answers import Tool
from antiphon.simulator.dialect import Problem, Rejected, Terms
from antiphon.simulator.ollama.options import (
    check_images,
    effort_of,
    lets_go,
    options_of,
    shape_of,
)
from antiphon.simulator.ollama.reading import read
from antiphon.simulator.ollama.strictness import Need, check_length, check_model, not_found
from antiphon.simulator.ollama.wire import Asked, text_of
from antiphon.simulator.schema_json import AnySchema, Schema, schema_from
from antiphon.simulator.tokens import count_tokens

_PER_MESSAGE = 4
_PER_IMAGE = 85
_MOST_LOGPROBS = 20
_NOTHING: Final = Raw(b"null")


class _Function(Struct, frozen=True):
    name: str | None = None
    arguments: dict[str, Raw] | None = None
    parameters: Raw = _NOTHING


class _Call(Struct, frozen=True):
    function: _Function | None = None


class _Message(Struct, frozen=True):
    role: str | None = None
    content: str | None = None
    thinking: str | None = None
    images: list[str] | None = None
    tool_calls: list[_Call] | None = None

    def text(self) -> str:
        return self.content or ""

    def all(self) -> str:
        named = [call.function for call in self.tool_calls or () if call.function]
        calls = [f"{one.name}{_json(one.arguments)}" for one in named]
        return "".join((self.thinking or "", self.text(), *calls))


class _Tool(Struct, frozen=True):
    function: _Function | None = None


class _Rest(Struct, frozen=True, kw_only=True):
    """What both requests have."""

    model: str | None = None
    stream: bool | None = None
    format: Raw = _NOTHING
    options: dict[str, object] | None = None
    keep_alive: float | str | None = None
    think: bool | str | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    truncate: bool | None = None


class _Chat(_Rest, frozen=True, kw_only=True):
    messages: list[_Message] | None = None
    tools: list[_Tool] | None = None


class _Generate(_Rest, frozen=True, kw_only=True):
    prompt: str | None = None
    suffix: str | None = None
    system: str | None = None
    template: str | None = None
    context: list[int] | None = None
    raw: bool | None = None
    images: list[str] | None = None


_CHAT: Final = msgspec.json.Decoder(_Chat)
_GENERATE: Final = msgspec.json.Decoder(_Generate)


def heard_in_chat(body: bytes, terms: Terms) -> Asked:
    """The question of a request to `/api/chat`.

    Raises:
        Rejected: it is no request, or one that a strict server refuses.
    """
    request = read(_CHAT, body, "ChatRequest")
    effort = effort_of(request.think)
    _check_logprobs(request)
    if not request.model:
        raise Rejected(Problem(400, "model is required"))
    check_model(request.model, terms)
    messages, tools = request.messages or [], request.tools or []
    seen = sum(check_images(one.images) for one in messages)
    goes = lets_go(request.keep_alive)
    need = Need(request.model, terms)
    if messages or not goes:
        need.conversation("chat")
        if effort not in {None, "none"}:
            need.thought()
        if tools:
            need.ability("tools")
    if seen:
        need.sight()
    offered = tuple(_tool(tool.function or _Function()) for tool in tools)
    said = [_PER_MESSAGE + count_tokens(one.all()) for one in messages]
    schemas = [tool.function.parameters for tool in tools if tool.function]
    described = [-(-len(bytes(schema)) // 4) for schema in schemas]
    named = [count_tokens(tool.name) for tool in offered]
    begun = _begun(messages, terms)
    before = messages if begun is None else messages[:-1]
    last = before[-1] if before else _Message()
    return _question(
        request,
        terms,
        effort=effort,
        begun=begun,
        transcript="\n".join([f"{one.role or ''}: {one.all()}" for one in before]),
        last_role=(last.role or "").lower(),
        last_text=last.text(),
        tokens=sum((*said, *described, *named)) + _PER_IMAGE * seen,
        tools=offered,
        only="" if messages else _loading(goes=goes),
    )


def _begun(messages: list[_Message], terms: Terms) -> str | None:
    """The answer that the caller has begun."""
    last = messages[-1] if messages[1:] else _Message()
    if last.role != "assistant" or last.tool_calls or terms.prefill == "never":
        return None
    return last.text()


def heard_in_generate(body: bytes, terms: Terms) -> Asked:
    """The question of a request to `/api/generate`.

    Raises:
        Rejected: it is no request, or one that a strict server refuses.
    """
    request = read(_GENERATE, body, "GenerateRequest")
    effort = effort_of(request.think)
    _check_logprobs(request)
    if not request.model:
        raise Rejected(not_found(""))
    check_model(request.model, terms)
    seen = check_images(request.images)
    goes = lets_go(request.keep_alive)
    if request.prompt or not goes:
        _check_generate(request, effort, Need(request.model, terms), seen)
    before = text_of(request.context or ())
    said = [each or "" for each in (request.system, request.prompt, request.suffix)]
    system, prompt, suffix = said
    told = "\n".join((before, f"system: {system}", f"user: {prompt}", suffix)).strip()
    counted = sum(count_tokens(each) for each in (before, *said))
    return _question(
        request,
        terms,
        effort=effort,
        transcript=f"{told}{request.template or ''}",
        last_role="user",
        last_text=prompt,
        tokens=counted + _PER_IMAGE * seen + (0 if request.raw else _PER_MESSAGE),
        only="" if request.prompt else _loading(goes=goes),
        remembers=not request.raw,
    )


def _check_generate(request: _Generate, effort: str | None, need: Need, seen: int) -> None:
    if request.raw and (request.template or request.system or request.context):
        told = "raw mode does not support template, system, or context"
        raise Rejected(Problem(400, told))
    if effort not in {None, "none"}:
        need.thought()
    need.conversation("generate")
    if request.suffix:
        need.ability("insert")
    if seen:
        need.sight()


def _check_logprobs(request: _Rest) -> None:
    if not 0 <= (request.top_logprobs or 0) <= _MOST_LOGPROBS:
        raise Rejected(Problem(400, "top_logprobs must be between 0 and 20"))


def _question(  # noqa: PLR0913  what the two requests tell in their own ways
    request: _Rest,
    terms: Terms,
    *,
    effort: str | None,
    begun: str | None = None,
    transcript: str,
    last_role: str,
    last_text: str,
    tokens: int,
    tools: tuple[Tool, ...] = (),
    only: str = "",
    remembers: bool = False,
) -> Asked:
    options = options_of(request.options)
    truncates = request.truncate is not False
    check_length(tokens, options.num_ctx, truncates=truncates, terms=terms)
    return Asked(
        model=request.model or "",
        begun=begun,
        transcript=transcript,
        last_role=last_role,
        last_text=last_text,
        prompt_tokens=tokens,
        stream=request.stream is not False and not only,
        wants_usage=True,
        seed=options.seed,
        tools=tools,
        shape=shape_of(request.format),
        stops=options.stop,
        max_tokens=options.num_predict if options.num_predict > 0 else None,
        effort=effort or "medium",
        thinks=effort not in {None, "none"},
        logprobs=(request.top_logprobs or 0) if request.logprobs else None,
        only=only,
        remembers=remembers,
    )


def _loading(*, goes: bool) -> str:
    return "unload" if goes else "load"


def _tool(told: _Function) -> Tool:
    """A tool; the server reads its schema as a schema, and refuses what is none."""
    try:
        schema: AnySchema | None = None
        if bytes(told.parameters) != bytes(_NOTHING):
            schema = schema_from(told.parameters)
    except msgspec.ValidationError as error:
        raise Rejected(Problem(400, f"json: {error}")) from error
    if not isinstance(schema, Schema):
        schema = Schema()
    # Arguments are an object here, whatever a schema leaves open.
    return Tool(told.name or "", msgspec.structs.replace(schema, type="object"))


def _json(arguments: dict[str, Raw] | None) -> str:
    return msgspec.json.encode(arguments or {}).decode()
