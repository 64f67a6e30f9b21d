"""Bodies that come compressed although nobody asked.

Inflated as they arrive, in steps of bounded size, so that a small body cannot become a large
one in memory: a bomb is found after at most one step over its allowance.
"""

from __future__ import annotations

import zlib

from antiphon.errors import UpstreamBroken

PLAIN = frozenset({b"", b"identity"})
STEP = 64 * 1024
FREE_ALLOWANCE = 1024 * 1024
MAX_RATIO = 200
GZIP, ZLIB, RAW = 31, 15, -15
_WBITS = {b"gzip": GZIP, b"x-gzip": GZIP, b"deflate": ZLIB}


class Inflater:
    """Turns the pieces of one gzip or deflate body into plain bytes."""

    __slots__ = ("_first", "_inflate", "_received", "_told", "_wbits")

    def __init__(self, encoding: bytes) -> None:
        """Raise `UpstreamBroken` (`bad_encoding`) for an encoding that is not spoken here."""
        wbits = _WBITS.get(encoding.strip().lower())
        if wbits is None:
            raise UpstreamBroken(
                "The body came in a content encoding that was not asked for.", code="bad_encoding"
            )
        self._wbits = wbits
        self._inflate = zlib.decompressobj(wbits)
        self._first = b""
        self._received = 0
        self._told = 0

    def feed(self, data: bytes) -> bytes:
        """The plain bytes that this piece adds.

        Raises:
            UpstreamBroken: `bad_encoding` for what does not inflate, `body_too_large` for what
                inflates beyond reason.
        """
        self._received += len(data)
        allowed = max(FREE_ALLOWANCE, self._received * MAX_RATIO)
        plain: list[bytes] = []
        piece = b""
        while data or len(piece) == STEP:  # a full step may leave some inside, without any input
            try:
                piece = self._step(data)
            except zlib.error as error:
                raise UpstreamBroken(
                    "The body does not match its content encoding.", code="bad_encoding"
                ) from error
            if piece:
                plain.append(piece)
                self._told += len(piece)
                if self._told > allowed:
                    # The error may outlive this call, and its traceback what stands here.
                    plain.clear()
                    raise UpstreamBroken(
                        f"The body inflates to more than {MAX_RATIO} times its size.",
                        code="body_too_large",
                    )
            data = self._inflate.unconsumed_tail or self._next_member()
        return b"".join(plain)

    def end(self) -> None:
        """Raise `UpstreamBroken` (`bad_encoding`) if the compressed data were cut short."""
        if self._received and not self._inflate.eof:
            raise UpstreamBroken("The compressed body is cut short.", code="bad_encoding")

    def _step(self, data: bytes) -> bytes:
        if self._wbits == ZLIB:
            # The two shapes of `deflate` in the wild are told apart by their first two bytes.
            data = self._first + data
            if len(data) == 1:
                self._first = data
                return b""
            self._first = b""
            self._wbits = 0
            if data[0] & 0x0F != zlib.DEFLATED or int.from_bytes(data[:2], "big") % 31:
                self._inflate = zlib.decompressobj(RAW)
        return self._inflate.decompress(data, STEP)

    def _next_member(self) -> bytes:
        rest = self._inflate.unused_data
        if rest:
            if self._wbits != GZIP:
                raise UpstreamBroken("Data follow the compressed body.", code="bad_encoding")
            self._inflate = zlib.decompressobj(GZIP)
        return rest
