"""The only socket to models: a call goes out, an answer comes back.

Hot path: on a pooled connection `send` awaits nothing. It follows no redirect, asks no proxy and
takes no address from a caller: where a call goes is its `Origin`, which comes from configuration.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

from antiphon.clock import NEVER
from antiphon.providers.transport.answer import Answer, out_of_time
from antiphon.providers.transport.call import Call, Origin
from antiphon.providers.transport.pool import Pool, PoolBounds
from antiphon.providers.transport.tls import Trust


class Upstream(Protocol):
    """Whatever carries a call to a model."""

    async def send(self, call: Call) -> Answer:
        """Send a call; the answer is for the caller to read and to close.

        Raises:
            ConnectFailed: No connection could be made; nothing was sent.
            UpstreamTimeout: No connection could be had in time, or the call's time is over.
            UpstreamError: `pool_exhausted` where too many calls wait for a connection.
        """
        ...


class Transport:
    """Carries calls over HTTP/1.1, on connections that it keeps alive per origin.

    Attributes:
        reused: Calls that went out on a connection that had served before.
    """

    __slots__ = ("_bounds", "_now", "_pools", "_stream_bound", "_trust", "reused")

    def __init__(
        self, *, bounds: PoolBounds | None = None, now: Callable[[], float] = time.monotonic
    ) -> None:
        """Make a transport; it belongs to the loop that it is first used on.

        Args:
            bounds: What it takes at most.
            now: The clock of an answer's `sent_at` and `first_byte_at`.
        """
        self.reused = 0
        self._bounds = bounds or PoolBounds()
        self._now = now
        self._pools: dict[Origin, Pool] = {}
        self._trust = Trust()
        stream_bound = self._bounds.max_stream_bytes
        self._stream_bound = NEVER if stream_bound is None else stream_bound

    @property
    def open(self) -> int:
        """Connections whose socket is open."""
        return sum(pool.open for pool in self._pools.values())

    @property
    def idle(self) -> int:
        """Connections that serve no call."""
        return sum(pool.idle for pool in self._pools.values())

    @property
    def created(self) -> int:
        """Connections made so far."""
        return sum(pool.created for pool in self._pools.values())

    async def send(self, call: Call) -> Answer:
        """Send a call: connected, and its request written, when this returns."""
        loop = asyncio.get_running_loop()
        pool = self._pools.get(call.origin)
        if pool is None:
            pool = self._pools[call.origin] = Pool(
                call.origin, self._bounds, self._trust, loop=loop, now=self._now
            )
        now = loop.time()
        total = min(now + call.timeouts.total, call.deadline)
        if total <= now:
            raise out_of_time()
        connection = pool.take()
        if connection is None:
            connection = await pool.acquire(connect=call.timeouts.connect, total=total)
        bounds = self._bounds
        answer = Answer(
            call,
            loop,
            total=total,
            bound=self._stream_bound if call.stream else bounds.max_body_bytes,
            whole_bound=bounds.max_body_bytes,
            again=self._send_again,
        )
        connection.send(answer)
        if answer.reused:
            self.reused += 1
        if connection.choked:
            await answer.sent()
        return answer

    async def aclose(self) -> None:
        """Close every connection and wait until the last socket is gone; calls under way fail."""
        for pool in self._pools.values():
            await pool.aclose()

    async def _send_again(self, answer: Answer) -> None:
        """Repeat a call that met a stale connection; on a fresh one, so at most once."""
        call = answer.call
        connection = await self._pools[call.origin].acquire(
            connect=call.timeouts.connect, total=answer.total, fresh=True
        )
        if answer.over:
            # Closed meanwhile by another task: the connection is as good as new.
            self._pools[call.origin].release(connection)
            return
        connection.send(answer)
        if connection.choked:
            await answer.sent()
