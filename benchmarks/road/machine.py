"""The machine: which cores serve whom, which tools are missing, how busy it was before we came."""

import contextlib
import fcntl
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

OPEN_FILES = 8192
_ADMIN_FOLDERS = "/usr/local/sbin:/usr/sbin:/sbin"


class MissingToolError(Exception):
    """Something that the benchmark needs is not on this machine; the text says how to get it."""


@dataclass(frozen=True, slots=True)
class Cores:
    """One core for the server under test, the others for the stand-in and the load."""

    tested: frozenset[int]
    load: frozenset[int]

    @property
    def apart(self) -> bool:
        return not self.tested & self.load

    def describe(self) -> str:
        if not self.apart:
            return "one core only: server under test, stand-in and load share it (figures suffer)"
        load = ",".join(map(str, sorted(self.load)))
        return (
            f"server under test on core {min(self.tested)}; stand-in and load on core(s) {load} "
            "(sched_setaffinity)"
        )


@dataclass(frozen=True, slots=True)
class Tools:
    """The programs and modules that are not ours."""

    nginx: str
    echo_module: Path
    wrk: str


def share_cores() -> Cores:
    """Give the first usable core to the server under test and the rest to everyone else."""
    first, *others = sorted(os.sched_getaffinity(0))
    return Cores(frozenset({first}), frozenset(others or {first}))


@contextlib.contextmanager
def pinned(cores: frozenset[int]) -> Iterator[None]:
    """Start children on these cores: they inherit ours, which come back afterwards."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Keep a second benchmark waiting: two at once would measure each other."""
    with (Path(tempfile.gettempdir()) / "antiphon-bench.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("waiting for another benchmark on this machine to end", file=sys.stderr)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def find_tools() -> Tools:
    """Find nginx, its echo module and wrk.

    Raises:
        MissingToolError: naming everything that is missing, and the packages that bring it.
    """
    path = f"{os.environ.get('PATH', '')}:{_ADMIN_FOLDERS}"
    nginx, wrk = shutil.which("nginx", path=path), shutil.which("wrk", path=path)
    echo = _echo_module(nginx) if nginx else None
    packages = [
        package
        for package, found in (
            ("nginx-light", nginx),
            ("libnginx-mod-http-echo", echo),
            ("wrk", wrk),
        )
        if not found
    ]
    if not (nginx and wrk and echo):
        raise MissingToolError(
            f"missing: {', '.join(packages)}. On Debian or Ubuntu: "
            f"sudo apt-get install {' '.join(packages)}"
        )
    return Tools(nginx=nginx, echo_module=echo, wrk=wrk)


def allow_many_sockets() -> None:
    """Raise our limit of open files, which every child inherits.

    Raises:
        MissingToolError: if the machine does not allow enough of them.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < OPEN_FILES:
        raise MissingToolError(
            f"open files are limited to {hard}; `ulimit -Hn {OPEN_FILES}` or more"
        )
    if soft < OPEN_FILES:
        resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, hard))


def busy_share(core: int) -> tuple[float, float]:
    """Read a core's busy and total time since boot, in ticks (steal counts as busy)."""
    for line in Path("/proc/stat").read_text(encoding="ascii").splitlines():
        name, *ticks = line.split()
        if name == f"cpu{core}":
            numbers = [float(tick) for tick in ticks[:8]]
            return sum(numbers) - numbers[3] - numbers[4], sum(numbers)
    raise LookupError(f"core {core} is not in /proc/stat")


def describe() -> dict[str, object]:
    """Say what this machine is, for the raw results."""
    models = {
        line.split(":", 1)[1].strip()
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        if line.startswith("model name")
    }
    return {
        "system": platform.platform(),
        "python": platform.python_version(),
        "processor": ", ".join(sorted(models)) or platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "load_average_before": os.getloadavg()[0],
    }


def _echo_module(nginx: str) -> Path | None:
    said = subprocess.run([nginx, "-V"], capture_output=True, text=True, check=False).stderr
    folders = [
        Path(word.partition("=")[2])
        for word in said.split()
        if word.startswith(("--modules-path=", "--prefix="))
    ]
    candidates = [folder / "ngx_http_echo_module.so" for folder in folders]
    candidates += [folder / "modules" / "ngx_http_echo_module.so" for folder in folders]
    return next((path for path in candidates if path.is_file()), None)
