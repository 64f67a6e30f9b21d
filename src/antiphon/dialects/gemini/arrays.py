"""Streams as one JSON array: what `streamGenerateContent` answers without `alt=sse`.

Both ways it is the same chunks in another wrapping. A provider's array, which some give who were
asked for events, is told as events from here on: so a caller of the same dialect reads it too. For
a caller who wants one, what was written as events is wrapped anew, whoever wrote it.
"""

from __future__ import annotations

from typing import ClassVar, Final

from typing_extensions import override

from antiphon.dialects.contract import Framing
from antiphon.wire import json_array, sse
from antiphon.wire.sse import data_of

ARRAY_TYPE: Final = "application/json"
"""Content type of a stream that is an array."""
_BETWEEN: Final = b"\xef\xbb\xbf[], \t\r\n"
"""What stands around the elements of an array."""


class Splitter(Framing):
    """Cuts a stream into events; the elements of an array, as its first byte says, become such."""

    __slots__ = ("_chosen", "_pending")

    def __init__(self) -> None:
        self._pending = b""
        self._chosen: sse.Splitter | json_array.Splitter | None = None

    @override
    def feed(self, chunk: bytes) -> list[bytes]:
        if self._chosen is None:
            chunk = self._pending + chunk
            first = chunk.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
            if not first:
                self._pending = chunk
                return []
            self._pending = b""
            self._chosen = json_array.Splitter() if first in b"[{" else sse.Splitter()
        frames = self._chosen.feed(chunk)
        if type(self._chosen) is json_array.Splitter:
            return [_event(frame) for frame in frames]
        return frames

    @override
    def flush(self) -> bytes:
        if self._chosen is None:
            left, self._pending = self._pending, b""
            return left
        left = self._chosen.flush()
        if type(self._chosen) is json_array.Splitter:
            # The end of the array says nothing; half an element is one that cannot be read.
            return left if left.strip(_BETWEEN) else b""
        return left


def _event(frame: bytes) -> bytes:
    """An element as an event, on one line: line ends stand between the tokens of JSON alone."""
    data = frame.strip(_BETWEEN)
    if b"\n" in data or b"\r" in data:
        data = data.replace(b"\r", b" ").replace(b"\n", b" ")
    return b"data: %b\n\n" % data


class ArrayStream:
    """Wraps a stream of server-sent events into an array, bytes to bytes.

    White space between events, which keeps a connection alive, stays: an array may hold it.
    """

    __slots__ = ("_begun", "_splitter")

    content_type: ClassVar[str] = ARRAY_TYPE

    def __init__(self) -> None:
        self._begun = False
        self._splitter = sse.Splitter()

    def feed(self, chunk: bytes) -> bytes:
        """The bytes of the array for these of the stream."""
        if not chunk.strip() and chunk:
            return b"\n"
        return b"".join([self._element(frame) for frame in self._splitter.feed(chunk)])

    def end(self) -> bytes:
        """The end of the array."""
        last = self._element(self._splitter.flush())
        return last + (b"]" if self._begun else b"[]")

    def _element(self, frame: bytes) -> bytes:
        data = data_of(frame)
        if data is None or not data.strip():
            return b""
        before = b",\r\n" if self._begun else b"["
        self._begun = True
        return before + data
