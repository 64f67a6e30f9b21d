"""Anthropic Messages, as the provider speaks it."""

from antiphon.simulator.answers import Answer, Question
from antiphon.simulator.anthropic_messages.message import complained, completed
from antiphon.simulator.anthropic_messages.request import heard
from antiphon.simulator.anthropic_messages.spelling import SPELLING
from antiphon.simulator.anthropic_messages.stream import streamed
from antiphon.simulator.dialect import Delivery, Problem, Terms
from antiphon.simulator.received import Received
from antiphon.simulator.reply import Reply
from antiphon.simulator.spelling import Spelling
from antiphon.simulator.wires import MESSAGES

__all__ = ["AnthropicMessages"]


class AnthropicMessages:
    """The dialect; it has no state."""

    @property
    def wire(self) -> str:
        return MESSAGES

    @property
    def id_header(self) -> bytes:
        return b"request-id"

    @property
    def spelling(self) -> Spelling:
        return SPELLING

    def hear(self, received: Received, terms: Terms) -> Question:
        return heard(received, terms)

    def say(self, question: Question, answers: tuple[Answer, ...], delivery: Delivery) -> Reply:
        spoken = streamed if question.stream else completed
        return spoken(question, answers[0], delivery)

    def complain(self, problem: Problem) -> Reply:
        return complained(problem)
