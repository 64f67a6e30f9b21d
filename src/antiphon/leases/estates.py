"""What the dead leave behind: settled by their journals, or, where those do not tell, by a person.

An owner that died holds its portions until somebody has read its journal to the end. Where the
journal cannot be read, or is gone, its portions are orphans: they count as spent for ever, unless a
person writes them off.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from sqlalchemy import ColumnElement, case, delete, exists, func, select, true, update

from antiphon.errors import PathNotFound
from antiphon.leases.store import LeaseStore, close_owner
from antiphon.leases.tables import marks, owners, portions, pots, write_offs
from antiphon.leases.terms import Balance, Estate, Mark, Orphan, Pot

_unspent = case((portions.c.taken > portions.c.spent, portions.c.taken - portions.c.spent), else_=0)


class Estates:
    """The portions of the dead, and what has become of pots.

    Args:
        store: Where they are.
    """

    def __init__(self, store: LeaseStore) -> None:
        self._store = store
        self._database = store.database

    def known(self, folder: Path) -> frozenset[str]:
        """The owners whose journals should stand in that folder.

        Raises:
            StorageFailed: The database did not do what it was asked.
        """
        with self._database.reading() as connection:
            chosen = select(owners.c.owner).where(owners.c.folder == str(folder.resolve()))
            return frozenset(connection.execute(chosen).scalars())

    def reported(self, owner: str) -> Estate | None:
        """How far an owner's journal is reported; None where nothing is left to settle.

        Raises:
            StorageFailed: The database did not do what it was asked.
        """
        with self._database.reading() as connection:
            through = connection.execute(
                select(owners.c.through).where(owners.c.owner == owner)
            ).scalar()
            if through is None:
                return None
            found = connection.execute(
                select(marks.c.segment, marks.c.upto, marks.c.whole).where(marks.c.owner == owner)
            )
            return Estate(through, {row.segment: Mark(*row) for row in found})

    def adopt(self, owner: str, spent: Mapping[int, int]) -> None:
        """Settle for a dead owner: what it spent stays spent, the rest comes back.

        To be called by whoever holds the lock of its journal, before anything of that goes. Nothing
        is done for an owner that is settled already.

        Args:
            owner: Who is dead.
            spent: What its journal says that it spent beyond what it had reported, by the numbers
                of pots.

        Raises:
            StorageFailed: Nothing was done.
        """
        with self._database.writing_through() as connection:
            known = select(owners.c.owner).where(owners.c.owner == owner)
            if connection.execute(known).scalar() is not None:
                close_owner(connection, owner, more=spent)

    def orphan(self, owner: str, reason: str) -> bool:
        """Say that nobody can say what an owner spent; whether that is news.

        An owner that lives after all takes it back with its next exchange.

        Raises:
            StorageFailed: Nothing was done.
        """
        with self._database.writing() as connection:
            done = connection.execute(
                update(owners)
                .where(owners.c.owner == owner, owners.c.orphaned == "")
                .values(orphaned=reason)
            )
            connection.execute(update(pots).where(pots.c.wanted_by == owner).values(wanted_by=""))
            return done.rowcount > 0

    def orphans(self) -> Sequence[Orphan]:
        """Money of which nobody can say whether it was spent, the oldest owner first.

        Raises:
            StorageFailed: The database did not do what it was asked.
        """
        with self._database.reading() as connection:
            found = connection.execute(
                select(owners.c.owner, owners.c.orphaned, *_POT, _unspent.label("amount"))
                .join(portions, portions.c.owner == owners.c.owner)
                .join(pots, pots.c.number == portions.c.pot)
                .where(owners.c.orphaned != "", _unspent > 0)
                .order_by(owners.c.registered_at, owners.c.owner, pots.c.number)
            )
            return [Orphan(row.owner, Pot(*row[2:6]), row.amount, row.orphaned) for row in found]

    def given_up(self) -> frozenset[str]:
        """The owners about whose money a person has decided.

        Raises:
            StorageFailed: The database did not do what it was asked.
        """
        with self._database.reading() as connection:
            return frozenset(connection.execute(select(write_offs.c.owner).distinct()).scalars())

    def write_off(self, owner: str, *, by: str, release: bool = False) -> int:
        """Decide about an orphan; gives how much it was, over all pots together.

        Args:
            owner: Whose money it is.
            by: Who decides.
            release: It was not spent, and comes back to its pots; else it counts as spent.

        Raises:
            PathNotFound: Nobody of that name is an orphan.
            StorageFailed: Nothing was done.
        """
        with self._database.writing_through() as connection:
            orphaned = (owners.c.owner == owner) & (owners.c.orphaned != "")
            if connection.execute(select(owners.c.owner).where(orphaned)).scalar() is None:
                raise PathNotFound(f"No orphan goes by the name {owner!r}.")
            found = connection.execute(
                select(pots.c.number, *_POT, _unspent.label("amount"))
                .join(portions, portions.c.pot == pots.c.number)
                .where(portions.c.owner == owner)
            ).all()
            now, total = self._store.now(), 0
            for row in found:
                if not row.amount:
                    continue
                total += row.amount
                connection.execute(
                    write_offs.insert().values(
                        owner=owner,
                        scope=row.scope,
                        name=row.name,
                        period=row.period,
                        amount=row.amount,
                        released=release,
                        written_by=by,
                        written_at=now,
                    )
                )
                if not release:
                    connection.execute(
                        update(pots)
                        .where(pots.c.number == row.number)
                        .values(written_off=pots.c.written_off + row.amount)
                    )
            close_owner(connection, owner)
            return total

    def balances(self, scope: str, name: str) -> Sequence[Balance]:
        """What has become of the pots of one team, user or key, the newest first.

        Raises:
            StorageFailed: The database did not do what it was asked.
        """
        return self._balances((pots.c.scope == scope) & (pots.c.name == name))

    def standing(self, tenant: str, *, at: int) -> Sequence[Balance]:
        """How it stands with every pot of an organisation that is not over at a moment.

        Raises:
            StorageFailed: The database did not do what it was asked.
        """
        within = pots.c.name.startswith(f"{tenant}/", autoescape=True)
        mine = (pots.c.name == tenant) & (pots.c.scope == "organisation")
        return self._balances((mine | within) & (pots.c.ends > at))

    def every(self) -> Sequence[Balance]:
        """What has become of all pots that are remembered, the newest first.

        Raises:
            StorageFailed: The database did not do what it was asked.
        """
        return self._balances(true())

    def _balances(self, which: ColumnElement[bool]) -> Sequence[Balance]:
        spent = func.coalesce(func.sum(portions.c.spent), 0)
        with self._database.reading() as connection:
            found = connection.execute(
                select(
                    *_POT,
                    pots.c.closed,
                    pots.c.written_off,
                    pots.c.most,
                    spent.label("spent"),
                    func.coalesce(func.sum(_unspent), 0).label("held"),
                )
                .join(portions, portions.c.pot == pots.c.number, isouter=True)
                .where(which)
                .group_by(pots.c.number)
                .order_by(pots.c.ends.desc(), pots.c.number.desc())
            )
            return [
                Balance(Pot(*row[:4]), row.closed + row.spent, row.held, row.written_off, row.most)
                for row in found
            ]

    def prune(self, before: int) -> int:
        """Forget pots that were over before a moment and of which nobody holds anything.

        Raises:
            StorageFailed: Nothing was done.
        """
        held = exists().where(portions.c.pot == pots.c.number)
        with self._database.writing() as connection:
            return connection.execute(delete(pots).where(pots.c.ends < before, ~held)).rowcount


_POT = (pots.c.scope, pots.c.name, pots.c.period, pots.c.ends)
