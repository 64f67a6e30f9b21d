"""One answer while it is made, and afterwards: what comes of it is held back for all who read it.

It belongs to nobody's connection. All of it is held while it fits, so whoever comes later hears it
from the beginning. Once it does not fit, nobody joins any more, what every reader has had is let
go, and the answer is made no faster than the slowest of them takes it.

Sans I/O: futures are the only thing of the event loop here.
"""

from __future__ import annotations

import asyncio

_OVERHEAD = 1024
"""Bytes of an answer's objects and of its place in the tables."""
_PIECE = 64
"""Bytes of a piece's object."""


class Recording:
    """An answer as it was sent.

    Args:
        fingerprint: Of the request.
        most: Bytes that are held back.

    Attributes:
        status: Its status; 0 before its head is there.
        head: Its header lines.
        sized: It came in one piece, whose length is announced.
        whole: It was given to its good end.
        ended: Nothing more comes.
        trimmed: Its beginning is gone: nobody can join.
    """

    __slots__ = (
        "_first",
        "_most",
        "_news",
        "_pieces",
        "_room",
        "ended",
        "fingerprint",
        "head",
        "readers",
        "size",
        "sized",
        "status",
        "trimmed",
        "whole",
    )

    def __init__(self, fingerprint: bytes, most: int) -> None:
        self.fingerprint = fingerprint
        self.status = 0
        self.head = b""
        self.sized = False
        self.whole = False
        self.ended = False
        self.trimmed = False
        self.size = 0
        self.readers: set[Reader] = set()
        self._most = most
        self._pieces: list[bytes] = []
        self._first = 0
        self._news: list[asyncio.Future[None]] = []
        self._room: asyncio.Future[None] | None = None

    @property
    def weight(self) -> int:
        """Bytes that it takes to keep it."""
        return self.size + len(self._pieces) * _PIECE + len(self.head) + _OVERHEAD

    @property
    def is_kept(self) -> bool:
        """Whether it is worth being given again."""
        return self.whole and not self.trimmed and self.status // 100 == 2  # noqa: PLR2004

    # writing

    def begin(self, status: int, head: bytes, *, sized: bool) -> None:
        """The head is there."""
        self.status, self.head, self.sized = status, head, sized

    def put(self, piece: bytes, *, more: bool) -> None:
        """The next piece is there."""
        if piece:
            self._pieces.append(piece)
            self.size += len(piece)
        if not more:
            self.ended = True
        if self.size > self._most:
            self.trimmed = True
            self.trim()
        self._tell()

    def end(self) -> None:
        """Nothing more comes, whatever became of it."""
        self.ended = True
        self._tell()

    async def room(self) -> None:
        """Wait while the slowest reader has more to take than is held back."""
        while self.size > self._most and self.readers and not self.ended:
            self._room = asyncio.get_running_loop().create_future()
            await self._room

    # reading

    def reader(self) -> Reader:
        """Somebody reads it, from its beginning; `leave` must be called in the end."""
        reader = Reader(self)
        self.readers.add(reader)
        return reader

    def leave(self, reader: Reader) -> None:
        """A reader does not wait any more; called again, it does nothing."""
        self.readers.discard(reader)
        self.trim()

    def pieces(self, at: int) -> list[bytes]:
        """All pieces that have come, from a number on."""
        return self._pieces[at - self._first :]

    async def news(self) -> None:
        """Wait for the next thing that happens."""
        future = asyncio.get_running_loop().create_future()
        self._news.append(future)
        await future

    def trim(self) -> None:
        """Let go of what every reader has had, once the beginning need not be kept."""
        if not self.trimmed:
            return
        last = self._first + len(self._pieces)
        gone = min((reader.at for reader in self.readers), default=last) - self._first
        self.size -= sum(map(len, self._pieces[:gone]))
        del self._pieces[:gone]
        self._first += gone
        if self._room is not None and not self._room.done():
            self._room.set_result(None)

    def _tell(self) -> None:
        waiting, self._news = self._news, []
        for future in waiting:
            if not future.done():
                future.set_result(None)


class Reader:
    """Somebody who reads an answer.

    Attributes:
        at: The number of the piece that comes next.
    """

    __slots__ = ("_recording", "at")

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self.at = 0

    async def began(self) -> bool:
        """Wait for the head; False where there will be none."""
        recording = self._recording
        while not recording.status and not recording.ended:
            await recording.news()
        return bool(recording.status)

    async def next(self) -> bytes | None:
        """All that has come since the last time; None at the end."""
        recording = self._recording
        while not (pieces := recording.pieces(self.at)):
            if recording.ended:
                return None
            await recording.news()
        self.at += len(pieces)
        recording.trim()
        return b"".join(pieces)

    def leave(self) -> None:
        """Wait no more."""
        self._recording.leave(self)
