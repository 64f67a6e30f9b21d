"""What of each item of a stream was said so far.

Items are known by their place in the output; pieces of them by a second number. Only lengths are
kept: where an event repeats the whole, what is behind that length is what nobody has said yet.
"""

from __future__ import annotations

import msgspec

from antiphon.dialects.contract import Place
from antiphon.dialects.openai_responses.events import ITEM_HEAD, ItemHead
from antiphon.dialects.openai_responses.fields import DIALECT, raw_of
from antiphon.dialects.openai_responses.items import read_output_item
from antiphon.dialects.openai_responses.namespaces import NAMESPACE
from antiphon.dialects.openai_responses.thought import JOINT, RAW
from antiphon.model.events import (
    SUMMARY,
    PartEnded,
    ReasoningDelta,
    ReasoningSealed,
    RefusalDelta,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
)
from antiphon.model.parts import CallKind, Extra, Origin, Part, Reasoning, Refusal, Text, ToolCall

Spot = tuple[int, int]

_KINDS = {"function_call": CallKind.FUNCTION, "custom_tool_call": CallKind.CUSTOM}
_KNOWN = frozenset({"message", "reasoning", *_KINDS})
_PARTS = (Text, Refusal, Reasoning, ToolCall)


class _Call:
    """One call: `index` counts the calls from 0; None while its name is not known."""

    __slots__ = ("index", "said", "waiting")

    def __init__(self) -> None:
        self.index: int | None = None
        self.said = 0
        self.waiting: list[str] = []


class Progress:
    """What was said so far in one stream.

    Attributes:
        moved: Where the last item stands that was given the number of another one.
    """

    __slots__ = (
        "_calls",
        "_done",
        "_items",
        "_last_refused",
        "_message",
        "_model",
        "_next",
        "_open",
        "_reply_id",
        "_said",
        "_state",
        "_summaries",
        "_thoughts",
        "moved",
    )

    def __init__(self) -> None:
        self._said: dict[Spot, int] = {}
        self._thoughts: dict[Spot, int] = {}
        self._summaries: dict[Spot, int] = {}
        self._calls: dict[int, _Call] = {}
        self._done: set[int | str] = set()
        self._items: dict[int, str] = {}
        self.moved: dict[int, int] = {}
        self._next = 0
        self._open = False
        self._last_refused = False
        self._model = ""
        self._reply_id = ""
        self._message = -1
        self._state = ""

    def begin(self, reply_id: str, model: str) -> None:
        """Say whose stream it is."""
        self._reply_id, self._model = reply_id, model

    @property
    def called(self) -> bool:
        """Whether a tool was called."""
        return self._next > 0

    @property
    def refused(self) -> bool:
        """Whether the last words are a refusal."""
        return self._last_refused

    def place(self, sequence: int) -> Place | None:
        """Where another writer can go on: in the open message, or behind all items."""
        items, message = self._items, self._message
        if any(each != message and each not in self._done for each in items):
            return None
        at = message if self._state else max(items, default=-1) + 1
        return Place(at, self._state, sequence, dict(items))

    # ------------------------------------------------------------------ deltas

    def said(self, output: int, content: int, length: int) -> None:
        """Note text."""
        place, said = (output, content), self._said
        said[place] = said.get(place, 0) + length
        self._open, self._last_refused = True, False

    def text(self, place: Spot, text: str, events: list[StreamEvent]) -> None:
        """More text."""
        if text:
            self.said(*place, len(text))
            events.append(TextDelta(text))

    def text_so_far(self, place: Spot, text: str, events: list[StreamEvent]) -> None:
        """The whole text of a part."""
        self.text(place, text[self._said.get(place, 0) :], events)

    def refusal(self, place: Spot, text: str, events: list[StreamEvent]) -> None:
        """More of a refusal."""
        if text:
            self.said(*place, len(text))
            self._last_refused = True
            events.append(RefusalDelta(text))

    def refusal_so_far(self, place: Spot, text: str, events: list[StreamEvent]) -> None:
        """The whole of a refusal."""
        self.refusal(place, text[self._said.get(place, 0) :], events)

    def summed(self, output: int, at: int, text: str) -> str:
        """More of a summary, set apart where it begins another piece."""
        place, summaries = (output, at), self._summaries
        length = summaries.get(place)
        summaries[place] = (length or 0) + len(text)
        self._open = True
        return JOINT + text if length is None and at and text else text

    def thought(self, place: Spot, text: str, spelling: str, events: list[StreamEvent]) -> None:
        """More thought."""
        if not text:
            return
        if spelling == SUMMARY:
            text = self.summed(*place, text)
        else:
            self._thoughts[place] = self._thoughts.get(place, 0) + len(text)
            self._open = True
        events.append(ReasoningDelta(text, 0, spelling))

    def thought_so_far(
        self, place: Spot, text: str, spelling: str, events: list[StreamEvent]
    ) -> None:
        """The whole of a piece of thought."""
        said = self._summaries if spelling == SUMMARY else self._thoughts
        self.thought(place, text[said.get(place, 0) :], spelling, events)

    def argued(self, output: int, text: str) -> int | None:
        """More arguments: the number of their call, or None while it has not begun."""
        call = self._calls.get(output)
        if call is None:
            call = self._calls[output] = _Call()
        call.said += len(text)
        if call.index is None:
            call.waiting.append(text)
            return None
        return call.index

    def argued_so_far(self, output: int, text: str, events: list[StreamEvent]) -> None:
        """The whole arguments of a call."""
        call = self._calls.get(output)
        rest = text[call.said if call else 0 :]
        if rest:
            index = self.argued(output, rest)
            if index is not None:
                events.append(ToolCallDelta(index, rest))

    # ------------------------------------------------------------------ items

    def item_added(self, output: int, raw: msgspec.Raw, events: list[StreamEvent]) -> bool:
        """An item begins; False where the model has no word for it."""
        if not raw:
            return True
        head = ITEM_HEAD.decode(raw)
        output = self._placed(output, head.id or "")
        if head.type in _KINDS and head.name:
            self._begin_call(output, head, events)
        if head.type == "message":
            self._message, self._state = output, "closed"
        return head.type in _KNOWN

    def part_added(self) -> None:
        """A part of the open message begins."""
        if self._state:
            self._state = "open"

    def text_done(self) -> None:
        """The whole text of the open part was told."""
        if self._state:
            self._state = "said"

    def _placed(self, output: int, name: str) -> int:
        """Where an item stands: behind all others where its number is another's."""
        if self._items.setdefault(output, name) != name:
            self.moved[output] = output = max(self._items) + 1
            self._items[output] = name
        return output

    def item_done(self, output: int, raw: msgspec.Raw, events: list[StreamEvent]) -> bool:
        """An item is whole: say what of it was not said; False where there is no word for it."""
        if not raw:
            return True
        head = ITEM_HEAD.decode(raw)
        name = head.id or ""
        if head.type not in _KNOWN:
            return False
        if output == self._message:
            self._state = ""
        if output in self._done or (name and name in self._done):
            return True
        self._done |= {output, name} if name else {output}
        parts = read_output_item(raw)
        for at, part in enumerate(parts):
            self._catch_up((output, at), part, head, events)
        if head.type in _KINDS and parts:
            events.append(PartEnded())
        else:
            self._end(events)
        return True

    def part_done(self, place: Spot, events: list[StreamEvent]) -> None:
        """A part of a message is whole."""
        if self._state:
            self._state = "closed"
        if place in self._said:
            self._end(events)

    def finish(self, events: list[StreamEvent]) -> None:
        """Nothing follows."""
        for call in self._calls.values():
            if call.index is None and call.waiting:
                # Arguments of a call that never got a name.
                call.index, self._next = self._next, self._next + 1
                events.append(ToolCallStarted(call.index, f"{self._made_up()}_{call.index}", ""))
                events.append(ToolCallDelta(call.index, "".join(call.waiting)))
        self._end(events)

    def _end(self, events: list[StreamEvent]) -> None:
        if self._open:
            self._open = False
            events.append(PartEnded())

    def _catch_up(self, place: Spot, part: Part, head: ItemHead, events: list[StreamEvent]) -> None:
        match part:
            case Text():
                self.text_so_far(place, part.text, events)
            case Refusal():
                self.refusal_so_far(place, part.text, events)
            case Reasoning():
                self._catch_up_thought(place[0], part, events)
            case ToolCall():
                self._begin_call(place[0], head, events)
                self.argued_so_far(place[0], part.arguments, events)
            case _:
                pass

    def _catch_up_thought(self, output: int, part: Reasoning, events: list[StreamEvent]) -> None:
        for at, text in enumerate(part.summary):
            self.thought_so_far((output, at), text, SUMMARY, events)
        told = sum(length for place, length in self._thoughts.items() if place[0] == output)
        if not part.summary and not told:
            # Thought of another dialect, which came as a summary.
            told = sum(length for place, length in self._summaries.items() if place[0] == output)
        if part.text[told:]:
            self.thought((output, 0), part.text[told:], RAW, events)
        if part.signature is not None:
            origin = part.origin or Origin(DIALECT)
            if origin.dialect == DIALECT:
                origin = Origin(DIALECT, self._model)
            events.append(ReasoningSealed(part.signature, origin, sealed=part.sealed))
            self._open = True

    def _begin_call(self, output: int, head: ItemHead, events: list[StreamEvent]) -> None:
        call = self._calls.get(output)
        if call is None:
            call = self._calls[output] = _Call()
        if call.index is not None:
            return
        # What was said before is complete, wherever its end stands.
        self._open = False
        call.index, self._next = self._next, self._next + 1
        call_id = head.call_id or head.id or f"{self._made_up()}_{call.index}"
        kind = _KINDS[head.type or ""]
        extra = Extra(DIALECT, {NAMESPACE: raw_of(head.namespace)}) if head.namespace else None
        name, item_id = head.name or "", head.id or ""
        events.append(
            ToolCallStarted(call.index, call_id, name, kind=kind, id=item_id, extra=extra)
        )
        if call.waiting:
            events.append(ToolCallDelta(call.index, "".join(call.waiting)))
            call.waiting = []

    def _made_up(self) -> str:
        return f"call_{self._reply_id[-24:]}" if self._reply_id else "call"
