"""`make chaos`: a run of 20,000 requests, its figures as a table and as JSON; 1 if one is missed."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

import msgspec

from tests.chaos.figures import Figures, counted
from tests.chaos.run import Chaos, run

USUAL = Chaos()


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--requests", type=int, default=USUAL.requests)
    parser.add_argument("--seed", type=int, default=USUAL.seed)
    parser.add_argument("--rate", type=float, default=USUAL.rate, help="requests a second")
    parser.add_argument(
        "--scale", type=float, default=USUAL.scale, help="of the 60 seconds of outages and breakers"
    )
    parser.add_argument("--within", action="store_true", help="the gateway in this process")
    parser.add_argument("--json", type=Path, help="a file for the figures")
    asked = parser.parse_args()
    chaos = Chaos(
        requests=asked.requests,
        seed=asked.seed,
        rate=asked.rate,
        scale=asked.scale,
        apart=not asked.within,
    )
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        record = asyncio.run(run(chaos, Path(folder), say))
    figures = counted(record)
    told = msgspec.json.format(msgspec.json.encode(figures)).decode()
    if asked.json:
        asked.json.write_text(told + "\n")
    say(f"{told}\n{table(figures, chaos)}")
    return 1 if figures.missed else 0


def table(figures: Figures, chaos: Chaos) -> str:
    """The figures for people."""
    lines = [
        ("requests", f"{figures.requests}, {chaos.rate:g} a second, seed {chaos.seed}"),
        ("time", f"{figures.seconds} s, 60 s are {60 * chaos.scale:g} s"),
        ("calls that failed on purpose", f"{figures.failing:.1%}"),
        ("kinds of faults", f"{figures.kinds}"),
        ("outages of two providers", f"{figures.outages}"),
        ("requests with an answer due", f"{figures.due}"),
        ("of these with the true answer", f"{figures.due_true} = {figures.share:.3%}"),
        ("streams gone on with", f"{figures.continued}"),
        ("broken streams that cannot go on", f"{figures.cannot}, {figures.cannot_true} answered"),
        ("refused through their own fault", f"{figures.refused}"),
        ("typed errors", f"{figures.told}"),
        ("false answers", f"{figures.false}"),
        ("neither answer nor typed error", f"{figures.untold}"),
        ("after the deadline", f"{figures.late}; the slowest took {figures.slowest} s"),
        ("calls for one request", f"{figures.calls} received, {figures.attempts} in the ledger"),
        ("answered live or stale", f"{figures.live} + {figures.stale} = {figures.answered:.3%}"),
        ("canned", f"{figures.canned}"),
    ]
    width = max(len(name) for name, _ in lines)
    shown = [f"{name:<{width}}  {value}" for name, value in lines]
    shown += [f"MISSED: {each}" for each in figures.missed]
    return "\n".join(shown)


if __name__ == "__main__":
    sys.exit(main())
