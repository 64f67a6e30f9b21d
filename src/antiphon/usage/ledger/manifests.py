"""The chain of manifests: each says what a segment held, and holds the hash of the one before.

Whoever changes, adds or takes away a row has to change the manifest of its segment, and then
every manifest behind it; the last hash, kept elsewhere, tells.
"""

from __future__ import annotations

from hashlib import sha256
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, RowMapping, exists, select

from antiphon.usage.ledger.tables import SUMMED, attempts, manifests

FIRST_HASH = "0" * 64
SHIPPED = "shipped"
RETIRED = "retired"
COVERED = exists().where(
    manifests.c.kind == SHIPPED,
    manifests.c.owner == attempts.c.owner,
    manifests.c.segment == attempts.c.segment,
)
"""Whether a row's segment is whole, so that the row stands in the sums."""


class Manifest(NamedTuple):
    """One link of the chain.

    Attributes:
        number: From 1 on.
        kind: `shipped` or `retired`.
        owner: The journal.
        segment: The number of its segment.
        made_at: Microseconds since 1970.
        rows: How many.
        sums: Of each usage word, and of the cost.
        digest: Of all rows, by their order in the segment.
        previous: The hash of the link before.
    """

    number: int
    kind: str
    owner: str
    segment: int
    made_at: int
    rows: int
    sums: tuple[int, ...]
    digest: str
    previous: str

    @property
    def held(self) -> tuple[object, ...]:
        """What the segment held."""
        return self.rows, self.sums, self.digest

    @property
    def hash(self) -> str:
        """The hash of this link."""
        return sha256(msgspec.msgpack.encode(tuple(self))).hexdigest()

    def values(self) -> dict[str, object]:
        """The row of the table."""
        named = dict(zip(SUMMED, self.sums, strict=True))
        own = {name: getattr(self, name) for name in self._fields if name != "sums"}
        return {**own, **named, "hash": self.hash}


def manifest_of(found: RowMapping) -> tuple[Manifest, str]:
    """A link as it stands in the table, and the hash that stands there."""
    own = {name: found[name] for name in Manifest._fields if name != "sums"}
    sums = tuple(found[name] for name in SUMMED)
    return Manifest(**own, sums=sums), found["hash"]


def last_link(connection: Connection) -> tuple[int, str]:
    """Number and hash of the last link; 0 and zeros where there is none."""
    newest = select(manifests.c.number, manifests.c.hash).order_by(manifests.c.number.desc())
    row = connection.execute(newest.limit(1)).first()
    return (row.number, row.hash) if row else (0, FIRST_HASH)


def has_manifest(connection: Connection, owner: str, segment: int) -> bool:
    """Whether a segment has been shipped whole."""
    found = connection.execute(
        select(manifests.c.number).where(
            manifests.c.kind == SHIPPED, manifests.c.owner == owner, manifests.c.segment == segment
        )
    )
    return found.first() is not None
