"""The second suite: what each hot module costs in microseconds, beside its budget.

`python -m benchmarks.hot_path [--only TEXT] [--json FILE]`. The least of several repeats is held
against the budget of `figures.toml`, since noise only ever adds; the median tells how noisy it was.
The cases are in `hot_cases.py`. The exit status is 0 whatever was measured.
"""

import argparse
import gc
import inspect
import sys
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from statistics import median

import msgspec

from benchmarks.figures import hot_path_budgets
from benchmarks.hot_cases import CASES, Setup, Timed

_REPEATS = 9
_REPEAT_SECONDS = 0.05
_MOST_LOOPS = 10_000_000


class TrulyWaitedError(Exception):
    """An async case suspended, and without a loop there is nobody to wake it."""


class Cost(msgspec.Struct, frozen=True):
    """The cost of one case in microseconds."""

    name: str
    least_us: float
    median_us: float
    budget_us: float
    loops: int

    @property
    def verdict(self) -> str:
        return "within" if self.least_us <= self.budget_us else "OVER"


def main(arguments: Sequence[str] | None = None) -> int:
    """Time the cases and print one line for each."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hot_path", description=__doc__)
    parser.add_argument("--only", default="", metavar="TEXT", help="cases whose name holds TEXT")
    parser.add_argument("--json", type=Path, help="write the raw results there")
    options = parser.parse_args(arguments)
    budgets = hot_path_budgets()
    if unpaired := sorted(CASES.keys() ^ budgets.keys()):
        print(f"benchmark: a case without budget, or the reverse: {', '.join(unpaired)}")
        return 1
    costs = measure_all(CASES, budgets, only=options.only)
    width = max((len(cost.name) for cost in costs), default=4)
    print(f"{'case':<{width}}  {'least us':>9}  {'median us':>9}  {'budget us':>9}")
    for cost in costs:
        figures = f"{cost.least_us:9.2f}  {cost.median_us:9.2f}  {cost.budget_us:9.2f}"
        print(f"{cost.name:<{width}}  {figures}  {cost.verdict}")
    if options.json:
        options.json.write_bytes(msgspec.json.format(msgspec.json.encode(costs), indent=1))
    return 0


def measure_all(
    cases: Mapping[str, Setup], budgets: Mapping[str, float], *, only: str = ""
) -> list[Cost]:
    """Time every case whose name holds the text."""
    return [measure(name, cases[name], budgets[name]) for name in cases if only in name]


def measure(name: str, setup: Setup, budget: float) -> Cost:
    """Time one case: enough loops to be seen by the clock, several times over."""
    timed = setup()
    repeat = _repeat_awaited if inspect.iscoroutinefunction(timed) else _repeat_called
    loops = 1
    while repeat(timed, loops) < _REPEAT_SECONDS and loops < _MOST_LOOPS:
        loops *= 2
    each = [repeat(timed, loops) / loops * 1e6 for _ in range(_REPEATS)]
    return Cost(name, min(each), median(each), budget, loops)


def drive(coroutine: Coroutine[object, None, object]) -> object:
    """Run a coroutine that never truly waits to its end, without a loop.

    Raises:
        TrulyWaitedError: if it does wait.
    """
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    coroutine.close()
    raise TrulyWaitedError(f"{coroutine!r} waits for a loop")


def _repeat_called(timed: Timed, loops: int) -> float:
    return _timed(lambda: _call_often(timed, loops))


def _repeat_awaited(timed: Callable[[], Coroutine[object, None, object]], loops: int) -> float:
    return _timed(lambda: drive(_await_often(timed, loops)))


def _call_often(timed: Timed, loops: int) -> None:
    for _ in range(loops):
        timed()


async def _await_often(timed: Callable[[], Coroutine[object, None, object]], loops: int) -> None:
    for _ in range(loops):
        await timed()


def _timed(work: Callable[[], object]) -> float:
    gc.collect()
    gc.disable()
    try:
        # CPU time: what other programs take meanwhile is no cost of ours.
        begin = time.thread_time()
        work()
        return time.thread_time() - begin
    finally:
        gc.enable()


if __name__ == "__main__":
    sys.exit(main())
