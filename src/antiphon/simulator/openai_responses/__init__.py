"""OpenAI Responses, as a provider speaks it."""

from antiphon.simulator.answers import Answer, Question
from antiphon.simulator.dialect import Delivery, Problem, Terms
from antiphon.simulator.openai_responses.request import heard
from antiphon.simulator.openai_responses.response import complained, completed
from antiphon.simulator.openai_responses.spelling import SPELLING
from antiphon.simulator.openai_responses.stream import streamed
from antiphon.simulator.received import Received
from antiphon.simulator.reply import Reply
from antiphon.simulator.spelling import Spelling
from antiphon.simulator.wires import RESPONSES

__all__ = ["OpenAIResponses"]


class OpenAIResponses:
    """The dialect; it has no state."""

    @property
    def wire(self) -> str:
        return RESPONSES

    @property
    def id_header(self) -> bytes:
        return b"x-request-id"

    @property
    def spelling(self) -> Spelling:
        return SPELLING

    def hear(self, received: Received, terms: Terms) -> Question:
        return heard(received.body, terms)

    def say(self, question: Question, answers: tuple[Answer, ...], delivery: Delivery) -> Reply:
        spoken = streamed if question.stream else completed
        return spoken(question, answers[0], delivery)

    def complain(self, problem: Problem) -> Reply:
        return complained(problem)
