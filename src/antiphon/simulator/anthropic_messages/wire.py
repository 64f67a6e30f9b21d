"""The members of a Messages answer, in the order in which the provider writes them."""

from collections.abc import Iterator
from typing import Final, TypeAlias

import msgspec
from msgspec import Raw, Struct

from antiphon.simulator.answers import Answer, Question, ToolCall
from antiphon.simulator.dialect import Delivery
from antiphon.simulator.prompt import prompt_of


class CacheCreation(Struct, frozen=True):
    """What was written to caches, by their life."""

    ephemeral_5m_input_tokens: int
    ephemeral_1h_input_tokens: int = 0


class OutputDetails(Struct, frozen=True):
    """What of the answer was special."""

    thinking_tokens: int


class Usage(Struct, frozen=True):
    """What the exchange took: what was read from caches and written to them counts apart."""

    input_tokens: int
    cache_creation_input_tokens: int
    cache_read_input_tokens: int
    cache_creation: CacheCreation
    output_tokens: int
    output_tokens_details: OutputDetails
    service_tier: str = "standard"


class UsageSoFar(Struct, frozen=True):
    """Usage at the end of a stream."""

    input_tokens: int
    cache_creation_input_tokens: int
    cache_read_input_tokens: int
    output_tokens: int
    output_tokens_details: OutputDetails


class Thinking(Struct, frozen=True, tag="thinking", tag_field="type"):
    """A thought and its seal."""

    thinking: str
    signature: str


class Text(Struct, frozen=True, tag="text", tag_field="type"):
    """Something said."""

    text: str


class ToolUse(Struct, frozen=True, tag="tool_use", tag_field="type"):
    """A tool call."""

    id: str
    name: str
    input: Raw


Block: TypeAlias = Thinking | Text | ToolUse


class StopDetails(Struct, frozen=True):
    """Why an answer was refused."""

    explanation: str
    category: str | None = None
    type: str = "refusal"


class Message(Struct, frozen=True):
    """A whole answer, or the beginning of one."""

    id: str
    type: str
    role: str
    model: str
    content: list[Block]
    stop_reason: str | None
    stop_sequence: str | None
    stop_details: StopDetails | None
    usage: Usage


def usage_of(question: Question, answer: Answer | None) -> Usage:
    """The usage of an exchange, or of its beginning."""
    prompt = prompt_of(question)
    return Usage(
        input_tokens=prompt.fresh,
        cache_creation_input_tokens=prompt.written,
        cache_read_input_tokens=prompt.read,
        cache_creation=CacheCreation(prompt.written),
        output_tokens=1 if answer is None else answer.completion_tokens,
        output_tokens_details=OutputDetails(0 if answer is None else answer.reasoning_tokens),
    )


def last_usage_of(question: Question, answer: Answer) -> UsageSoFar:
    """The usage that ends a stream."""
    prompt = prompt_of(question)
    return UsageSoFar(
        input_tokens=prompt.fresh,
        cache_creation_input_tokens=prompt.written,
        cache_read_input_tokens=prompt.read,
        output_tokens=answer.completion_tokens,
        output_tokens_details=OutputDetails(answer.reasoning_tokens),
    )


def message_of(
    question: Question, answer: Answer | None, content: list[Block], delivery: Delivery
) -> Message:
    """An answer; without one only its beginning."""
    refused = answer is not None and answer.refusal
    return Message(
        id=f"msg_{delivery.token}",
        type="message",
        role="assistant",
        model=question.model,
        content=content,
        stop_reason=None if answer is None else stop_reason_of(answer),
        stop_sequence=None if answer is None else answer.stopped_by,
        stop_details=StopDetails(refused) if refused else None,
        usage=usage_of(question, answer),
    )


def stop_reason_of(answer: Answer) -> str:
    """Why an answer ended, in Anthropic's words."""
    if answer.refusal:
        return "refusal"
    if answer.stopped_by is not None and answer.finish == "stop":
        return "stop_sequence"
    return _STOP_REASONS[answer.finish]


def blocks_of(question: Question, answer: Answer, delivery: Delivery) -> Iterator[Block]:
    """The blocks of an answer: thoughts first, calls last."""
    if answer.reasoning:
        shown = answer.reasoning if question.shows_thoughts else ""
        yield Thinking(shown, delivery.notary.seal(question.model, answer.reasoning))
    if said := answer.text or answer.refusal:
        yield Text(said)
    for call in answer.calls:
        yield ToolUse(id_of(call), call.tool.name, _input_of(call))


def id_of(call: ToolCall) -> str:
    """A call's id, in Anthropic's spelling."""
    return f"toolu_{call.id.removeprefix('call_')}"


def _input_of(call: ToolCall) -> Raw:
    """The arguments, if they are an object and whole."""
    try:
        msgspec.json.decode(call.arguments, type=dict[str, Raw])
    except msgspec.DecodeError:
        return Raw(b"{}")
    return Raw(call.arguments.encode())


_STOP_REASONS: Final = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
}
