"""A Chat Completions request, read as providers do: strictly what is used, and nothing else."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta, Raw, Struct

from antiphon.simulator.answers import Question, Shape, Tool, ToolChoice
from antiphon.simulator.begun import Way
from antiphon.simulator.dialect import Problem, Rejected, Terms
from antiphon.simulator.openai_chat.strictness import check_calls
from antiphon.simulator.schema_json import AnySchema, Schema, schema_from
from antiphon.simulator.tokens import count_tokens

_PER_MESSAGE = 4
_PER_ATTACHMENT = 85


class _Part(Struct, frozen=True):
    type: str
    text: str = ""
    refusal: str = ""


class _Named(Struct, frozen=True):
    name: str = ""
    arguments: str = ""
    input: str = ""
    parameters: Raw = Raw(b"null")


class _Call(Struct, frozen=True):
    id: str = ""
    function: _Named | None = None
    custom: _Named | None = None


class _Message(Struct, frozen=True):
    role: str
    content: str | list[_Part] | None = None
    tool_calls: list[_Call] | None = None
    tool_call_id: str | None = None
    reasoning_content: str | None = None
    prefix: bool | None = None
    partial: bool | None = None

    def text(self) -> str:
        if self.content is None or isinstance(self.content, str):
            return self.content or ""
        texts = (part.text or part.refusal for part in self.content)
        return "\n".join(text for text in texts if text)

    def calls(self) -> str:
        named = [call.function or call.custom for call in self.tool_calls or ()]
        return "".join(f"{call.name}{call.arguments}{call.input}" for call in named if call)

    def attachments(self) -> int:
        parts = () if self.content is None or isinstance(self.content, str) else self.content
        return sum(part.type not in _TEXTUAL for part in parts)


class _Tool(Struct, frozen=True):
    type: str = "function"
    function: _Named | None = None
    custom: _Named | None = None


class _Allowed(Struct, frozen=True):
    mode: str = "auto"
    tools: list[_Tool] = []


class _Choice(Struct, frozen=True):
    type: str
    function: _Named | None = None
    custom: _Named | None = None
    allowed_tools: _Allowed | None = None


class _JSONSchema(Struct, frozen=True):
    schema: Raw = Raw(b"null")


class _ResponseFormat(Struct, frozen=True):
    type: str
    json_schema: _JSONSchema | None = None


class _StreamOptions(Struct, frozen=True):
    include_usage: bool | None = None


_Positive = Annotated[int, Meta(ge=1)]


class _Request(Struct, frozen=True):
    model: Annotated[str, Meta(min_length=1)]
    messages: Annotated[list[_Message], Meta(min_length=1)]
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    max_tokens: _Positive | None = None
    max_completion_tokens: _Positive | None = None
    stop: str | Annotated[list[str], Meta(max_length=4)] | None = None
    n: Annotated[int, Meta(ge=1, le=128)] | None = None
    seed: int | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    tools: list[_Tool] | None = None
    tool_choice: str | _Choice | None = None
    parallel_tool_calls: bool | None = None
    response_format: _ResponseFormat | None = None
    reasoning_effort: str | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    continue_final_message: bool | None = None


def heard(body: bytes, terms: Terms) -> Question:
    """The question in a request's body.

    Raises:
        Rejected: it is no JSON, or no request, or one that a strict provider refuses.
    """
    try:
        request = _DECODER.decode(body)
        tools = tuple(map(_tool, request.tools or ()))
        shape = _shape(request.response_format)
    except msgspec.ValidationError as error:
        raise Rejected(Problem(400, str(error), param=_param_of(str(error)))) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Rejected(_NOT_JSON) from error
    if terms.strict:
        check_calls(request.messages)
        if request.stream_options is not None and not request.stream:
            told = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
            raise Rejected(Problem(400, told, param="stream_options"))
    chosen, offered = _choice(request.tool_choice, tools)
    begun = _begun(request, terms.prefill)
    before = request.messages if begun is None else request.messages[:-1]
    last = before[-1]
    return Question(
        model=request.model,
        begun=begun,
        transcript=_transcript(before),
        last_role=last.role,
        last_text=last.text(),
        prompt_tokens=_prompt_tokens(request),
        stream=bool(request.stream),
        wants_usage=bool(request.stream_options and request.stream_options.include_usage),
        seed=request.seed or 0,
        tools=offered,
        tool_choice=chosen,
        parallel_tools=request.parallel_tool_calls is not False,
        shape=shape,
        stops=_stops(request.stop),
        max_tokens=request.max_completion_tokens or request.max_tokens,
        choices=request.n or 1,
        effort=request.reasoning_effort or "medium",
        logprobs=(request.top_logprobs or 0) if request.logprobs else None,
    )


_DECODER: Final = msgspec.json.Decoder(_Request)
_TEXTUAL = frozenset({"text", "refusal"})
_NOT_JSON: Final = Problem(400, "We could not parse the JSON body of your request.")
_ANY_OBJECT: Final = Schema(
    type="object", properties={"answer": Schema(type="string"), "simulated": Schema(const=True)}
)
_FREE_TEXT: Final = Schema(type="string")
_CHOICES: Final = {choice.value: choice for choice in ToolChoice}


def _begun(request: _Request, way: Way) -> str | None:
    """The answer that the caller has begun, where that is said in this provider's way."""
    last, count = request.messages[-1], len(request.messages)
    if last.role != "assistant" or last.tool_calls or count == 1:
        return None
    told = {
        "trailing": True,
        "prefix": last.prefix,
        "partial": last.partial,
        "continue_final_message": request.continue_final_message,
    }
    return last.text() if told.get(way) else None


def _transcript(messages: list[_Message]) -> str:
    return "\n".join([f"{one.role}: {one.text()}{one.calls()}" for one in messages])


def _prompt_tokens(request: _Request) -> int:
    """Four for each message, 85 for each picture or file, and the tokens of all texts and tools."""
    said = sum(
        _PER_MESSAGE + count_tokens(one.text() + one.calls()) + _PER_ATTACHMENT * one.attachments()
        for one in request.messages
    )
    offered = [tool.function or tool.custom or _Named() for tool in request.tools or ()]
    return said + sum(
        count_tokens(tool.name) + -(-len(bytes(tool.parameters)) // 4) for tool in offered
    )


def _tool(tool: _Tool) -> Tool:
    if tool.custom is not None:
        return Tool(tool.custom.name, _FREE_TEXT, freeform=True)
    named = tool.function or _Named()
    return Tool(named.name, _schema(named.parameters) or _NO_PARAMETERS)


_NO_PARAMETERS: Final = Schema(type="object")


def _shape(wanted: _ResponseFormat | None) -> Shape | None:
    if wanted is None or wanted.type == "text":
        return None
    schema = None if wanted.json_schema is None else _schema(wanted.json_schema.schema)
    return Shape(schema or _ANY_OBJECT)


def _schema(raw: Raw) -> AnySchema | None:
    return None if bytes(raw) == b"null" else schema_from(raw)


def _choice(
    choice: str | _Choice | None, tools: tuple[Tool, ...]
) -> tuple[ToolChoice, tuple[Tool, ...]]:
    """Who decides, and about which tools: a tool that must be called is the only one."""
    if choice is None:
        return ToolChoice.AUTO, tools
    if isinstance(choice, str):
        return _CHOICES.get(choice, ToolChoice.AUTO), tools
    if choice.allowed_tools is not None:
        named = [tool.function or tool.custom for tool in choice.allowed_tools.tools]
        allowed = {tool.name for tool in named if tool}
        mode = _CHOICES.get(choice.allowed_tools.mode, ToolChoice.AUTO)
        return mode, tuple(tool for tool in tools if tool.name in allowed)
    forced = choice.function or choice.custom or _Named()
    only = tuple(tool for tool in tools if tool.name == forced.name)
    if not only:
        message = f"Tool choice '{forced.name}' not found in 'tools' parameter."
        raise Rejected(Problem(400, message, param="tool_choice"))
    return ToolChoice.REQUIRED, only


def _stops(stop: str | list[str] | None) -> tuple[str, ...]:
    if isinstance(stop, str):
        return (stop,) if stop else ()
    return tuple(one for one in stop or () if one)


def _param_of(message: str) -> str | None:
    """The member that a validation error names: `… - at `$.messages[0].role``."""
    _, found, path = message.rpartition("`$.")
    if found:
        return path.rstrip("`")
    _, missing, name = message.partition("missing required field `")
    return name.rstrip("`") if missing else None
