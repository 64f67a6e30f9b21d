"""How Codex CLI reads an answer, and stricter where what it would read past is our mistake.

It needs `response.created`, then `response.output_item.added` before any delta of an item,
`response.output_item.done` with the whole item, and `response.completed` with id and usage: there
it stops reading. `response.incomplete` and `response.failed` are errors, and so are an end without
`response.completed` and 300 seconds of silence. An event `error` it reads past, as all that it does
not know: whoever must tell it of an error says `response.failed`. An item that lacks a member is read past, and with
it what the model wanted: a message knows only `output_text`, a thought must have a `summary`.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Final, TypeVar

import msgspec
from msgspec import Meta, Struct

from tests.agents.sse import BrokenStream, Event, events_in

Json = dict[str, Any]
T = TypeVar("T")


class _InputDetails(Struct):
    cached_tokens: int


class _OutputDetails(Struct):
    reasoning_tokens: int


class Usage(Struct):
    """All of it in whole numbers."""

    input_tokens: int
    output_tokens: int
    total_tokens: int
    input_tokens_details: _InputDetails | None = None
    output_tokens_details: _OutputDetails | None = None


class Turn(Struct, frozen=True):
    """What Codex has of an answer."""

    id: str
    items: list[Json]
    text: str
    """What was shown while it came."""
    usage: Usage

    def calls(self) -> list[Json]:
        """The items that want a result."""
        return [item for item in self.items if item["type"].endswith("_call")]

    def said(self) -> str:
        """The text of all messages."""
        messages = [item for item in self.items if item["type"] == "message"]
        return "".join(part["text"] for item in messages for part in item["content"])


class Failed(Exception):
    """A `response.failed`: Codex tells errors apart by this code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def read(body: bytes) -> Turn:
    """Read a streamed answer.

    Raises:
        Failed: the answer says that it failed.
        BrokenStream: Codex could not use it.
    """
    reading = _Reading()
    for event in events_in(body):
        kind = event.data.get("type", "")
        if event.name not in {"", kind}:
            raise BrokenStream(f"an event {event.name!r} of type {kind!r}")
        if turn := reading.feed(kind, event):
            return turn
    raise BrokenStream("stream closed before response.completed")


class _Reading:
    """What has been read so far."""

    def __init__(self) -> None:
        self._begun = False
        self._added = 0
        self._items: list[Json] = []
        self._text: list[str] = []

    def feed(self, kind: str, event: Event) -> Turn | None:
        match kind:
            case "response.created":
                self._begun = isinstance(event.data.get("response"), dict)
            case "response.output_item.added":
                _item(event)
                self._added += 1
            case "response.output_item.done":
                self._items.append(_item(event))
            case "response.completed":
                return self._completed(event)
            case "response.failed":
                error = _read(event, _Failure).response.error
                raise Failed(error.code, error.message)
            case "response.incomplete":
                raise BrokenStream(f"incomplete: {event.data}")
            case _ if kind in _INDEXED:
                self._delta(event, index=_INDEXED[kind])
        return None

    def _delta(self, event: Event, *, index: str) -> None:
        if self._added <= len(self._items):
            raise BrokenStream(f"{event.name}: a delta of no item")
        if not isinstance(event.data.get(index), int):
            raise BrokenStream(f"{event.name}: no {index}")
        if event.data["type"] == "response.output_text.delta":
            self._text.append(event.data["delta"])

    def _completed(self, event: Event) -> Turn:
        if not self._begun:
            raise BrokenStream("an end without a beginning")
        if self._added != len(self._items):
            raise BrokenStream(f"{self._added} items begun, {len(self._items)} done")
        response = _read(event, _Completed).response
        return Turn(response.id, self._items, "".join(self._text), response.usage)


_INDEXED: Final = {
    "response.output_text.delta": "content_index",
    "response.reasoning_text.delta": "content_index",
    "response.reasoning_summary_part.added": "summary_index",
    "response.reasoning_summary_text.delta": "summary_index",
}


def _item(event: Event) -> Json:
    item = event.data["item"]
    if kind := _ITEMS.get(item["type"]):
        _read(event, kind)
    if item["type"] == "function_call" and event.data["type"].endswith("done"):
        json.loads(item["arguments"])
    return item


def _read(event: Event, kind: type[T]) -> T:
    try:
        return msgspec.convert(event.data, kind)
    except msgspec.ValidationError as error:
        raise BrokenStream(f"{event.data['type']}: {error}") from error


_Id = Annotated[str, Meta(min_length=1)]


class _OutputText(Struct, tag="output_text", tag_field="type"):
    text: str


class _SummaryText(Struct, tag="summary_text", tag_field="type"):
    text: str


class _ReasoningText(Struct, tag="reasoning_text", tag_field="type"):
    text: str


class _Message(Struct):
    role: str
    content: list[_OutputText]


class _Reasoning(Struct):
    summary: list[_SummaryText]
    content: list[_ReasoningText] | None = None
    encrypted_content: str | None = None


class _FunctionCall(Struct):
    name: _Id
    arguments: str
    call_id: _Id


class _CustomToolCall(Struct):
    name: _Id
    input: str
    call_id: _Id


class _OfMessage(Struct):
    item: _Message


class _OfReasoning(Struct):
    item: _Reasoning


class _OfFunctionCall(Struct):
    item: _FunctionCall


class _OfCustomToolCall(Struct):
    item: _CustomToolCall


_ITEMS: Final[dict[str, type[Struct]]] = {
    "message": _OfMessage,
    "reasoning": _OfReasoning,
    "function_call": _OfFunctionCall,
    "custom_tool_call": _OfCustomToolCall,
}


class _Response(Struct):
    id: _Id
    usage: Usage


class _Completed(Struct):
    response: _Response


class _Error(Struct):
    code: _Id
    message: str


class _FailedResponse(Struct):
    error: _Error


class _Failure(Struct):
    response: _FailedResponse
