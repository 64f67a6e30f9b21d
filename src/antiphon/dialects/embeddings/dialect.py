"""What a dialect of embeddings is: texts there, vectors back, beside a dialect of chat.

It is as small as what it carries: a request and a whole reply, each way. Errors and headers are
those of the chat dialect of the same API. A caller and a provider of the same one exchange the
caller's own bytes; of the answer only its shape is looked at, and no number is read.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar, Final

import msgspec
from typing_extensions import override

from antiphon.dialects.base import Dialect
from antiphon.dialects.contract import ReplyFacts
from antiphon.dialects.fields import UNREADABLE, Json, first_byte
from antiphon.dialects.untranslated import Untranslated
from antiphon.errors import NotAnAnswer
from antiphon.model.embedding import EmbedNeed, EmbedReply, EmbedRequest
from antiphon.model.needs import Loss
from antiphon.wire.shallow import Members

_DIGITS: Final = frozenset(b"-0123456789")
_ITEMS: Final = msgspec.json.Decoder(list[msgspec.Raw])


class EmbedDialect(Untranslated, ABC):
    """One shape of requests for vectors, both ways.

    Args:
        name: As it stands in journal and ledger.
        dialect: Of chat, whose errors and headers are its own.
    """

    beside: ClassVar[tuple[str, ...]]
    """Names of the chat dialects beside which providers have it."""
    lost: ClassVar[Mapping[EmbedNeed, Loss]] = MappingProxyType({})
    """What a request of another shape loses when it is written in this one; all else is kept."""
    asked_in: ClassVar[Mapping[EmbedNeed, tuple[str, ...]]] = MappingProxyType({})
    """The members in which a caller asks for a need."""
    most_inputs: ClassVar[int | None] = None
    """Inputs that one request may have; None where no bound is known."""

    def __init__(self, name: str, dialect: Dialect) -> None:
        super().__init__(name, dialect)

    def shape_for(self, inputs: int) -> EmbedDialect:
        """In which a provider is asked by a caller of another: some have one for one input."""
        del inputs
        return self

    # requests

    @abstractmethod
    def read_request(self, members: Members, model: str) -> EmbedRequest:
        """Read a caller's request.

        Args:
            members: The body.
            model: What is asked for; of the path, where the body does not say it.

        Raises:
            MalformedBody: A member has the wrong type; `param` names it.
            InvalidRequest: A member has an impossible value.
        """

    @abstractmethod
    def write_request(self, request: EmbedRequest, model: str) -> Members:
        """Write a request for a provider; what there is no word for is left out (`lost`)."""

    @abstractmethod
    def inputs_of(self, members: Members) -> int | None:
        """How many vectors a request is to get; None where it does not say it as usual."""

    def aimed(self, members: Members, model: str) -> Members:
        """A caller's request that goes on as it is, for another name of the model."""
        return members.replace({"model": msgspec.json.encode(model)})

    # replies

    @abstractmethod
    def look(self, body: bytes) -> ReplyFacts:
        """How many vectors a reply has, and what was used. No number of a vector is read.

        Raises:
            what `fields.UNREADABLE` lists: It is no such reply.
        """

    @abstractmethod
    def read_reply(self, body: bytes) -> EmbedReply:
        """Read a provider's vectors, in the order of the inputs.

        Raises:
            NotAnAnswer: They cannot be read, or are not in an order.
        """

    @abstractmethod
    def write_reply(self, reply: EmbedReply, asked: EmbedRequest) -> bytes:
        """Write vectors for a caller, as it asked for them."""

    def as_asked(self, body: bytes, members: Members) -> bytes:
        """A reply that goes on as it is, with its vectors encoded as the caller asked.

        Raises:
            NotAnAnswer: They have to be encoded anew, and cannot be.
        """
        del members
        return body

    @override
    def inspect_reply(self, body: bytes) -> ReplyFacts:
        try:
            facts = self.look(body)
        except UNREADABLE:
            facts = None
        if facts is None or facts.vectors is None:
            super().inspect_reply(body)
            raise no_vectors()
        return facts

    @override
    def said(self, body: bytes) -> int:
        return 0


def no_vectors() -> NotAnAnswer:
    """The error of an answer without vectors."""
    return NotAnAnswer("The provider's answer has no vectors.", code="bad_body")


def count_inputs(raw: Json | None) -> int | None:
    """How many inputs raw JSON holds: a text, tokens, or an array of such; None for all else."""
    if raw is None:
        return None
    match first_byte(raw):
        case 0x22:  # "
            return 1
        case 0x5B:  # [
            items = _ITEMS.decode(raw)
            return 1 if items and first_byte(items[0]) in _DIGITS else len(items)
        case _:
            return None
