"""The shape of a stream's event, as far as the model has words for it.

Hot path: one typed decode of an event. What is not named here is skipped unread.
"""

from __future__ import annotations

from typing import Final

import msgspec

from antiphon.model.parts import ABSENT

Loose = dict[str, msgspec.Raw] | list[msgspec.Raw] | str | float | bool | None
"""Anything, its members unread."""


class Delta(msgspec.Struct, gc=False):
    """What is new in a block, or at the end of a message."""

    type: str | None = None
    text: str | None = None
    partial_json: str | None = None
    thinking: str | None = None
    signature: str | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None


class Block(msgspec.Struct, gc=False):
    """A block as it begins."""

    type: str | None = None
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None
    id: str | None = None
    name: str | None = None
    input: msgspec.Raw = ABSENT


class Message(msgspec.Struct, gc=False):
    """A message as it begins."""

    id: str | None = None
    model: str | None = None
    usage: msgspec.Raw = ABSENT


class Event(msgspec.Struct, gc=False):
    """One event of a stream."""

    type: str | None = None
    index: int | None = None
    delta: Delta | None = None
    content_block: Block | None = None
    message: Message | None = None
    usage: msgspec.Raw = ABSENT
    error: Loose = None


EVENT: Final = msgspec.json.Decoder(Event)
