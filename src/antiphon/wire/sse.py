"""Server-sent events, split on bytes (WHATWG HTML, section 9.2).

Only CR, LF and CRLF end a line: text splitters also cut at U+2028 and U+0085, which stand
unescaped in model output. A frame keeps its own bytes, terminator included, so an untouched
frame can be passed on as it came.

Hot path: a read without CR is one C split.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8

# Atomic, so that the CRLF of one line is never read as two line ends.
_BLANK = re.compile(rb"(?>\r\n|\n|\r)(?>\r\n|\n|\r)")
_LINE = re.compile(rb"\r\n|\n|\r")


class FrameTooLong(ValueError):
    """One event is over the bound."""


class Splitter:
    """Cuts a byte stream into frames at blank lines, wherever the network cut it."""

    __slots__ = ("_bound", "_pending", "_started")

    def __init__(self, bound: int = 8 * 1024 * 1024) -> None:
        self._bound = bound
        self._pending = b""
        self._started = False

    def feed(self, chunk: bytes) -> list[bytes]:
        """The frames that this chunk completes, in order, each with its terminator.

        Raises:
            FrameTooLong: A frame is longer than the bound.
        """
        if not self._started:
            chunk = self._start(chunk)
        if self._pending:
            searched = len(self._pending) - 3
            chunk = self._pending + chunk
            # Nothing new ends a frame: do not split the whole again for every piece of it.
            if _BLANK.search(chunk, max(searched, 0)) is None:
                return self._keep(chunk, [])
        if b"\r" in chunk:
            return self._split_any(chunk)
        parts = chunk.split(b"\n\n")
        self._pending = parts.pop()
        if len(self._pending) > self._bound:
            raise FrameTooLong(f"An event is longer than {self._bound} bytes.")
        return [part + b"\n\n" for part in parts]

    def flush(self) -> bytes:
        """What is left at the end of the stream: empty, or a frame without its terminator."""
        left, self._pending = self._pending, b""
        return left

    def _start(self, chunk: bytes) -> bytes:
        chunk = self._pending + chunk
        self._pending = b""
        if len(chunk) < len(BOM_UTF8) and BOM_UTF8.startswith(chunk):
            self._pending = chunk
            return b""
        self._started = True
        return chunk.removeprefix(BOM_UTF8)

    def _split_any(self, chunk: bytes) -> list[bytes]:
        frames: list[bytes] = []
        start = 0
        for blank in _BLANK.finditer(chunk):
            if blank.end() == len(chunk) and blank.group().endswith(b"\n\r"):
                # The LF of this CRLF is still to come: it belongs to this frame.
                break
            frames.append(chunk[start : blank.end()])
            start = blank.end()
        return self._keep(chunk[start:], frames)

    def _keep(self, pending: bytes, frames: list[bytes]) -> list[bytes]:
        if len(pending) > self._bound:
            raise FrameTooLong(f"An event is longer than {self._bound} bytes.")
        self._pending = pending
        return frames


def data_of(frame: bytes) -> bytes | None:
    """The data of a frame, its lines joined by LF; None for comments and blank frames."""
    if (
        frame.startswith(b"data: ")
        and frame.find(b"\n", 6) == len(frame) - 2
        and b"\r" not in frame
    ):
        return frame[6:-2]
    data: list[bytes] = []
    for line in _LINE.split(frame):
        name, colon, value = line.partition(b":")
        if name == b"data":
            data.append(value.removeprefix(b" ") if colon else b"")
    return b"\n".join(data) if data else None


def frame_of(data: bytes) -> bytes:
    """One event of data, ready to send; an LF in the data begins another `data:` line."""
    if b"\n" in data:
        data = data.replace(b"\n", b"\ndata: ")
    return b"data: %b\n\n" % data


def name_of(frame: bytes) -> bytes:
    """The event's name; empty where it has none."""
    name = b""
    for line in _LINE.split(frame):
        if line.startswith(b"event:"):
            name = line[6:].removeprefix(b" ")
    return name
