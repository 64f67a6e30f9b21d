"""From a virtual key to its principal, on the road: a bounded memory of what the database said.

`find` never waits. It knows garbage by its form, remembers what opens and, apart from that, what
does not (so that made-up keys cannot push out those that are in use), and says `LOOK_UP` where the
database must be asked, which `Resolver` does beside the loop. A million keys in the database cost
no more memory than those that are in use.

What the database said holds until `apply` is told of a change; `Watch` tells it several times a
second. An answer that was read before a change that is known already is used and not remembered.

Hot path: `find` is a CRC-32, a SHA-256 and a dict look-up. Belongs to the thread of the loop.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from hashlib import sha256
from typing import Final, Literal, NamedTuple

from antiphon.access.bounded import Bounded
from antiphon.access.keytext import is_well_formed
from antiphon.access.lookup import Found
from antiphon.clock import Clock
from antiphon.model.principal import Principal

MOST_KEYS = 8192
"""Keys in use that are remembered, about a kilobyte each."""
MOST_UNKNOWN = 8192


class Unsaid(enum.Enum):
    """That nothing is known."""

    LOOK_UP = "look up"


LOOK_UP: Final = Unsaid.LOOK_UP
"""The database must be asked."""
Answer = Principal | Literal[Unsaid.LOOK_UP] | None


class Changes(NamedTuple):
    """What is not true any more.

    Attributes:
        upto: The number of the newest change that is told.
        digests: What has to be forgotten; None for everything.
    """

    upto: int
    digests: Sequence[bytes] | None


class ManagedKeys:
    """What is known of the keys in the database.

    Args:
        clock: For the ends of keys.
        most: Keys that are remembered.
        most_unknown: Digests that open nothing, and are remembered.
    """

    __slots__ = ("_applied", "_known", "_now", "_unknown")

    def __init__(
        self, *, clock: Clock, most: int = MOST_KEYS, most_unknown: int = MOST_UNKNOWN
    ) -> None:
        self._known: Bounded[bytes, Found] = Bounded(most)
        self._unknown: Bounded[bytes, bytes] = Bounded(most_unknown)
        self._now = clock.now
        self._applied = 0

    def find(self, credential: bytes) -> Answer:
        """Whose key this is; None if it is nobody's, `LOOK_UP` if that is not known."""
        if not is_well_formed(credential):
            return None
        digest = sha256(credential).digest()
        found = self._known.get(digest)
        if found is not None:
            return found.principal if self._now() < found.ends_at else None
        return None if self._unknown.get(digest) else LOOK_UP

    def learn(self, found: Found) -> Principal | None:
        """Take what the database said; gives whose key it is."""
        if found.seen >= self._applied:
            # One whose time is over is remembered as well: the clock may be put back.
            if found.principal is not None:
                self._known.put(found.digest, found)
            else:
                self._unknown.put(found.digest, found.digest)
        return found.principal if self._now() < found.ends_at else None

    def apply(self, changes: Changes) -> None:
        """Forget what is not true any more."""
        self._applied = changes.upto
        if changes.digests is None:
            self._known.clear()
            self._unknown.clear()
            return
        for digest in changes.digests:
            self._known.forget(digest)
            self._unknown.forget(digest)

    def __len__(self) -> int:
        return len(self._known) + len(self._unknown)
