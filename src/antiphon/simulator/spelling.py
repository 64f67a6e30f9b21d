"""How the frames of a dialect are written, for whoever breaks them.

A fault edits the bytes of our own frames, whose spelling is known, so an edit is a substitution.
What differs between dialects stands here; what they share stands with the faults.
"""

import re
from collections.abc import Callable, Iterable
from typing import TypeAlias

from msgspec import Struct

Frames: TypeAlias = tuple[bytes, ...]
Prefix: TypeAlias = Callable[[bytes], bytes]
"""What to put before a text, given the name of the member that holds it."""


class Spelling(Struct, frozen=True, kw_only=True):
    """What a fault has to know of a dialect."""

    text: re.Pattern[bytes]
    """Ends where a text begins; the first group is the member's name."""
    before_text: Callable[[Frames, Prefix], Iterable[bytes]]
    """The frames with something at the beginning of their texts."""
    is_end: Callable[[bytes], bool]
    """Whether a frame is the last by the dialect's rules."""
    is_finish: Callable[[bytes], bool]
    """Whether a frame says why the answer stopped."""
    bare: Callable[[Frames], Frames]
    """A beginning and an end, and no answer between them."""
    seam: re.Pattern[bytes]
    """Ends at the comma after which the data of a frame may go on in another line."""
    further_lines: bytes
    """Lines that an event may have besides its data."""
    error: bytes
    """A frame that tells of an error."""
    late: bytes
    """A frame with more text."""
    unreadable: bytes
    """A frame that is no JSON."""
    holding: Callable[[bytes], bytes]
    """A frame with this value in a member that nobody needs."""
    nested: Callable[[bytes], bytes]
    """A frame with this list in it."""
    nulls: Callable[[bytes], bytes]
    """The same bytes with null for all that is empty."""
    figures: Callable[[object, object, object], bytes]
    """Usage: of the prompt, of the answer, of both."""
    folded: Callable[[bytes], bytes]
    """The body of a stream as the body of a whole answer."""
    heartbeat: bytes = b": heartbeat\n\n"
    """A sign of life that says nothing."""
    filler: Callable[[bytes], bytes] = lambda filler: b":%b\n\n" % filler
    """A frame that may be of any length and that every reader passes over."""
    in_order: Callable[[Iterable[bytes]], Iterable[bytes]] = lambda frames: frames
    """The frames with the right numbers, after some came or went."""


def before_every_text(text: re.Pattern[bytes]) -> Callable[[Frames, Prefix], Iterable[bytes]]:
    """Puts something before each text, and before each fragment of one."""

    def changed(frames: Frames, prefix: Prefix) -> Iterable[bytes]:
        return (text.sub(lambda found: found[0] + prefix(found[1]), frame) for frame in frames)

    return changed


def events_of(body: bytes) -> Iterable[bytes]:
    """The data of the events of a body; recordings may hold lines of any shape."""
    for event in body.replace(b"\r\n", b"\n").split(b"\n\n"):
        for line in event.split(b"\n"):
            if line.startswith(b"data: {"):
                yield line[6:]
