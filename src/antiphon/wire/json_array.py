"""A JSON array of objects, split on bytes while it is still coming.

A frame is one element with what stands before it: the bracket, the comma, white space. So frames
put together are the stream as it came. What is outside the array is passed on with the last
frame.

Hot path: one search for the next byte that means something, for each such byte.
"""

from __future__ import annotations

import re
from typing import Final

from antiphon.wire.sse import FrameTooLong

_OUTSIDE: Final = re.compile(rb'["{}]')
_INSIDE: Final = re.compile(rb'["\\]')


class Splitter:
    """Cuts a byte stream into the elements of one array, wherever the network cut it."""

    __slots__ = ("_at", "_bound", "_depth", "_in_text", "_pending")

    def __init__(self, bound: int = 8 * 1024 * 1024) -> None:
        self._bound = bound
        self._pending = b""
        self._at: int = 0
        self._depth = 0
        self._in_text = False

    def feed(self, chunk: bytes) -> list[bytes]:
        """The elements that this chunk completes, in order.

        Raises:
            FrameTooLong: An element is longer than the bound.
        """
        data = self._pending + chunk
        frames: list[bytes] = []
        start, at = 0, self._at
        while True:
            found = (_INSIDE if self._in_text else _OUTSIDE).search(data, at)
            if found is None:
                at = len(data)
                break
            byte, at = found.group(), found.end()
            if self._in_text:
                if byte == b'"':
                    self._in_text = False
                elif at == len(data):
                    # What is escaped is still to come: the backslash is looked at again.
                    at = found.start()
                    break
                else:
                    at += 1
            elif byte == b'"':
                self._in_text = True
            elif byte == b"{":
                self._depth += 1
            elif byte == b"}":
                self._depth -= 1
                if self._depth == 0:
                    frames.append(data[start:at])
                    start = at
        self._pending, self._at = data[start:], at - start
        if len(self._pending) > self._bound:
            raise FrameTooLong(f"An element is longer than {self._bound} bytes.")
        return frames

    def flush(self) -> bytes:
        """What is left at the end of the stream."""
        left, self._pending, self._at = self._pending, b"", 0
        return left
