"""The budgets and limits in force, of every tenant: what each process compiles for its road.

Told by the newest audit entry of any of them, which each change moves on: a look costs one step in
an index, several times a second.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, func, select
from typing_extensions import override

from antiphon.access.allowances import MOST, allowance_facts
from antiphon.access.facts import AllowanceFacts
from antiphon.access.looking import EVERY, Looking
from antiphon.access.tables import allowances
from antiphon.access.targets import ALLOWANCES
from antiphon.storage.database import Readable


class Standing(NamedTuple):
    """What is in force.

    Attributes:
        newest: The number of the newest entry; 0 where there never was one.
        allowances: The oldest first.
    """

    newest: int
    allowances: Sequence[AllowanceFacts]


def standing(database: Readable) -> Standing:
    """Everything that is in force.

    Raises:
        StorageFailed: The database did not do what it was asked.
    """
    with database.reading() as connection:
        return _standing(connection, _newest(connection))


class Standings(Looking):
    """Looks for changes, as a service on a thread of its own.

    Args:
        database: With the tables of access.
        tell: Takes what is in force now, on the thread of this service: hand it to the loop.
        told: The number that is known already.
        every: Seconds between two looks.
    """

    name = "allowances"
    _what = "budgets and limits"

    def __init__(
        self,
        database: Readable,
        tell: Callable[[Standing], object],
        *,
        told: int | None = None,
        every: float = EVERY,
    ) -> None:
        super().__init__(every=every)
        self._database = database
        self._tell = tell
        self._told = told

    @override
    def look(self) -> None:
        """Look once.

        Raises:
            StorageFailed: The database did not do what it was asked; the next look makes up for it.
        """
        with self._database.reading() as connection:
            newest = _newest(connection)
            found = None if newest == self._told else _standing(connection, newest)
        self.trouble = ""
        if found is not None:
            self._tell(found)
            self._told = newest


def _newest(connection: Connection) -> int:
    return connection.execute(select(func.max(allowances.c.entry))).scalar() or 0


def _standing(connection: Connection, newest: int) -> Standing:
    query = ALLOWANCES.where(allowances.c.removed_at.is_(None))
    query = query.order_by(allowances.c.created_at, allowances.c.id).limit(MOST)
    rows = connection.execute(query).mappings()
    return Standing(newest, [allowance_facts(row) for row in rows])
