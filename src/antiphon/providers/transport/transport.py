"""The only socket to models: a call goes out, an answer comes back.

Hot path: on a pooled connection `send` awaits nothing. It follows no redirect, asks no proxy and
takes no address from a caller: where a call goes is its `Origin`, which comes from configuration.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection
from typing import Protocol

from antiphon.clock import NEVER
from antiphon.providers.transport.answer import Answer, Terms
from antiphon.providers.transport.call import Call, Origin
from antiphon.providers.transport.faults import closing, out_of_time
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

    __slots__ = ("_bounds", "_closed", "_now", "_pools", "_trust", "reused")

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
        self._closed = False

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
        pool = self._pools.get(call.origin) or self._new_pool(call.origin)
        terms = pool.terms
        now = terms.loop.time()
        total = now + call.timeouts.total
        total = min(total, call.deadline)
        if total <= now:
            raise out_of_time()
        connection = pool.take()
        if connection is None:
            connection = await pool.acquire(connect=call.timeouts.connect, total=total)
            now = terms.loop.time()
        stream = call.stream
        bound = terms.stream_bound if stream else terms.whole_bound
        answer = Answer(call, terms, total, not stream, bound)
        connection.send(answer, now)
        if answer.reused:
            self.reused += 1
        if connection.choked:
            await answer.sent()
        return answer

    def keep_only(self, origins: Collection[Origin]) -> None:
        """Let go of the connections to all others, but where one of them serves a call."""
        for origin, pool in list(self._pools.items()):
            if origin not in origins and pool.rests:
                del self._pools[origin]
                pool.close()

    async def aclose(self) -> None:
        """Close every connection and wait until the last socket is gone; calls under way fail."""
        self._closed = True
        for pool in self._pools.values():
            pool.close()
        for pool in self._pools.values():
            await pool.emptied()

    def _new_pool(self, origin: Origin) -> Pool:
        if self._closed:
            raise closing()
        bounds = self._bounds
        terms = Terms(
            asyncio.get_running_loop(),
            self._send_again,
            bounds.max_body_bytes,
            NEVER if bounds.max_stream_bytes is None else bounds.max_stream_bytes,
        )
        pool = self._pools[origin] = Pool(origin, bounds, self._trust, terms=terms, now=self._now)
        return pool

    async def _send_again(self, answer: Answer) -> None:
        """Repeat a call that met a stale connection; on a fresh one, so at most once."""
        call = answer.call
        pool = self._pools[call.origin]
        connection = await pool.acquire(
            connect=call.timeouts.connect, total=answer.total, fresh=True
        )
        if answer.over:
            # Closed meanwhile by another task: the connection is as good as new.
            pool.release(connection)
            return
        connection.send(answer, pool.terms.loop.time())
        if connection.choked:
            await answer.sent()
