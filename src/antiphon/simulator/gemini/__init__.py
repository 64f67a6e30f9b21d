"""Gemini's own API, as Google speaks it."""

from antiphon.simulator.answers import Answer, Question
from antiphon.simulator.dialect import Delivery, Problem, Terms
from antiphon.simulator.gemini.errors import complained
from antiphon.simulator.gemini.request import heard
from antiphon.simulator.gemini.response import as_array, as_events, completed
from antiphon.simulator.gemini.spelling import SPELLING
from antiphon.simulator.received import Received
from antiphon.simulator.reply import Reply
from antiphon.simulator.spelling import Spelling
from antiphon.simulator.wires import GEMINI

__all__ = ["Gemini"]


class Gemini:
    """The dialect; a stream is made of events, or of the items of one array."""

    def __init__(self, *, array: bool = False) -> None:
        self._array = array

    @property
    def wire(self) -> str:
        return GEMINI

    @property
    def id_header(self) -> bytes:
        return b"x-request-id"

    @property
    def spelling(self) -> Spelling:
        return SPELLING

    def hear(self, received: Received, terms: Terms) -> Question:
        return heard(received, terms)

    def say(self, question: Question, answers: tuple[Answer, ...], delivery: Delivery) -> Reply:
        if not question.stream:
            return completed(question, answers, delivery)
        spoken = as_array if self._array else as_events
        return spoken(question, answers, delivery)

    def complain(self, problem: Problem) -> Reply:
        return complained(problem, in_array=self._array)
