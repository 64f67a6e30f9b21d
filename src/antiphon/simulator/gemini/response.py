"""Answers to requests for content: whole, as events, or as one array that comes piece by piece."""

from collections.abc import Iterable, Iterator
from typing import Final, TypeAlias

import msgspec
from msgspec import UNSET

from antiphon.simulator.answers import Answer, Question
from antiphon.simulator.dialect import Delivery
from antiphon.simulator.gemini.usage import Made, made_by
from antiphon.simulator.gemini.wire import (
    JSON_TYPE,
    Candidate,
    Content,
    Part,
    Response,
    blocked,
    calls_of,
    ended,
    parts_of,
    response_of,
    seal_of,
    thought_of,
    with_logprobs,
)
from antiphon.simulator.reply import Framing, Piece, Reply
from antiphon.simulator.tokens import count_tokens, words_of

_EVENTS: Final = (b"content-type", b"text/event-stream")
_Paced: TypeAlias = tuple[Response, int]
"""A chunk and the tokens that it took."""


def completed(question: Question, answers: tuple[Answer, ...], delivery: Delivery) -> Reply:
    """All candidates in one body, when the last token is made."""
    made = made_by(answers)
    latency, dice = delivery.latency, delivery.dice
    delay = latency.to_first_token(dice) + latency.for_tokens(made.thought + made.said, dice)
    if any(answer.refusal for answer in answers):
        return _body(blocked(question, delivery), delay)
    candidates = [
        with_logprobs(
            ended(answer, index, Content(parts_of(question, answer, delivery) or UNSET)),
            words_of(answer.text),
            question,
        )
        for index, answer in enumerate(answers)
    ]
    return _body(response_of(question, delivery, candidates, made), delay)


def _body(response: Response, delay: float) -> Reply:
    piece = Piece(msgspec.json.encode(response))
    return Reply(headers=(JSON_TYPE,), pieces=(piece,), delay=delay)


def as_events(question: Question, answers: tuple[Answer, ...], delivery: Delivery) -> Reply:
    """The candidates as they are made, each chunk an event."""
    latency, dice = delivery.latency, delivery.dice
    pieces = [
        Piece(b"data: %b\r\n\r\n" % msgspec.json.encode(chunk), latency.for_tokens(made, dice))
        for chunk, made in _chunks(question, answers, delivery)
    ]
    return _stream(pieces, _EVENTS, latency.to_first_token(dice))


def as_array(question: Question, answers: tuple[Answer, ...], delivery: Delivery) -> Reply:
    """The candidates as they are made, each chunk an item of one array."""
    latency, dice = delivery.latency, delivery.dice
    pieces = [
        Piece(
            b"%b%b" % (b",\r\n" if number else b"[", msgspec.json.encode(chunk)),
            latency.for_tokens(made, dice),
        )
        for number, (chunk, made) in enumerate(_chunks(question, answers, delivery))
    ]
    return _stream([*pieces, Piece(b"\r\n]\r\n")], JSON_TYPE, latency.to_first_token(dice))


def _stream(pieces: Iterable[Piece], kind: tuple[bytes, bytes], delay: float) -> Reply:
    return Reply(headers=(kind,), pieces=tuple(pieces), framing=Framing.CHUNKED, delay=delay)


def _chunks(
    question: Question, answers: tuple[Answer, ...], delivery: Delivery
) -> Iterator[_Paced]:
    if any(answer.refusal for answer in answers):
        yield blocked(question, delivery), 0
        return
    made = Made()
    for index, answer in enumerate(answers):
        whole = made_by((answer,)).and_also(thought=made.thought, said=made.said)
        if not question.shows_thoughts:
            made = made.and_also(thought=answer.reasoning_tokens)
        for part, tokens in _pieces(question, answer, delivery):
            is_thought = part.thought is True
            made = made.and_also(
                thought=tokens if is_thought else 0, said=0 if is_thought else tokens
            ).at_most(whole)
            words = [part.text] if part.text and not is_thought else []
            piece = with_logprobs(Candidate(Content([part]), index=index), words, question)
            yield response_of(question, delivery, [piece], made), tokens
        # Words are rounded up one by one, and figures never fall: clients add differences up.
        made = whole
        last = ended(answer, index, Content([_last(question, answer, delivery)]))
        yield response_of(question, delivery, [last], made), 0


def _pieces(question: Question, answer: Answer, delivery: Delivery) -> Iterator[tuple[Part, int]]:
    """The parts of an answer as they come, with the tokens of each: a call comes whole."""
    if question.shows_thoughts:
        for word in words_of(answer.reasoning):
            yield thought_of(word), count_tokens(word)
    for word in words_of(answer.text):
        yield Part(text=word), count_tokens(word)
    for part in calls_of(question, answer, delivery):
        called = part.function_call
        assert called is not UNSET
        yield part, count_tokens(f"{called.name}{bytes(called.args).decode()}")


def _last(question: Question, answer: Answer, delivery: Delivery) -> Part:
    """Nothing more to say; the seal of what was thought, if no call has it."""
    seal = UNSET if answer.calls else seal_of(question, answer, delivery)
    return Part(text="", thought_signature=seal)
