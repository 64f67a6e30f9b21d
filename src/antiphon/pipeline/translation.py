"""One attempt whose provider does not get the caller's own bytes: there, and the way back."""

from __future__ import annotations

from collections.abc import Callable, Collection

import msgspec

from antiphon.dialects.base import Payload, finish
from antiphon.dialects.fitting import Fitting
from antiphon.model.events import ReasoningSealed, Started, StreamEvent
from antiphon.model.needs import Need, without
from antiphon.model.parts import Origin, Part, Reasoning, ToolCall
from antiphon.model.reply import ChatReply, Choice
from antiphon.providers.estimate import measure
from antiphon.providers.face import Face

Reader = Callable[[StreamEvent], tuple[StreamEvent, ...]]
"""What becomes of an event of a provider before a caller hears it."""


class Translation:
    """A request written for one face of a deployment.

    What a provider seals is marked as that deployment's, so that the seal comes back to where it
    is valid.

    Args:
        dropped: Needs that the model refuses, and that are left out.
        now: Seconds since 1970, for answers of dialects that do not say when they were made.

    Attributes:
        body: What is sent.
        measured: Bytes of the prompt's text, and tokens of what else is in it.
    """

    __slots__ = ("_fitting", "_now", "_scope", "body", "measured")

    def __init__(
        self, payload: Payload, face: Face, dropped: Collection[Need] = (), *, now: float = 0.0
    ) -> None:
        request = without(payload.request, dropped) if dropped else payload.request
        dialect, target = face.dialect, face.target
        self._scope, self._now = target.scope, int(now)
        self._fitting = Fitting(request, dialect.traits, target, payload.dialect.traits)
        self.measured = measure(request)
        members = dialect.encode_request(self._fitting.request, target)
        self.body = finish(dialect, members, stream=payload.stream, quirks=face.quirks)

    def reply(self, reply: ChatReply) -> ChatReply:
        """A whole reply, as the caller's request expects it."""
        if not reply.created:
            reply = msgspec.structs.replace(reply, created=self._now)
        return _signed(self._fitting.reply(reply), self._scope)

    def reader(self) -> Reader:
        """A new reader of one stream."""
        fitting, scope, now = self._fitting, self._scope, self._now
        undo = fitting.undo().feed if fitting.undoes else None

        def read(event: StreamEvent) -> tuple[StreamEvent, ...]:
            if type(event) is ReasoningSealed:
                event = msgspec.structs.replace(event, origin=_at(event.origin, scope))
            elif type(event) is Started and not event.created:
                event = msgspec.structs.replace(event, created=now)
            return (event,) if undo is None else undo(event)

        return read


def _at(origin: Origin, scope: str) -> Origin:
    return origin if origin.scope else msgspec.structs.replace(origin, scope=scope)


def _signed(reply: ChatReply, scope: str) -> ChatReply:
    if not any(_is_sealed(part) for choice in reply.choices for part in choice.turn.parts):
        return reply
    choices = tuple(_signed_choice(choice, scope) for choice in reply.choices)
    return msgspec.structs.replace(reply, choices=choices)


def _signed_choice(choice: Choice, scope: str) -> Choice:
    parts = tuple(
        msgspec.structs.replace(part, origin=_at(part.origin, scope))
        if isinstance(part, Reasoning | ToolCall) and part.origin is not None
        else part
        for part in choice.turn.parts
    )
    return msgspec.structs.replace(choice, turn=msgspec.structs.replace(choice.turn, parts=parts))


def _is_sealed(part: Part) -> bool:
    return isinstance(part, Reasoning | ToolCall) and part.origin is not None
