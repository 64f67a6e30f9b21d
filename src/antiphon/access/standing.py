"""The budgets and limits in force, of every tenant: what each process compiles for its road.

Told by the newest audit entry of any of them, which each change moves on: a look costs one step in
an index, several times a second.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, func, select
from typing_extensions import override

from antiphon.access.allowances import MOST, allowance_facts
from antiphon.access.facts import AllowanceFacts
from antiphon.access.looking import Latest
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


class Standings(Latest[Standing]):
    """Looks for changes of budgets and limits."""

    name = "allowances"
    _what = "budgets and limits"

    @override
    def newest(self, connection: Connection) -> int:
        return _newest(connection)

    @override
    def found(self, connection: Connection, newest: int) -> Standing:
        return _standing(connection, newest)


def _newest(connection: Connection) -> int:
    return connection.execute(select(func.max(allowances.c.entry))).scalar() or 0


def _standing(connection: Connection, newest: int) -> Standing:
    query = ALLOWANCES.where(allowances.c.removed_at.is_(None))
    query = query.order_by(allowances.c.created_at, allowances.c.id).limit(MOST)
    rows = connection.execute(query).mappings()
    return Standing(newest, [allowance_facts(row) for row in rows])
