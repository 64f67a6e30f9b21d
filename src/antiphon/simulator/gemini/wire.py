"""The members of an answer, in the order in which Google writes them."""

import base64
from typing import Final

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType
from msgspec.structs import replace

from antiphon.simulator.answers import Answer, Question, ToolCall
from antiphon.simulator.dialect import Delivery
from antiphon.simulator.gemini.usage import Made, Usage, usage_of
from antiphon.simulator.probabilities import probabilities_of

JSON_TYPE: Final = (b"content-type", b"application/json; charset=UTF-8")
CALLED: Final = "Model generated function call(s)."


class FunctionCall(Struct, frozen=True):
    """A call, whose arguments are an object."""

    name: str
    args: Raw
    id: str | UnsetType = UNSET


class Part(Struct, frozen=True, rename="camel"):
    """A thought, a text or a call."""

    text: str | UnsetType = UNSET
    thought: bool | UnsetType = UNSET
    function_call: FunctionCall | UnsetType = UNSET
    thought_signature: str | UnsetType = UNSET


class Content(Struct, frozen=True):
    """What is said; nothing at all where a filter took it away."""

    parts: list[Part] | UnsetType = UNSET
    role: str | UnsetType = "model"


class SafetyRating(Struct, frozen=True):
    """How likely a text is harmful."""

    category: str
    probability: str
    blocked: bool | UnsetType = UNSET


class Chosen(Struct, frozen=True, rename="camel"):
    """A token and how probable it was."""

    token: str
    log_probability: float


class Alternatives(Struct, frozen=True):
    """What might have stood in one place."""

    candidates: list[Chosen]


class Logprobs(Struct, frozen=True, rename="camel"):
    """Probabilities of what was said."""

    top_candidates: list[Alternatives]
    chosen_candidates: list[Chosen]


class Candidate(Struct, frozen=True, rename="camel"):
    """An answer, or a piece of one."""

    content: Content
    finish_reason: str | UnsetType = UNSET
    index: int = 0
    safety_ratings: list[SafetyRating] | UnsetType = UNSET
    finish_message: str | UnsetType = UNSET
    avg_logprobs: float | UnsetType = UNSET
    logprobs_result: Logprobs | UnsetType = UNSET


class Feedback(Struct, frozen=True, rename="camel"):
    """Why a prompt was not answered."""

    block_reason: str
    safety_ratings: list[SafetyRating]


class Response(Struct, frozen=True, rename="camel"):
    """A whole answer, or a chunk of a stream: both have the same members."""

    candidates: list[Candidate] | UnsetType
    prompt_feedback: Feedback | UnsetType
    usage_metadata: Usage
    model_version: str
    response_id: str


def response_of(
    question: Question, delivery: Delivery, candidates: list[Candidate], made: Made
) -> Response:
    """Candidates, with the usage so far."""
    return Response(
        candidates=candidates,
        prompt_feedback=UNSET,
        usage_metadata=usage_of(question, made),
        model_version=question.model,
        response_id=delivery.token,
    )


def blocked(question: Question, delivery: Delivery) -> Response:
    """The answer to a prompt that a filter refuses: it has no candidates."""
    return Response(
        candidates=UNSET,
        prompt_feedback=Feedback("SAFETY", _RATINGS),
        usage_metadata=usage_of(question, Made()),
        model_version=question.model,
        response_id=delivery.token,
    )


def parts_of(question: Question, answer: Answer, delivery: Delivery) -> list[Part]:
    """The parts of a whole answer: the seal is on the first call, or else on the text."""
    parts = [thought_of(answer.reasoning)] if answer.reasoning and question.shows_thoughts else []
    calls = calls_of(question, answer, delivery)
    seal = UNSET if calls else seal_of(question, answer, delivery)
    if answer.text:
        parts.append(Part(text=answer.text, thought_signature=seal))
    return [*parts, *calls]


def thought_of(text: str) -> Part:
    """A thought, or a piece of one."""
    return Part(text=text, thought=True)


def calls_of(question: Question, answer: Answer, delivery: Delivery) -> list[Part]:
    """The calls of an answer; one that broke off is left out, as no object could hold it."""
    whole = [call for call in answer.calls if _is_object(call.arguments)]
    seal = seal_of(question, answer, delivery)
    return [
        Part(
            function_call=_call(call, question.model),
            thought_signature=UNSET if number else seal,
        )
        for number, call in enumerate(whole)
    ]


def seal_of(question: Question, answer: Answer, delivery: Delivery) -> str | UnsetType:
    """The seal of what was thought, which travels as bytes."""
    if not answer.reasoning:
        return UNSET
    seal = delivery.notary.seal(question.model, answer.reasoning)
    return base64.b64encode(seal.encode()).decode()


def _call(call: ToolCall, model: str) -> FunctionCall:
    id_ = UNSET if any(old in model for old in _WITHOUT_IDS) else call.id
    return FunctionCall(call.tool.name, Raw(call.arguments.encode()), id_)


def _is_object(arguments: str) -> bool:
    try:
        msgspec.json.decode(arguments, type=dict[str, Raw])
    except msgspec.DecodeError:
        return False
    return True


def ended(answer: Answer, index: int, content: Content) -> Candidate:
    """The candidate that says why the answer ended; calls are no reason of their own."""
    reason = _REASONS[answer.finish]
    return Candidate(
        content=content,
        finish_reason=reason,
        index=index,
        safety_ratings=_RATINGS if reason == "SAFETY" else UNSET,
        finish_message=CALLED if answer.finish == "tool_calls" else UNSET,
    )


def with_logprobs(candidate: Candidate, words: list[str], question: Question) -> Candidate:
    """The candidate with the probabilities of its words, if they were asked for."""
    asked = question.logprobs
    if asked is None or not words:
        return candidate
    found = probabilities_of(words, asked)
    told = Logprobs(
        [
            Alternatives([Chosen(each.token, each.logprob) for each in one.top_logprobs])
            for one in found
        ],
        [Chosen(one.token, one.logprob) for one in found],
    )
    average = sum(one.logprob for one in found) / len(found)
    return replace(candidate, avg_logprobs=average, logprobs_result=told)


_WITHOUT_IDS: Final = ("gemini-1", "gemini-2")
_REASONS: Final = {
    "stop": "STOP",
    "length": "MAX_TOKENS",
    "tool_calls": "STOP",
    "content_filter": "SAFETY",
}
_RATINGS: Final = [
    SafetyRating("HARM_CATEGORY_HATE_SPEECH", "NEGLIGIBLE"),
    SafetyRating("HARM_CATEGORY_DANGEROUS_CONTENT", "HIGH", blocked=True),
    SafetyRating("HARM_CATEGORY_HARASSMENT", "NEGLIGIBLE"),
    SafetyRating("HARM_CATEGORY_SEXUALLY_EXPLICIT", "NEGLIGIBLE"),
]
