"""One measurement of one target under one load: numbers by name, and nothing kept in between."""

import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.road import answers, client_latency, client_streams
from benchmarks.road.clients import holding_streams, measure_latency
from benchmarks.road.machine import Cores, Tools, busy_share
from benchmarks.road.process import BrokenRunError
from benchmarks.road.standin import Kind, Standin
from benchmarks.road.targets import Rows, Started, Target
from benchmarks.road.wrk import CONNECTIONS, ClosedLoop

DRIP_STREAMS = 300
DRIP_RAMP = 1.0
DRIP_MARGIN = 0.5
OPEN_STREAMS = 1000
OPEN_RAMP = 2.0


@dataclass(frozen=True, slots=True)
class Bench:
    """What every measurement needs: the stand-in, the cores, the tools, how long and how often."""

    standin: Standin
    tools: Tools
    cores: Cores
    folder: Path
    rounds: int
    seconds: float
    rate: int

    def closed_loop(self, kind: Kind) -> ClosedLoop:
        return ClosedLoop(kind, self.standin, self.tools, self.cores, self.folder)


def requests_at_full_speed(
    bench: Bench, kind: Kind, target: Target, started: Started
) -> dict[str, float]:
    """CPU per request and requests per second with 32 connections that never pause."""
    loop = bench.closed_loop(kind)
    before, rows = started.process.quiet_cpu_ns(), started.rows()
    watch = _CoreWatch(bench.cores)
    loaded = loop.run(target, started, seconds=bench.seconds)
    ran = started.process.cpu_ns() - before if target.is_process else 0
    cores = watch.shares(ran)
    spent = started.process.quiet_cpu_ns() - before
    _check_rows(started, kind, rows, loaded.requests)
    return {
        # The one request that was looked at in full counts too.
        "cpu_us": spent / 1e3 / (loaded.requests + 1),
        "rps": loaded.requests / loaded.seconds,
        "requests": loaded.requests,
        "p50_us": loaded.p50_us,
        "p99_us": loaded.p99_us,
        **cores,
    }


def _check_rows(started: Started, kind: Kind, before: Rows | None, requests: int) -> None:
    """Refuse a run whose ledger does not hold every answered request once the server is quiet.

    The load ends in the middle of some requests, which have rows too. All of them say that they
    came from a cache, or none does.
    """
    after = started.rows()
    if before is None or after is None:
        return
    written, given = after.all - before.all, after.given - before.given
    if not requests < written <= requests + 1 + CONNECTIONS:
        raise BrokenRunError(
            f"{started.name}: {written} rows in the ledger after {requests} requests"
        )
    # The question that is looked at is always the same one, so it is kept in any case.
    if not (written - 1 <= given if kind is Kind.HIT else given <= 1):
        raise BrokenRunError(f"{started.name}: {given} of {written} answers came from the cache")


def latency_at_fixed_rate(bench: Bench, target: Target, started: Started) -> dict[str, float]:
    """Latency from the planned departure, at a rate that is far below what any target can do."""
    body = answers.question(streamed=False)
    expected = bench.standin.expected(Kind.PLAIN)
    length = len(expected) if target.exact else bench.closed_loop(Kind.PLAIN).look(target, started)
    spec = client_latency.Spec(
        port=started.port,
        request=answers.http_request(body),
        length=length,
        body=expected if target.exact else None,
        rate=bench.rate,
        seconds=bench.seconds,
    )
    measured = measure_latency(spec, bench.cores)
    if measured.wrong:
        raise BrokenRunError(f"{started.name}: {measured.wrong} wrong answers at a fixed rate")
    return {
        "p50_us": measured.p50_us,
        "p99_us": measured.p99_us,
        "max_us": measured.max_us,
        "late_p99_us": measured.late_p99_us,
        "connections": measured.connections,
    }


def events_on_many_streams(bench: Bench, target: Target, started: Started) -> dict[str, float]:
    """CPU per event while 300 streams drip; opening and closing them is outside of the window."""
    spec = streams_spec(bench, Kind.DRIP, target, started, streams=DRIP_STREAMS, ramp=DRIP_RAMP)
    with holding_streams(spec, bench.cores) as held:
        held.wait_open()
        time.sleep(DRIP_MARGIN)
        begin, before = time.monotonic(), started.process.cpu_ns()
        watch = _CoreWatch(bench.cores)
        time.sleep(bench.seconds)
        end, after = time.monotonic(), started.process.cpu_ns()
        cores = watch.shares(after - before if target.is_process else 0)
        measured = held.result()
    check_streams(measured, started)
    if measured.first_end < end:
        raise BrokenRunError(f"{started.name}: streams opened so slowly that the first had ended")
    came = measured.by_millisecond.items()
    events = sum(count for stamp, count in came if begin * 1000 <= stamp < end * 1000)
    return {
        "cpu_us_event": (after - before) / 1e3 / events,
        "events_per_second": events / (end - begin),
        "gap_p50_ms": measured.gap_p50_ms,
        "gap_p99_ms": measured.gap_p99_ms,
        "gap_max_ms": measured.gap_max_ms,
        "events_per_read": measured.events_per_read,
        **cores,
    }


def streams_spec(
    bench: Bench, kind: Kind, target: Target, started: Started, *, streams: int, ramp: float
) -> client_streams.Spec:
    """Say what the client of many streams has to ask and to see."""
    stream = bench.standin.streams[kind]
    return client_streams.Spec(
        port=started.port,
        request=answers.http_request(answers.question(streamed=True)),
        expected=stream.body,
        events=len(stream.frames),
        exact=target.exact,
        streams=streams,
        ramp=ramp,
        patience=ramp + bench.seconds + 60,
    )


def check_streams(measured: client_streams.Measured, started: Started) -> None:
    """Refuse a run in which one event of one stream was missing or changed."""
    started.process.check()
    if measured.wrong:
        raise BrokenRunError(f"{started.name}: wrong streams, such as {measured.wrong}")


class _CoreWatch:
    """How busy each side was, which tells who was the bottleneck and whether a stranger ran."""

    def __init__(self, cores: Cores) -> None:
        self._cores = cores
        self._begin = time.monotonic_ns()
        self._before = self._read()

    def shares(self, tested_ns: int) -> dict[str, float]:
        """Return the busy share of both sides, and that of strangers on the core under test.

        Args:
            tested_ns: the CPU time that the server under test used since the watch began.
        """
        shares = {}
        for name, (busy, total) in self._read().items():
            busy_before, total_before = self._before[name]
            shares[name] = (busy - busy_before) / max(1.0, total - total_before)
        if self._cores.apart:
            own = tested_ns / (time.monotonic_ns() - self._begin)
            shares["strangers"] = max(0.0, shares["tested_core_busy"] - own)
        return shares

    def _read(self) -> dict[str, tuple[float, float]]:
        sides = {"tested_core_busy": self._cores.tested, "load_cores_busy": self._cores.load}
        sums = {}
        for name, cores in sides.items():
            ticks = [busy_share(core) for core in cores]
            sums[name] = (sum(busy for busy, _ in ticks), sum(total for _, total in ticks))
        return sums
