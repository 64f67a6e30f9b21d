"""One answer: fed by its connection on one side, read by the caller on the other.

Hot path: an unstreamed answer costs its reader one future and one wake-up, since it is told only
when it is whole; a stream costs one of each per read. Deadlines are numbers that the connection's
one alarm looks at when it rings, so bytes that arrive in time touch no timer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
from typing_extensions import override

from antiphon.clock import NEVER
from antiphon.errors import UpstreamBroken, UpstreamError
from antiphon.providers.transport.call import Call, Head
from antiphon.providers.transport.faults import out_of_time, silence
from antiphon.providers.transport.inflate import PLAIN, Inflater
from antiphon.providers.transport.ports import Line

HIGH_WATER = 64 * 1024
"""Unread bytes of a stream beyond which the upstream is held back."""

_DESCRIBES_BODY = (b"content-encoding", b"content-length")


class Terms(msgspec.Struct, frozen=True, eq=False):
    """What all answers of one transport have in common.

    Attributes:
        loop: The running loop.
        again: Sends the call of an answer once more, on a fresh connection.
        whole_bound: How many bytes of body `whole` tells at most.
        stream_bound: How many bytes of a stream `read` tells at most.
    """

    loop: asyncio.AbstractEventLoop
    again: Callable[[Answer], Awaitable[None]]
    whole_bound: float
    stream_bound: float


class Answer(msgspec.Struct, eq=False):
    """What comes back for one call, read by one task at a time.

    Whoever got it closes it. Cancelling a task that awaits it closes it too.
    (A struct, since it is filled in C: a class with as many slots takes three times as long.)

    Attributes:
        call: What was asked.
        terms: What all answers have in common.
        total: The loop time at which the call is over.
        reused: Whether the request went out on a connection that had served before.
        sent_at: When the request was written, by the transport's clock.
        first_byte_at: When the body began (or the answer ended without one); 0 before.
    """

    call: Call
    terms: Terms
    total: float
    _gather: bool
    _bound: float
    reused: bool = False
    sent_at: float = 0.0
    first_byte_at: float = 0.0
    _due: float = NEVER
    _patience: float = NEVER
    _head: Head | None = None
    _inflater: Inflater | None = None
    _parts: list[bytes] = msgspec.field(default_factory=list[bytes])
    _unread: int = 0
    _taken: int = 0
    _line: Line | None = None
    _waiter: asyncio.Future[None] | None = None
    _error: UpstreamError | None = None
    _done: bool = False
    _held: bool = False
    _stale: bool = False

    @property
    def size(self) -> int:
        """Bytes of the body that have come so far."""
        return self._taken

    @override
    def __repr__(self) -> str:
        """Say how far it is, and nothing of what was said."""
        status = "waiting" if self._head is None else self._head.status
        return f"Answer({self.call!r}, {status}, {'over' if self._done else 'open'})"

    # ------------------------------------------------------------------ for the caller

    async def head(self, patience: float | None = None) -> Head | None:
        """Status and headers; of an unstreamed answer, once its body is here as well.

        Returns:
            None when `patience` seconds passed in silence: nothing is lost, ask again.

        Raises:
            UpstreamError: The connection failed before the head was here.
        """
        until = NEVER if patience is None else self.terms.loop.time() + patience
        while self._head is None or (self._gather and not self._done):
            if self._done:
                raise self._failure()
            if not await self._news(until):
                return None
        return self._head

    async def read(self, patience: float | None = None) -> bytes | None:
        """Everything received since the last read, in one piece; `b""` at the proper end.

        Returns:
            None when `patience` seconds passed in silence: nothing is lost, ask again.

        Raises:
            UpstreamError: The connection failed; what came before was read before.
        """
        until = NEVER if patience is None else self.terms.loop.time() + patience
        while not self._parts or (self._gather and not self._done):
            if self._done:
                if self._error is not None:
                    raise self._error
                return b""
            if not await self._news(until):
                return None
        return self._take()

    async def whole(self) -> bytes:
        """The rest of the body, bounded.

        Raises:
            UpstreamError: The connection failed before the end, or the body is too large.
        """
        if not self._done:
            self._gather = True
            self._bound = self._taken + self.terms.whole_bound
            if self._held:
                self._release()
            while not self._done:
                await self._news(NEVER)
        if self._error is not None:
            # Nobody will read it, and the error, which holds this answer, may be kept.
            self._parts.clear()
            raise self._error
        return self._take() if self._parts else b""

    def close(self) -> None:
        """Be done with it: an answer that is not complete takes its connection with it."""
        if not self._done:
            self._end(UpstreamBroken("The call was given up.", code="closed"))

    # ------------------------------------------------------------------ for the transport

    @property
    def over(self) -> bool:
        """Whether the answer is complete, has failed or was closed."""
        return self._done

    def attached(self, line: Line, now: float, at: float) -> float:
        """The request is written to `line`; returns the first deadline."""
        self._line = line
        self.sent_at = at
        if self._gather:
            return self.total
        due = self._due = now + self.call.timeouts.first_byte
        return min(self.total, due)

    async def sent(self) -> None:
        """Wait until the request has left, or the answer makes that pointless."""
        while (
            not self._done
            and self._head is None
            and (line := self._line) is not None
            and line.choked
        ):
            await self._news(NEVER)

    def stir(self) -> None:
        """Wake whoever waits, to look again."""
        waiter = self._waiter
        if waiter is not None:
            self._waiter = None
            if not waiter.done():
                waiter.set_result(None)

    # ------------------------------------------------------------------ for the connection

    def began(self, head: Head, encoding: bytes | None) -> None:
        """Status and headers are here; raises `UpstreamBroken` for an unknown encoding."""
        if encoding is not None and encoding not in PLAIN:
            self._inflater = Inflater(encoding)
            plain = tuple(pair for pair in head.headers if pair[0] not in _DESCRIBES_BODY)
            head = Head(head.status, plain)
        self._head = head

    def received(self, data: bytes, at: float) -> None:
        """More of the body; raises `UpstreamBroken` where it is not to be had."""
        if not self.first_byte_at:
            self.first_byte_at = at
            self._due = NEVER
        self._keep(data)
        if self._unread > HIGH_WATER and not self._gather and self._line is not None:
            self._due = NEVER
            if not self._held:
                self._held = True
                self._line.hold()
            return
        due = self.terms.loop.time() + self.call.timeouts.idle
        if self._due == NEVER and self._line is not None:
            # Only now can the deadline be nearer than the alarm: later bytes only put it off.
            self._line.watch(min(due, self.total))
        self._due = due

    def told(self) -> None:
        """One read of the socket is worked through: wake the reader if it has news."""
        if not self._gather:
            self.stir()

    def completed(self, data: bytes, at: float) -> None:
        """The body ended properly; raises `UpstreamBroken` where it does not inflate."""
        if not self.first_byte_at:
            self.first_byte_at = at
        if data:
            self._keep(data)
        if self._inflater is not None:
            self._inflater.end()
        self._done = True
        self._line = None
        self.stir()

    def failed(self, error: UpstreamError) -> None:
        """The connection is lost; what was received is still to be read."""
        if not self._done:
            self._error = error
            self._done = True
            self._line = None
            self.stir()

    def went_stale(self) -> None:
        """The reused connection closed before it said a word: it may be asked once more."""
        self._line = None
        self._stale = True
        self.stir()

    def ring(self, now: float) -> float:
        """Look at the deadlines; returns the next one, or `NEVER` after a failure."""
        if now >= self.total:
            self._end(out_of_time())
            return NEVER
        if now >= self._due:
            self._end(silence(self.call.timeouts, begun=self.first_byte_at > 0))
            return NEVER
        if now >= self._patience:
            self._patience = NEVER
            self.stir()
        return min(self.total, self._due, self._patience)

    # ------------------------------------------------------------------ inside

    async def _news(self, until: float) -> bool:
        """Wait for a change; False when `until` passed without one."""
        if self._stale:
            await self._try_again()
            return True
        if self._waiter is not None:
            raise RuntimeError("An answer is read by one task at a time.")
        loop = self.terms.loop
        self._patience = until
        if until != NEVER:
            if until <= loop.time():
                return False
            if self._line is not None:
                self._line.watch(min(until, self._due, self.total))
        waiter = self._waiter = loop.create_future()
        try:
            await waiter
        except BaseException:
            self._waiter = None
            self.close()
            raise
        return True

    async def _try_again(self) -> None:
        self._stale = False
        try:
            await self.terms.again(self)
        except UpstreamError as error:
            self.failed(error)
        except BaseException:
            self.close()
            raise

    def _keep(self, data: bytes) -> None:
        if self._inflater is not None:
            data = self._inflater.feed(data)
            if not data:
                return
        size = len(data)
        self._taken += size
        if self._taken > self._bound:
            raise UpstreamBroken(
                f"The body is larger than {self._bound:.0f} bytes.", code="body_too_large"
            )
        self._unread += size
        self._parts.append(data)

    def _take(self) -> bytes:
        parts = self._parts
        data = parts[0] if len(parts) == 1 else b"".join(parts)
        parts.clear()
        self._unread = 0
        if self._held:
            self._release()
        return data

    def _release(self) -> None:
        """Let the upstream go on; from now on its silence counts again."""
        self._held = False
        if self._line is not None:
            self._due = self.terms.loop.time() + self.call.timeouts.idle
            self._line.watch(min(self._due, self.total))
            self._line.resume()

    def _end(self, error: UpstreamError) -> None:
        line = self._line
        self.failed(error)
        if line is not None:
            line.abort()

    def _failure(self) -> UpstreamError:
        return self._error or UpstreamBroken("The answer ended before it began.", code="closed")
