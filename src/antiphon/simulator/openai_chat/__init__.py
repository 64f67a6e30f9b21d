"""OpenAI Chat Completions, as a provider speaks it."""

from antiphon.simulator.answers import Answer, Question
from antiphon.simulator.dialect import Delivery, Problem, Terms
from antiphon.simulator.openai_chat.completion import complained, completed
from antiphon.simulator.openai_chat.request import heard
from antiphon.simulator.openai_chat.spelling import SPELLING
from antiphon.simulator.openai_chat.stream import streamed
from antiphon.simulator.received import Received
from antiphon.simulator.reply import Reply
from antiphon.simulator.spelling import Spelling
from antiphon.simulator.wires import CHAT

__all__ = ["OpenAIChat"]


class OpenAIChat:
    """The dialect; it has no state."""

    @property
    def wire(self) -> str:
        return CHAT

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
        return spoken(question, answers, delivery)

    def complain(self, problem: Problem) -> Reply:
        return complained(problem)
