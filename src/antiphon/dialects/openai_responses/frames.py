"""The frames of a stream, as bytes.

Hot path: what all frames of one part have in common is made once; an event costs one small encode
and a join.
"""

from __future__ import annotations

from typing import Final

import msgspec

from antiphon.dialects.fields import Written

JSON: Final = msgspec.json.Encoder()


def frame(kind: str, sequence: int, members: Written) -> bytes:
    """One event."""
    name = kind.encode()
    body = JSON.encode(members)[1:]
    comma = b"," if members else b""
    return b'event: %b\ndata: {"type":"%b","sequence_number":%d%b%b\n\n' % (
        name,
        name,
        sequence,
        comma,
        body,
    )


def response_frame(kind: str, sequence: int, response: bytes) -> bytes:
    """One event that holds the whole response."""
    name = kind.encode()
    return b'event: %b\ndata: {"type":"%b","sequence_number":%d,"response":%b}\n\n' % (
        name,
        name,
        sequence,
        response,
    )


def delta_ends(kind: str, place: Written, *, probable: bool = False) -> tuple[bytes, bytes, bytes]:
    """What stands before the number, between it and the text, and behind the text of a delta."""
    name = kind.encode()
    head = b'event: %b\ndata: {"type":"%b","sequence_number":' % (name, name)
    middle = b'%b,"delta":' % (b"," + JSON.encode(place)[1:-1])
    return head, middle, b',"logprobs":[]}\n\n' if probable else b"}\n\n"
