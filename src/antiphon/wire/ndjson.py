"""Newline-delimited JSON, split on bytes: one line is one frame.

Only LF ends a line, a CR before it is white space to JSON. A frame keeps its own bytes, its line
end included, so an untouched frame can be passed on as it came.

Hot path: a read is one C split.
"""

from __future__ import annotations

from codecs import BOM_UTF8

from antiphon.wire.sse import FrameTooLong

_ENDS = ((b"\xc2\x85", rb"\u0085"), (b"\xe2\x80\xa8", rb"\u2028"), (b"\xe2\x80\xa9", rb"\u2029"))


class Splitter:
    """Cuts a byte stream into lines, wherever the network cut it."""

    __slots__ = ("_begun", "_bound", "_pending", "_size")

    def __init__(self, bound: int = 8 * 1024 * 1024) -> None:
        self._begun = False
        self._bound = bound
        self._pending: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines that this chunk completes, in order, each with its end; blank ones too.

        Raises:
            FrameTooLong: A line is longer than the bound.
        """
        lines = chunk.splitlines(keepends=True) if b"\r" not in chunk else _lines_of(chunk)
        if not lines:
            return []
        longest = self._size + len(chunk)
        last = lines[-1]
        left = b"" if last.endswith(b"\n") else lines.pop()
        if lines and self._pending:
            self._pending.append(lines[0])
            lines[0] = b"".join(self._pending)
            self._pending, self._size = [], 0
        if left:
            self._size += len(left)
            self._pending.append(left)
        if longest > self._bound and self._is_too_long(lines):
            raise FrameTooLong(f"A line is longer than {self._bound} bytes.")
        if lines and not self._begun:
            self._begun = True
            lines[0] = lines[0].removeprefix(BOM_UTF8)
        return lines

    def flush(self) -> bytes:
        """What is left at the end of the stream: empty, or a line without its end."""
        left = b"".join(self._pending)
        self._pending, self._size = [], 0
        return left if self._begun else left.removeprefix(BOM_UTF8)

    def _is_too_long(self, lines: list[bytes]) -> bool:
        return self._size > self._bound or any(len(line) > self._bound for line in lines)


def escaped(line: bytes) -> bytes:
    """A line of JSON without what text splitters take for its end: NEL, U+2028 and U+2029.

    The official client of Ollama reads lines with such a splitter.
    """
    if line.isascii():
        return line
    for raw, escape in _ENDS:
        if raw in line:
            line = line.replace(raw, escape)
    return line


def _lines_of(chunk: bytes) -> list[bytes]:
    """The lines, cut at LF only; the last one may have no end."""
    *whole, left = chunk.split(b"\n")
    lines = [line + b"\n" for line in whole]
    if left:
        lines.append(left)
    return lines
