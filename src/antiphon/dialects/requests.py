"""The half of a dialect that is about requests: reading, writing and bending them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import ClassVar

import msgspec

from antiphon.dialects.asking import asks, may_ask
from antiphon.dialects.contract import LEAST_ANSWER, Target, Traits
from antiphon.dialects.counts import read_count
from antiphon.model.needs import Loss, Need
from antiphon.model.request import ChatRequest
from antiphon.model.seals import MARK
from antiphon.wire.shallow import Members


class Requests(ABC):
    """A wire format, as far as requests go."""

    name: ClassVar[str]
    endpoint: ClassVar[str]
    """Path behind a provider's base URL."""
    version: ClassVar[str] = ""
    """What a base URL ends with; put there where it does not."""
    listing: ClassVar[str] = "/models"
    """Path and query at which a provider lists its models."""
    loaded: ClassVar[str] = ""
    """Path at which a server tells which models are in its memory; empty where none does."""
    traits: ClassVar[Traits]
    """What a request of another dialect is fitted to before it is written in this one."""
    losses: ClassVar[Mapping[Need, Loss]]
    """What a request of another dialect loses when it is written in this one; all else is kept."""
    unlike: ClassVar[Mapping[Need, Loss]] = MappingProxyType({})
    """What servers do not take that are only like the dialect; its makers do."""
    words: ClassVar[Mapping[Need, tuple[str, ...]]]
    """The members in which a caller of this dialect asks for a need."""
    marks: ClassVar[frozenset[str] | None] = None
    """Members below the top of a request that ask for nothing; None where none there does."""
    form_members: ClassVar[tuple[str, ...]] = ()
    """Members at the top of a request in which the form of the answer is asked for."""
    forced_choice_free: ClassVar[bytes]
    """`tool_choice` as raw JSON, where the model shall decide."""
    forwarded: ClassVar[frozenset[bytes]] = frozenset()
    """Headers of a caller that go on, byte for byte, to a provider of the same dialect."""
    headers: ClassVar[Mapping[bytes, bytes]] = MappingProxyType({})
    """Headers that every request to a provider carries, unless the caller's go on."""
    seal_mark: ClassVar[bytes] = MARK.encode()
    """What a wrapped seal of another dialect begins with, as callers of this one write it."""

    @abstractmethod
    def decode_request(self, members: Members) -> ChatRequest:
        """Read a caller's request.

        Raises:
            MalformedBody: A member has the wrong type; `param` names it.
            InvalidRequest: A member has an impossible value.
        """

    @abstractmethod
    def encode_request(self, request: ChatRequest, target: Target) -> Members:
        """Write a request for a provider.

        What the dialect has no word for is left out, as its `losses` say.
        """

    def given_up(self, request: ChatRequest, target: Target) -> Mapping[Need, Loss]:
        """What this very request loses besides, because of what was said before."""
        del request, target
        return {}

    def schema_loss(self, schema: msgspec.Raw, target: Target) -> Loss | None:
        """What becomes of another dialect's schema here; `IN_WORDS` where it cannot be written."""
        del schema, target
        return None

    @abstractmethod
    def check_request(self, members: Members) -> tuple[str, bool]:
        """The cheap checks of a request that goes through unread.

        Returns:
            The model that is asked for, and whether a stream is.

        Raises:
            MalformedBody: A member that the dialect requires is absent or of another type.
        """

    @abstractmethod
    def output_bound(self, members: Members) -> tuple[int | None, int]:
        """The tokens that one answer may have, or None, and how many answers are asked for."""

    @abstractmethod
    def capped(self, members: Members, tokens: int) -> Members:
        """The same request, whose answers may have only so many tokens each."""

    def least_answer(self, members: Members) -> int:
        """The tokens to which the answers of a request can be capped, at least."""
        return LEAST_ANSWER

    def prepare(self, members: Members) -> Members:
        """A caller's request that goes on unread, with what every such request must say."""
        return members

    def wants_usage(self, members: Members) -> bool:
        """Whether the caller of a stream asked for its usage; most tell it in any case."""
        return True

    def ask_usage(self, members: Members) -> Members:
        """The same request, asking for usage at the end of the stream."""
        return members

    def target_path(self, model: str, *, stream: bool) -> str:
        """Path and query behind a provider's base URL, where a model is asked."""
        del model, stream
        return self.endpoint

    def counting_path(self, model: str) -> str:
        """Path of the endpoint that counts a prompt's tokens; empty where the dialect has none."""
        del model
        return ""

    def count_request(self, members: Members, model: str) -> Members:
        """What is sent there, for the prompt of a request."""
        return members.replace({"model": msgspec.json.encode(model)})

    def read_count(self, body: bytes) -> int:
        """The tokens that a provider counted.

        Raises:
            NotAnAnswer: It says none.
        """
        return read_count(body)

    def strip(self, members: Members) -> Members:
        """A request as its body is sent: without members that stand elsewhere on the wire."""
        return members

    def based(self, path: str) -> str:
        """A base path as endpoints of this dialect stand behind it."""
        return path if path.endswith(self.version) else path + self.version

    def asks(self, members: Members, need: Need) -> bool:
        """Whether a request asks for a droppable need."""
        return asks(members, need, self.words)

    def may_ask(self, members: Members, need: Need) -> bool:
        """Whether a request that was not read may ask for a need; not where this is False."""
        return may_ask(members, need, self.words)

    def cut(self, members: Members, dropped: Collection[Need]) -> Members:
        """The same request, unread, without these needs."""
        if Need.FORCED_TOOL in dropped and "tool_choice" in members:
            members = members.replace({"tool_choice": self.forced_choice_free})
        names = [
            name for need in dropped if need is not Need.FORCED_TOOL for name in self.words[need]
        ]
        return members.without(*names)
