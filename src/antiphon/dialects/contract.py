"""What a dialect is told, and what it tells: the words of its contract (`base`)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Protocol

import msgspec

from antiphon.model.events import StreamEvent
from antiphon.model.reply import StopReason
from antiphon.model.usage import Usage
from antiphon.wire.shallow import Members

Quirk = Callable[[Members], Members]
"""A named pure function that bends a request to what one provider takes."""


class ReplyFacts(msgspec.Struct, frozen=True):
    """What the road must know of a whole reply that it passes on unread.

    Attributes:
        usage: None where the provider gave none.
        stop: Of the first choice.
        model: The model that the provider says answered.
        vectors: How many vectors there are; None where others were asked for.
    """

    usage: Usage | None
    stop: StopReason | None
    model: str
    vectors: int | None = None


class Target(msgspec.Struct, frozen=True):
    """The model that a request is written for, as far as the writing depends on it.

    Attributes:
        model: Its name at the provider.
        max_output: Tokens that its answer may have, where that is known.
        scope: Where a seal over thought must come from to be valid there (`Origin.scope`).
        adaptive: It decides itself how long to think, and takes an effort instead of a budget;
            None where that is not known.
        json_mode: It is known to take the dialect's member for JSON of any shape.
        original: Its maker made the dialect.
    """

    model: str
    max_output: int | None = None
    scope: str = ""
    adaptive: bool | None = None
    json_mode: bool = False
    original: bool = False


class Traits(msgspec.Struct, frozen=True):
    """What a dialect demands of a conversation that comes from another (`dialects.fitting`).

    Attributes:
        dialect: Its name: opaque parts of any other are left out.
        call_id: What the id of a call matches, whole.
        tool_name: What the name of a tool matches, whole.
        tool_name_length: Characters that the name of a tool may have.
        custom_tools: It has tools that take free text.
        legacy_functions: It has the members that calls with ids replaced (`functions`).
        stops: Stop sequences that it takes; None for any number.
        blanks: A text or a stop sequence may hold nothing but white space.
        later_system: System and developer turns may stand behind others.
        user_first: A turn of the user must come first.
        unsigned_thought: Thought without a seal can be given back to it.
        titles: A document has a title and a context of its own.
        text_files: A document may be plain text.
        json_word: Who asks for JSON of any shape must say so in a message, too.
    """

    dialect: str
    call_id: re.Pattern[str]
    tool_name: re.Pattern[str]
    tool_name_length: int
    custom_tools: bool
    legacy_functions: bool
    stops: int | None
    blanks: bool
    later_system: bool
    user_first: bool
    unsigned_thought: bool
    titles: bool = True
    text_files: bool = True
    json_word: bool = False


class Position(msgspec.Struct, frozen=True):
    """How far a stream has come, for whoever must end it with an error.

    Attributes:
        id: The reply's id; empty before it has one.
        sequence: The number of the last event, where the dialect counts them; -1 before.
    """

    id: str = ""
    sequence: int = -1


START = Position()


class Place(msgspec.Struct, frozen=True):
    """What is open in a stream whose frames were a provider's own, for whoever goes on with it.

    Attributes:
        index: The number of the open block or item, or of the next one.
        state: What of it was told: `open` where a text is growing, `said` where the whole text was
            told, `closed` where its part was, and empty where nothing is open.
        sequence: The number of the last event, where the dialect counts them.
        ids: The provider's ids of items, by their numbers.
        rest: What is missing of an answer that has said why it stopped.
    """

    index: int = 0
    state: str = ""
    sequence: int = -1
    ids: dict[int, str] = {}
    rest: tuple[StreamEvent, ...] = ()


ANYWHERE = Place()
"""Of dialects in whose streams nothing is open between two frames of text."""
LEAST_ANSWER = 16
"""Tokens to which an answer may be capped; shorter ones help nobody, and some providers refuse."""


class Framing(Protocol):
    """Cuts a byte stream into frames (`wire.sse.Splitter`, `wire.ndjson.Splitter`)."""

    def feed(self, chunk: bytes) -> list[bytes]:
        """The frames that this chunk completes, terminators included."""
        ...

    def flush(self) -> bytes:
        """What is left at the end of the stream."""
        ...


class StreamDecoder(Protocol):
    """Reads one stream of a provider, frame by frame."""

    @property
    def position(self) -> Position:
        """How far it has read."""
        ...

    def feed(self, frame: bytes) -> tuple[StreamEvent, ...]:
        """The events of one frame, in order; empty for comments.

        Raises:
            UpstreamBroken: The frame cannot be read (`code="bad_event"`).
        """
        ...

    def without_usage(self, frame: bytes) -> bytes:
        """The same frame with its usage left out and every other byte of meaning kept."""
        ...

    @property
    def place(self) -> Place | None:
        """Where another writer can go on; None where something else than text is open."""
        return ANYWHERE


class StreamEncoder(Protocol):
    """Writes one stream to a caller, event by event."""

    @property
    def position(self) -> Position:
        """How far it has written."""
        ...

    def feed(self, event: StreamEvent) -> bytes:
        """The frames of one event; empty where the dialect has none for it."""
        ...

    def take_over(self, place: Place) -> bytes:
        """Go on behind frames of a provider's own.

        All that they said was fed before, and what came of that was thrown away.

        Returns:
            Frames that end what must not stay open.
        """
        del place
        return b""
