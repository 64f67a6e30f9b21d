"""Streams, written.

The response is made once, from the request that it answers; items are opened and closed as things
are said, each under its own number, and the last event repeats all of them. Calls stay open side by
side until they are said to be whole, or nothing follows.

Hot path: an event of text is one small encode and a join.
"""

from __future__ import annotations

import msgspec
from typing_extensions import override

from antiphon.dialects.base import Payload
from antiphon.dialects.continued import MEMBER, continued, continued_note
from antiphon.dialects.contract import Place, Position, StreamEncoder
from antiphon.dialects.fields import Written
from antiphon.dialects.openai_responses.echo import members_of, response_of
from antiphon.dialects.openai_responses.frames import response_frame
from antiphon.dialects.openai_responses.ids import item_id, response_id, stem_of
from antiphon.dialects.openai_responses.namespaces import Spaces, spaces_of, told
from antiphon.dialects.openai_responses.open_items import (
    OpenCall,
    OpenMessage,
    OpenThought,
    item_done,
)
from antiphon.dialects.openai_responses.requests import summed
from antiphon.dialects.openai_responses.stops import INCOMPLETE, write_stop
from antiphon.dialects.openai_responses.thought import RAW, seal_of
from antiphon.dialects.openai_responses.usage import write_usage
from antiphon.model.events import (
    SUMMARY,
    Continued,
    Ended,
    Finished,
    PartEnded,
    ReasoningDelta,
    ReasoningSealed,
    RefusalDelta,
    Started,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from antiphon.model.parts import CallKind, Reasoning
from antiphon.model.reply import Stop
from antiphon.model.usage import Usage

_SUMMED = "summary_text"
_JSON = msgspec.json.Encoder()


class EventWriter(StreamEncoder):
    """Writes one stream."""

    __slots__ = (
        "_asked",
        "_calls",
        "_continued",
        "_current",
        "_output",
        "_places",
        "_refused",
        "_response",
        "_sequence",
        "_spaces",
        "_started",
        "_stem",
        "_stop",
        "_summed",
        "_usage",
    )

    def __init__(self, asked: Payload | None) -> None:
        self._asked = asked
        self._spaces: Spaces | None = None
        self._response = response_of({}, asked)
        self._summed = asked is not None and summed(members_of(asked))
        self._started = False
        self._sequence = -1
        self._stem = ""
        self._current: OpenMessage | OpenThought | None = None
        self._calls: dict[int, OpenCall] = {}
        self._places = 0
        self._output: dict[int, Written] = {}
        self._refused = False
        self._stop: Stop | None = None
        self._usage: Usage | None = None
        self._continued: list[str] = []

    @property
    @override
    def position(self) -> Position:
        return Position(str(self._response["id"]), self._sequence)

    @override
    def take_over(self, place: Place) -> bytes:
        self._started, self._sequence, ids = True, place.sequence, place.ids
        for at, item in self._output.items():
            item["id"] = ids.get(at, item["id"])
        self._places = max(ids, default=-1) + 1
        current, at = self._current, place.index
        match place.state:
            case "open" | "said" if isinstance(current, OpenMessage):
                current.move(ids.get(at, current.id), at, said=place.state == "said")
                return self._end_current() if place.state == "said" else b""
            case "closed" if at in self._output:
                return item_done(self._output[at], at, self._number())
            case _:
                return self._end_current()

    @override
    def feed(self, event: StreamEvent) -> bytes:
        match event:
            case TextDelta(choice=0):
                current = self._current
                if isinstance(current, OpenMessage):
                    return current.grow("output_text", event.text)
                opening, message = self._open_message()
                return opening + message.grow("output_text", event.text)
            case ToolCallDelta(choice=0):
                call = self._calls.get(event.index)
                return b"" if call is None else call.grow(event.arguments)
            case _:
                return self._feed_other(event)

    def _feed_other(self, event: StreamEvent) -> bytes:
        out = b""
        match event:
            case ReasoningDelta(choice=0):
                out = self._think(event)
            case ToolCallStarted(choice=0):
                out = self._call(event)
            case Started():
                out = self._start(event)
            case PartEnded(choice=0):
                out = self._end_part()
            case ReasoningSealed(choice=0):
                out = self._seal(event)
            case RefusalDelta(choice=0):
                out = self._refuse(event)
            case Finished(choice=0):
                self._stop = event.stop
            case UsageReported():
                self._usage = event.usage
            case Ended():
                out = self._end()
            case Continued(by=by):
                self._continued.append(by)
                out = continued_note(by)
            case _:
                # Other answers, and events that only their own dialect knows: their numbers would
                # be wrong here. A failure is rendered by whoever knows the request.
                pass
        return out

    def _number(self) -> int:
        self._sequence += 1
        return self._sequence

    # ------------------------------------------------------------------ begin and end

    def _start(self, event: Started) -> bytes:
        if self._started:
            return b""
        self._started = True
        self._stem = stem_of(event.id)
        self._response |= {
            "id": response_id(event.id),
            "created_at": event.created,
            "model": event.model or self._response["model"],
        }
        response = _JSON.encode(self._response)
        return response_frame("response.created", self._number(), response) + response_frame(
            "response.in_progress", self._number(), response
        )

    def _end(self) -> bytes:
        status, reason = write_stop(self._stop, refused=self._refused)
        ending = self._start(Started(id="", model="")) + self._end_items(status)
        response: Written = {
            **self._response,
            "status": status,
            "output": [item for _, item in sorted(self._output.items())],
            "usage": write_usage(self._usage) if self._usage else None,
        }
        if status == INCOMPLETE:
            response["incomplete_details"] = {"reason": reason}
        elif status == "failed":
            response["error"] = {
                "code": "server_error",
                "message": "The model broke off its answer.",
            }
        if self._continued:
            response[MEMBER] = continued(self._continued)
        kind = f"response.{status}"
        return ending + response_frame(kind, self._number(), _JSON.encode(response))

    def _end_items(self, status: str) -> bytes:
        """End everything; what was being said last is as complete as the answer."""
        last = INCOMPLETE if status == INCOMPLETE else "completed"
        calls = [self._end_call(index, last) for index in sorted(self._calls)]
        return self._end_current(last) + b"".join(calls)

    # ------------------------------------------------------------------ items

    def _open(self) -> bytes:
        """Make room for another item."""
        return self._start(Started(id="", model="")) + self._end_current()

    def _place(self) -> int:
        self._places += 1
        return self._places - 1

    def _end_current(self, status: str = "completed") -> bytes:
        current, self._current = self._current, None
        if current is None:
            return b""
        if isinstance(current, OpenThought) and current.seal is None:
            current.seal = seal_of(Reasoning(), foreign=current.foreign)
        ending, self._output[current.output] = current.end(status)
        return ending

    def _end_call(self, index: int, status: str = "completed") -> bytes:
        call = self._calls.pop(index)
        ending, self._output[call.output] = call.end(status)
        return ending

    def _end_part(self) -> bytes:
        if self._current is not None:
            return self._end_current()
        # Of several it is not said which; they end with the answer.
        return self._end_call(next(iter(self._calls))) if len(self._calls) == 1 else b""

    def _open_message(self) -> tuple[bytes, OpenMessage]:
        room, place = self._open(), self._place()
        message = OpenMessage(item_id("msg", self._stem, place), place, self._number)
        self._current = message
        return room + message.begin(), message

    def _open_thought(self) -> tuple[bytes, OpenThought]:
        room, place = self._open(), self._place()
        thought = OpenThought(item_id("rs", self._stem, place), place, self._number)
        self._current = thought
        return room + thought.begin(), thought

    # ------------------------------------------------------------------ what is said

    def _refuse(self, event: RefusalDelta) -> bytes:
        self._refused = True
        opening, current = b"", self._current
        if not isinstance(current, OpenMessage):
            opening, current = self._open_message()
        return opening + current.grow("refusal", event.text)

    def _think(self, event: ReasoningDelta) -> bytes:
        opening, current = b"", self._current
        if not isinstance(current, OpenThought):
            opening, current = self._open_thought()
        if event.spelling == SUMMARY:
            return opening + current.grow(_SUMMED, event.text)
        current.foreign = event.spelling != RAW
        told = _SUMMED if current.foreign and self._summed else RAW
        return opening + current.grow(told, event.text)

    def _seal(self, event: ReasoningSealed) -> bytes:
        opening, current = b"", self._current
        if not isinstance(current, OpenThought) or current.seal is not None:
            opening, current = self._open_thought()
        thought = Reasoning(signature=event.signature, origin=event.origin, sealed=event.sealed)
        current.seal = seal_of(thought, foreign=False)
        return opening

    def _call(self, event: ToolCallStarted) -> bytes:
        if event.index in self._calls:
            return b""
        room, place = self._open(), self._place()
        prefix = "ctc" if event.kind is CallKind.CUSTOM else "fc"
        if self._spaces is None:
            self._spaces = {} if self._asked is None else spaces_of(self._asked.request.tools)
        if self._spaces:
            name, extra = told(event.name, event.extra, self._spaces)
            event = msgspec.structs.replace(event, name=name, extra=extra)
        call = OpenCall(item_id(prefix, self._stem, place), event, place, self._number)
        self._calls[event.index] = call
        return room + call.begin()
