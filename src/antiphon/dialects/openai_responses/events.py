"""The shape of a stream's events, as far as the model has words for them.

Hot path: one typed decode of an event. The three deltas that make up nearly all of a stream have
shapes of their own, found by the event's name.
"""

from __future__ import annotations

import msgspec

from antiphon.model.parts import ABSENT

Loose = dict[str, msgspec.Raw] | list[msgspec.Raw] | str | float | bool | None
"""Anything, its members unread."""


class Said(msgspec.Struct, gc=False, tag_field="type", tag="response.output_text.delta"):
    """More text."""

    delta: str
    sequence_number: int = -1
    output_index: int = 0
    content_index: int = 0
    logprobs: Loose = None


class Argued(
    msgspec.Struct, gc=False, tag_field="type", tag="response.function_call_arguments.delta"
):
    """More of the arguments of a call."""

    delta: str
    sequence_number: int = -1
    output_index: int = 0


class Summed(
    msgspec.Struct, gc=False, tag_field="type", tag="response.reasoning_summary_text.delta"
):
    """More of a summary of thought."""

    delta: str
    sequence_number: int = -1
    output_index: int = 0
    summary_index: int = 0


class Event(msgspec.Struct, gc=False):
    """Any event."""

    type: str | None = None
    sequence_number: int | None = None
    output_index: int | None = None
    content_index: int | None = None
    summary_index: int | None = None
    delta: Loose = None
    text: Loose = None
    refusal: Loose = None
    arguments: Loose = None
    input: Loose = None
    logprobs: Loose = None
    item: msgspec.Raw = ABSENT
    response: msgspec.Raw = ABSENT
    error: Loose = None


class Head(msgspec.Struct, gc=False):
    """What a response says of itself before anything was said."""

    id: str | None = None
    model: str | None = None
    created_at: int | float | None = None


class ItemHead(msgspec.Struct, gc=False):
    """What an item is."""

    type: str | None = None
    id: str | None = None
    call_id: str | None = None
    name: str | None = None
    namespace: str | None = None
    encrypted_content: str | None = None


SAID = msgspec.json.Decoder(Said)
ARGUED = msgspec.json.Decoder(Argued)
SUMMED = msgspec.json.Decoder(Summed)
EVENT = msgspec.json.Decoder(Event)
HEAD = msgspec.json.Decoder(Head)
ITEM_HEAD = msgspec.json.Decoder(ItemHead)
OUTPUT = msgspec.json.Decoder(list[msgspec.Raw])


def raw_of(value: Loose) -> msgspec.Raw:
    """Loose JSON, raw again."""
    return msgspec.Raw(msgspec.json.encode(value))
