"""The open loop, in a process of its own: requests leave on time, whatever became of the last ones.

A request is late from the moment when it should have left, so a stalled server cannot hide behind
a client that waits for it. The clock is a timerfd: uvloop's own timers know only milliseconds.
"""

import asyncio
import ctypes
import gc
import os
import sys
import time
from array import array
from collections import deque

import httptools
import msgspec
import uvloop

_MONOTONIC, _NONBLOCK, _ABSOLUTE = 1, 0o4000, 1
_CONNECTIONS = 16


class Spec(msgspec.Struct, frozen=True):
    """What to send, how often, and what must come back."""

    port: int
    request: bytes
    length: int
    body: bytes | None
    rate: int
    seconds: float
    warm_up: float = 0.5


class Measured(msgspec.Struct, frozen=True):
    """Latency from the planned departure to the last byte, in microseconds."""

    requests: int
    wrong: int
    connections: int
    p50_us: float
    p99_us: float
    max_us: float
    late_p99_us: float


class _Caller(asyncio.Protocol):
    """One keep-alive connection; it is idle, or waits for exactly one answer."""

    def __init__(self, run: "_Run") -> None:
        self._run = run
        self._parser = httptools.HttpResponseParser(self)
        self._body = bytearray()
        self._planned = 0.0
        self._waiting = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def ask(self, request: bytes, planned: float) -> None:
        assert self._transport is not None
        self._planned, self._waiting = planned, True
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        body, self._body = bytes(self._body), bytearray()
        self._waiting = False
        self._run.answered(self, self._parser.get_status_code(), body, self._planned)

    def connection_lost(self, exc: Exception | None) -> None:
        self._run.lost(self, waiting=self._waiting)

    def close(self) -> None:
        assert self._transport is not None
        self._transport.close()


class _Run:
    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._idle: deque[_Caller] = deque()
        self._owed: deque[float] = deque()
        self._latencies, self._lateness = array("d"), array("d")
        self._connections = self._sent = self._answers = self._wrong = 0
        self._total = round(spec.rate * (spec.warm_up + spec.seconds))
        self._warm_up = round(spec.rate * spec.warm_up)
        self._done = asyncio.Event()
        self._start = 0.0

    async def measure(self) -> Measured:
        for _ in range(_CONNECTIONS):
            await self._connect()
        loop = asyncio.get_running_loop()
        self._start = time.monotonic() + 0.05
        clock = _ticking(self._start, 1 / self._spec.rate)
        loop.add_reader(clock, self._tick, clock)
        try:
            async with asyncio.timeout(self._spec.seconds + self._spec.warm_up + 30):
                await self._done.wait()
        finally:
            loop.remove_reader(clock)
            os.close(clock)
        for caller in self._idle:
            caller.close()
        latencies, lateness = sorted(self._latencies), sorted(self._lateness)
        return Measured(
            requests=self._answers,
            wrong=self._wrong,
            connections=self._connections,
            p50_us=_quantile(latencies, 0.5) * 1e6,
            p99_us=_quantile(latencies, 0.99) * 1e6,
            max_us=latencies[-1] * 1e6,
            late_p99_us=_quantile(lateness, 0.99) * 1e6,
        )

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        _, caller = await loop.create_connection(
            lambda: _Caller(self), "127.0.0.1", self._spec.port
        )
        self._connections += 1
        self._idle.append(caller)

    def _tick(self, clock: int) -> None:
        due = int.from_bytes(os.read(clock, 8), sys.byteorder)
        for _ in range(min(due, self._total - self._sent)):
            planned = self._start + self._sent / self._spec.rate
            self._sent += 1
            # A request without a free connection waits its turn, and its waiting counts.
            self._owed.append(planned)
        self._pay()

    def _pay(self) -> None:
        while self._owed and self._idle:
            planned = self._owed.popleft()
            self._lateness.append(time.monotonic() - planned)
            self._idle.popleft().ask(self._spec.request, planned)

    def answered(self, caller: _Caller, status: int, body: bytes, planned: float) -> None:
        now = time.monotonic()
        self._answers += 1
        if self._answers > self._warm_up:
            self._latencies.append(now - planned)
        same = self._spec.body is None or body == self._spec.body
        if status != 200 or len(body) != self._spec.length or not same:
            self._wrong += 1
        self._idle.append(caller)
        self._pay()
        if self._answers == self._total:
            self._done.set()

    def lost(self, caller: _Caller, *, waiting: bool) -> None:
        if not self._done.is_set():
            self._wrong += 1
            self._done.set()


def _ticking(start: float, interval: float) -> int:
    """Make a timerfd that first fires at `start` (monotonic) and then at every interval."""
    libc = ctypes.CDLL(None, use_errno=True)
    clock = libc.timerfd_create(_MONOTONIC, _NONBLOCK)
    if clock < 0:
        raise OSError(ctypes.get_errno(), "timerfd_create")
    parts = []
    for seconds in (interval, start):
        whole, nanoseconds = divmod(round(seconds * 1e9), 1_000_000_000)
        parts += [whole, nanoseconds]
    times = (ctypes.c_long * 4)(*parts)
    if libc.timerfd_settime(clock, _ABSOLUTE, ctypes.byref(times), None) < 0:
        raise OSError(ctypes.get_errno(), "timerfd_settime")
    return clock


def _quantile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def main() -> None:
    """Read the spec from standard input, measure, write the result to standard output."""
    spec = msgspec.json.decode(sys.stdin.buffer.read(), type=Spec)
    gc.disable()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        measured = runner.run(_Run(spec).measure())
    sys.stdout.buffer.write(msgspec.json.encode(measured))


if __name__ == "__main__":
    main()
