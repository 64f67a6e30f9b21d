"""Disks that are full: a small file system of their own, or a limit on the size of files."""

from __future__ import annotations

import contextlib
import errno
import resource
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_BLOCK = bytes(4096)


@contextmanager
def small_disk(folder: Path, mebibytes: int = 4) -> Iterator[Path]:
    """A tmpfs; skips, and says why, where this user may not mount one."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "tmpfs", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount here; the test with a file-size limit runs instead")
    if done.returncode:
        pytest.skip(
            f"no tmpfs may be mounted here ({done.stderr.strip()}); the test with a file-size "
            "limit runs instead"
        )
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], timeout=10, check=False)


class Ballast:
    """Takes whatever room there is on a small disk, again and again, until it is thrown off."""

    def __init__(self, disk: Path) -> None:
        self._path = disk / "ballast"
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._take)

    def take(self) -> None:
        self._thread.start()

    def throw_off(self) -> None:
        if not self._stop.is_set():
            self._stop.set()
            self._thread.join()
            self._path.unlink(missing_ok=True)

    def _take(self) -> None:
        with self._path.open("wb", buffering=0) as file:
            while not self._stop.wait(0.002):
                try:
                    while True:
                        file.write(_BLOCK)
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise


class SizeLimit:
    """No file of a process may grow beyond so many bytes, until it is thrown off."""

    def __init__(self, pid: int, size: int) -> None:
        self._pid = pid
        self._size = size

    def take(self) -> None:
        self._limit(self._size)

    def throw_off(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._limit(resource.RLIM_INFINITY)

    def _limit(self, size: int) -> None:
        hard = resource.RLIM_INFINITY
        resource.prlimit(self._pid, resource.RLIMIT_FSIZE, (size, hard))
