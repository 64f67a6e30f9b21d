"""Folding a stream of events into the whole reply that it describes."""

from __future__ import annotations

from collections.abc import Iterable

from antiphon.model.events import (
    SUMMARY,
    Finished,
    LogprobsDelta,
    PartEnded,
    ReasoningDelta,
    ReasoningSealed,
    RefusalDelta,
    Started,
    StreamEvent,
    StreamFailed,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from antiphon.model.parts import (
    Author,
    Opaque,
    Origin,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    Turn,
)
from antiphon.model.reply import ChatReply, Choice, Stop
from antiphon.model.usage import Usage


class Fold:
    """Collects events; `reply()` is what they add up to so far."""

    def __init__(self) -> None:
        self._started = Started(id="", model="")
        self._choices: dict[int, _OpenChoice] = {}
        self._usage: Usage | None = None

    def feed(self, event: StreamEvent) -> None:
        """Take one event.

        Raises:
            UpstreamError: The event reports one.
        """
        match event:
            case Started():
                self._started = event
            case UsageReported(usage=usage):
                self._usage = usage
            case StreamFailed(error=error):
                raise error
            case (
                TextDelta()
                | ReasoningDelta()
                | ReasoningSealed()
                | RefusalDelta()
                | ToolCallStarted()
                | ToolCallDelta()
                | PartEnded()
                | LogprobsDelta()
                | Finished()
            ):
                self._choices.setdefault(event.choice, _OpenChoice()).feed(event)
            case _:
                pass

    def reply(self) -> ChatReply:
        """The reply so far."""
        return ChatReply(
            id=self._started.id,
            model=self._started.model,
            created=self._started.created,
            choices=tuple(
                Choice(
                    index=index,
                    turn=Turn(author=Author.ASSISTANT, parts=choice.parts()),
                    stop=choice.stop,
                    logprobs=tuple(choice.logprobs),
                )
                for index, choice in sorted(self._choices.items())
            ),
            usage=self._usage,
        )


def fold(events: Iterable[StreamEvent]) -> ChatReply:
    """The whole reply that these events describe."""
    folded = Fold()
    for event in events:
        folded.feed(event)
    return folded.reply()


class _OpenPart:
    """A part whose text is still growing."""

    __slots__ = ("ended", "kind", "origin", "pieces", "sealed", "signature", "spelling")

    def __init__(self, kind: type[Text | Reasoning | Refusal], spelling: str = "") -> None:
        self.kind = kind
        self.pieces: list[str] = []
        self.spelling = spelling
        self.signature: str | None = None
        self.origin: Origin | None = None
        self.sealed = False
        self.ended = False

    def close(self) -> Part:
        text = "".join(self.pieces)
        if self.kind is Reasoning:
            summed = self.spelling == SUMMARY
            return Reasoning(
                text="" if summed else text,
                summary=(text,) if summed and text else (),
                signature=self.signature,
                origin=self.origin,
                sealed=self.sealed,
                spelling=None if summed else self.spelling or None,
            )
        return Refusal(text=text) if self.kind is Refusal else Text(text=text)


class _OpenCall:
    """A tool call whose arguments are still growing."""

    __slots__ = ("pieces", "started")

    def __init__(self, started: ToolCallStarted) -> None:
        self.started = started
        self.pieces: list[str] = []

    def close(self) -> Part:
        started = self.started
        return ToolCall(
            call_id=started.call_id,
            name=started.name,
            arguments="".join(self.pieces),
            kind=started.kind,
            id=started.id or None,
            extra=started.extra,
        )


_ChoiceEvent = (
    TextDelta
    | ReasoningDelta
    | ReasoningSealed
    | RefusalDelta
    | ToolCallStarted
    | ToolCallDelta
    | PartEnded
    | LogprobsDelta
    | Finished
)


class _OpenChoice:
    """One choice that is still being written."""

    def __init__(self) -> None:
        self.stop: Stop | None = None
        self.logprobs: list[Opaque] = []
        self._parts: list[_OpenPart | _OpenCall] = []
        self._calls: dict[int, _OpenCall] = {}

    def feed(self, event: _ChoiceEvent) -> None:
        match event:
            case TextDelta(text=text):
                self._open(Text).pieces.append(text)
            case ReasoningDelta(text=text, spelling=spelling):
                self._open(Reasoning, spelling).pieces.append(text)
            case ReasoningSealed():
                part = self._open(Reasoning)
                part.signature, part.origin, part.sealed = (
                    event.signature,
                    event.origin,
                    event.sealed,
                )
            case RefusalDelta(text=text):
                self._open(Refusal).pieces.append(text)
            case ToolCallStarted():
                call = self._calls[event.index] = _OpenCall(event)
                self._parts.append(call)
            case ToolCallDelta():
                if event.index in self._calls:
                    self._calls[event.index].pieces.append(event.arguments)
            case PartEnded():
                if self._parts and isinstance(self._parts[-1], _OpenPart):
                    self._parts[-1].ended = True
            case Finished(stop=stop):
                self.stop = stop
            case LogprobsDelta(dialect=dialect, payload=payload):
                self.logprobs.append(Opaque(dialect, payload))

    def parts(self) -> tuple[Part, ...]:
        return tuple(part.close() for part in self._parts)

    def _open(self, kind: type[Text | Reasoning | Refusal], spelling: str = "") -> _OpenPart:
        last = self._parts[-1] if self._parts else None
        if isinstance(last, _OpenPart) and last.kind is kind and not last.ended:
            return last
        part = _OpenPart(kind, spelling)
        self._parts.append(part)
        return part
