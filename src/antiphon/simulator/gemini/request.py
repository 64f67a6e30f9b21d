"""A request for content, read as Google does: strictly what is used, and nothing else."""

from typing import Final

import msgspec
from msgspec import Raw

from antiphon.simulator.answers import Question, Shape, Tool, ToolChoice
from antiphon.simulator.dialect import Problem, Rejected, Terms
from antiphon.simulator.gemini.paths import STREAM, Asked, asked_of
from antiphon.simulator.gemini.reading import (
    attachments_of,
    members_of,
    refused,
    shaped,
    text_of,
    tokens_of,
)
from antiphon.simulator.gemini.schemas import schema_of
from antiphon.simulator.gemini.shapes import Content, Counted, Declaration, Generation, Request
from antiphon.simulator.gemini.strictness import check, seals_calls
from antiphon.simulator.model_names import read_name
from antiphon.simulator.received import Received

ATTACHED: Final = "attached"
"""Under this name a question keeps the tokens of what is no text, by kind."""

_MIDDLE: Final = 8192
_LITTLE: Final = 1024


def heard(received: Received, terms: Terms) -> Question:
    """The question in a request.

    Raises:
        Rejected: it is no JSON, or no request, or one that a strict provider refuses.
    """
    asked = asked_of(received.path)
    if asked is None:
        raise Rejected(Problem(404, f"Invalid URL ({received.method} {received.path})"))
    found = members_of(received.body, "GenerateContentRequest")
    if terms.strict and found.unknown:
        raise refused("\n".join(found.unknown))
    request = shaped(found.members, Request)
    if not request.contents:
        raise refused("* GenerateContentRequest.contents: contents is not specified\n", "contents")
    if request.cached_content:
        told = "CachedContent not found (or permission denied)"
        raise Rejected(Problem(403, told))
    if terms.strict:
        check(request, model=read_name(asked.model).model, notary=terms.notary)
    return _question(request, asked, terms)


def counted(received: Received) -> int:
    """The tokens of a request's prompt.

    Raises:
        Rejected: it is no JSON, or no request.
    """
    asked = shaped(members_of(received.body, "CountTokensRequest").members, Counted)
    whole = asked.generate_content_request or Request(asked.contents)
    if not whole.contents:
        raise refused("* CountTokensRequest.contents: contents is not specified\n", "contents")
    return tokens_of(whole.contents, whole.system_instruction, whole.declared)


def _question(request: Request, asked: Asked, terms: Terms) -> Question:
    generation, contents = request.generation, request.contents
    begun = _begun(contents, terms)
    before = contents if begun is None else contents[:-1]
    last = before[-1]
    chosen, offered = _choice(request)
    attached = attachments_of(request.contents)
    effort = _effort(generation)
    thinking = generation.thinking_config
    return Question(
        model=asked.model,
        begun=begun,
        transcript=_transcript(request, before),
        last_role="tool" if last.responses else last.role or "user",
        last_text=text_of(last),
        prompt_tokens=tokens_of(request.contents, request.system_instruction, request.declared),
        stream=asked.method == STREAM,
        wants_usage=True,
        seed=generation.seed or 0,
        tools=offered,
        tool_choice=chosen,
        shape=_shape(generation),
        stops=tuple(filter(None, generation.stop_sequences or ())),
        max_tokens=generation.max_output_tokens,
        choices=generation.candidate_count or 1,
        effort=effort,
        thinks=_thinks(generation) or seals_calls(read_name(asked.model).model),
        shows_thoughts=bool(thinking and thinking.include_thoughts),
        logprobs=(generation.logprobs or 0) if generation.response_logprobs else None,
        echo={ATTACHED: Raw(msgspec.json.encode(attached))},
    )


def _thinks(generation: Generation) -> bool:
    thinking = generation.thinking_config
    if thinking is None:
        return False
    wanted = (thinking.include_thoughts, thinking.thinking_budget, thinking.thinking_level)
    return any(wanted)


def _effort(generation: Generation) -> str:
    """How much is thought, by either way of saying it."""
    thinking = generation.thinking_config
    if thinking is None:
        return "medium"
    if thinking.thinking_level:
        return thinking.thinking_level.lower()
    budget = thinking.thinking_budget
    if budget is None or budget < 0:
        return "medium"
    if not budget:
        return "none"
    if budget <= _LITTLE:
        return "low"
    return "medium" if budget <= _MIDDLE else "high"


def _choice(request: Request) -> tuple[ToolChoice, tuple[Tool, ...]]:
    """Who decides, and about which functions."""
    tools = tuple(map(_tool, request.declared))
    calling = request.calling
    mode = (calling.mode or "AUTO").upper()
    only = calling.allowed_function_names
    if only and mode in {"ANY", "VALIDATED"}:
        tools = tuple(tool for tool in tools if tool.name in only)
    return _CHOICES.get(mode, ToolChoice.AUTO), tools


_CHOICES: Final = {"ANY": ToolChoice.REQUIRED, "NONE": ToolChoice.NONE}


def _tool(declared: Declaration) -> Tool:
    try:
        return Tool(declared.name, schema_of(declared.parameters, declared.parameters_json_schema))
    except msgspec.ValidationError as error:
        raise refused(f"Invalid value at 'tools': {error}", "tools") from error


def _shape(generation: Generation) -> Shape | None:
    if generation.response_mime_type != "application/json":
        return None
    try:
        return Shape(schema_of(generation.response_schema, generation.response_json_schema))
    except msgspec.ValidationError as error:
        place = "generation_config.response_schema"
        raise refused(f"Invalid value at '{place}': {error}", place) from error


def _begun(contents: list[Content], terms: Terms) -> str | None:
    """The answer that the caller has begun."""
    last = contents[-1]
    called = any(part.function_call is not None for part in last.parts)
    if last.role != "model" or called or not contents[1:] or terms.prefill == "never":
        return None
    return text_of(last)


def _transcript(request: Request, contents: list[Content]) -> str:
    said = [f"{each.role or 'user'}: {text_of(each)}" for each in contents]
    return "\n".join([f"system: {text_of(request.system_instruction)}", *said])
