"""One attempt whose provider does not get the caller's own bytes: there, and the way back."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from antiphon.dialects.base import Payload, finish
from antiphon.dialects.fitting import Fitting
from antiphon.model.events import ReasoningSealed, Started, StreamEvent
from antiphon.model.omission import without
from antiphon.model.parts import Origin, Part, Reasoning, ToolCall
from antiphon.model.reply import ChatReply, Choice
from antiphon.model.seals import wrap
from antiphon.model.unsealing import moved_to, without_unnamed_seals
from antiphon.pipeline.forms import is_in_words
from antiphon.providers.estimate import measure
from antiphon.providers.face import Face
from antiphon.wire.shallow import Members

Reader = Callable[[StreamEvent], tuple[StreamEvent, ...]]
"""What becomes of an event of a provider before a caller hears it."""


class Translation:
    """A request written for one face of a deployment.

    What a provider seals is marked as that deployment's, so that the seal comes back to where it
    is valid. A caller of the provider's own dialect gets its seals wrapped too, once a provider of
    that dialect has refused another's (`model.unsealing`).

    Args:
        now: Seconds since 1970, for answers of dialects that do not say when they were made.
        unsealed: Seals were just refused, and taken out.
        cap: Tokens that each answer may have; 0 where nothing is made shorter.

    Attributes:
        body: What is sent.
        measured: Bytes of the prompt's text, and tokens of what else is in it.
        tools: It offers some.
        least_answer: Tokens to which its answers can be capped, at least.
    """

    __slots__ = (
        *("_fitting", "_heard", "_now", "_scope", "_spoken", "_wraps"),
        *("body", "least_answer", "measured", "tools"),
    )

    def __init__(
        self,
        payload: Payload,
        face: Face,
        *,
        now: float = 0.0,
        unsealed: bool = False,
        cap: int = 0,
    ) -> None:
        request, alike = payload.request, face.dialect is payload.dialect
        self._heard = payload
        self._spoken = face.dialect
        self.tools = bool(request.tools)
        dropped = payload.needs & (face.refusable if alike else face.omitted)
        if dropped:
            request = without(request, dropped)
        dialect, target = face.dialect, face.target
        self._wraps = unsealed and alike
        if alike and (first := moved_to(request, dialect.name)):
            self._wraps = True
            if first == target.scope:
                request = without_unnamed_seals(request, dialect.name)
        self._scope, self._now = target.scope, int(now)
        traits = dialect.traits if alike else face.traits
        self._fitting = Fitting(
            request,
            traits,
            target,
            payload.dialect.traits,
            in_words=is_in_words(request.output, payload, face),
        )
        self.measured = measure(request)
        members = dialect.encode_request(self._fitting.request, target)
        self.least_answer = dialect.least_answer(members)
        if cap:
            members = dialect.capped(members, cap)
        self.body = finish(dialect, members, stream=payload.stream, quirks=face.quirks)

    def whole(self, told: bytes) -> bytes:
        """A provider's whole answer, as the caller gets it.

        Raises:
            NotAnAnswer, UpstreamRefused: It is none.
        """
        heard = self._heard
        return heard.dialect.encode_reply(self.reply(self._spoken.decode_reply(told)), heard)

    def reply(self, reply: ChatReply) -> ChatReply:
        """A whole reply, as the caller's request expects it."""
        if not reply.created:
            reply = msgspec.structs.replace(reply, created=self._now)
        reply = self._fitting.reply(reply)
        if not any(_is_sealed(part) for choice in reply.choices for part in choice.turn.parts):
            return reply
        choices = tuple(self._marked_choice(choice) for choice in reply.choices)
        return msgspec.structs.replace(reply, choices=choices)

    def reader(self) -> Reader:
        """A new reader of one stream."""
        now = self._now
        undo = self._fitting.undo().feed if self._fitting.undoes else None

        def read(event: StreamEvent) -> tuple[StreamEvent, ...]:
            if type(event) is ReasoningSealed:
                origin = self._at(event.origin)
                seal = self._seal(origin, event.signature, sealed=event.sealed)
                event = msgspec.structs.replace(event, signature=seal, origin=origin)
            elif type(event) is Started and not event.created:
                event = msgspec.structs.replace(event, created=now)
            return (event,) if undo is None else undo(event)

        return read

    def _marked_choice(self, choice: Choice) -> Choice:
        parts = tuple(self._marked(part) for part in choice.turn.parts)
        turn = msgspec.structs.replace(choice.turn, parts=parts)
        return msgspec.structs.replace(choice, turn=turn)

    def _marked(self, part: Part) -> Part:
        if not isinstance(part, Reasoning | ToolCall) or part.origin is None:
            return part
        origin, seal = self._at(part.origin), part.signature
        if seal is not None and isinstance(part, Reasoning):
            seal = self._seal(origin, seal, sealed=part.sealed)
        return msgspec.structs.replace(part, signature=seal, origin=origin)

    def _at(self, origin: Origin) -> Origin:
        return origin if origin.scope else msgspec.structs.replace(origin, scope=self._scope)

    def _seal(self, origin: Origin, seal: str, *, sealed: bool) -> str:
        return wrap(origin, seal, sealed=sealed) if self._wraps else seal


def written_for(payload: Payload, face: Face) -> Members:
    """A prompt as it would be sent to a face, for whoever counts its tokens."""
    fitting = Fitting(payload.request, face.traits, face.target, payload.dialect.traits)
    return face.dialect.encode_request(fitting.request, face.target)


def _is_sealed(part: Part) -> bool:
    return isinstance(part, Reasoning | ToolCall) and part.origin is not None
