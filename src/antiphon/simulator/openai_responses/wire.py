"""The members of a Responses answer, in the order in which providers write them."""

from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

from msgspec import UNSET, Raw, Struct, UnsetType

from antiphon.simulator.answers import Answer, Question, ToolCall
from antiphon.simulator.dialect import Delivery
from antiphon.simulator.probabilities import TokenProbability, probabilities_of
from antiphon.simulator.prompt import prompt_of
from antiphon.simulator.tokens import words_of

CREATED: Final = 1_767_225_600
"""Every answer was made at the beginning of 2026: the same question has the same bytes."""


class InputDetails(Struct, frozen=True):
    """What of the prompt was special."""

    cached_tokens: int
    cache_write_tokens: int


class OutputDetails(Struct, frozen=True):
    """What of the answer was special."""

    reasoning_tokens: int


class Usage(Struct, frozen=True):
    """What the exchange took: the totals include the details."""

    input_tokens: int
    input_tokens_details: InputDetails
    output_tokens: int
    output_tokens_details: OutputDetails
    total_tokens: int


class SummaryText(Struct, frozen=True, tag="summary_text", tag_field="type"):
    """A part of a thought, as it is told."""

    text: str


class OutputText(Struct, frozen=True, tag="output_text", tag_field="type"):
    """Something said."""

    text: str
    annotations: list[str] = []
    logprobs: list[TokenProbability] = []


class Refusal(Struct, frozen=True, tag="refusal", tag_field="type"):
    """Something not said."""

    refusal: str


Part: TypeAlias = OutputText | Refusal


class ReasoningItem(Struct, frozen=True, tag="reasoning", tag_field="type"):
    """A thought."""

    id: str
    summary: Sequence[SummaryText]
    encrypted_content: str | UnsetType = UNSET


class MessageItem(Struct, frozen=True, tag="message", tag_field="type"):
    """Something said, or not said."""

    id: str
    status: str
    role: str
    content: Sequence[Part]


class FunctionCallItem(Struct, frozen=True, tag="function_call", tag_field="type"):
    """A call of a function."""

    id: str
    status: str
    arguments: str
    call_id: str
    name: str
    namespace: str | UnsetType = UNSET


class CustomCallItem(Struct, frozen=True, tag="custom_tool_call", tag_field="type"):
    """A call of a tool that takes text."""

    id: str
    status: str
    call_id: str
    input: str
    name: str
    namespace: str | UnsetType = UNSET


Item: TypeAlias = ReasoningItem | MessageItem | FunctionCallItem | CustomCallItem


class Incomplete(Struct, frozen=True):
    """Why a response is not whole."""

    reason: str


_DEFAULTS: Final = {
    "background": Raw(b"false"),
    "frequency_penalty": Raw(b"0.0"),
    "instructions": Raw(b"null"),
    "max_output_tokens": Raw(b"null"),
    "max_tool_calls": Raw(b"null"),
    "parallel_tool_calls": Raw(b"true"),
    "presence_penalty": Raw(b"0.0"),
    "prompt_cache_key": Raw(b"null"),
    "reasoning": Raw(b'{"effort":null,"summary":null}'),
    "safety_identifier": Raw(b"null"),
    "store": Raw(b"true"),
    "temperature": Raw(b"1.0"),
    "text": Raw(b'{"format":{"type":"text"},"verbosity":"medium"}'),
    "tool_choice": Raw(b'"auto"'),
    "tools": Raw(b"[]"),
    "top_logprobs": Raw(b"0"),
    "top_p": Raw(b"1.0"),
    "truncation": Raw(b'"disabled"'),
    "user": Raw(b"null"),
    "metadata": Raw(b"{}"),
}


def response_of(
    question: Question,
    delivery: Delivery,
    answer: Answer | None = None,
    output: Sequence[Item] = (),
) -> dict[str, object]:
    """A response that has ended, by member; without an answer one that has only begun."""
    echo = {name: value for name, value in question.echo.items() if bytes(value) != b"null"}
    status, why = ("in_progress", None) if answer is None else ending_of(answer)
    return {
        "id": f"resp_{delivery.token}",
        "object": "response",
        "created_at": CREATED,
        "status": status,
        "completed_at": CREATED if status == "completed" else None,
        "error": None,
        "incomplete_details": None if why is None else Incomplete(why),
        "model": question.model,
        "output": output,
        "previous_response_id": None,
        "service_tier": "default",
        **_DEFAULTS,
        **echo,
        "usage": None if answer is None else usage_of(question, answer),
    }


def ending_of(answer: Answer) -> tuple[str, str | None]:
    """How a response ended, and why if it is not whole."""
    why = _INCOMPLETE.get(answer.finish)
    return ("completed", None) if why is None else ("incomplete", why)


_INCOMPLETE: Final = {"length": "max_output_tokens", "content_filter": "content_filter"}


def usage_of(question: Question, answer: Answer) -> Usage:
    """The usage of an exchange."""
    prompt = prompt_of(question)
    made = answer.completion_tokens
    return Usage(
        input_tokens=prompt.total,
        input_tokens_details=InputDetails(prompt.read, prompt.written),
        output_tokens=made,
        output_tokens_details=OutputDetails(answer.reasoning_tokens),
        total_tokens=prompt.total + made,
    )


def items_of(question: Question, answer: Answer, delivery: Delivery) -> Iterator[Item]:
    """The items of an answer: thoughts first, calls last."""
    status, _ = ending_of(answer)
    if answer.reasoning:
        shown = (SummaryText(answer.reasoning),) if question.shows_thoughts else ()
        seal = delivery.notary.seal(question.model, answer.reasoning)
        sealed = seal if question.seals_thoughts else UNSET
        yield ReasoningItem(f"rs_{delivery.token}", shown, sealed)
    if answer.text or answer.refusal:
        yield MessageItem(
            f"msg_{delivery.token}", status, "assistant", (part_of(question, answer),)
        )
    for number, call in enumerate(answer.calls):
        last = number == len(answer.calls) - 1
        yield call_of(call, f"{delivery.token}{number}", status if last else "completed")


def part_of(question: Question, answer: Answer) -> Part:
    """What an answer says."""
    if answer.refusal:
        return Refusal(answer.refusal)
    asked = question.logprobs
    told = [] if asked is None else probabilities_of(words_of(answer.text), asked)
    return OutputText(answer.text, logprobs=told)


def call_of(call: ToolCall, token: str, status: str) -> FunctionCallItem | CustomCallItem:
    """A call as an item."""
    name, space = call.tool.name, call.tool.namespace or UNSET
    if call.tool.freeform:
        return CustomCallItem(f"ctc_{token}", status, call.id, call.arguments, name, space)
    return FunctionCallItem(f"fc_{token}", status, call.arguments, call.id, name, space)
