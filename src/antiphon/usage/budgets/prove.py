"""Proving the leases: what pots say to be spent is what the ledger has charged, and no more.

The ledger does not say which pots an attempt was paid from, and budgets change. But no pot can have
spent more than the ledger has charged, in its period, to whoever it belongs to, together with what
stands in journals only. Money that nobody can account for is listed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
from sqlalchemy import func, select

from antiphon.leases.estates import Estates
from antiphon.leases.terms import Balance, Orphan
from antiphon.storage.database import Readable
from antiphon.usage.budgets.budget import Scope
from antiphon.usage.budgets.periods import ALWAYS
from antiphon.usage.journal.record import Closed, Opened
from antiphon.usage.journal.scan import scans_of
from antiphon.usage.ledger.manifests import COVERED
from antiphon.usage.ledger.tables import attempts, usage_daily

_DAY = 86_400_000_000
_LONGEST = 33 * _DAY
"""Microseconds that a month has at most, with a day on either side: days are counted in UTC."""
_WHOSE = {
    Scope.DEPARTMENT: "department",
    Scope.TEAM: "team",
    Scope.USER: "subject",
    Scope.KEY: "key_id",
}
"""What journals call it; an organisation has no word of its own there."""


class LeaseProof(msgspec.Struct, frozen=True):
    """What a proof found.

    Attributes:
        difference: The first pot that says more than the ledger; empty where none does.
        pots: That were looked at.
        orphans: Money of which nobody can say whether it was spent.
    """

    difference: str
    pots: int
    orphans: Sequence[Orphan]


def prove_leases(estates: Estates, ledger: Readable, folder: Path) -> LeaseProof:
    """Check every pot that is remembered.

    Args:
        estates: Where the pots are.
        ledger: What was charged.
        folder: Of the journals.

    Raises:
        StorageFailed: One of them cannot be read.
        OSError: The folder cannot be read.
    """
    # In the order in which money is told: whatever is spent meanwhile is in what is read later.
    balances, orphans = estates.every(), estates.orphans()
    written = list(_written(folder))
    difference = ""
    for balance in balances:
        charged = _charged(ledger, balance) + _pending(written, balance)
        if balance.spent > charged:
            pot = balance.pot
            difference = (
                f"the leases say that {balance.spent} billionths were spent of {pot.scope} "
                f"{pot.name} for {pot.period}, and ledger and journals know of {charged}"
            )
            break
    return LeaseProof(difference, len(balances), orphans)


def _charged(ledger: Readable, balance: Balance) -> int:
    """What the ledger has charged to whoever a pot belongs to, in days that may be its."""
    scope, name = Scope(balance.pot.scope), _name(balance)
    word = "subject_id" if scope is Scope.USER else _WHOSE.get(scope, "")
    chosen = select(func.coalesce(func.sum(usage_daily.c.cost), 0))
    ends = balance.pot.ends
    if ends < ALWAYS:
        begins = usage_daily.c.begins
        chosen = chosen.where(begins > ends - _LONGEST, begins < ends + _DAY)
    if scope is not Scope.ORGANISATION:
        chosen = chosen.where(usage_daily.c[word] == name)
    # What no manifest covers yet, or never will since its journal is gone, stands in no day.
    bare = select(func.coalesce(func.sum(attempts.c.cost), 0)).where(~COVERED)
    if ends < ALWAYS:
        ended = attempts.c.ended_at
        bare = bare.where(ended > ends - _LONGEST, ended < ends + _DAY)
    if scope is not Scope.ORGANISATION:
        bare = bare.where(attempts.c[word] == name)
    with ledger.reading() as connection:
        total: int = connection.execute(chosen).scalar_one()
        return total + connection.execute(bare).scalar_one()


def _pending(written: Sequence[tuple[Opened, int]], balance: Balance) -> int:
    """The same of what stands in journals, whether it is in the ledger already or not."""
    word = _WHOSE.get(Scope(balance.pot.scope))
    name = _name(balance)
    return sum(cost for opened, cost in written if word is None or getattr(opened, word) == name)


def _name(balance: Balance) -> str:
    return balance.pot.name.partition("/")[2]


def _written(folder: Path) -> Iterator[tuple[Opened, int]]:
    """Attempts that stand in journals, with their costs; those that are open at their bounds."""
    for scan in scans_of(folder):
        begun = {at: each for at, each in scan.records if isinstance(each, Opened)}
        for _, record in scan.records:
            if isinstance(record, Closed) and record.opened in begun:
                yield begun[record.opened], record.cost
        for opened in scan.open.values():
            yield opened, opened.cost_bound
