"""Placeholder until the real one is merged."""

from __future__ import annotations

from antiphon.dialects.base import Target
from antiphon.model.events import StreamEvent
from antiphon.model.reply import ChatReply
from antiphon.model.request import ChatRequest


class Undo:
    """Reads one stream back."""

    def feed(self, event: StreamEvent) -> tuple[StreamEvent, ...]:
        return (event,)


class Fitting:
    """A request fitted to a target."""

    def __init__(self, request: ChatRequest, traits: object, target: Target) -> None:
        del traits, target
        self.request = request

    def reply(self, reply: ChatReply) -> ChatReply:
        return reply

    def undo(self) -> Undo:
        return Undo()
