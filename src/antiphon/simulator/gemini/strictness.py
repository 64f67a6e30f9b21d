"""What Google refuses of a conversation that is well-formed."""

import base64
import binascii
import re
from collections.abc import Iterator, Sequence
from typing import Final

from antiphon.simulator.dialect import Rejected
from antiphon.simulator.gemini.declarations import of_declarations
from antiphon.simulator.gemini.reading import refused
from antiphon.simulator.gemini.shapes import Content, Generation, Request
from antiphon.simulator.seals import Notary

PLACEHOLDERS: Final = frozenset(
    {"skip_thought_signature_validator", "context_engineering_is_the_way_to_go"}
)
"""Seals over calls that no Gemini made, which Google takes."""

_ASK: Final = "GenerateContentRequest"
_ROLES: Final = frozenset({None, "", "user", "model", "function"})
_ROLE: Final = "Please use a valid role: user, model."
_MOST_CANDIDATES: Final = 8
_MOST_STOPS: Final = 5
_HOTTEST: Final = 2.0
_MIMES: Final = (
    "text/plain",
    "application/json",
    "application/xml",
    "application/yaml",
    "text/x.enum",
)
_SEALED: Final = re.compile(r"gemini-(?:[3-9]|\d\d)|reason")
_MISSING: Final = (
    "Function call is missing a thought_signature in functionCall parts. This is required for "
    "tools to work correctly, and missing thought_signature may lead to degraded model "
    "performance. Additional data, function call `default_api:{name}` , position {place}. Please "
    "refer to https://ai.google.dev/gemini-api/docs/thought-signatures for more details."
)
_AFTER_USER: Final = (
    "Please ensure that function call turn comes immediately after a user turn or after a "
    "function response turn."
)
_AFTER_CALL: Final = (
    "Please ensure that function response turn comes immediately after a function call turn."
)
_EQUAL: Final = (
    "Please ensure that the number of function response parts is equal to the number of function "
    "call parts of the function call turn."
)
_IN_ORDER: Final = (
    "Please ensure that function response parts have the names of the function call parts of the "
    "function call turn, in their order."
)
_ALTERNATE: Final = "Please ensure that multiturn requests alternate between user and model."


def seals_calls(model: str) -> bool:
    """Whether a model always thinks, and wants the seals of its calls back."""
    return _SEALED.search(model.lower()) is not None


def check(request: Request, *, model: str, notary: Notary) -> None:
    """See that Google would take this request.

    Raises:
        Rejected: it would not, in its words.
    """
    for refusal in _refusals(request, model, notary):
        raise refusal


def _refusals(request: Request, model: str, notary: Notary) -> Iterator[Rejected]:
    for place, told in _of_parts(request):
        yield refused(f"* {_ASK}.{place}: {told}\n", place)
    for place, told in of_declarations(request):
        yield refused(told, place)
    for name, told in _of_generation(request.generation):
        place = f"generation_config.{name}"
        yield refused(f"* {_ASK}.{place}: {told}\n", place)
    yield from map(refused, _of_thinking(request.generation))
    yield from map(refused, _of_turns(request.contents))
    yield from map(refused, _of_seals(request.contents, model, notary))


def _of_parts(request: Request) -> Iterator[tuple[str, str]]:
    for at, content in enumerate(request.contents):
        if not content.parts:
            yield f"contents[{at}].parts", "contents.parts must not be empty."
        for number, part in enumerate(content.parts):
            if part.is_empty:
                place = f"contents[{at}].parts[{number}].data"
                yield place, "required oneof field 'data' must have one initialized field"
            got = part.function_response
            if got is not None and not got.name:
                place = f"contents[{at}].parts[{number}].function_response.name"
                yield place, "Name cannot be empty."


def _of_generation(generation: Generation) -> Iterator[tuple[str, str]]:
    heat = generation.temperature
    if heat is not None and not 0 <= heat <= _HOTTEST:
        yield "temperature", "temperature must be in the range [0.0, 2.0]."
    if not 1 <= (generation.candidate_count or 1) <= _MOST_CANDIDATES:
        yield "candidate_count", "candidate_count must be in the range [1, 8]."
    if len(generation.stop_sequences or ()) > _MOST_STOPS:
        yield "stop_sequences", "at most 5 stop sequences may be specified."
    if generation.logprobs is not None and not generation.response_logprobs:
        yield "logprobs", "only allowed when response_logprobs is set to true."
    mime = generation.response_mime_type
    if mime is not None and mime not in _MIMES:
        *shown, last = (f"`{each}`" for each in _MIMES)
        yield "response_mime_type", f"allowed mimetypes are {', '.join(shown)} and {last}."
    schemas = (generation.response_schema, generation.response_json_schema)
    if any(schemas) and mime not in {"application/json", "text/x.enum"}:
        yield "response_schema", "only allowed when response_mime_type is set to json."
    if all(schemas):
        yield "response_json_schema", "must not be set together with response_schema."


def _of_thinking(generation: Generation) -> Iterator[str]:
    thinking = generation.thinking_config
    if thinking is None:
        return
    if thinking.thinking_budget is not None and thinking.thinking_level:
        yield "You can only set only one of thinking budget and thinking level."


def _of_turns(contents: Sequence[Content]) -> Iterator[str]:
    """A call follows the user, and what functions gave back follows their calls, one for one."""
    yield from (_ROLE for content in contents if content.role not in _ROLES)
    before: Content | None = None
    turns = _turns(contents)
    for at, content in enumerate(turns):
        if content.calls and before is None:
            yield _AFTER_USER
        elif content.is_model and before is None:
            yield _ALTERNATE
        if content.responses and not (before and before.calls):
            yield _AFTER_CALL
        if content.calls:
            yield from _of_answers(content, turns[at + 1 : at + 2])
        before = content


def _turns(contents: Sequence[Content]) -> list[Content]:
    """What the model said in several pieces is one turn."""
    turns: list[Content] = []
    for content in contents:
        if turns and turns[-1].is_model and content.is_model:
            turns[-1] = Content([*turns[-1].parts, *content.parts], "model")
        else:
            turns.append(content)
    return turns


def _of_answers(called: Content, after: Sequence[Content]) -> Iterator[str]:
    responses = after[0].responses if after else []
    if len(responses) != len(called.calls):
        yield _EQUAL
        return
    wanted = [(call.id, call.name) for call in called.calls]
    given = [(each.id, each.name) for each in responses]
    by_id = all(id_ for id_, _ in (*wanted, *given))
    if by_id and sorted(wanted) == sorted(given):
        return
    if by_id or [name for _, name in wanted] != [name for _, name in given]:
        yield _IN_ORDER


def _of_seals(contents: Sequence[Content], model: str, notary: Notary) -> Iterator[str]:
    """Seals are looked at wherever they are; only in the current turn they must be there."""
    begun = max((at for at, each in enumerate(contents) if _is_question(each)), default=-1)
    for at, content in enumerate(contents):
        for part in content.parts:
            if part.thought_signature and not _is_known(part.thought_signature, model, notary):
                yield "Corrupted thought signature."
        first = next((part for part in content.parts if part.function_call is not None), None)
        if at < begun or first is None or first.function_call is None:
            continue
        if seals_calls(model) and not first.thought_signature:
            yield _MISSING.format(name=first.function_call.name, place=at + 1)


def _is_question(content: Content) -> bool:
    return not content.is_model and not content.responses


def _is_known(seal: str, model: str, notary: Notary) -> bool:
    if seal in PLACEHOLDERS:
        return True
    try:
        told = base64.urlsafe_b64decode(seal.replace("+", "-").replace("/", "_")).decode()
    except (binascii.Error, ValueError):
        return False
    return told in PLACEHOLDERS or notary.vouches(told, model)
