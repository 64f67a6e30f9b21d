"""A whole Responses answer, and errors."""

import msgspec
from msgspec import Struct

from antiphon.simulator.answers import Answer, Question
from antiphon.simulator.dialect import Delivery, Problem
from antiphon.simulator.openai_responses.wire import items_of, response_of
from antiphon.simulator.reply import JSON, Piece, Reply, json


class _Error(Struct, frozen=True):
    message: str
    type: str
    param: str | None
    code: str | None


def completed(question: Question, answer: Answer, delivery: Delivery) -> Reply:
    """The answer in one body, when the last token is made."""
    output = list(items_of(question, answer, delivery))
    body = msgspec.json.encode(response_of(question, delivery, answer, output))
    latency, dice = delivery.latency, delivery.dice
    delay = latency.to_first_token(dice) + latency.for_tokens(answer.completion_tokens, dice)
    return Reply(headers=(JSON,), pieces=(Piece(body),), delay=delay)


def complained(problem: Problem) -> Reply:
    """An error in OpenAI's envelope."""
    error = _Error(problem.message, problem.type, problem.param, problem.code)
    return json({"error": error}, status=problem.status).with_headers(*problem.headers)
