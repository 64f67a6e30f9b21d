"""Events of a stream that a dialect's reader does not understand."""

from __future__ import annotations

import msgspec

from antiphon.errors import MalformedBody, UpstreamBroken
from antiphon.model.events import OpaqueEvent
from antiphon.wire.shallow import Members


def bad_event() -> UpstreamBroken:
    """The error of an event that is no JSON, or no event."""
    return UpstreamBroken("An event of the stream cannot be read.", code="bad_event")


def other_event(dialect: str, frame: bytes, data: bytes, error: Exception) -> OpaqueEvent:
    """An object of another shape, kept whole: perhaps news that the caller understands.

    Args:
        dialect: Whose event it is.
        frame: As it came.
        data: What it holds.
        error: Why the reader could not read it.

    Raises:
        UpstreamBroken: It is no object.
    """
    if not (isinstance(error, msgspec.ValidationError) and data.startswith(b"{")):
        raise bad_event() from error
    try:
        Members.parse(data)
    except MalformedBody as unreadable:
        raise bad_event() from unreadable
    return OpaqueEvent(dialect, frame)
