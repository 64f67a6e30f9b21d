"""A whole Messages answer, and errors."""

from typing import Final

import msgspec
from msgspec import Struct

from antiphon.simulator.answers import Answer, Question
from antiphon.simulator.anthropic_messages.wire import blocks_of, message_of
from antiphon.simulator.dialect import Delivery, Problem
from antiphon.simulator.reply import JSON, Piece, Reply, json


class _Error(Struct, frozen=True):
    type: str
    message: str


class _Envelope(Struct, frozen=True):
    type: str
    error: _Error
    request_id: str


def completed(question: Question, answer: Answer, delivery: Delivery) -> Reply:
    """The answer in one body, when the last token is made."""
    content = list(blocks_of(question, answer, delivery))
    body = msgspec.json.encode(message_of(question, answer, content, delivery))
    latency, dice = delivery.latency, delivery.dice
    delay = latency.to_first_token(dice) + latency.for_tokens(answer.completion_tokens, dice)
    return Reply(headers=(JSON,), pieces=(Piece(body),), delay=delay)


def complained(problem: Problem) -> Reply:
    """An error in Anthropic's envelope, and in its words where it has some of its own."""
    told = _OWN_WORDS.get(problem.code or "", problem)
    kind = _TYPES.get(told.status, _OTHERS)
    envelope = _Envelope("error", _Error(kind, told.message), "req_simulated")
    return json(envelope, status=told.status).with_headers(*problem.headers)


_OTHERS: Final = "api_error"
_TYPES: Final = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_OWN_WORDS: Final = {
    "insufficient_quota": Problem(
        402,
        "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing "
        "to upgrade or purchase credits.",
        type="billing_error",
    ),
    "context_length_exceeded": Problem(400, "prompt is too long: 9001 tokens > 8192 maximum"),
    "content_filter": Problem(400, "Output blocked by content filtering policy"),
    "unsupported_parameter": Problem(400, "`temperature` is not supported by this model."),
    "overloaded": Problem(529, "Overloaded", type="overloaded_error"),
}
"""Problems that OpenAI names by a code, as Anthropic says them."""
