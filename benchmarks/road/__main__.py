"""`python -m benchmarks.road`: measure, print, keep the raw numbers.

The exit status is 0 when everything was measured, whatever the figures; 1 when something was
broken (a wrong answer, a server that would not start); 2 when a tool is missing.
"""

import argparse
import datetime as dt
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from benchmarks.figures import road_figures
from benchmarks.road import machine, measure, standin, table
from benchmarks.road.cases import loaded_cases
from benchmarks.road.process import BrokenRunError
from benchmarks.road.results import Results, Sample
from benchmarks.road.targets import ANTIPHON, DIRECT, NGINX, Target
from benchmarks.road.weigh import weighing_cases

_RESULTS = Path(__file__).parents[1] / "results"
_LONG = "soak"
_SLOW_EVENTS = 24


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark and return the exit status."""
    options = _parse(arguments)
    # A plain SIGTERM would skip every `finally` and leave servers behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    began = dt.datetime.now(dt.UTC)
    try:
        tools, cores = machine.find_tools(), machine.share_cores()
        machine.allow_many_sockets()
        about = machine.describe()
        print(f"{about['processor']}, {about['cores']} cores; {cores.describe()}")
        if about["load_average_before"] > 0.5:
            print(f"the machine was busy before: load {about['load_average_before']:.2f}")
        results = Results(list(_measure(options, tools, cores)))
    except machine.MissingToolError as error:
        print(f"benchmark: {error}", file=sys.stderr)
        return 2
    except BrokenRunError as error:
        print(f"benchmark: broken run: {error}", file=sys.stderr)
        return 1
    for text in table.tables(results):
        print(f"\n{text}")
    for text in table.warnings(results):
        print(f"\nwarning: {text}")
    tested = [target.name for target in _targets(options) if target.name not in {NGINX, DIRECT}]
    measured = {name: table.measured_figures(results, name) for name in tested}
    for name, values in measured.items():
        print(f"\nfigures of {name}\n{table.verdicts(road_figures(), values)}")
    path = options.json or _RESULTS / f"road-{began:%Y%m%dT%H%M%SZ}.json"
    raw = {
        "began": began,
        "machine": about,
        "cores": cores.describe(),
        "options": {"rounds": options.rounds, "seconds": options.seconds, "rate": options.rate},
        "figures": measured,
        "samples": results.samples,
    }
    path.write_bytes(msgspec.json.format(msgspec.json.encode(raw), indent=1) + b"\n")
    print(f"\nraw results: {path}")
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    names = [*loaded_cases(), *weighing_cases()]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.road", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds (default 5)")
    parser.add_argument(
        "--seconds", type=float, default=2.0, help="seconds of one measurement (default 2)"
    )
    parser.add_argument("--rate", type=int, default=500, help="open loop, requests/s (default 500)")
    parser.add_argument("--json", type=Path, help="where the raw results go")
    parser.add_argument("--only", nargs="+", choices=names, metavar="NAME", help=", ".join(names))
    parser.add_argument("--full", action="store_true", help=f"also {_LONG} (200,000 requests)")
    parser.add_argument(
        "--target",
        action="append",
        default=[],
        metavar="NAME=COMMAND",
        help="measure another gateway too; {port} {upstream} {upstream_port} {config} {key} "
        "{ca_file} {python} are filled in; end with ' @ready=/path' if it is not /readyz",
    )
    parser.add_argument("--without", action="append", default=[], metavar="TARGET")
    options = parser.parse_args(arguments)
    if options.rounds < 1 or options.seconds < 1:
        parser.error("at least one round of one second")
    if any("=" not in each for each in options.target):
        parser.error("--target wants NAME=COMMAND")
    return options


def _targets(options: argparse.Namespace) -> list[Target]:
    others = [Target(*each.split("=", 1)) for each in options.target]
    everyone = [Target(ANTIPHON), *others, Target(NGINX), Target(DIRECT)]
    return [target for target in everyone if target.name not in options.without]


def _measure(
    options: argparse.Namespace, tools: machine.Tools, cores: machine.Cores
) -> Iterator[Sample]:
    runs = {name: case.run for name, case in loaded_cases().items()} | weighing_cases()
    wanted = options.only or [name for name in runs if name != _LONG or options.full]
    targets = _targets(options)
    with machine.alone(), tempfile.TemporaryDirectory(prefix="antiphon-bench-") as place:
        folder = Path(place)
        # Long enough for the streams to outlive the window that is measured.
        drip_seconds = measure.DRIP_RAMP + 2 * measure.DRIP_MARGIN + options.seconds + 1
        with standin.standing_in(
            tools,
            cores,
            folder / "standin",
            drip_events=round(drip_seconds / standin.DRIP_PAUSE),
            slow_events=_SLOW_EVENTS,
        ) as provider:
            bench = measure.Bench(
                provider,
                tools,
                cores,
                folder,
                rounds=options.rounds,
                seconds=options.seconds,
                rate=options.rate,
            )
            for name in wanted:
                yield from runs[name](bench, targets, _teller())


def _teller() -> Callable[[str], None]:
    """Say on standard error where we are; on a terminal, on one line."""
    live = sys.stderr.isatty()

    def tell(text: str) -> None:
        print(f"\r\x1b[K{text}" if live else text, end="" if live else "\n", file=sys.stderr)
        sys.stderr.flush()

    return tell


if __name__ == "__main__":
    sys.exit(main())
