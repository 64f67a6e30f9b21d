"""What a segment gave to the ledger: counted, added up and hashed, in the order of its records.

A manifest is made of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b

from antiphon.usage.ledger.rows import AT, Row
from antiphon.usage.ledger.tables import WORDS

_FIRST_WORD = AT[WORDS[0]]
_COST = AT["cost"]
SUMS = slice(_FIRST_WORD, _COST + 1)
"""The columns of a row that are added up: the usage words and the cost, which stand together."""


class Tally:
    """Adds up rows.

    Attributes:
        rows: How many there were.
        sums: Of each usage word, and of the cost.
        checksums: The sum of the rows' checksums.
    """

    __slots__ = ("_digest", "checksums", "rows", "sums")

    def __init__(self) -> None:
        self.rows = 0
        self.sums = [0] * (len(WORDS) + 1)
        self.checksums = 0
        self._digest = blake2b(digest_size=32)

    def add(self, rows: Sequence[Row], contents: Iterable[bytes]) -> None:
        """Take the next rows, each with its checksum; `contents` are these rows as bytes."""
        if not rows:
            return
        self.rows += len(rows)
        # By column, in C: what stands there are numbers, though a row may hold texts too.
        columns = zip(self.sums, *[row[SUMS] for row in rows], strict=True)
        self.sums = list(map(sum, columns))
        self.checksums += sum([int(row[-1]) for row in rows])
        self._digest.update(b"".join(contents))

    @property
    def digest(self) -> str:
        """Of all rows, in their order."""
        return self._digest.hexdigest()
