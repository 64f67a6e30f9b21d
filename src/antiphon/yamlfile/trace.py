"""Whether a file is another one than it was, without reading it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, TypeAlias


class Trace(NamedTuple):
    """What changes with a file: written to, replaced by another of its name, or led to elsewhere.

    Links are followed, so one that is put in place of another is seen. Times are compared and not
    ordered: a clock may jump, and a copy may keep the time of what it is a copy of.
    """

    modified: int
    changed: int
    device: int
    inode: int
    size: int


Seen: TypeAlias = dict[Path, Trace | None]
"""Files as they were when somebody looked; those that were not there too."""


def trace_of(path: Path) -> Trace | None:
    """The trace of a file; None where there is none to be seen."""
    try:
        found = path.stat()
    except OSError:
        return None
    return Trace(found.st_mtime_ns, found.st_ctime_ns, found.st_dev, found.st_ino, found.st_size)
