"""The way back: an answer to a fitted request, as an answer to what the caller asked.

Hot path: one `feed` for each event of a translated stream.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

import msgspec

from antiphon.dialects.fitting.arguments import InputReader
from antiphon.dialects.fitting.carried import carried
from antiphon.dialects.fitting.forms import Unwrapping, unwrapped
from antiphon.dialects.fitting.stops import StopWatch
from antiphon.model.events import (
    Continued,
    Ended,
    Finished,
    LogprobsDelta,
    OpaqueEvent,
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
from antiphon.model.parts import CallKind, Part, Text, ToolCall
from antiphon.model.reply import ChatReply, Choice, Stop, StopReason


class Undoing(msgspec.Struct, frozen=True):
    """What was done to a request, as far as its answer shows it.

    Attributes:
        names: The names of tools that were replaced, by those that replaced them.
        custom: Tools of free text that became functions, by the names that the caller knows.
        legacy: The caller knows one call for each answer, without an id.
        stops: Stop sequences that the provider does not watch for.
        choices: How many answers were asked for.
        ids: What the id of a call matches, whole, in the caller's dialect; None for anything.
        known: Ids of calls that the caller's conversation holds already.
        opener: The form was asked for in words: what the JSON can begin with; else None.
    """

    names: Mapping[str, str]
    custom: Collection[str] = frozenset()
    legacy: bool = False
    stops: tuple[str, ...] = ()
    choices: int = 1
    ids: re.Pattern[str] | None = None
    known: Collection[str] = frozenset()
    opener: str | None = None

    @property
    def is_empty(self) -> bool:
        """Whether the answer is right as it is."""
        changed = self.names or self.custom or self.legacy or self.stops or self.ids
        return not changed and self.opener is None

    def called(
        self, call_id: str, name: str, kind: CallKind, given: set[str]
    ) -> tuple[str, str, CallKind]:
        """The id, the name and the kind of a call, as the caller is told of it.

        Args:
            call_id: As the provider gave it.
            name: As the provider knows it.
            kind: As the provider knows it.
            given: Ids that this answer gave already; the new one joins them.
        """
        first = not given
        if self.ids is not None:
            call_id = carried(call_id, self.ids, {*self.known, *given})
        given.add(call_id)
        name = self.names.get(name, name)
        if name in self.custom:
            kind = CallKind.CUSTOM
        elif self.legacy and first and kind is CallKind.FUNCTION:
            kind = CallKind.LEGACY
        return call_id, name, kind


class Undo:
    """The way back of one stream."""

    __slots__ = ("_choices", "_undoing")

    def __init__(self, undoing: Undoing) -> None:
        self._undoing = undoing
        self._choices: dict[int, _OpenChoice] = {}

    @property
    def done(self) -> bool:
        """Whether all was said that the caller will hear, although the provider may go on.

        What it goes on with, up to its terminal event, is its usage.
        """
        choices = self._choices.values()
        return any(choice.cut for choice in choices) and (
            sum(choice.over for choice in choices) >= self._undoing.choices
        )

    def feed(self, event: StreamEvent) -> tuple[StreamEvent, ...]:
        """What the caller is told instead of this event."""
        if isinstance(event, Started | UsageReported | OpaqueEvent | Continued):
            return (event,)
        if isinstance(event, Ended | StreamFailed):
            held = [each for choice in self._choices.values() for each in choice.close()]
            return (*held, event)
        choice = self._choices.get(event.choice)
        if choice is None:
            choice = self._choices[event.choice] = _OpenChoice(self._undoing, event.choice)
        return () if choice.cut else choice.feed(event)


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

    __slots__ = (
        "_given",
        "_inputs",
        "_last",
        "_number",
        "_undoing",
        "_unwrapping",
        "_watch",
        "cut",
        "over",
    )

    def __init__(self, undoing: Undoing, number: int) -> None:
        self._undoing = undoing
        self._number = number
        self._watch = StopWatch(undoing.stops) if undoing.stops else None
        opener = undoing.opener
        self._unwrapping = Unwrapping(opener) if opener is not None else None
        self._given: set[str] = set()
        self._inputs: dict[int, InputReader] = {}
        self._last = -1
        self.cut = False
        self.over = False

    def feed(self, event: _ChoiceEvent) -> tuple[StreamEvent, ...]:
        match event:
            case TextDelta():
                out = self._text(event)
            case ToolCallDelta():
                out = self._arguments(event)
            case ToolCallStarted():
                out = self._call(event)
            case LogprobsDelta():
                out = (event,)
            case ReasoningDelta() | ReasoningSealed() | RefusalDelta():
                out = (*self._end_text(), event)
            case PartEnded():
                out = (*self._end_text(), *self._end_call(), event)
            case Finished():
                out = (*self.close(), event)
                self.over = True
        return out

    def close(self) -> tuple[StreamEvent, ...]:
        """What is still held back."""
        return (*self._end_text(), *self._end_inputs())

    def _text(self, event: TextDelta) -> tuple[StreamEvent, ...]:
        text, stop = (event.text, None) if self._watch is None else self._watch.feed(event.text)
        if self._unwrapping is not None:
            text = self._unwrapping.feed(text)
            if stop is not None:
                text += self._unwrapping.flush()
        said = event if text == event.text else TextDelta(text, self._number)
        if stop is None:
            return (said,) if text else ()
        self.cut = self.over = True
        end = Finished(Stop(StopReason.STOP, sequence=stop), self._number)
        held = self._end_inputs()
        return (said, *held, end) if text else (*held, end)

    def _call(self, event: ToolCallStarted) -> tuple[StreamEvent, ...]:
        held = self._end_text()
        self._last = event.index
        call_id, name, kind = self._undoing.called(
            event.call_id, event.name, event.kind, self._given
        )
        if kind is CallKind.CUSTOM and event.kind is not CallKind.CUSTOM:
            self._inputs[event.index] = InputReader()
        if call_id == event.call_id and name == event.name and kind is event.kind:
            return (*held, event)
        told = msgspec.structs.replace(event, call_id=call_id, name=name, kind=kind)
        return (*held, told)

    def _arguments(self, event: ToolCallDelta) -> tuple[StreamEvent, ...]:
        reader = self._inputs.get(event.index)
        if reader is None:
            return (event,)
        text = reader.feed(event.arguments)
        return (ToolCallDelta(event.index, text, self._number),) if text else ()

    def _end_text(self) -> tuple[StreamEvent, ...]:
        """What was held back of a text that is at its end."""
        held = self._watch.flush() if self._watch is not None else ""
        if self._unwrapping is not None:
            held = self._unwrapping.feed(held) + self._unwrapping.flush()
        return (TextDelta(held, self._number),) if held else ()

    def _end_call(self) -> tuple[StreamEvent, ...]:
        """What was held back of the call that began last."""
        reader = self._inputs.get(self._last)
        held = reader.end() if reader is not None else ""
        return (ToolCallDelta(self._last, held, self._number),) if held else ()

    def _end_inputs(self) -> tuple[StreamEvent, ...]:
        return tuple(
            ToolCallDelta(index, held, self._number)
            for index, reader in self._inputs.items()
            if (held := reader.end())
        )


# ------------------------------------------------------------------ whole replies


def undone(reply: ChatReply, undoing: Undoing) -> ChatReply:
    """The whole reply that the caller is given."""
    choices = tuple(_undone(choice, undoing) for choice in reply.choices)
    if undoing.opener is not None:
        choices = tuple(_bare(choice, undoing.opener) for choice in choices)
    return msgspec.structs.replace(reply, choices=choices)


def _undone(choice: Choice, undoing: Undoing) -> Choice:
    parts: list[Part] = []
    given: set[str] = set()
    for part in choice.turn.parts:
        if isinstance(part, ToolCall):
            parts.append(_undone_call(part, undoing, given))
        elif isinstance(part, Text) and undoing.stops:
            text, stop = StopWatch(undoing.stops).feed(part.text)
            if stop is None:
                parts.append(part)
                continue
            if text:
                parts.append(Text(text, id=part.id))
            turn = msgspec.structs.replace(choice.turn, parts=tuple(parts))
            # Citations and probabilities were of the whole text.
            return Choice(choice.index, turn, Stop(StopReason.STOP, sequence=stop))
        else:
            parts.append(part)
    turn = msgspec.structs.replace(choice.turn, parts=tuple(parts))
    return msgspec.structs.replace(choice, turn=turn)


def _bare(choice: Choice, opener: str) -> Choice:
    """A choice whose text is the JSON that it holds."""
    said = choice.turn.text
    bare = unwrapped(said, opener) if said else said
    if bare == said:
        return choice
    # One text of many: citations and probabilities were of what stood there before.
    first, parts = True, list[Part]()
    for part in choice.turn.parts:
        if not isinstance(part, Text):
            parts.append(part)
        elif first and bare:
            parts.append(Text(bare, id=part.id))
            first = False
    turn = msgspec.structs.replace(choice.turn, parts=tuple(parts))
    return msgspec.structs.replace(choice, turn=turn, logprobs=())


def _undone_call(call: ToolCall, undoing: Undoing, given: set[str]) -> ToolCall:
    call_id, name, kind = undoing.called(call.call_id, call.name, call.kind, given)
    arguments = call.arguments
    if kind is CallKind.CUSTOM and call.kind is not CallKind.CUSTOM:
        reader = InputReader()
        arguments = reader.feed(arguments) + reader.end()
    if call_id == call.call_id and name == call.name and kind is call.kind:
        return call
    return msgspec.structs.replace(call, call_id=call_id, name=name, kind=kind, arguments=arguments)
