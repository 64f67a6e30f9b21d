"""Waiting for a server to say 200, with as little disturbance as a loopback socket allows."""

import socket
import time

from benchmarks.road.process import BrokenRunError, Process

_STEP = 0.002


def wait_until_ready(
    process: Process, port: int, *, path: str = "/readyz", patience: float = 60.0
) -> None:
    """Ask until the answer is 200.

    Raises:
        BrokenRunError: if the server ends or stays silent; its last words are in the text.
    """
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        process.check()
        if _status(port, path) == 200:
            return
        time.sleep(_STEP)
    raise BrokenRunError(
        f"{process.name} was not ready within {patience:g} s:\n{process.last_words()}"
    )


def _status(port: int, path: str) -> int | None:
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            connection.sendall(request.encode())
            line = connection.recv(64).split()
    except OSError:
        return None
    return int(line[1]) if len(line) > 1 and line[1].isdigit() else None
