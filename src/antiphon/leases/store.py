"""The shared store of portions: what owners take of pots, give back, and say to have spent.

All that an owner says is absolute (spent since it began, holding so much), never a difference: it
may be said again after a failure of which nobody knows what it left behind. One transaction an
exchange, for all pots together, so that what is said to be spent and how far the journal is
contained in it can never differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, case, delete, func, select, update
from sqlalchemy.dialects.sqlite import insert

from antiphon.clock import Clock
from antiphon.leases.portion import portion
from antiphon.leases.tables import SCHEMA, VERSIONS, marks, owners, portions, pots
from antiphon.leases.terms import Mark, OwnerClosed, Pot, Standing, Wish
from antiphon.storage.address import address_of
from antiphon.storage.database import Database

_MILLE = 1000
_held = case((portions.c.taken > portions.c.spent, portions.c.taken), else_=portions.c.spent)
"""What a portion keeps out of its pot: whoever spent more than it took holds what it spent."""


class LeaseStore:
    """Portions of pots, in a file that every process of this machine opens.

    Args:
        path: The file; made where there is none.
        clock: For the times at which owners came and people decided.

    Attributes:
        database: For those who settle the estates of the dead.

    Raises:
        StorageFailed: It cannot be used.
    """

    def __init__(self, path: Path, *, clock: Clock) -> None:
        self.database = Database(address_of(path), [SCHEMA], versions=VERSIONS)
        self._clock = clock

    def close(self) -> None:
        """Let go of the file."""
        self.database.close()

    def now(self) -> int:
        """Microseconds since 1970."""
        return int(self._clock.now() * 1e6)

    def register(self, owner: str, folder: Path, *, through: int = 0) -> None:
        """Make an owner known; its journal has to stand in the folder already.

        Args:
            owner: The name of its journal.
            folder: Of journals, where those who adopt look for it.
            through: The last segment of its journal in which no lease was ever spent.

        Raises:
            StorageFailed: The database did not do what it was asked.
        """
        row = {
            "owner": owner,
            "folder": str(folder.resolve()),
            "registered_at": self.now(),
            "through": through,
            "orphaned": "",
        }
        with self.database.writing() as connection:
            connection.execute(insert(owners).values(row).on_conflict_do_nothing())

    def exchange(
        self, owner: str, wishes: Sequence[Wish], progress: Sequence[Mark]
    ) -> list[Standing]:
        """Take what an owner says, and give it what it may hold.

        Args:
            owner: Who says it.
            wishes: Of pots about which it has something to say.
            progress: Of its journal: `wishes` contain all that was spent up to there.

        Returns:
            How it stands with every pot of which it has a portion.

        Raises:
            OwnerClosed: It was adopted or written off.
            StorageFailed: Nothing is known of what was done; it is to be said again.
        """
        with self.database.writing() as connection:
            _revive(connection, owner)
            said: dict[int, Wish] = {}
            for wish in wishes:
                number = wish.number or _entered(connection, wish.pot, owner)
                if wish.done:
                    _fold(connection, number, owner, wish.spent)
                else:
                    said[number] = wish
            _mark(connection, owner, progress)
            return [
                _answer(connection, owner, row, said.get(row.number))
                for row in _standings(connection, owner)
            ]

    def leave(self, owner: str, wishes: Sequence[Wish]) -> None:
        """Close an owner that has nothing open: what it spent stays spent, the rest comes back.

        Raises:
            OwnerClosed: It was adopted or written off.
            StorageFailed: Nothing was done.
        """
        with self.database.writing_through() as connection:
            _revive(connection, owner)
            spent: dict[int, int] = {}
            for wish in wishes:
                number = wish.number or _entered(connection, wish.pot, owner)
                spent[number] = wish.spent
            close_owner(connection, owner, at_least=spent)


def close_owner(
    connection: Connection,
    owner: str,
    *,
    more: Mapping[int, int] | None = None,
    at_least: Mapping[int, int] | None = None,
) -> None:
    """Add what an owner spent to its pots for good, and forget it with all that it held.

    Args:
        connection: A transaction that writes.
        owner: Who is no more.
        more: What it spent beyond what it said, by the numbers of pots.
        at_least: What it spent since it began, by the numbers of pots.
    """
    chosen = select(portions.c.pot, portions.c.spent).where(portions.c.owner == owner)
    spent = {row.pot: row.spent for row in connection.execute(chosen)}
    for number, amount in (at_least or {}).items():
        spent[number] = max(spent.get(number, 0), amount)
    for number, amount in (more or {}).items():
        spent[number] = spent.get(number, 0) + amount
    for number, amount in spent.items():
        _add(connection, number, amount)
    connection.execute(update(pots).where(pots.c.wanted_by == owner).values(wanted_by=""))
    for table in (portions, marks, owners):
        connection.execute(delete(table).where(table.c.owner == owner))


def _revive(connection: Connection, owner: str) -> None:
    """The owner is known, and evidently alive."""
    found = connection.execute(select(owners.c.orphaned).where(owners.c.owner == owner)).scalar()
    if found is None:
        raise OwnerClosed("What this process leased was adopted or written off: it may not spend.")
    if found:
        connection.execute(update(owners).where(owners.c.owner == owner).values(orphaned=""))


def _number(connection: Connection, pot: Pot) -> int:
    """The number of a pot, which is made where it is new."""
    key = (pots.c.scope == pot.scope) & (pots.c.name == pot.name) & (pots.c.period == pot.period)
    found = connection.execute(select(pots.c.number).where(key)).scalar()
    if found is not None:
        return found
    fresh = {"most": 0, "closed": 0, "written_off": 0, "told": 0, "wanted_by": ""}
    made = connection.execute(insert(pots).values({**pot._asdict(), **fresh}))
    assert made.inserted_primary_key is not None
    number: int = made.inserted_primary_key[0]
    return number


def _entered(connection: Connection, pot: Pot, owner: str) -> int:
    """The number of a pot, of which the owner has a portion from now on."""
    number = _number(connection, pot)
    row = {"pot": number, "owner": owner, "taken": 0, "spent": 0}
    connection.execute(insert(portions).values(row).on_conflict_do_nothing())
    return number


def _fold(connection: Connection, number: int, owner: str, spent: int) -> None:
    """Add what an owner spent to a pot for good, and forget its portion."""
    mine = (portions.c.pot == number) & (portions.c.owner == owner)
    known = connection.execute(select(portions.c.spent).where(mine)).scalar_one()
    _add(connection, number, max(known, spent))
    wanted = (pots.c.number == number) & (pots.c.wanted_by == owner)
    connection.execute(update(pots).where(wanted).values(wanted_by=""))
    connection.execute(delete(portions).where(mine))


def _add(connection: Connection, number: int, spent: int) -> None:
    if spent:
        connection.execute(
            update(pots).where(pots.c.number == number).values(closed=pots.c.closed + spent)
        )


def _mark(connection: Connection, owner: str, progress: Sequence[Mark]) -> None:
    """Keep how far the journal is reported; what is whole from the begin becomes one number."""
    for mark in progress:
        row = {"owner": owner, "segment": mark.segment, "upto": mark.upto, "whole": mark.whole}
        connection.execute(
            insert(marks)
            .values(row)
            .on_conflict_do_update(set_={"upto": mark.upto, "whole": mark.whole})
        )
    if not any(mark.whole for mark in progress):
        return
    mine = owners.c.owner == owner
    through = before = connection.execute(select(owners.c.through).where(mine)).scalar_one()
    whole = select(marks.c.segment).where(marks.c.owner == owner, marks.c.whole)
    for segment in connection.execute(whole.order_by(marks.c.segment)).scalars().all():
        if segment != through + 1:
            break
        through = segment
    if through > before:
        connection.execute(update(owners).where(mine).values(through=through))
        past = (marks.c.owner == owner) & (marks.c.segment <= through)
        connection.execute(delete(marks).where(past))


class _Row(NamedTuple):
    """A pot, with the sums of all portions of it.

    Attributes:
        gone: What was spent by those that are no more, or written off.
        held: By others than the owner.
        sunk: What of that does not come back, as far as it is known.
        sharers: Owners that have a portion.
    """

    number: int
    scope: str
    name: str
    period: str
    ends: int
    most: int
    told: int
    wanted_by: str
    gone: int
    held: int
    sunk: int
    taken: int
    spent: int
    sharers: int


def _standings(connection: Connection, owner: str) -> list[_Row]:
    """Every pot of which the owner has a portion."""
    mine = portions.c.owner == owner
    sunk = case((owners.c.orphaned == "", portions.c.spent), else_=_held)
    found = connection.execute(
        select(
            *(pots.c.number, pots.c.scope, pots.c.name, pots.c.period, pots.c.ends),
            *(pots.c.most, pots.c.told, pots.c.wanted_by, pots.c.closed + pots.c.written_off),
            func.sum(case((mine, 0), else_=_held)),
            func.sum(case((mine, 0), else_=sunk)),
            func.sum(case((mine, portions.c.taken), else_=0)),
            func.sum(case((mine, portions.c.spent), else_=0)),
            func.count(),
        )
        .select_from(pots)
        .join(portions, portions.c.pot == pots.c.number)
        .join(owners, owners.c.owner == portions.c.owner)
        .where(pots.c.number.in_(select(portions.c.pot).where(mine)))
        .group_by(pots.c.number)
        .order_by(pots.c.number)
    )
    return [_Row(*row) for row in found]


def _answer(connection: Connection, owner: str, row: _Row, wish: Wish | None) -> Standing:
    pot = Pot(row.scope, row.name, row.period, row.ends)
    others = row.gone + row.sunk
    contended = row.wanted_by not in {"", owner}
    if wish is None:
        # Its limit is not known here: nothing is given, and nothing said of what is left.
        asked = contended and row.taken > row.spent
        return Standing(pot, row.number, row.taken, others, 0, asked, 0)
    spent = max(row.spent, wish.spent)
    held = max(spent, min(row.taken, wish.keep))
    given = portion(
        wish.limit - row.gone - row.held - held,
        need=wish.need,
        want=wish.want,
        sharers=row.sharers,
        contended=contended,
    )
    taken = held + given
    if (taken, spent) != (row.taken, row.spent):
        mine = (portions.c.pot == row.number) & (portions.c.owner == owner)
        connection.execute(update(portions).where(mine).values(taken=taken, spent=spent))
    crossed = _crossed(wish, others + spent, row.told)
    changes: dict[str, str | int] = {"told": crossed} if crossed else {}
    best = wish.limit - others - spent
    if wish.limit != row.most:
        changes["most"] = wish.limit
    # Others are asked only for what they might have.
    waits = given < wish.need <= best
    if waits and not row.wanted_by:
        changes["wanted_by"] = owner
    elif not waits and row.wanted_by == owner:
        changes["wanted_by"] = ""
    if changes:
        connection.execute(update(pots).where(pots.c.number == row.number).values(changes))
    return Standing(pot, row.number, taken, others, best, contended and taken > spent, crossed)


def _crossed(wish: Wish, spent: int, told: int) -> int:
    """The highest step that was reached and not told yet; 0 for none."""
    reached = [step for step in wish.steps if step > told and spent * _MILLE >= step * wish.limit]
    return max(reached, default=0) if wish.limit else 0
