"""A Messages request, read as the provider does: strictly what is used, and nothing else."""

import re
from typing import Final

import msgspec
from msgspec import UNSET, Raw

from antiphon.simulator.answers import Question, Shape, ToolChoice
from antiphon.simulator.answers import Tool as Offered
from antiphon.simulator.anthropic_messages.shapes import (
    NOTHING,
    Choice,
    Message,
    Request,
    Thinking,
    Tool,
)
from antiphon.simulator.anthropic_messages.shapes import blocks_in as _blocks_in
from antiphon.simulator.anthropic_messages.strictness import NO_PREFILL, STRICT_MODELS, check
from antiphon.simulator.begun import Way
from antiphon.simulator.dialect import Problem, Rejected, Terms
from antiphon.simulator.model_names import read_name
from antiphon.simulator.received import Received
from antiphon.simulator.schema_json import AnySchema, Schema, schema_from
from antiphon.simulator.tokens import count_tokens

NEWEST: Final = "2026-10-21"
"""The version that takes no sampling parameters."""
VERSIONS: Final = frozenset({"2023-01-01", "2023-06-01", NEWEST})

_PER_MESSAGE = 4
_PER_ATTACHMENT = 85


def heard(received: Received, terms: Terms) -> Question:
    """The question in a request.

    Raises:
        Rejected: it is no JSON, or no request, or one that a strict provider refuses.
    """
    request = _read(received)
    if request.max_tokens is UNSET:
        raise refused("max_tokens: Field required")
    if terms.strict:
        model = read_name(request.model).model
        check(received.body, request, model=model, notary=terms.notary)
    last = request.messages[-1]
    if last.role == "assistant" and not goes_on(terms.prefill, read_name(request.model).model):
        raise refused(NO_PREFILL)
    return _question(request, request.max_tokens)


def goes_on(way: Way, model: str) -> bool:
    """Whether a model goes on with an answer that was begun."""
    return way != "never" and STRICT_MODELS not in model


def counted(received: Received) -> int:
    """The tokens of a request's prompt.

    Raises:
        Rejected: it is no JSON, or no request.
    """
    return _prompt_tokens(_read(received))


def refused(told: str) -> Rejected:
    """A refusal of the request as it stands."""
    return Rejected(Problem(400, told))


def _read(received: Received) -> Request:
    version = received.header(b"anthropic-version")
    if version is None:
        raise refused("anthropic-version: header is required")
    shown = version.decode("latin-1")
    if shown not in VERSIONS:
        raise refused(f'anthropic-version: "{shown}" is not a valid version')
    try:
        request = _DECODER.decode(received.body)
        _look_into_results(request)
    except msgspec.ValidationError as error:
        raise refused(_told(str(error))) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise refused("The request body is not valid JSON") from error
    if shown == NEWEST:
        _see_that_it_is_new(request)
    return request


_DECODER: Final = msgspec.json.Decoder(Request)


def _look_into_results(request: Request) -> None:
    """Read what is read later.

    Raises:
        ValidationError: What a tool gave back is neither a text nor blocks.
    """
    said = [block for message in request.messages for block in message.blocks()]
    for block in (*_blocks_in(request.system), *said):
        block.attachments()
        block.told()


def _see_that_it_is_new(request: Request) -> None:
    for name in ("temperature", "top_p", "top_k"):
        if getattr(request, name) is not None:
            raise refused(f"{name}: Extra inputs are not permitted")
    for at, message in enumerate(request.messages):
        for number, block in enumerate(message.blocks()):
            if message.role == "assistant" and block.type == "document":
                told = "`document` blocks are not permitted in assistant turns"
                raise refused(f"messages.{at}.content.{number}: {told}")


def _question(request: Request, max_tokens: int) -> Question:
    chosen, offered, parallel = _choice(request.tool_choice, tuple(map(_tool, _own(request.tools))))
    messages = request.messages
    begun = messages[-1].text() if messages[-1].role == "assistant" and messages[1:] else None
    last = messages[-1] if begun is None else messages[-2]
    results = any(block.type == "tool_result" for block in last.blocks())
    thinking = request.thinking or Thinking("disabled")
    output = request.output_config
    return Question(
        model=request.model,
        begun=begun,
        transcript=_transcript(request, messages if begun is None else messages[:-1]),
        last_role="tool" if results else last.role,
        last_text=last.text(),
        prompt_tokens=_prompt_tokens(request),
        stream=bool(request.stream),
        wants_usage=True,
        tools=offered,
        tool_choice=chosen,
        parallel_tools=parallel,
        shape=_shape(request),
        stops=tuple(filter(None, request.stop_sequences or ())),
        max_tokens=max_tokens,
        effort=(output and output.effort) or "medium",
        thinks=thinking.is_on,
        shows_thoughts=thinking.display != "omitted",
    )


def _own(tools: list[Tool] | None) -> list[Tool]:
    return [tool for tool in tools or () if tool.is_custom]


def _tool(tool: Tool) -> Offered:
    return Offered(tool.name, _schema(tool.input_schema) or Schema(type="object"))


def _schema(raw: Raw) -> AnySchema | None:
    return None if bytes(raw) == bytes(NOTHING) else schema_from(raw)


def _shape(request: Request) -> Shape | None:
    output = request.output_config
    if output is None or output.format is None:
        return None
    return Shape(_schema(output.format.schema) or Schema(type="object"))


def _choice(
    choice: Choice | None, tools: tuple[Offered, ...]
) -> tuple[ToolChoice, tuple[Offered, ...], bool]:
    """Who decides, about which tools, and whether about several at once."""
    if choice is None:
        return ToolChoice.AUTO, tools, True
    parallel = choice.disable_parallel_tool_use is not True
    if choice.type != "tool":
        return _CHOICES.get(choice.type, ToolChoice.AUTO), tools, parallel
    only = tuple(tool for tool in tools if tool.name == choice.name)
    if not only:
        raise refused(f"tool_choice: Tool '{choice.name}' not found in provided tools")
    return ToolChoice.REQUIRED, only, parallel


_CHOICES: Final = {
    "auto": ToolChoice.AUTO,
    "any": ToolChoice.REQUIRED,
    "none": ToolChoice.NONE,
}


def _transcript(request: Request, messages: list[Message]) -> str:
    system = "\n".join(block.told() for block in _blocks_in(request.system))
    return "\n".join([f"system: {system}", *(f"{m.role}: {m.text()}" for m in messages)])


def _prompt_tokens(request: Request) -> int:
    """Four for each message, 85 for each picture or file, and the tokens of all texts and tools."""
    system = "\n".join(block.told() for block in _blocks_in(request.system))
    said = sum(
        _PER_MESSAGE
        + count_tokens(message.text())
        + _PER_ATTACHMENT * sum(block.attachments() for block in message.blocks())
        for message in request.messages
    )
    offered = sum(
        count_tokens(tool.name) + -(-len(bytes(tool.input_schema)) // 4)
        for tool in request.tools or ()
    )
    return said + offered + (_PER_MESSAGE + count_tokens(system) if system else 0)


def _told(error: str) -> str:
    """A validation error in Anthropic's words: `messages.0.role: Field required`."""
    message, found, path = error.rpartition(" - at `$")
    place = re.sub(r"\[(\d+|\.\.\.)\]", r".\1", path.rstrip("`")).strip(".") if found else ""
    if missing := _MISSING.search(error):
        return f"{'.'.join(filter(None, (place, missing[1])))}: Field required"
    return f"{place or 'body'}: {message or error}"


_MISSING: Final = re.compile(r"missing required field `(\w+)`")
