"""One file of a journal: as long as it will ever be from the start, and mapped into memory.

A write is a copy into the mapping: the kernel has it from then on, whatever becomes of the
process. The file's blocks are there before the first write, so no write can meet a full disk.
Only the process that made a file maps it; whoever comes later reads it, and never writes.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import secrets
import struct
import threading
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

from typing_extensions import override

SUFFIX = ".segment"
DRAFT = ".draft"
"""The ending of a file that is being made: it holds nothing yet."""
FIRST = 96
"""Where the first record stands."""
VERSION = 1
_MAGIC = b"ANTJRNL\0"
_head = struct.Struct("<8sII16s32sQQ")
_sum = struct.Struct("<I")


class NotASegment(ValueError):
    """A file that is no segment of this version, or whose head was damaged."""


class Head(NamedTuple):
    """What a segment says of itself.

    Attributes:
        salt: Begins every checksum, so that no text in a record can pass for a record.
        owner: The journal that it belongs to.
        ledger: The ledger that its records go into.
        number: From 1 on, in the order of use.
        created: Microseconds since 1970.
    """

    salt: int
    owner: str
    ledger: str
    number: int
    created: int

    def encode(self) -> bytes:
        """As it stands at the begin of the file."""
        owner, ledger = self.owner.encode(), self.ledger.encode()
        head = _head.pack(_MAGIC, VERSION, self.salt, owner, ledger, self.number, self.created)
        return head + _sum.pack(crc32(head))

    @classmethod
    def decode(cls, data: bytes) -> Head:
        """Read it.

        Raises:
            NotASegment: It is none, or one of another version.
        """
        if len(data) < FIRST:
            raise NotASegment("it is too short for a segment")
        magic, version, salt, owner, ledger, number, created = _head.unpack_from(data)
        if magic != _MAGIC:
            raise NotASegment("it does not begin as a segment does")
        if version != VERSION:
            raise NotASegment(f"it has version {version}, and {VERSION} is known here")
        if _sum.unpack_from(data, _head.size)[0] != crc32(data[: _head.size]):
            raise NotASegment("its head is damaged")
        return cls(salt, _text(owner), _text(ledger), number, created)


class Segment:
    """A mapped file of records, of this process.

    Attributes:
        head: What it says of itself.
        size: Where its room for records ends.
        at: Where the next record goes; what lies before it is written.
        promised: Bytes kept for the closes of open attempts.
        live: Attempts that are open.
        ended: Attempts that were closed here.
        sealed: No attempt is opened here any more.
        gone: It cannot be written any more.
        path: The file.
    """

    __slots__ = (
        "_fd",
        "_gone",
        "_map",
        "at",
        "ended",
        "gone",
        "head",
        "live",
        "path",
        "promised",
        "sealed",
        "size",
    )

    def __init__(self, folder: Path, *, owner: str, ledger: str, number: int, size: int, now: int):
        """Make the file, and all of its blocks.

        Args:
            folder: Of the journal.
            owner: The journal.
            ledger: Where its records go.
            number: Of the segment.
            size: Bytes of the file.
            now: Microseconds since 1970.

        Raises:
            OSError: It cannot be made: the disk is full, the folder gone or not writable.
        """
        self.head = Head(secrets.randbits(32), owner, ledger, number, now)
        self.size = size - FIRST
        self.at = FIRST
        self.promised = 0
        self.live = 0
        self.ended = 0
        self.sealed = False
        self.gone = False
        self.path = folder / f"{number:08d}{SUFFIX}"
        self._gone = threading.Lock()
        # A process that dies here leaves no file of that name without a head.
        draft = self.path.with_suffix(DRAFT)
        self._fd = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(self._fd, 0, size)
            # Twice, so that a head which is damaged does not take its segment with it.
            for place in (0, size - FIRST):
                os.pwrite(self._fd, self.head.encode(), place)
            self._map = mmap.mmap(self._fd, size)
            draft.rename(self.path)
        except OSError:
            os.close(self._fd)
            with contextlib.suppress(OSError):
                draft.unlink()
            raise

    def put(self, record: bytes) -> int:
        """Write a record for which there is room; gives where it stands.

        One slice assignment, and `at` moves after it: a reader sees whole records only.
        """
        at = self.at
        end = at + len(record)
        self._map[at:end] = record
        self.at = end
        return at

    def bytes_from(self, begin: int, end: int) -> bytes:
        """A copy of what stands there."""
        return self._map[begin:end]

    def sync(self) -> None:
        """Have the disk hold what was written; nothing once the file is gone.

        Raises:
            OSError: The disk does not take it.
        """
        with self._gone:
            if self._fd >= 0:
                os.fdatasync(self._fd)

    def close(self) -> None:
        """Unmap the file."""
        with self._gone:
            self.gone = True
            if self._fd >= 0:
                self._map.close()
                os.close(self._fd)
                self._fd = -1

    def remove(self) -> None:
        """Unmap the file and take it off the disk."""
        self.close()
        self.path.unlink(missing_ok=True)

    @override
    def __repr__(self) -> str:
        return f"Segment({self.head.owner}/{self.head.number}, {self.at} of {self.size})"


def _text(padded: bytes) -> str:
    return padded.rstrip(b"\0").decode("ascii", "replace")
