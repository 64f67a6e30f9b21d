"""A whole Chat Completions answer, and errors."""

import msgspec
from msgspec import UNSET, Struct, UnsetType

from antiphon.simulator.answers import Answer, Question
from antiphon.simulator.dialect import Delivery, Problem
from antiphon.simulator.openai_chat.wire import (
    CREATED,
    FINGERPRINT,
    Call,
    Logprobs,
    Usage,
    call_of,
    logprobs_of,
    usage_of,
)
from antiphon.simulator.reply import JSON, Piece, Reply, json
from antiphon.simulator.tokens import words_of


class _Message(Struct, frozen=True):
    role: str
    content: str | None
    refusal: str | None
    annotations: list[str]
    reasoning_content: str | UnsetType = UNSET
    tool_calls: list[Call] | UnsetType = UNSET


class _Choice(Struct, frozen=True):
    index: int
    message: _Message
    logprobs: Logprobs | None
    finish_reason: str


class _Completion(Struct, frozen=True):
    id: str
    object: str
    created: int
    model: str
    choices: list[_Choice]
    usage: Usage
    service_tier: str
    system_fingerprint: str


class _Error(Struct, frozen=True):
    message: str
    type: str
    param: str | None
    code: str | None


def completed(question: Question, answers: tuple[Answer, ...], delivery: Delivery) -> Reply:
    """The answers in one body, when the last token is made."""
    usage = usage_of(question, answers)
    choices = [_choice(number, answer, question) for number, answer in enumerate(answers)]
    body = _Completion(
        f"chatcmpl-{delivery.token}",
        "chat.completion",
        CREATED,
        question.model,
        choices,
        usage,
        "default",
        FINGERPRINT,
    )
    latency, dice = delivery.latency, delivery.dice
    delay = latency.to_first_token(dice) + latency.for_tokens(usage.completion_tokens, dice)
    return Reply(headers=(JSON,), pieces=(Piece(msgspec.json.encode(body)),), delay=delay)


def complained(problem: Problem) -> Reply:
    """An error in OpenAI's envelope."""
    error = _Error(problem.message, problem.type, problem.param, problem.code)
    return json({"error": error}, status=problem.status).with_headers(*problem.headers)


def _choice(number: int, answer: Answer, question: Question) -> _Choice:
    calls = [call_of(call, call.arguments) for call in answer.calls]
    silent = bool(answer.calls or answer.refusal)
    message = _Message(
        role="assistant",
        content=(answer.text or None) if silent else answer.text,
        refusal=answer.refusal or None,
        annotations=[],
        reasoning_content=answer.reasoning or UNSET,
        tool_calls=calls or UNSET,
    )
    asked = question.logprobs
    logprobs = None if asked is None else logprobs_of(words_of(answer.text), asked)
    return _Choice(number, message, logprobs, answer.finish)
