"""Compressed answers, inflated as they come and never beyond the bound."""

from __future__ import annotations

import zlib

from antiphon.egress.errors import AnswerTooLarge, BrokenAnswer

ACCEPTED = "gzip"
_GZIP = 31
_PLAIN = frozenset({"", "identity"})
_ENCODED = frozenset({"gzip", "x-gzip"})
_PADDING = 64 * 1024


class Reading:
    """Turns the pieces of one body into plain bytes, and counts both."""

    __slots__ = ("_inflate", "_limit", "_received", "_told")

    def __init__(self, encoding: str, limit: int) -> None:
        """Raise `BrokenAnswer` for an encoding that was not asked for, or several."""
        encoding = encoding.strip().lower()
        if encoding not in _PLAIN | _ENCODED:
            raise BrokenAnswer("The answer has a content encoding that was not asked for.")
        self._inflate = None if encoding in _PLAIN else zlib.decompressobj(_GZIP)
        self._limit = limit
        self._received = 0
        self._told = 0

    @property
    def inflates(self) -> bool:
        """Whether what comes out is not what came in."""
        return self._inflate is not None

    def feed(self, data: bytes) -> bytes:
        """The plain bytes that a piece adds; at most one byte over the bound is ever made.

        Raises:
            AnswerTooLarge: The body is over its bound.
            BrokenAnswer: It does not inflate.
        """
        if self._inflate is None:
            self._told += len(data)
            self._check(self._told)
            return data
        # A header of gzip may be padded without end, and nothing would come out.
        self._received += len(data)
        self._check(self._received - _PADDING)
        return b"".join(self._members(data))

    def end(self) -> None:
        """Raise `BrokenAnswer` if the compressed data were cut short."""
        if self._inflate is not None and self._received and not self._inflate.eof:
            raise BrokenAnswer("The compressed answer is cut short.")

    def _members(self, data: bytes) -> list[bytes]:
        plain: list[bytes] = []
        while data and self._inflate is not None:
            if self._inflate.eof:
                self._inflate = zlib.decompressobj(_GZIP)
            try:
                piece = self._inflate.decompress(data, self._limit - self._told + 1)
            except zlib.error as error:
                raise BrokenAnswer("The answer does not match its content encoding.") from error
            plain.append(piece)
            self._told += len(piece)
            self._check(self._told)
            data = self._inflate.unused_data
        return plain

    def _check(self, size: int) -> None:
        if size > self._limit:
            raise AnswerTooLarge(f"The answer has more than {self._limit} bytes.")
