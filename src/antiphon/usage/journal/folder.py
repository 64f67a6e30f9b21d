"""The folder of journals: a directory for each process, which it locks for life.

A lock of the kernel (flock) ends with its process, however that dies. So whoever gets the lock of
a directory knows that its owner is dead, and that nobody else is adopting it. The folder has to
be on a disk of this machine, or on a volume whose locks hold between machines.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from antiphon.usage.journal.segment import DRAFT, SUFFIX

DAMAGED = "damaged"
"""Where segments that could not be read whole are kept for people."""
_DRAFT = ".new-"
_TRIES = 100
"""How often an adopter may be quicker than a process that makes its directory."""


class OwnFolder:
    """A directory of one's own, made and locked.

    It is made and locked under another name and then renamed: nobody finds it unlocked.

    Raises:
        OSError: The folder cannot be written.
    """

    def __init__(self, folder: Path, owner: str) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = None
        for _ in range(_TRIES):
            made = made or _locked(folder, owner)
        if made is None:
            raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        self.path, self._lock = made

    def sync(self) -> None:
        """Have the disk hold the directory's entries."""
        os.fsync(self._lock)

    def forget(self) -> None:
        """Let go of the lock in a forked child: the parent has it."""
        os.close(self._lock)

    def leave(self) -> None:
        """Unlock it; where nothing is left in it, take it away first."""
        with contextlib.suppress(OSError):  # something is left in it
            self.path.rmdir()
        os.close(self._lock)


def _locked(folder: Path, owner: str) -> tuple[Path, int] | None:
    """The directory and its lock; None where somebody took it for that of a dead process.

    Between its making and its locking an adopter may find it, and tidy it up.
    """
    draft = folder / f"{_DRAFT}{owner}"
    draft.mkdir(mode=0o700, exist_ok=True)
    try:
        lock = os.open(draft, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return draft.rename(folder / owner), lock
    except (BlockingIOError, FileNotFoundError):
        os.close(lock)
        return None
    except OSError:
        os.close(lock)
        raise


class DeadFolder:
    """The directory of a process that is dead, held by whoever adopts it.

    Attributes:
        owner: The journal's name.
    """

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self.owner = path.name
        self._lock = lock

    def segments(self) -> list[Path]:
        """Its segments, in the order of use."""
        return segments_of(self.path)

    def leave(self) -> None:
        """Let go of it; it goes where no segment is left."""
        with contextlib.suppress(OSError):  # something is left in it
            for draft in self.path.glob(f"*{DRAFT}"):
                draft.unlink()
            self.path.rmdir()
        os.close(self._lock)


def keep(segment: Path) -> Path:
    """Put a segment that could not be read whole where people can look at it."""
    owner = segment.parent
    shelf = owner.parent / DAMAGED
    shelf.mkdir(mode=0o700, exist_ok=True)
    return segment.rename(shelf / f"{owner.name}-{segment.name}")


def owners(folder: Path) -> list[Path]:
    """The directories of all journals, whoever lives."""
    if not folder.is_dir():
        return []
    found = sorted(each for each in folder.iterdir() if each.is_dir())
    return [each for each in found if each.name != DAMAGED and not each.name.startswith(_DRAFT)]


def segments_of(path: Path) -> list[Path]:
    """The segments of one journal, in the order of use."""
    return sorted(each for each in path.iterdir() if each.suffix == SUFFIX)


def dead(folder: Path) -> Iterator[DeadFolder]:
    """Each journal whose process is dead, held until the caller leaves it.

    Raises:
        OSError: The folder cannot be read.
    """
    if not folder.is_dir():
        return
    for path in sorted(folder.iterdir()):
        if path.name == DAMAGED or not path.is_dir():
            continue
        lock = _claimed(path)
        if lock is not None:
            found = DeadFolder(path, lock)
            if path.name.startswith(_DRAFT):
                # Its maker died before it was born: nothing was written there.
                found.leave()
            else:
                yield found


def _claimed(path: Path) -> int | None:
    """The lock of a directory, or None where its owner, or another adopter, has it."""
    try:
        lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Another adopter may have been done with it between our two steps.
        if os.path.samestat(os.fstat(lock), path.stat()):
            return lock
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(lock)
    return None
