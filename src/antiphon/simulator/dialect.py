"""What a wire format has to offer, seen from the provider's side of the wire.

This is not the gateway's codec turned around: it shares no code with it, so that neither can hide
the other's mistakes. A further dialect is one module with one object like this, named in `roads`.
"""

from typing import Protocol

from msgspec import Struct

from antiphon.simulator.answers import Answer, Question
from antiphon.simulator.begun import Way
from antiphon.simulator.dice import Dice
from antiphon.simulator.latency import Latency
from antiphon.simulator.received import Received
from antiphon.simulator.reply import Headers, Reply
from antiphon.simulator.seals import Notary
from antiphon.simulator.spelling import Spelling


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


class Terms(Struct, frozen=True):
    """How a request is read."""

    strict: bool = False
    """Refuse what real providers refuse of a conversation, and not only of its shape."""
    notary: Notary = Notary()
    prefill: Way = "trailing"
    """How it is asked to go on with an answer that was begun."""
    models: tuple[str, ...] = ()
    """Those that the provider has, for one that refuses all others."""


class Delivery(Struct, frozen=True):
    """All that turns an answer into this one reply."""

    token: str
    """What makes the reply's ids its own."""
    latency: Latency
    dice: Dice
    notary: Notary


class Dialect(Protocol):
    """One wire format."""

    @property
    def wire(self) -> str:
        """Its name in recordings."""
        ...

    @property
    def id_header(self) -> bytes:
        """The header that tells a request's id."""
        ...

    @property
    def spelling(self) -> Spelling:
        """How its frames are written, for faults."""
        ...

    def hear(self, received: Received, terms: Terms) -> Question:
        """What a request asks.

        Raises:
            Rejected: it is no request, or one that a provider refuses.
        """
        ...

    def say(self, question: Question, answers: tuple[Answer, ...], delivery: Delivery) -> Reply:
        """The answers, whole or as a stream, in time."""
        ...

    def complain(self, problem: Problem) -> Reply:
        """An error in this dialect's envelope."""
        ...
