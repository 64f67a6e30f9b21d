"""A terminal, for commands that talk to a person."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import subprocess
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.cli.processes import COMMAND, PATIENCE, Antiphon, environment

CTRL_C, CTRL_D = b"\x03", b"\x04"


class Terminal:
    """What a person sees and types."""

    def __init__(self, process: subprocess.Popen[bytes], master: int) -> None:
        self.process = process
        self._master = master
        self.seen = ""

    def type(self, keys: bytes) -> None:
        os.write(self._master, keys)

    def expect(self, pattern: str) -> str:
        """Wait for a text; returns what came up to its end, which is then forgotten."""
        deadline = time.monotonic() + PATIENCE
        while (found := re.search(pattern, self.seen)) is None:
            assert time.monotonic() < deadline, f"no {pattern!r} in {self.seen!r}"
            if select.select([self._master], [], [], 0.2)[0]:
                self.seen += self._read()
        text, self.seen = self.seen[: found.end()], self.seen[found.end() :]
        return text

    def status(self, keys: bytes) -> int:
        """Of the process, which must end at these keys.

        They are typed until it does: what arrives between the prompt and the wait for a key is
        lost on readline.
        """
        deadline = time.monotonic() + PATIENCE
        typed_at = 0.0
        while self.process.poll() is None and time.monotonic() < deadline:
            if time.monotonic() - typed_at > 1:
                self.type(keys)
                typed_at = time.monotonic()
            if select.select([self._master], [], [], 0.05)[0]:
                self.seen += self._read()
        return self.process.wait(0.1)

    def _read(self) -> str:
        try:
            return os.read(self._master, 65536).decode(errors="replace")
        except OSError:  # the other side is closed
            return ""


@contextmanager
def terminal(antiphon: Antiphon, *arguments: str) -> Iterator[Terminal]:
    """A command on a terminal of its own, whose Ctrl-C is a signal as on any terminal."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=antiphon.home,
        env=environment(antiphon.home, {"TERM": "dumb"}),
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509
    )
    os.close(slave)
    with process:
        try:
            yield Terminal(process, master)
        finally:
            process.kill()
            os.close(master)
