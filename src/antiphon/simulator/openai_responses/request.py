"""A Responses request, read as the provider does: strictly what is used, and nothing else."""

from collections.abc import Sequence
from itertools import takewhile
from typing import Final

import msgspec
from msgspec import Raw

from antiphon.simulator.answers import Question, Shape, ToolChoice
from antiphon.simulator.answers import Tool as Offered
from antiphon.simulator.dialect import Problem, Rejected, Terms
from antiphon.simulator.model_names import read_name
from antiphon.simulator.openai_responses.shapes import (
    NOTHING,
    RESULTS,
    Choice,
    Format,
    Item,
    Reasoning,
    Request,
    Tool,
)
from antiphon.simulator.openai_responses.strictness import check
from antiphon.simulator.schema_json import AnySchema, Schema, schema_from
from antiphon.simulator.tokens import count_tokens

_PER_ITEM = 4
_PER_ATTACHMENT = 85
_ECHOED: Final = frozenset({
    *("instructions", "max_output_tokens", "max_tool_calls", "metadata", "parallel_tool_calls"),
    *("prompt_cache_key", "reasoning", "safety_identifier", "store", "temperature", "text"),
    *("tool_choice", "tools", "top_logprobs", "top_p", "truncation", "user", "background"),
})  # fmt: skip
"""What an answer repeats of the request."""


def heard(body: bytes, terms: Terms) -> Question:
    """The question in a request's body.

    Raises:
        Rejected: it is no JSON, or no request, or one that a provider refuses.
    """
    request = _read(body)
    try:
        _see_that_nothing_is_stored(request)
        offered = _offered(request)
        if terms.strict:
            model = read_name(request.model).model
            check(body, request, offered, model=model, notary=terms.notary)
        return _question(request, body)
    except msgspec.ValidationError as error:
        # The parts of an item are read where they are looked at.
        raise Rejected(Problem(400, str(error), param="input")) from error


def counted(body: bytes) -> int:
    """The tokens of a request's prompt.

    Raises:
        Rejected: it is no JSON, or no request.
    """
    return _prompt_tokens(_read(body))


def _read(body: bytes) -> Request:
    try:
        return _DECODER.decode(body)
    except msgspec.ValidationError as error:
        raise Rejected(Problem(400, str(error), param=_param_of(str(error)))) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        told = "We could not parse the JSON body of your request."
        raise Rejected(Problem(400, told)) from error


_DECODER: Final = msgspec.json.Decoder(Request)


def _see_that_nothing_is_stored(request: Request) -> None:
    if id_ := request.previous_response_id:
        raise Rejected(
            Problem(
                400,
                f"Previous response with id '{id_}' not found.",
                param="previous_response_id",
                code="previous_response_not_found",
            )
        )
    if bytes(request.conversation) != bytes(NOTHING):
        raise Rejected(Problem(404, "Conversation not found.", param="conversation"))
    for number, item in enumerate(request.items()):
        if item.type == "item_reference":
            told = f"Item with id '{item.id}' not found."
            raise Rejected(Problem(404, told, param=f"input[{number}]"))


def _question(request: Request, body: bytes) -> Question:
    items = request.items()
    tools = tuple(_tool(tool) for _, tool in _offered(request))
    chosen, offered = _choice(request.tool_choice, tools)
    role, text = _last(items)
    reasoning = request.reasoning or Reasoning()
    members = msgspec.json.decode(body, type=dict[str, Raw])
    return Question(
        model=request.model,
        transcript=_transcript(request),
        last_role=role,
        last_text=text,
        prompt_tokens=_prompt_tokens(request),
        stream=bool(request.stream),
        wants_usage=True,
        tools=offered,
        tool_choice=chosen,
        parallel_tools=request.parallel_tool_calls is not False,
        shape=_shape(request.text.format if request.text else None),
        max_tokens=request.max_output_tokens,
        effort=reasoning.effort or "medium",
        shows_thoughts=reasoning.summary is not None,
        seals_thoughts=request.includes("reasoning.encrypted_content"),
        obfuscates=not request.stream_options
        or request.stream_options.include_obfuscation is not False,
        logprobs=(request.top_logprobs or 0)
        if request.includes("message.output_text.logprobs")
        else None,
        echo=_echo(members),
    )


def _echo(members: dict[str, Raw]) -> dict[str, Raw]:
    """What an answer repeats; of a function it says what was left out, too."""
    echo = {name: value for name, value in members.items() if name in _ECHOED}
    if "tools" in echo:
        tools = _TOOLS.decode(echo["tools"]) or []
        whole = [_UNSAID | tool if tool["type"] == _FUNCTION else tool for tool in tools]
        echo["tools"] = Raw(msgspec.json.encode(whole))
    return echo


_TOOLS: Final[msgspec.json.Decoder[list[dict[str, Raw]] | None]] = msgspec.json.Decoder(
    list[dict[str, Raw]] | None
)
_FUNCTION: Final = Raw(b'"function"')
_UNSAID: Final = {"description": NOTHING, "parameters": NOTHING, "strict": Raw(b"true")}


def _last(items: Sequence[Item]) -> tuple[str, str]:
    """Who spoke last, and what was said; results at the end are one turn."""
    if not items:
        return "user", ""
    results = list(takewhile(lambda item: item.type in RESULTS, reversed(items)))
    if results:
        return "tool", "\n".join(item.text() for item in reversed(results))
    return items[-1].role, items[-1].text()


def _offered(request: Request) -> tuple[tuple[str, Tool], ...]:
    try:
        return tuple(request.offered())
    except msgspec.ValidationError as error:
        raise Rejected(Problem(400, str(error), param="input")) from error


def _tool(tool: Tool) -> Offered:
    if tool.type == "custom":
        schema: AnySchema = Schema(type="string")
        return Offered(tool.name, schema, freeform=True, namespace=tool.namespace)
    schema = _schema(tool.parameters) or Schema(type="object")
    return Offered(tool.name, schema, namespace=tool.namespace)


def _shape(wanted: Format | None) -> Shape | None:
    if wanted is None or wanted.type == "text":
        return None
    return Shape(_schema(wanted.schema) or _ANY_OBJECT)


def _schema(raw: Raw) -> AnySchema | None:
    return None if bytes(raw) == bytes(NOTHING) else schema_from(raw)


_ANY_OBJECT: Final = Schema(
    type="object", properties={"answer": Schema(type="string"), "simulated": Schema(const=True)}
)
_CHOICES: Final = {choice.value: choice for choice in ToolChoice}


def _choice(
    choice: str | Choice | None, tools: tuple[Offered, ...]
) -> tuple[ToolChoice, tuple[Offered, ...]]:
    """Who decides, and about which tools: a tool that must be called is the only one."""
    if choice is None:
        return ToolChoice.AUTO, tools
    if isinstance(choice, str):
        return _CHOICES.get(choice, ToolChoice.AUTO), tools
    if choice.type == "allowed_tools":
        allowed = {tool.name for tool in choice.tools}
        mode = _CHOICES.get(choice.mode, ToolChoice.AUTO)
        return mode, tuple(tool for tool in tools if tool.name in allowed)
    spaces = {choice.namespace} if choice.namespace else {tool.namespace for tool in tools}
    only = tuple(tool for tool in tools if tool.name == choice.name and tool.namespace in spaces)
    if not only:
        told = f"Tool choice '{choice.name}' not found in 'tools' parameter."
        raise Rejected(Problem(400, told, param="tool_choice"))
    return ToolChoice.REQUIRED, only


def _transcript(request: Request) -> str:
    said = [f"{item.role or item.type}: {item.text()}" for item in request.items()]
    return "\n".join([f"instructions: {request.instructions or ''}", *said])


def _prompt_tokens(request: Request) -> int:
    """Four for each item, 85 for each picture or file, and the tokens of all texts and tools."""
    said = sum(
        _PER_ITEM + count_tokens(item.text()) + _PER_ATTACHMENT * item.attachments()
        for item in request.items()
    )
    offered = sum(
        count_tokens(tool.name) + -(-len(bytes(tool.parameters)) // 4)
        for _, tool in _offered(request)
    )
    told = request.instructions
    return said + offered + (_PER_ITEM + count_tokens(told) if told else 0)


def _param_of(message: str) -> str | None:
    """The member that a validation error names: `… - at `$.input[0].role``."""
    _, found, path = message.rpartition("`$.")
    if found:
        return path.rstrip("`")
    _, missing, name = message.partition("missing required field `")
    return name.rstrip("`") if missing else None
