"""The active model behind a name: which deployment of a route is asked first, while it runs.

Names of models are the whole gateway's, and so are switches: only whoever has all of it makes them.
This floor keeps them, enters them in the audit and sees what changed. What the names are, and which
deployments stand behind them, is checked by whoever calls.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import Connection, RowMapping, func, insert, select, update
from typing_extensions import override

from antiphon.access.audit import Act, enter
from antiphon.access.facts import SwitchFacts
from antiphon.access.looking import Latest
from antiphon.access.tables import switches
from antiphon.access.walls import Actor, is_root, not_found
from antiphon.clock import Clock
from antiphon.errors import Forbidden
from antiphon.model.principal import HOME
from antiphon.storage.database import Database, Readable


class Switched(NamedTuple):
    """What is switched.

    Attributes:
        newest: The number of the newest entry; 0 where there never was one.
        by_alias: Names of routes to deployments, as `provider/model`.
    """

    newest: int
    by_alias: Mapping[str, str]


def switched(database: Readable) -> Switched:
    """Everything that is switched.

    Raises:
        StorageFailed: The database did not do what it was asked.
    """
    with database.reading() as connection:
        return _switched(connection, _newest(connection))


class Switches:
    """Switches, as one actor may see and change them.

    Raises:
        Forbidden: On construction: the actor has not the whole gateway.
    """

    def __init__(self, database: Database, actor: Actor, *, clock: Clock) -> None:
        if not is_root(actor):
            raise Forbidden("Only who has the whole gateway sees and switches active models.")
        self._database = database
        self._actor = actor
        self._clock = clock

    def list(self) -> list[SwitchFacts]:
        """All of them, by name."""
        with self._database.reading() as connection:
            query = select(switches).where(switches.c.removed_at.is_(None))
            rows = connection.execute(query.order_by(switches.c.alias)).mappings()
            return [_facts(row) for row in rows]

    def switch(self, alias: str, deployment: str) -> SwitchFacts:
        """Put a deployment first under a name; it is so within a second, in every process.

        Raises:
            StorageFailed: Nothing was done.
        """
        with self._database.writing() as connection:
            row = _row(connection, alias)
            before = row["deployment"] if row is not None and row["removed_at"] is None else ""
            if row is not None and before == deployment:
                return _facts(row)
            told = {"deployment": deployment, "before": before}
            entry, at = self._enter(connection, "model.switch", alias, told)
            values = {"deployment": deployment, "switched_at": at, "entry": entry}
            if row is None:
                connection.execute(insert(switches).values(alias=alias, **values))
            else:
                mine = switches.c.alias == alias
                connection.execute(update(switches).where(mine).values(**values, removed_at=None))
            return SwitchFacts(alias, deployment, at)

    def reset(self, alias: str) -> SwitchFacts:
        """Give a name back to what the configuration says; gives what it was switched to.

        Raises:
            PathNotFound: It is not switched.
            StorageFailed: Nothing was done.
        """
        with self._database.writing() as connection:
            row = _row(connection, alias)
            if row is None or row["removed_at"] is not None:
                raise not_found("switch")
            told = {"before": row["deployment"]}
            entry, at = self._enter(connection, "model.reset", alias, told)
            values = {"removed_at": at, "entry": entry}
            mine = switches.c.alias == alias
            connection.execute(update(switches).where(mine).values(**values))
            return _facts(row)

    def _enter(
        self, connection: Connection, act: str, alias: str, told: Mapping[str, object]
    ) -> tuple[int, int]:
        at = int(self._clock.now() * 1e6)
        return enter(connection, self._actor, Act(act, alias, HOME, details=told), at=at), at


class SwitchWatch(Latest[Switched]):
    """Looks for changes of active models."""

    name = "switches"
    _what = "active models"

    @override
    def newest(self, connection: Connection) -> int:
        return _newest(connection)

    @override
    def found(self, connection: Connection, newest: int) -> Switched:
        return _switched(connection, newest)


def _newest(connection: Connection) -> int:
    return connection.execute(select(func.max(switches.c.entry))).scalar() or 0


def _switched(connection: Connection, newest: int) -> Switched:
    query = select(switches.c.alias, switches.c.deployment)
    rows = connection.execute(query.where(switches.c.removed_at.is_(None)))
    return Switched(newest, {row.alias: row.deployment for row in rows})


def _row(connection: Connection, alias: str) -> RowMapping | None:
    return connection.execute(select(switches).where(switches.c.alias == alias)).mappings().first()


def _facts(row: RowMapping) -> SwitchFacts:
    return SwitchFacts(row["alias"], row["deployment"], row["switched_at"])
