"""The connections to one origin: how many there may be, which are idle, who waits for one.

Hot path: `take` and `release` are one dict operation each. The last one released is the first one
taken, so a pool shrinks by itself to what the traffic needs.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

import msgspec

from antiphon.errors import UpstreamError, UpstreamTimeout
from antiphon.providers.transport.answer import Terms
from antiphon.providers.transport.call import Origin
from antiphon.providers.transport.connection import Connection
from antiphon.providers.transport.dial import dial
from antiphon.providers.transport.faults import closing, out_of_time
from antiphon.providers.transport.tls import Trust


class PoolBounds(msgspec.Struct, frozen=True):
    """What the transport takes at most.

    Attributes:
        connections_per_origin: Open connections to one origin, idle ones included.
        idle_per_origin: Idle connections kept for one origin.
        idle_seconds: How long one is kept; below the usual 60 s of the servers.
        queue: Calls that wait for a connection to one origin.
        max_header_bytes: The head of an answer, and any run of bytes that brings no body.
        max_body_bytes: The body of an unstreamed answer, or of what `whole` reads.
        max_stream_bytes: The body of a stream; None leaves it to the deadlines.
    """

    connections_per_origin: int = 1000
    idle_per_origin: int = 512
    idle_seconds: float = 55.0
    queue: int = 1000
    max_header_bytes: int = 64 * 1024
    max_body_bytes: int = 64 * 1024 * 1024
    max_stream_bytes: int | None = None


class Pool:
    """Lends the connections of one origin.

    Attributes:
        terms: What the answers that come over these connections have in common.
        created: Connections made so far.
    """

    __slots__ = (
        "_alive",
        "_bounds",
        "_closed",
        "_emptied",
        "_idle",
        "_now",
        "_opening",
        "_origin",
        "_trust",
        "_waiters",
        "created",
        "terms",
    )

    def __init__(
        self,
        origin: Origin,
        bounds: PoolBounds,
        trust: Trust,
        *,
        terms: Terms,
        now: Callable[[], float],
    ) -> None:
        self.created = 0
        self._origin = origin
        self._bounds = bounds
        self._trust = trust
        self.terms = terms
        self._now = now
        self._idle: dict[Connection, None] = {}
        self._alive: set[Connection] = set()
        self._opening = 0
        self._waiters: deque[asyncio.Future[Connection | None]] = deque()
        self._closed = False
        self._emptied: asyncio.Event | None = None

    @property
    def open(self) -> int:
        """Connections whose socket is open."""
        return len(self._alive)

    @property
    def idle(self) -> int:
        """Connections that serve no call."""
        return len(self._idle)

    @property
    def rests(self) -> bool:
        """Whether nobody is served, and nobody is about to be."""
        return not (self._opening or self._waiters) and len(self._alive) == len(self._idle)

    def take(self) -> Connection | None:
        """The connection that was released last, if one is idle."""
        return self._idle.popitem()[0] if self._idle else None

    async def acquire(self, *, connect: float, total: float, fresh: bool = False) -> Connection:
        """An idle connection, a new one, or the first that comes free.

        Args:
            connect: How many seconds it may take.
            total: The loop time at which the call is over.
            fresh: Whether it must be one that never served.

        Raises:
            ConnectFailed: None could be made.
            UpstreamTimeout: None could be had in time.
            UpstreamError: `pool_exhausted` where too many wait already.
        """
        deadline = min(self.terms.loop.time() + connect, total)
        try:
            async with asyncio.timeout_at(deadline):
                return await self._acquire(deadline, fresh=fresh)
        except TimeoutError as error:
            if deadline == total:
                raise out_of_time() from error
            raise UpstreamTimeout(
                f"No connection to the provider within {connect:g} s.",
                code="connect_timeout",
            ) from error

    def close(self) -> None:
        """Abort every connection and refuse whoever waits for one."""
        self._closed = True
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_exception(closing())
        for connection in tuple(self._alive):
            connection.fail(closing())

    async def emptied(self) -> None:
        """After `close`: wait until the last socket is gone."""
        if self._alive or self._opening:
            self._emptied = self._emptied or asyncio.Event()
            await self._emptied.wait()

    # ------------------------------------------------------------------ for the connections

    def made(self, connection: Connection) -> None:
        """The socket is open."""
        self.created += 1
        self._alive.add(connection)

    def release(self, connection: Connection) -> None:
        """The connection is free: the first in the queue has it, else it rests."""
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return
        if self._closed or len(self._idle) >= self._bounds.idle_per_origin:
            connection.abort()
            return
        self._idle[connection] = None
        connection.rest(self.terms.loop.time() + self._bounds.idle_seconds)

    def dropped(self, connection: Connection) -> None:
        """The connection is not to be used any more."""
        self._idle.pop(connection, None)

    def lost(self, connection: Connection) -> None:
        """The socket is closed: there is room for another."""
        self._idle.pop(connection, None)
        self._alive.discard(connection)
        self._grant()

    # ------------------------------------------------------------------ inside

    async def _acquire(self, deadline: float, *, fresh: bool) -> Connection:
        while True:
            if self._closed:
                raise closing()
            connection = None if fresh else self.take()
            if connection is not None:
                return connection
            if len(self._alive) + self._opening < self._bounds.connections_per_origin:
                self._opening += 1
                return await self._open(deadline)
            connection = await self._queue()
            if connection is None:
                return await self._open(deadline)
            if not connection.usable:
                continue
            if not fresh:
                return connection
            # It must not be a used one again: its place is taken by a new one.
            connection.abort()
            self._opening += 1
            return await self._open(deadline)

    async def _queue(self) -> Connection | None:
        """Wait for a connection, or None: for leave to open one, counted already."""
        if len(self._waiters) >= self._bounds.queue:
            raise UpstreamError(
                "Every connection to the provider is busy and the queue is full.",
                code="pool_exhausted",
            )
        waiter: asyncio.Future[Connection | None] = self.terms.loop.create_future()
        self._waiters.append(waiter)
        try:
            return await waiter
        except BaseException:
            self._leave(waiter)
            raise

    def _leave(self, waiter: asyncio.Future[Connection | None]) -> None:
        """Pass on what a waiter was given and can no longer use."""
        if not waiter.done() or waiter.cancelled():
            if waiter in self._waiters:
                self._waiters.remove(waiter)
        elif waiter.exception() is None:
            connection = waiter.result()
            if connection is None:
                self._opening -= 1
                self._grant()
            elif connection.usable:
                self.release(connection)

    async def _open(self, deadline: float) -> Connection:
        try:
            connection = await dial(self._origin, self._make, self._trust, deadline=deadline)
        finally:
            self._opening -= 1
            self._grant()
        if self._closed:
            connection.abort()
            raise closing()
        return connection

    def _make(self) -> Connection:
        return Connection(
            self, self.terms.loop, max_header_bytes=self._bounds.max_header_bytes, now=self._now
        )

    def _grant(self) -> None:
        """Let the first in the queue open a connection, while there is room."""
        bound = self._bounds.connections_per_origin
        while self._waiters and len(self._alive) + self._opening < bound:
            waiter = self._waiters.popleft()
            if not waiter.done():
                self._opening += 1
                waiter.set_result(None)
        if self._emptied is not None and not self._alive and not self._opening:
            self._emptied.set()
