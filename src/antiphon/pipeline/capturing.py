"""The replies of routes that capture: the same ones, and what they hand out is noted."""

from __future__ import annotations

from typing_extensions import override

from antiphon.clock import Clock
from antiphon.errors import AntiphonError
from antiphon.pipeline.attempt import Walk
from antiphon.pipeline.exchange import Exchange
from antiphon.pipeline.replies import StreamReply, WholeReply, whole_reply
from antiphon.usage.captures.taking import Capture, Tap


async def captured_reply(
    tap: Tap, exchange: Exchange, walk: Walk, clock: Clock, heartbeat: float
) -> WholeReply | StreamReply:
    """The answer of an exchange whose route captures.

    Raises:
        UpstreamError: It is the caller's fault, or too long for every candidate.
        Exhausted: No candidate gave an answer.
    """
    plan = exchange.plan
    assert plan is not None
    capture = tap.begin(exchange.id, exchange.payload, exchange.principal, plan.alias)
    exchange.capture = capture
    if exchange.payload.stream:
        stream = _CapturedStream(capture, exchange, walk, clock, heartbeat)
        await stream.start()
        return stream
    whole = await whole_reply(exchange, walk)
    capture.hand_out(whole.body)
    return whole


class _CapturedStream(StreamReply):
    """A stream whose pieces are noted as they are handed out."""

    __slots__ = ("_capture",)

    def __init__(
        self, capture: Capture, exchange: Exchange, walk: Walk, clock: Clock, heartbeat: float
    ) -> None:
        super().__init__(exchange, walk, clock, heartbeat)
        self._capture = capture

    @override
    async def next(self) -> bytes:
        piece = await super().next()
        if self.failure is None:
            self._capture.hand_out(piece)
        return piece

    @override
    def fail(self, error: AntiphonError) -> bytes:
        piece = super().fail(error)
        self._capture.hand_out(piece)
        return piece
