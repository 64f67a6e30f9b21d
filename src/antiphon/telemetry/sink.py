"""Where lines go: a file that may be rotated, or standard error, and neither holds anybody up.

A file is appended to, a batch in one write, and opened again where it was moved away. A pipe
whose reader has stopped takes nothing: then lines wait in a bounded store, the oldest are dropped
and counted, and whoever writes goes on.
"""

from __future__ import annotations

import os
import select
import stat
import threading
from collections import deque
from pathlib import Path

_ROOM = 1 << 20
"""Bytes that may wait for a reader."""
_PIECE = 4096
"""Bytes that a pipe which is ready takes without a wait, and in one piece (POSIX's PIPE_BUF)."""
_PATIENCE = 1.0
"""Seconds for the last lines, at the end."""


class Sink:
    """Takes lines from any thread.

    Args:
        path: The file; None is the descriptor.
        descriptor: Standard error, unless a test says otherwise.

    Attributes:
        dropped: Lines that were not written.
        trouble: Why, or empty.

    Raises:
        OSError: The file cannot be opened.
    """

    def __init__(self, path: Path | None, *, descriptor: int = 2) -> None:
        self.dropped = 0
        self.trouble = ""
        self._path = path
        self._fd = descriptor if path is None else _opened(path)
        self._regular = path is not None and stat.S_ISREG(os.fstat(self._fd).st_mode)
        self._waiting: deque[bytes] = deque()
        self._size = 0
        # Lines of which a part is out already: what is left of them is not dropped.
        self._begun = b""
        self._lock = threading.Lock()

    @property
    def is_terminal(self) -> bool:
        """Whether people look at it."""
        return os.isatty(self._fd)

    def write(self, lines: list[bytes]) -> None:
        """Write lines, each with its line feed; what cannot be written now waits or is dropped."""
        with self._lock:
            if self._regular:
                self._append(lines)
                return
            for line in lines:
                self._waiting.append(line)
                self._size += len(line)
            while self._size > _ROOM:
                self._size -= len(self._waiting.popleft())
                self.dropped += 1
                self.trouble = "nobody reads it"
            self._pump(0.0)

    def pump(self) -> None:
        """Write what waits, as far as somebody reads it."""
        if self._begun or self._waiting:
            with self._lock:
                self._pump(0.0)

    def close(self) -> None:
        """Write what waits, and let go."""
        with self._lock:
            self._pump(_PATIENCE)
            if self._path is not None:
                os.close(self._fd)

    def _append(self, lines: list[bytes]) -> None:
        try:
            self._follow()
            _write_all(self._fd, b"".join(lines))
            self.trouble = ""
        except OSError as error:
            self.dropped += len(lines)
            self.trouble = error.strerror or "it cannot be written"

    def _follow(self) -> None:
        """Open the file again where its path no longer leads to it."""
        assert self._path is not None
        try:
            there, here = self._path.stat(), os.fstat(self._fd)
            if (there.st_ino, there.st_dev) == (here.st_ino, here.st_dev):
                return
        except FileNotFoundError:
            pass
        fd = _opened(self._path)
        os.close(self._fd)
        self._fd = fd

    def _pump(self, patience: float) -> None:
        while (self._begun or self._waiting) and self._is_ready(patience):
            while self._waiting and len(self._begun) + len(self._waiting[0]) <= _PIECE:
                self._begin()
            if not self._begun:
                self._begin()
            try:
                self._begun = self._begun[os.write(self._fd, self._begun[:_PIECE]) :]
                self.trouble = ""
            except BlockingIOError:
                return
            except OSError as error:
                self.dropped += self._begun.count(b"\n")
                self._begun = b""
                self.trouble = error.strerror or "it cannot be written"

    def _begin(self) -> None:
        line = self._waiting.popleft()
        self._size -= len(line)
        self._begun += line

    def _is_ready(self, patience: float) -> bool:
        poll = select.poll()
        poll.register(self._fd, select.POLLOUT)
        return bool(poll.poll(patience * 1000))


def _opened(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)


def _write_all(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]
