"""The cases under load: which kinds of answer each needs, and the rounds that take turns.

In every round each target is measured once, and each round begins with another one: a machine
that slows down for a minute slows all of them.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from benchmarks.road.measure import (
    Bench,
    events_on_many_streams,
    latency_at_fixed_rate,
    requests_at_full_speed,
)
from benchmarks.road.results import Sample
from benchmarks.road.standin import Kind
from benchmarks.road.targets import Started, Target

Measure = Callable[[Bench, Target, Started], dict[str, float]]


@dataclass(frozen=True, slots=True)
class Case:
    """A named measurement, repeated in rounds, over one or more kinds of answer."""

    name: str
    kinds: dict[Kind, Measure]

    def run(
        self, bench: Bench, targets: Sequence[Target], tell: Callable[[str], None]
    ) -> Iterator[Sample]:
        """Start every target once for each kind, warm it up, and measure in turns."""
        if any(kind.is_translated for kind in self.kinds):
            targets = [target for target in targets if target.translates]
        if Kind.EVERYTHING in self.kinds:
            targets = [target for target in targets if target.guards]
        with contextlib.ExitStack() as stack:
            started = {
                (target, kind): stack.enter_context(
                    target.started(
                        kind,
                        bench.standin,
                        bench.tools,
                        bench.cores,
                        bench.folder / f"{self.name}-{kind}-{target.name}",
                    )
                )
                for kind in self.kinds
                for target in targets
            }
            for (target, kind), running in started.items():
                bench.closed_loop(kind).warm_up(target, running)
            for number in range(bench.rounds):
                tell(f"{self.name}: round {number + 1} of {bench.rounds}")
                turn = number % len(targets)
                for target in (*targets[turn:], *targets[:turn]):
                    for kind, measure in self.kinds.items():
                        values = measure(bench, target, started[target, kind])
                        yield Sample(self.name, str(kind), target.name, number, values)


def _full_speed(kind: Kind) -> Measure:
    def measure(bench: Bench, target: Target, started: Started) -> dict[str, float]:
        return requests_at_full_speed(bench, kind, target, started)

    return measure


def loaded_cases() -> dict[str, Case]:
    """Return the cases that are measured in rounds, by name."""
    cases = (
        Case("plain", {Kind.PLAIN: _full_speed(Kind.PLAIN)}),
        Case("hit", {Kind.HIT: _full_speed(Kind.HIT)}),
        Case("miss", {Kind.MISS: _full_speed(Kind.MISS)}),
        Case("everything", {Kind.EVERYTHING: _full_speed(Kind.EVERYTHING)}),
        Case("latency", {Kind.PLAIN: latency_at_fixed_rate}),
        Case("burst", {kind: _full_speed(kind) for kind in (Kind.ONE, Kind.BURST, Kind.SIZED)}),
        Case("drip", {Kind.DRIP: events_on_many_streams}),
        Case(
            "translated",
            {
                kind: _full_speed(kind)
                for kind in (Kind.PLAIN, Kind.MESSAGES, Kind.MESSAGES_ONE, Kind.MESSAGES_BURST)
            },
        ),
        Case("tls", {Kind.TLS: _full_speed(Kind.TLS)}),
    )
    return {case.name: case for case in cases}
