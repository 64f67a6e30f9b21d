"""What OpenAI refuses of a Responses request that is well-formed."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
from msgspec import Raw

from antiphon.simulator.dialect import Problem, Rejected
from antiphon.simulator.openai_responses.shapes import CALLS, RESULTS, Item, Request, Tool
from antiphon.simulator.seals import Notary

_MEMBERS: Final = frozenset({
    *("model", "input", "instructions", "stream", "stream_options", "store", "conversation"),
    *("previous_response_id", "max_output_tokens", "max_tool_calls", "temperature", "top_p"),
    *("tools", "tool_choice", "parallel_tool_calls", "text", "reasoning", "include", "metadata"),
    *("top_logprobs", "access_programs", "background", "context_management", "image"),
    *("moderation", "prompt", "prompt_cache_key", "prompt_cache_options", "service_tier"),
    *("prompt_cache_retention", "safety_identifier", "truncation", "user", "client_metadata"),
})  # fmt: skip
_TOOL_NAME: Final = re.compile(r"[a-zA-Z0-9_-]+")
_LONGEST_NAME: Final = 128
_LONGEST_ID: Final = 64
_LEAST_OUTPUT: Final = 16
_ID_PREFIXES: Final = {
    "message": "msg",
    "reasoning": "rs",
    "function_call": "fc",
    "custom_tool_call": "ctc",
}
_SPOKEN: Final = ("output_text", "refusal")
_HEARD: Final = ("input_text", "input_image", "input_file", "input_audio")
_WORDS: Final = {"function_call": "function call", "custom_tool_call": "custom tool call"}


Offered = Sequence[tuple[str, Tool]]
"""The tools of a request, each with its place."""


def check(body: bytes, request: Request, offered: Offered, *, model: str, notary: Notary) -> None:
    """See that a provider would take this request, which offers these tools.

    Raises:
        Rejected: it would not, in OpenAI's words.
    """
    for problem in _problems(body, request, offered, model, notary):
        raise Rejected(problem)


def _problems(
    body: bytes, request: Request, offered: Offered, model: str, notary: Notary
) -> Iterator[Problem]:
    for name in msgspec.json.decode(body, type=dict[str, Raw]):
        if name not in _MEMBERS:
            told = f"Unknown parameter: '{name}'."
            yield Problem(400, told, code="unknown_parameter", param=name)
    yield from _of_sampling(request, model)
    yield from _of_tools(request, offered)
    items = request.items()
    if not items:
        yield Problem(400, "Missing required parameter: 'input'.", param="input")
    for number, item in enumerate(items):
        yield from _of_an_item(f"input[{number}]", item, model, notary)
    yield from _of_thoughts(items)
    yield from _of_calls(items)


def _of_sampling(request: Request, model: str) -> Iterator[Problem]:
    most = request.max_output_tokens
    if most is not None and most < _LEAST_OUTPUT:
        told = (
            "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16, but "
            f"got {most} instead."
        )
        code = "integer_below_min_value"
        yield Problem(400, told, code=code, param="max_output_tokens")
    if "reason" in model.lower():
        for name in ("temperature", "top_p"):
            if getattr(request, name) is not None:
                told = f"Unsupported parameter: '{name}' is not supported with this model."
                yield Problem(400, told, param=name)


def _of_tools(request: Request, offered: Offered) -> Iterator[Problem]:
    for place, tool in offered:
        param = f"{place}.name"
        if not tool.name:
            told = f"Missing required parameter: '{param}'."
            yield Problem(400, told, code="missing_required_parameter", param=param)
        elif not _TOOL_NAME.fullmatch(tool.name) or len(tool.name) > _LONGEST_NAME:
            told = (
                f"Invalid '{param}': string does not match pattern. Expected a string that matches "
                "the pattern '^[a-zA-Z0-9_-]+$'."
            )
            yield Problem(400, told, code="invalid_value", param=param)
    if request.tool_choice not in (None, "auto", "none") and not (request.tools or offered):
        told = "Tool choice 'required' must be specified with 'tools' parameter."
        yield Problem(400, told, param="tool_choice")


def _of_an_item(place: str, item: Item, model: str, notary: Notary) -> Iterator[Problem]:
    prefix = _ID_PREFIXES.get(item.type)
    if item.id and prefix and not item.id.startswith(prefix):
        told = f"Invalid '{place}.id': '{item.id}'. Expected an ID that begins with '{prefix}'."
        yield Problem(400, told, code="invalid_value", param=f"{place}.id")
    for name, value in (("id", item.id or ""), ("call_id", item.call_id)):
        if len(value) > _LONGEST_ID:
            told = (
                f"Invalid '{place}.{name}': string too long. Expected a string with maximum length "
                f"64, but got a string with length {len(value)} instead."
            )
            yield Problem(400, told, code="string_above_max_length", param=f"{place}.{name}")
    if item.type in _CALL_LIKE and not item.call_id:
        told = f"Missing required parameter: '{place}.call_id'."
        yield Problem(400, told, code="missing_required_parameter", param=f"{place}.call_id")
    if item.type == "message":
        yield from _of_a_message(place, item)
    if item.type == "reasoning" and item.encrypted_content is not None:
        shown = item.encrypted_content
        if not notary.vouches(shown, model):
            told = (
                f"The encrypted content {shown[:8]}... could not be verified. Reason: Encrypted "
                "content could not be decrypted or parsed."
            )
            yield Problem(400, told, code="invalid_encrypted_content")


_CALL_LIKE: Final = CALLS | RESULTS.keys()


def _of_a_message(place: str, item: Item) -> Iterator[Problem]:
    if item.role not in {"user", "assistant", "system", "developer"}:
        told = (
            f"Invalid value: '{item.role}'. Supported values are: 'assistant', 'system', "
            "'developer', and 'user'."
        )
        yield Problem(400, told, code="invalid_value", param=f"{place}.role")
    if not bytes(item.content).startswith(b"["):
        return
    allowed = _SPOKEN if item.role == "assistant" else _HEARD
    for number, part in enumerate(item.parts()):
        if part.type not in allowed:
            shown = ", ".join(f"'{name}'" for name in allowed)
            told = f"Invalid value: '{part.type}'. Supported values are: {shown}."
            param = f"{place}.content[{number}]"
            yield Problem(400, told, code="invalid_value", param=param)


def _of_thoughts(items: Sequence[Item]) -> Iterator[Problem]:
    """A thought is followed by what came of it."""
    for number, item in enumerate(items):
        if item.type != "reasoning":
            continue
        after = items[number + 1] if number + 1 < len(items) else None
        if after is None or not (after.type in _THOUGHT_OF or after.role == "assistant"):
            told = (
                f"Item '{item.id}' of type 'reasoning' was provided without its required following "
                "item."
            )
            yield Problem(400, told, param="input")


_THOUGHT_OF: Final = CALLS | {"reasoning"}


def _of_calls(items: Sequence[Item]) -> Iterator[Problem]:
    """Each call has a result after it, and each result a call before it."""
    called: dict[tuple[str, str], bool] = {}
    for item in items:
        if item.type in CALLS:
            if (item.type, item.call_id) in called:
                told = f"Duplicate item found with call_id {item.call_id}."
                yield Problem(400, told, param="input")
            called[item.type, item.call_id] = False
        elif kind := RESULTS.get(item.type):
            if (kind, item.call_id) not in called:
                told = f"No tool call found for {_WORDS[kind]} output with call_id {item.call_id}."
                yield Problem(400, told, param="input")
            called[kind, item.call_id] = True
    for (kind, call_id), answered in called.items():
        if not answered:
            told = f"No tool output found for {_WORDS[kind]} {call_id}."
            yield Problem(400, told, param="input")
