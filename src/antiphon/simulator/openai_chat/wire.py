"""The members of a Chat Completions answer, in the order in which providers write them."""

from typing import Final

from msgspec import UNSET, Struct, UnsetType

from antiphon.simulator.answers import Answer, Question, ToolCall
from antiphon.simulator.probabilities import TokenProbability, probabilities_of
from antiphon.simulator.prompt import prompt_of

CREATED: Final = 1_767_225_600
"""Every answer was made at the beginning of 2026: the same question has the same bytes."""
FINGERPRINT: Final = "simulator"


class PromptDetails(Struct, frozen=True):
    """What of the prompt was special."""

    cached_tokens: int
    cache_write_tokens: int = 0
    audio_tokens: int = 0


class CompletionDetails(Struct, frozen=True):
    """What of the answer was special."""

    reasoning_tokens: int
    audio_tokens: int = 0
    accepted_prediction_tokens: int = 0
    rejected_prediction_tokens: int = 0


class Usage(Struct, frozen=True):
    """What the exchange took, in OpenAI's words: the totals include the details."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptDetails
    completion_tokens_details: CompletionDetails


class FunctionCall(Struct, frozen=True):
    """The called function, or a fragment of its arguments."""

    name: str | UnsetType = UNSET
    arguments: str = ""


class CustomCall(Struct, frozen=True):
    """The called free-form tool."""

    name: str | UnsetType = UNSET
    input: str = ""


class Call(Struct, frozen=True):
    """A tool call; in a stream the first fragment has an id, the others only an index."""

    index: int | UnsetType = UNSET
    id: str | UnsetType = UNSET
    type: str | UnsetType = UNSET
    function: FunctionCall | UnsetType = UNSET
    custom: CustomCall | UnsetType = UNSET


class Logprobs(Struct, frozen=True):
    """Probabilities of what was said."""

    content: list[TokenProbability]
    refusal: None = None


def usage_of(question: Question, answers: tuple[Answer, ...]) -> Usage:
    """The usage of an exchange."""
    prompt = prompt_of(question)
    made = sum(answer.completion_tokens for answer in answers)
    return Usage(
        prompt_tokens=prompt.total,
        completion_tokens=made,
        total_tokens=prompt.total + made,
        prompt_tokens_details=PromptDetails(prompt.read, prompt.written),
        completion_tokens_details=CompletionDetails(
            sum(answer.reasoning_tokens for answer in answers)
        ),
    )


def call_of(call: ToolCall, arguments: str, *, index: int | UnsetType = UNSET) -> Call:
    """A call with these arguments."""
    name = call.tool.name
    if call.tool.freeform:
        return Call(index, call.id, "custom", custom=CustomCall(name, arguments))
    return Call(index, call.id, "function", function=FunctionCall(name, arguments))


def fragment_of(call: ToolCall, arguments: str, *, index: int) -> Call:
    """More arguments of a call that has begun."""
    if call.tool.freeform:
        return Call(index, custom=CustomCall(input=arguments))
    return Call(index, function=FunctionCall(arguments=arguments))


def logprobs_of(words: list[str], alternatives: int) -> Logprobs:
    """Probabilities that only look the part."""
    return Logprobs(probabilities_of(words, alternatives))
