"""Ollama's own API, as a server speaks it: chat, generate, vectors, and what it has loaded."""

from typing_extensions import override

from antiphon.simulator.answers import Answer, Question
from antiphon.simulator.dialect import Delivery, Problem, Terms
from antiphon.simulator.ollama.answer import complained, completed, loaded, streamed
from antiphon.simulator.ollama.request import heard_in_chat, heard_in_generate
from antiphon.simulator.ollama.spelling import IN_CHAT, IN_GENERATE
from antiphon.simulator.ollama.vectors import OllamaEmbed, OllamaEmbeddings
from antiphon.simulator.ollama.wire import Asked, Saying, in_chat, in_generate
from antiphon.simulator.received import Received
from antiphon.simulator.reply import Reply
from antiphon.simulator.spelling import Spelling
from antiphon.simulator.wires import OLLAMA

__all__ = ["OllamaChat", "OllamaEmbed", "OllamaEmbeddings", "OllamaGenerate"]


class OllamaChat:
    """`/api/chat`; it has no state."""

    @property
    def wire(self) -> str:
        return OLLAMA

    @property
    def id_header(self) -> bytes:
        return b"x-request-id"

    @property
    def spelling(self) -> Spelling:
        return IN_CHAT

    def hear(self, received: Received, terms: Terms) -> Question:
        return heard_in_chat(received.body, terms)

    def say(self, question: Question, answers: tuple[Answer, ...], delivery: Delivery) -> Reply:
        return _said(question, answers[0], delivery, in_chat)

    def complain(self, problem: Problem) -> Reply:
        return complained(problem)


class OllamaGenerate(OllamaChat):
    """`/api/generate`; it has no state."""

    @property
    @override
    def spelling(self) -> Spelling:
        return IN_GENERATE

    @override
    def hear(self, received: Received, terms: Terms) -> Question:
        return heard_in_generate(received.body, terms)

    @override
    def say(self, question: Question, answers: tuple[Answer, ...], delivery: Delivery) -> Reply:
        return _said(question, answers[0], delivery, in_generate)


def _said(question: Question, answer: Answer, delivery: Delivery, saying: Saying) -> Reply:
    if isinstance(question, Asked) and question.only:
        return loaded(question, saying)
    spoken = streamed if question.stream else completed
    return spoken(question, answer, delivery, saying)
