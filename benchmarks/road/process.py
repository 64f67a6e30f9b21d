"""A server as the operating system sees it: started in its own group, weighed, and surely ended.

CPU comes from each process's own CPU clock: user and system, all threads, in nanoseconds, and
true at the moment of reading. `/proc/<pid>/schedstat` knows only the first thread, and
`/proc/<pid>/stat` only hundredths of a second (we use it for children that have already ended).
"""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.road.machine import pinned

_TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
_QUIET_STEP = 0.1
_QUIET_SHARE = 0.01


class BrokenRunError(Exception):
    """A server did not start, ended early or answered wrongly: the figures would mean nothing."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory of a process tree in MB. Shared pages count in full in RSS and in part in PSS."""

    rss: float
    pss: float


class Process:
    """A server and all its descendants."""

    def __init__(self, name: str, popen: subprocess.Popen[bytes], log: Path) -> None:
        self.name = name
        self._popen = popen
        self._log = log

    @property
    def pid(self) -> int:
        return self._popen.pid

    def check(self) -> None:
        """Raise if the server has ended."""
        if (status := self._popen.poll()) is not None:
            raise BrokenRunError(f"{self.name} ended with status {status}:\n{self.last_words()}")

    def last_words(self) -> str:
        """Return the end of what the server wrote."""
        return self._log.read_text(encoding="utf-8", errors="replace")[-2000:].strip()

    def cpu_ns(self) -> int:
        """Return the CPU time of the whole tree so far, ended children included."""
        self.check()
        return sum(_clock_ns(pid) + _ended_children_ns(pid) for pid in _tree(self.pid))

    def quiet_cpu_ns(self, *, patience: float = 15.0) -> int:
        """Wait until all work is done, which shows as an idle tree, then return its CPU time."""
        deadline = time.monotonic() + patience
        calm, before = 0, self.cpu_ns()
        while time.monotonic() < deadline:
            time.sleep(_QUIET_STEP)
            now = self.cpu_ns()
            calm = calm + 1 if now - before < _QUIET_SHARE * _QUIET_STEP * 1e9 else 0
            before = now
            if calm == 2:
                return now
        raise BrokenRunError(
            f"{self.name} did not become idle within {patience:g} s after the load"
        )

    def memory(self) -> Memory:
        """Return the memory of the whole tree."""
        self.check()
        sums = {"Rss:": 0, "Pss:": 0}
        for pid in _tree(self.pid):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
                for line in rollup.splitlines():
                    name, *rest = line.split()
                    if name in sums:
                        sums[name] += int(rest[0])
        return Memory(rss=sums["Rss:"] / 1024, pss=sums["Pss:"] / 1024)

    def stop(self, *, patience: float = 5.0) -> None:
        """End the whole group: politely, then surely."""
        for sign in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, sign)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._popen.wait(patience)
        self._popen.wait(patience)


@contextlib.contextmanager
def running(
    name: str,
    command: Sequence[str],
    *,
    folder: Path,
    cores: frozenset[int],
    environment: Mapping[str, str] | None = None,
) -> Iterator[Process]:
    """Run a server in a folder on some cores, in its own process group; it never outlives us."""
    log = folder / f"{name}.log"
    with log.open("wb") as output, pinned(cores):
        popen = subprocess.Popen(
            list(command),
            cwd=folder,
            env=dict(environment) if environment is not None else None,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    process = Process(name, popen, log)
    try:
        yield process
    finally:
        process.stop()


def _tree(root: int) -> list[int]:
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        # Every thread may have children of its own.
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                waiting.extend(map(int, children.read_text(encoding="ascii").split()))
    return found


def _clock_ns(pid: int) -> int:
    # Linux packs a process's CPU clock id so; it is what clock_getcpuclockid(3) returns.
    scheduler_clock = 2
    try:
        return time.clock_gettime_ns((~pid << 3) | scheduler_clock)
    except OSError:
        return 0  # it ended between the two looks; its parent now counts it


def _ended_children_ns(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return (int(fields[13]) + int(fields[14])) * _TICK_NS
