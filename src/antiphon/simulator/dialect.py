"""What a wire format has to offer, seen from the provider's side of the wire.

This is not the gateway's codec turned around: it shares no code with it, so that neither can hide
the other's mistakes. A further dialect is one module with one object like this, named in `roads`.
"""

from typing import Protocol

from msgspec import Struct

from antiphon.simulator.answers import Answer, Question
from antiphon.simulator.dice import Dice
from antiphon.simulator.latency import Latency
from antiphon.simulator.reply import Headers, Reply


class Problem(Struct, frozen=True):
    """An error that a provider reports."""

    status: int
    message: str
    type: str = "invalid_request_error"
    code: str | None = None
    param: str | None = None
    headers: Headers = ()


class Rejected(Exception):
    """The caller asked for something that no provider would answer."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class Delivery(Struct, frozen=True):
    """All that turns an answer into this one reply."""

    id: str
    latency: Latency
    dice: Dice


class Dialect(Protocol):
    """One wire format."""

    @property
    def wire(self) -> str:
        """Its name in recordings."""
        ...

    def hear(self, body: bytes) -> Question:
        """What a request asks.

        Raises:
            Rejected: the body is not a request.
        """
        ...

    def say(self, question: Question, answers: tuple[Answer, ...], delivery: Delivery) -> Reply:
        """The answers, whole or as a stream, in time."""
        ...

    def complain(self, problem: Problem) -> Reply:
        """An error in this dialect's envelope."""
        ...
