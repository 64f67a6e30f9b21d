"""Many streams at once, in a process of its own: every byte of every event is compared.

It says `open` on a line of its own once each stream has had an event, goes on reading to the end
of all of them, and then says what it saw as one line of JSON.
"""

import asyncio
import gc
import sys
import time
from array import array
from collections import Counter

import httptools
import msgspec
import uvloop


class Spec(msgspec.Struct, frozen=True):
    """What to ask, how many times at once, and what every stream must say."""

    port: int
    request: bytes
    expected: bytes
    events: int
    exact: bool
    streams: int
    ramp: float
    patience: float


class Measured(msgspec.Struct, frozen=True):
    """What came: events by the millisecond (monotonic clock), and the gaps between reads."""

    streams: int
    events: int
    wrong: list[str]
    by_millisecond: dict[int, int]
    first_end: float
    gap_p50_ms: float
    gap_p99_ms: float
    gap_max_ms: float
    events_per_read: float


class _Stream(asyncio.Protocol):
    """One stream, compared with what it must say while it comes."""

    def __init__(self, run: "_Run") -> None:
        self._run = run
        self._parser = httptools.HttpResponseParser(self)
        self._offset = 0
        self._events = self._new = 0
        self._last = 0.0
        self._tail = b""
        self._complete = False
        self._fault = ""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        transport.write(self._run.spec.request)

    def data_received(self, data: bytes) -> None:
        self._new = 0
        self._parser.feed_data(data)
        if not self._new:
            return
        now = time.monotonic()
        if self._events == self._new:
            self._run.first_event()
        self._run.came(self._new, now, now - self._last if self._last else None)
        self._last = now

    def on_body(self, body: bytes) -> None:
        spec = self._run.spec
        end = self._offset + len(body)
        if spec.exact and spec.expected[self._offset : end] != body:
            self._fault = self._fault or f"other bytes than expected at {self._offset}"
        self._offset = end
        # A frame's end may be cut in two: keep the last byte for the next look.
        seen = self._tail[-1:] + body if self._tail.endswith(b"\n") else body
        count = seen.count(b"\n\n")
        self._tail = (self._tail + body)[-32:]
        self._new += count
        self._events += count

    def on_message_complete(self) -> None:
        self._complete = True
        spec, status = self._run.spec, self._parser.get_status_code()
        if status != 200:
            self._fault = f"status {status}"
        elif self._events != spec.events:
            self._fault = self._fault or f"{self._events} events instead of {spec.events}"
        elif not self._tail.endswith(b"data: [DONE]\n\n"):
            self._fault = self._fault or "no [DONE] at the end"
        assert self._transport is not None
        self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._complete:
            self._fault = self._fault or f"cut after {self._events} events ({exc})"
        self._run.ended(self._fault)


class _Run:
    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self._begun = self._ended = self._events = self._reads = 0
        self._by_millisecond: Counter[int] = Counter()
        self._gaps = array("d")
        self._faults: list[str] = []
        self._first_end = 0.0
        self._done = asyncio.Event()

    async def measure(self) -> Measured:
        loop = asyncio.get_running_loop()
        start = loop.time()
        async with asyncio.timeout(self.spec.patience):
            for index in range(self.spec.streams):
                # Spread over the ramp, so that the streams do not tick in step.
                pause = start + index * self.spec.ramp / self.spec.streams - loop.time()
                if pause > 0:
                    await asyncio.sleep(pause)
                await loop.create_connection(lambda: _Stream(self), "127.0.0.1", self.spec.port)
            await self._done.wait()
        gaps = sorted(self._gaps) or [0.0]
        return Measured(
            streams=self._ended,
            events=self._events,
            wrong=self._faults[:5],
            by_millisecond=dict(self._by_millisecond),
            first_end=self._first_end,
            gap_p50_ms=gaps[len(gaps) // 2] * 1e3,
            gap_p99_ms=gaps[int(len(gaps) * 0.99)] * 1e3,
            gap_max_ms=gaps[-1] * 1e3,
            events_per_read=self._events / max(1, self._reads),
        )

    def first_event(self) -> None:
        self._begun += 1
        if self._begun == self.spec.streams:
            sys.stdout.write("open\n")
            sys.stdout.flush()

    def came(self, events: int, now: float, gap: float | None) -> None:
        self._events += events
        self._reads += 1
        self._by_millisecond[int(now * 1000)] += events
        if gap is not None:
            self._gaps.append(gap)

    def ended(self, fault: str) -> None:
        self._first_end = self._first_end or time.monotonic()
        self._ended += 1
        if fault:
            self._faults.append(fault)
        if self._ended == self.spec.streams:
            self._done.set()


def main() -> None:
    """Read the spec from standard input, run the streams, write the result to standard output."""
    spec = msgspec.json.decode(sys.stdin.buffer.read(), type=Spec)
    gc.disable()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        measured = runner.run(_Run(spec).measure())
    sys.stdout.buffer.write(msgspec.json.encode(measured) + b"\n")


if __name__ == "__main__":
    main()
