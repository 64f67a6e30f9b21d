"""The replies of routes that capture: the same ones, and what they hand out is noted."""

from __future__ import annotations

from typing_extensions import override

from antiphon.errors import AntiphonError
from antiphon.pipeline.replies import StreamReply, WholeReply
from antiphon.usage.captures.taking import Capture


def captured(reply: WholeReply | StreamReply, capture: Capture) -> WholeReply | StreamReply:
    """A reply of which a copy is kept, wherever it comes from."""
    if isinstance(reply, StreamReply):
        return _CapturedStream(reply, capture)
    capture.hand_out(reply.body)
    return reply


class _CapturedStream(StreamReply):
    """A stream whose pieces are noted as they are handed out."""

    __slots__ = ("_capture", "_stream")

    def __init__(self, stream: StreamReply, capture: Capture) -> None:
        super().__init__()
        self._stream = stream
        self._capture = capture

    @property
    @override
    def content_type(self) -> str:
        return self._stream.content_type

    @override
    async def next(self) -> bytes:
        return self._noted(await self._stream.next())

    @override
    def fail(self, error: AntiphonError) -> bytes:
        return self._noted(self._stream.fail(error))

    @override
    async def drain(self) -> None:
        await self._stream.drain()

    def _noted(self, piece: bytes) -> bytes:
        self.ended, self.failure = self._stream.ended, self._stream.failure
        self._capture.hand_out(piece)
        return piece
