"""Whether the audit is what was entered: every link, the end, and what the rows say.

Found are entries that were changed, taken away, put in or moved, and a tail that was cut off, as
far as anything remembers it: the head that is kept beside the chain, the rows that name the entry
that changed them, and a link that somebody kept elsewhere. Whoever can write to the database can
make a whole new chain; only what is kept elsewhere shows that.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import Connection, Table, exists, select

from antiphon.access.audit import FIRST_HASH, Entry, Head, entry_of, head_of
from antiphon.access.tables import (
    allowances,
    audit,
    departments,
    organisations,
    teams,
    users,
    virtual_keys,
)

MOST_FINDINGS = 100
_PAGE = 1000
_SWEEPING = ("organisation.remove", "team.remove", "user.remove", "user.change")
_SWEEPS = {
    virtual_keys: _SWEEPING,
    allowances: (*_SWEEPING, "department.remove", "key.revoke"),
}
"""What removes a team or a user revokes its keys, and takes its budgets and limits with it: such
rows name the entry of that."""
_ROWS = (organisations, departments, teams, users, virtual_keys, allowances)


class Finding(NamedTuple):
    """Something that is not as it was entered.

    Attributes:
        kind: `altered`, `missing`, `unchained`, `cut_off`, `unexplained` or `not_kept`.
        number: Of the entry.
        message: For whoever reads the proof.
    """

    kind: str
    number: int
    message: str


class Verdict(NamedTuple):
    """What the proof says.

    Attributes:
        entries: How many were read.
        head: The last link that was read: to be kept elsewhere.
        findings: Empty where all is well; at most `MOST_FINDINGS`.
    """

    entries: int
    head: Head
    findings: tuple[Finding, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


def verify(connection: Connection, *, kept: Head | None = None) -> Verdict:
    """Prove the audit, in a transaction that reads.

    Args:
        connection: Inside one transaction.
        kept: A link that was kept elsewhere.

    Raises:
        StorageFailed: The database did not do what it was asked.
    """
    chain = _Chain(kept)
    for entry, written in _entries(connection):
        chain.follow(entry, written)
    chain.end(head_of(connection))
    findings = chain.findings
    if len(findings) < MOST_FINDINGS:
        findings += _unexplained(connection)
    return Verdict(chain.count, Head(chain.number, chain.hash), tuple(findings[:MOST_FINDINGS]))


class _Chain:
    """Follows the links."""

    def __init__(self, kept: Head | None) -> None:
        self.count = self.number = 0
        self.hash = FIRST_HASH
        self.findings: list[Finding] = []
        self._kept = kept

    def follow(self, entry: Entry, written: str) -> None:
        """Take the next entry, and the hash that stands beside it."""
        self.count += 1
        if entry.number != self.number + 1:
            first, last = self.number + 1, entry.number - 1
            self._found("missing", first, f"entries {first} to {last} are not there")
        elif entry.previous != self.hash:
            self._found("unchained", entry.number, f"entry {entry.number} does not follow on")
        if entry.hash != written:
            self._found("altered", entry.number, f"entry {entry.number} was changed")
        if self._kept is not None and entry.number == self._kept.number:
            if written != self._kept.hash:
                self._found("not_kept", entry.number, f"entry {entry.number} is not what was kept")
            self._kept = None
        self.number, self.hash = entry.number, written

    def end(self, head: Head) -> None:
        """Compare the end with what remembers it."""
        if head != (self.number, self.hash):
            self._found(
                "cut_off",
                self.number + 1,
                f"the last entry is {self.number}, and was {head.number} when it was made",
            )
        if self._kept is not None and self._kept != Head(0, FIRST_HASH):
            number = self._kept.number
            self._found("not_kept", number, f"entry {number}, which was kept, is not there")

    def _found(self, kind: str, number: int, message: str) -> None:
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(Finding(kind, number, message))


def _entries(connection: Connection) -> Iterator[tuple[Entry, str]]:
    """Every entry with the hash that stands beside it, a page at a time."""
    # From below every number, for whoever put one in before the first.
    number: int | None = None
    while True:
        query = select(audit).order_by(audit.c.number).limit(_PAGE)
        if number is not None:
            query = query.where(audit.c.number > number)
        rows = connection.execute(query).mappings().all()
        for row in rows:
            yield entry_of(row), row["hash"]
        if len(rows) < _PAGE:
            return
        number = rows[-1]["number"]


def _unexplained(connection: Connection) -> list[Finding]:
    """Rows that name an entry which is not there, or which was about something else."""
    return [finding for table in _ROWS for finding in _unexplained_in(connection, table)]


def _unexplained_in(connection: Connection, table: Table) -> list[Finding]:
    told = exists().where(
        audit.c.number == table.c.entry,
        (audit.c.target == table.c.id) | audit.c.act.in_(_SWEEPS.get(table, ())),
    )
    rows = connection.execute(
        select(table.c.id, table.c.entry).where(~told).limit(MOST_FINDINGS)
    ).all()
    return [
        Finding("unexplained", row.entry, f"{row.id} says it was changed by entry {row.entry}")
        for row in rows
    ]
