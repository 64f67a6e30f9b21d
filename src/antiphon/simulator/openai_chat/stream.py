"""A Chat Completions answer as a stream of events: a word at a time, at the provider's pace."""

from collections.abc import Iterator
from itertools import chain, zip_longest
from typing import Final, TypeAlias

import msgspec
from msgspec import UNSET, Struct, UnsetType

from antiphon.simulator.answers import Answer, Question
from antiphon.simulator.dialect import Delivery
from antiphon.simulator.openai_chat.wire import (
    CREATED,
    FINGERPRINT,
    Call,
    Logprobs,
    Usage,
    call_of,
    fragment_of,
    logprobs_of,
    usage_of,
)
from antiphon.simulator.reply import EVENT_STREAM, Framing, Piece, Reply
from antiphon.simulator.tokens import count_tokens, words_of

DONE: Final = b"data: [DONE]\n\n"
_ARGUMENT_BYTES = 12


class _Delta(Struct, frozen=True):
    role: str | UnsetType = UNSET
    content: str | UnsetType | None = UNSET
    refusal: str | UnsetType | None = UNSET
    reasoning_content: str | UnsetType = UNSET
    tool_calls: list[Call] | UnsetType = UNSET


class _Choice(Struct, frozen=True):
    index: int
    delta: _Delta
    logprobs: Logprobs | None = None
    finish_reason: str | None = None


class _Chunk(Struct, frozen=True):
    id: str
    object: str
    created: int
    model: str
    service_tier: str
    system_fingerprint: str
    choices: list[_Choice]
    usage: Usage | UnsetType | None


_Paced: TypeAlias = tuple[_Choice, int]
"""A choice's next delta and the tokens that it took."""


def streamed(question: Question, answers: tuple[Answer, ...], delivery: Delivery) -> Reply:
    """The answers as they are made; several choices take turns."""
    usage = None if question.wants_usage else UNSET
    latency, dice = delivery.latency, delivery.dice
    told = [_told(number, answer, question) for number, answer in enumerate(answers)]
    turns = told[0] if len(told) == 1 else _taking_turns(told)
    pieces = [
        Piece(_frame(question, delivery, [choice], usage), latency.for_tokens(made, dice))
        for choice, made in turns
    ]
    if question.wants_usage:
        pieces.append(Piece(_frame(question, delivery, [], usage_of(question, answers))))
    pieces.append(Piece(DONE))
    return Reply(
        headers=(EVENT_STREAM, (b"cache-control", b"no-cache")),
        pieces=tuple(pieces),
        framing=Framing.CHUNKED,
        delay=latency.to_first_token(dice),
    )


def _frame(
    question: Question,
    delivery: Delivery,
    choices: list[_Choice],
    usage: Usage | UnsetType | None,
) -> bytes:
    chunk = _Chunk(
        f"chatcmpl-{delivery.token}",
        "chat.completion.chunk",
        CREATED,
        question.model,
        "default",
        FINGERPRINT,
        choices,
        usage,
    )
    return b"data: %b\n\n" % msgspec.json.encode(chunk)


def _told(number: int, answer: Answer, question: Question) -> Iterator[_Paced]:
    """One choice from its role to its end."""
    content = None if answer.calls or answer.refusal else ""
    yield _Choice(number, _Delta("assistant", content, None)), 0
    for word in words_of(answer.reasoning):
        yield _Choice(number, _Delta(reasoning_content=word)), count_tokens(word)
    for word in words_of(answer.text):
        asked = question.logprobs
        logprobs = None if asked is None else logprobs_of([word], asked)
        yield _Choice(number, _Delta(content=word), logprobs), count_tokens(word)
    for word in words_of(answer.refusal):
        yield _Choice(number, _Delta(refusal=word)), count_tokens(word)
    yield from _calls(number, answer)
    yield _Choice(number, _Delta(), finish_reason=answer.finish), 0


def _calls(number: int, answer: Answer) -> Iterator[_Paced]:
    for index, call in enumerate(answer.calls):
        begun = call_of(call, "", index=index)
        yield _Choice(number, _Delta(tool_calls=[begun])), count_tokens(call.tool.name)
        for at in range(0, len(call.arguments), _ARGUMENT_BYTES):
            part = call.arguments[at : at + _ARGUMENT_BYTES]
            fragment = fragment_of(call, part, index=index)
            yield _Choice(number, _Delta(tool_calls=[fragment])), count_tokens(part)


def _taking_turns(told: list[Iterator[_Paced]]) -> Iterator[_Paced]:
    rounds = chain.from_iterable(zip_longest(*told))
    return (paced for paced in rounds if paced is not None)
