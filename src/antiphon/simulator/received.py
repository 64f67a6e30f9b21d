"""What a simulator was asked, kept byte for byte.

A test that says "the caller's bytes arrived" or "the hang-up went through" asks here. The only
thing about a request that is not known when it arrives is its end, so the end is the only thing
that changes.
"""

from enum import Enum

from msgspec import Struct


class Outcome(Enum):
    """How a request ended."""

    OPEN = "open"
    ANSWERED = "answered"
    """All bytes of the reply were handed to the socket."""
    BROKEN = "broken"
    """A fault ended the connection."""
    CALLER_LEFT = "caller_left"


class Received(Struct, kw_only=True):
    """One request."""

    serial: int
    """1 for the first request of this simulator."""
    connection: int
    """The number of the connection that it came on."""
    method: str
    target: str
    """The path with its query, as it stood in the request line."""
    headers: tuple[tuple[bytes, bytes], ...]
    """In their order and spelling, repeated ones as often as they came."""
    body: bytes
    at: float
    """The loop's time of its last byte."""
    fault: str | None = None
    """The fault that it met."""
    begun: str | None = None
    """The answer that it was asked to go on with, and went on with."""
    resumable: bool = False
    """Its stream was broken off inside a text that this provider would go on with: one text, in no
    form, without calls and thought behind it."""
    outcome: Outcome = Outcome.OPEN
    ended_at: float | None = None
    """The loop's time of its end."""

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    def header(self, name: bytes) -> bytes | None:
        """The first header of that name (in small letters)."""
        for key, value in self.headers:
            if key.lower() == name:
                return value
        return None
