"""An answer of Ollama, whole or a word a line, and errors."""

from collections.abc import Iterator
from typing import Final, TypeAlias

import msgspec

from antiphon.simulator.answers import Answer, Question
from antiphon.simulator.dialect import Delivery, Problem
from antiphon.simulator.ollama.wire import (
    LINES,
    WHOLE,
    Asked,
    Members,
    Saying,
    calls_of,
    ended,
    line_of,
    logprobs_of,
)
from antiphon.simulator.reply import Framing, Piece, Reply, plain
from antiphon.simulator.tokens import count_tokens, words_of

_Paced: TypeAlias = tuple[Members, int]
"""The members of a line and the tokens that it took."""


def completed(question: Question, answer: Answer, delivery: Delivery, saying: Saying) -> Reply:
    """The answer in one body, when the last token is made."""
    latency, dice = delivery.latency, delivery.dice
    said = saying(_text(answer), answer.reasoning, calls_of(answer))
    probable = logprobs_of(words_of(answer.text), question)
    body = line_of(question, said, **ended(question, answer), **probable)
    delay = latency.to_first_token(dice) + latency.for_tokens(answer.completion_tokens, dice)
    return Reply(headers=(WHOLE,), pieces=(Piece(msgspec.json.encode(body)),), delay=delay)


def streamed(question: Question, answer: Answer, delivery: Delivery, saying: Saying) -> Reply:
    """The answer as it is made: a line for each word, for each call, and for the end."""
    latency, dice = delivery.latency, delivery.dice
    pieces = [
        Piece(msgspec.json.encode(line) + b"\n", latency.for_tokens(made, dice))
        for line, made in _told(question, answer, saying)
    ]
    return Reply(
        headers=(LINES,),
        pieces=tuple(pieces),
        framing=Framing.CHUNKED,
        delay=latency.to_first_token(dice),
    )


def _told(question: Question, answer: Answer, saying: Saying) -> Iterator[_Paced]:
    for word in words_of(answer.reasoning):
        yield line_of(question, saying("", word, ()), done=False), count_tokens(word)
    for word in words_of(_text(answer)):
        probable = logprobs_of([word] if answer.text else [], question)
        said = saying(word, "", ())
        yield line_of(question, said, done=False, **probable), count_tokens(word)
    for call in calls_of(answer):
        made = count_tokens(call.function.name) + -(-len(bytes(call.function.arguments)) // 4)
        yield line_of(question, saying("", "", [call]), done=False), made
    yield line_of(question, saying("", "", ()), **ended(question, answer)), 0


def _text(answer: Answer) -> str:
    """What is said; a model that refuses says so in words like any others."""
    return answer.text or answer.refusal


def loaded(question: Asked, saying: Saying) -> Reply:
    """The answer to a request without words: always whole."""
    body = line_of(question, saying("", "", ()), done=True, done_reason=question.only)
    return plain(msgspec.json.encode(body), headers=(WHOLE,))


def complained(problem: Problem) -> Reply:
    """An error: a status and a text, in the server's own words where it has some."""
    own = _OWN_WORDS.get(problem.message) or _BY_CODE.get(problem.code or "")
    status, told = own or (problem.status, problem.message)
    reply = plain(msgspec.json.encode({"error": told}), status=status, headers=(WHOLE,))
    return reply.with_headers(*problem.headers)


_STOPPED: Final = (
    "model runner has unexpectedly stopped, this may be due to resource limitations or an "
    "internal error, check ollama server logs for details"
)
_UPGRADE: Final = "https://ollama.com/upgrade"
_BUSY: Final = (503, "server busy, please try again.  maximum pending requests exceeded")
_BY_CODE: Final = {
    "insufficient_quota": (
        429,
        "you have reached your weekly usage limit, upgrade for higher limits: " + _UPGRADE,
    ),
    "context_length_exceeded": (400, "the input length exceeds the context length"),
    "unsupported_parameter": (400, '"sim-small" does not support thinking'),
    "server_is_overloaded": _BUSY,
    "overloaded": _BUSY,
}
"""Problems that OpenAI names by a code, as Ollama says them."""
_OWN_WORDS: Final = {
    "Incorrect API key provided.": (401, "unauthorized"),
    "You are not allowed to sample from this model.": (
        403,
        "this model requires a subscription, upgrade for access: " + _UPGRADE,
    ),
    "The model does not exist.": (404, "model 'sim-small' not found"),
    "The server had an error while processing.": (
        500,
        _STOPPED,
    ),
}
"""Problems that have no code of their own, by what they say elsewhere."""
