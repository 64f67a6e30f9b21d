"""Running our own two clients: each in its own process on the load's cores, spoken to in JSON."""

import contextlib
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from benchmarks.road import client_latency, client_streams
from benchmarks.road.machine import Cores, pinned
from benchmarks.road.process import BrokenRunError
from benchmarks.road.template import ROOT

_Measured = TypeVar("_Measured", client_latency.Measured, client_streams.Measured)


@dataclass(frozen=True, slots=True)
class Held:
    """Streams that are running: wait until all are open, and later for what they saw."""

    wait_open: Callable[[], None]
    result: Callable[[], client_streams.Measured]


def measure_latency(spec: client_latency.Spec, cores: Cores) -> client_latency.Measured:
    """Run the open loop to its end."""
    patience = spec.seconds + spec.warm_up + 45
    with _client("client_latency", spec, cores, patience=patience) as popen:
        return _result(popen, client_latency.Measured)


@contextlib.contextmanager
def holding_streams(spec: client_streams.Spec, cores: Cores) -> Iterator[Held]:
    """Hold many streams open while the body of the `with` measures."""
    with _client("client_streams", spec, cores, patience=spec.patience + 15) as popen:
        assert popen.stdout is not None
        output = popen.stdout

        def wait_open() -> None:
            if (line := output.readline()) != b"open\n":
                raise BrokenRunError(f"not all streams opened: {line[:500]!r}{_complaint(popen)}")

        yield Held(wait_open, lambda: _result(popen, client_streams.Measured))


@contextlib.contextmanager
def _client(
    module: str, spec: msgspec.Struct, cores: Cores, *, patience: float
) -> Iterator[subprocess.Popen[bytes]]:
    with pinned(cores.load):
        popen = subprocess.Popen(
            [sys.executable, "-m", f"benchmarks.road.{module}"],
            cwd=ROOT.parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    # A client that hangs would leave us reading its output for ever.
    watchdog = threading.Timer(patience, popen.kill)
    watchdog.start()
    try:
        assert popen.stdin is not None
        popen.stdin.write(msgspec.json.encode(spec))
        popen.stdin.close()
        yield popen
    finally:
        watchdog.cancel()
        popen.kill()
        popen.wait()
        for pipe in (popen.stdout, popen.stderr):
            if pipe is not None:
                pipe.close()


def _result(popen: subprocess.Popen[bytes], kind: type[_Measured]) -> _Measured:
    assert popen.stdout is not None
    said = popen.stdout.read()
    if popen.wait() != 0 or not said:
        raise BrokenRunError(f"the client failed{_complaint(popen)}")
    return msgspec.json.decode(said, type=kind)


def _complaint(popen: subprocess.Popen[bytes]) -> str:
    popen.kill()
    assert popen.stderr is not None
    return ":\n" + popen.stderr.read().decode(errors="replace")[-2000:]
