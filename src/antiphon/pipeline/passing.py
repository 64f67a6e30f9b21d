"""Requests that are passed on as they are: where they go, and what of their answers is read.

They take the road of all others, with their plan, their attempts and their record. A request that
names a model goes where that name's requests go, as far as the endpoint can be there. One about
stored objects names none: it goes to one provider, under whose key the objects are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec
from typing_extensions import override

from antiphon.dialects.base import Dialect, Payload
from antiphon.errors import Forbidden, InvalidRequest, UpstreamError
from antiphon.model.principal import Principal
from antiphon.pipeline.plan import Plan, Shelf, Snapshot, check_scope
from antiphon.pipeline.relay import Relay
from antiphon.providers.deployment import Deployment
from antiphon.providers.face import Endpoint
from antiphon.providers.transport import Head

PROVIDER = "x-antiphon-provider"
"""The header that names the provider of stored objects."""
_MESSAGE_BATCHES = "messages/batches"
STORED = ("files", "batches", _MESSAGE_BATCHES)
"""What providers store; each stands in the ledger as a model of its provider."""
_RESULTS_AT = re.compile(
    rb'("results_url"[ ]*:[ ]*")https?://[^"]*?(/v1/messages/batches/[A-Za-z0-9_-]+/results")'
)
_EVENTS = "text/event-stream"
_UNKNOWN = b"application/octet-stream"
_CONTENT_TYPE = re.compile(rb"[\x21-\x7e](?:[\x20-\x7e]{0,198}[\x21-\x7e])?")


class Passing(msgspec.Struct, frozen=True, eq=False):
    """Where one request goes.

    Attributes:
        stores: Which stored objects it is about; empty where it names a model.
        provider: The provider that the caller named for them; may be empty.
    """

    endpoint: Endpoint
    stores: str = ""
    provider: str = ""

    def told(self, body: bytes) -> bytes:
        """What the caller gets: the provider's bytes, but for the address of a batch's results.

        It is the provider's own, and a client that goes there takes the caller's key along. So it
        gets the path alone, which it joins to the address that it knows.
        """
        if self.stores != _MESSAGE_BATCHES:
            return body
        return _RESULTS_AT.sub(rb"\1\2", body)

    def candidates(self, deployments: Sequence[Deployment], model: str) -> Sequence[Deployment]:
        """The deployments that may have the endpoint.

        Raises:
            InvalidRequest: None has; it says which dialect is needed.
        """
        found = [each for each in deployments if each.face_at(self.endpoint) is not None]
        if not found:
            spoken = " or ".join(self.endpoint.spoken)
            raise InvalidRequest(
                f"Requests to {self.endpoint.path} are passed on as they are, to a provider that "
                f"speaks {spoken}; none behind {model[:100]!r} does.",
                param="model",
            )
        return found

    def store(self, snapshot: Snapshot, principal: Principal) -> Plan:
        """The plan of a request about stored objects.

        Raises:
            Forbidden: No provider keeps objects for callers, or this caller may not see them.
            InvalidRequest: The provider that was named cannot, or none was and several could.
        """
        check_scope(principal)
        if principal.models:
            # A batch names models where nobody here looks.
            raise Forbidden("A key that may not use every model may not use stored objects.")
        speaking = {
            name: shelf
            for name, shelf in snapshot.shelves.items()
            if not shelf.speaks.isdisjoint(self.endpoint.spoken)
        }
        return (self._chosen(speaking) if self.provider else self._only(speaking)).plans[
            self.stores
        ]

    def _chosen(self, speaking: dict[str, Shelf]) -> Shelf:
        shelf = speaking.get(self.provider)
        if shelf is None:
            spoken = " or ".join(self.endpoint.spoken)
            raise InvalidRequest(
                f"{self.provider[:100]!r} is no provider here that speaks {spoken}.",
                param=PROVIDER,
            )
        if not shelf.plans:
            raise _not_allowed(f"of the provider {self.provider!r}")
        return shelf

    def _only(self, speaking: dict[str, Shelf]) -> Shelf:
        open_ = {name: shelf for name, shelf in speaking.items() if shelf.plans}
        if not open_:
            raise _not_allowed("of a provider")
        if len(open_) > 1:
            raise InvalidRequest(
                f"Several providers keep {self.stores}: name one of {', '.join(open_)} in the "
                f"header {PROVIDER}.",
                param=PROVIDER,
            )
        return next(iter(open_.values()))


class WholeRelay(Relay):
    """An answer in one piece where a stream was asked for: some models have no other."""

    __slots__ = ("_pieces", "_spoken")

    def __init__(self, spoken: Dialect, asked: Payload) -> None:
        super().__init__(spoken, asked)
        self._spoken = spoken
        self._pieces: list[bytes] = []

    @override
    def feed(self, chunk: bytes) -> bytes:
        self._pieces.append(chunk)
        return b""

    @override
    def finish(self) -> bytes:
        body = b"".join(self._pieces)
        try:
            self.usage = self._spoken.inspect_reply(body).usage
        except UpstreamError as error:
            self.failure = error
            return b""
        self.said = self._spoken.said(body)
        self.useful = self.ended = True
        return body


def passed_on(spoken: Dialect, asked: Payload, content_type: str) -> Relay:
    """The relay of an answer to a request for a stream, by the content type that it has."""
    events = content_type.lower().startswith(_EVENTS)
    return Relay(spoken, asked) if events else WholeRelay(spoken, asked)


def content_type_of(head: Head) -> bytes:
    """The content type of an answer, as the provider gave it."""
    given = head.get(b"content-type") or b""
    return given if _CONTENT_TYPE.fullmatch(given) else _UNKNOWN


def _not_allowed(whose: str) -> Forbidden:
    return Forbidden(
        f"Stored objects are not passed on here: the entry {whose} has to say "
        "`stored_objects: true`."
    )
