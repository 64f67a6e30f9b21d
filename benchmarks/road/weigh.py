"""Memory and start-up: measured on fresh processes, because they remember what was done to them."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager

from benchmarks.road.clients import holding_streams
from benchmarks.road.measure import (
    OPEN_RAMP,
    OPEN_STREAMS,
    Bench,
    check_streams,
    streams_spec,
)
from benchmarks.road.process import running
from benchmarks.road.ready import wait_until_ready
from benchmarks.road.results import Sample
from benchmarks.road.standin import Kind
from benchmarks.road.targets import Started, Target

STARTS = 10
SOAK_FIRST, SOAK_SECOND = 20_000, 200_000
_SETTLE = 1.0
Weigh = Callable[[Bench, Sequence[Target], Callable[[str], None]], Iterator[Sample]]


def weighing_cases() -> dict[str, Weigh]:
    """Return the cases that need fresh processes, by name."""
    return {"memory": memory, "startup": startup, "soak": soak}


def memory(
    bench: Bench, targets: Sequence[Target], tell: Callable[[str], None]
) -> Iterator[Sample]:
    """Memory after the first request, with 1,000 open streams, and after they have ended."""
    for target in filter(lambda each: each.is_process, targets):
        tell(f"memory: {target.name}")
        with _fresh(bench, target, Kind.SLOW, "memory") as started:
            bench.closed_loop(Kind.SLOW).look(target, started)
            time.sleep(_SETTLE)
            idle = started.process.memory()
            spec = streams_spec(
                bench, Kind.SLOW, target, started, streams=OPEN_STREAMS, ramp=OPEN_RAMP
            )
            with holding_streams(spec, bench.cores) as held:
                held.wait_open()
                time.sleep(_SETTLE)
                loaded = started.process.memory()
                check_streams(held.result(), started)
            started.process.quiet_cpu_ns()
            after = started.process.memory()
        values = {
            "idle_rss_mb": idle.rss,
            "idle_pss_mb": idle.pss,
            "streams_rss_mb": loaded.rss - idle.rss,
            "streams_pss_mb": loaded.pss - idle.pss,
            "kept_rss_mb": after.rss - idle.rss,
        }
        yield Sample("memory", str(Kind.SLOW), target.name, 0, values)


def soak(bench: Bench, targets: Sequence[Target], tell: Callable[[str], None]) -> Iterator[Sample]:
    """Memory after 200,000 requests over that after 20,000: what is never given back."""
    for target in filter(lambda each: each.is_process, targets):
        with _fresh(bench, target, Kind.PLAIN, "soak") as started:
            done, values = 0, {}
            for goal in (SOAK_FIRST, SOAK_SECOND):
                tell(f"soak: {target.name}, to {goal:,} requests")
                done = _ask_until(bench, target, started, done=done, goal=goal)
                started.process.quiet_cpu_ns()
                time.sleep(_SETTLE)
                weight = started.process.memory()
                values |= {f"rss_{goal}_mb": weight.rss, f"pss_{goal}_mb": weight.pss}
            values["requests"] = done
        values["grown_rss_mb"] = values[f"rss_{SOAK_SECOND}_mb"] - values[f"rss_{SOAK_FIRST}_mb"]
        values["grown_pss_mb"] = values[f"pss_{SOAK_SECOND}_mb"] - values[f"pss_{SOAK_FIRST}_mb"]
        yield Sample("soak", str(Kind.PLAIN), target.name, 0, values)


def startup(
    bench: Bench, targets: Sequence[Target], tell: Callable[[str], None]
) -> Iterator[Sample]:
    """From exec to the first 200, with warm files: the first start is not counted."""
    for number in range(STARTS + 1):
        tell(f"startup: {number} of {STARTS}")
        for target in filter(lambda each: each.is_process, targets):
            folder = bench.folder / f"startup-{number}-{target.name}"
            folder.mkdir()
            plan = target.plan(Kind.PLAIN, bench.standin, bench.tools, folder)
            begin = time.perf_counter()
            with running(
                target.name,
                plan.command,
                folder=folder,
                cores=bench.cores.tested,
                environment=plan.environment,
            ) as process:
                wait_until_ready(process, plan.port, path=plan.ready_path)
                values = {"ready_s": time.perf_counter() - begin}
            if number:
                yield Sample("startup", str(Kind.PLAIN), target.name, number, values)


def _ask_until(bench: Bench, target: Target, started: Started, *, done: int, goal: int) -> int:
    """Load in short pieces until that many requests were answered; wrk can only count time."""
    loop, rate = bench.closed_loop(Kind.PLAIN), 1.0
    while done < goal:
        loaded = loop.run(target, started, seconds=min(60.0, (goal - done) / rate))
        rate = loaded.requests / loaded.seconds
        done += loaded.requests + 1
    return done


def _fresh(bench: Bench, target: Target, kind: Kind, case: str) -> AbstractContextManager[Started]:
    folder = bench.folder / f"{case}-{target.name}"
    return target.started(kind, bench.standin, bench.tools, bench.cores, folder)
