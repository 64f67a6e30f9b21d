"""Where administration begins: from an actor and an organisation to what they may do there."""

from __future__ import annotations

from typing import Self

from sqlalchemy import RowMapping, select

from antiphon.access.allowances import Allowances, Kind
from antiphon.access.audit import Entry, Head, entry_of
from antiphon.access.groups import Departments, Teams
from antiphon.access.organisations import Organisations
from antiphon.access.pages import USUAL, Page, check_limit, check_number, is_id
from antiphon.access.rows import seen
from antiphon.access.tables import audit, organisations
from antiphon.access.users import Users
from antiphon.access.verify import Verdict, verify
from antiphon.access.virtual import VirtualKeys
from antiphon.access.walls import Actor, Realm, is_root, not_found, operator_here
from antiphon.clock import Clock
from antiphon.errors import Forbidden, InvalidRequest
from antiphon.storage.database import Database, Readable


class Desk:
    """One tenant, as one actor may see and change it.

    Attributes:
        keys, teams, users, departments: Of the tenant.
        budgets, limits: Those that its administrators keep in the database.
    """

    def __init__(self, database: Database, realm: Realm, *, clock: Clock) -> None:
        self.keys = VirtualKeys(database, realm, clock=clock)
        self.teams = Teams(database, realm, clock=clock)
        self.users = Users(database, realm, clock=clock)
        self.departments = Departments(database, realm, clock=clock)
        self.budgets = Allowances(database, realm, Kind.BUDGET, clock=clock)
        self.limits = Allowances(database, realm, Kind.LIMIT, clock=clock)
        self._database = database
        self._realm = realm

    def entries(
        self, *, limit: int = USUAL, before: int | None = None, act: str = "", target: str = ""
    ) -> Page[Entry]:
        """What was done here, the newest first; the cursor is the number for `before`.

        Args:
            limit: The most.
            before: Only entries with a lower number: the last one of the page before.
            act: Only such, as `key.create`.
            target: Only what was done to this id.

        Raises:
            InvalidRequest: The limit or the number is none.
        """
        most = check_limit(limit)
        query = select(audit).where(*self._realm.entries())
        if before is not None:
            query = query.where(audit.c.number < check_number(before, "before"))
        for name, wanted in (("act", act), ("target", target)):
            if wanted and not is_id(wanted):
                raise InvalidRequest(f"{name} must be a word of the audit.", param=name)
            if wanted:
                query = query.where(audit.c[name] == wanted)
        query = query.order_by(audit.c.number.desc()).limit(most + 1)
        with self._database.reading() as connection:
            found = [entry_of(row) for row in connection.execute(query).mappings()]
        entries = tuple(found[:most])
        return Page(entries, str(entries[-1].number) if len(found) > most else None)


class Access:
    """Administers who may call.

    Args:
        database: With the tables of access.
        clock: Where time comes from.
    """

    def __init__(self, database: Database, *, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    @classmethod
    def open(cls, database: Database, *, clock: Clock) -> Self:
        """The administration of a database, in which the home organisation stands from now on.

        Raises:
            StorageFailed: The database did not do what it was asked.
        """
        access = cls(database, clock=clock)
        access.organisations(operator_here("start")).default()
        return access

    def organisations(self, actor: Actor) -> Organisations:
        """The tenants.

        Raises:
            Forbidden: The actor is a tenant's.
        """
        return Organisations(self._database, actor, clock=self._clock)

    def at(self, actor: Actor, organisation: str = "") -> Desk:
        """One tenant.

        Args:
            actor: Who.
            organisation: Its id; empty for the actor's own.

        Raises:
            PathNotFound: There is none, or it is not theirs to enter.
        """
        return Desk(self._database, self.realm(actor, organisation), clock=self._clock)

    def realm(self, actor: Actor, organisation: str = "") -> Realm:
        """The walls of one tenant, for whoever keeps more there than a desk does.

        Args:
            actor: Who.
            organisation: Its id; empty for the actor's own.

        Raises:
            PathNotFound: There is none, or it is not theirs to enter.
        """
        realm = Realm(actor, organisation or actor.organisation)
        row = self._organisation(realm.organisation)
        if row["removed_at"] is not None:
            raise not_found("organisation")
        return realm

    def verify(self, actor: Actor, *, kept: Head | None = None) -> Verdict:
        """Prove the audit of every tenant.

        Raises:
            Forbidden: The actor is a tenant's.
            StorageFailed: The database did not do what it was asked.
        """
        if not is_root(actor):
            raise Forbidden("Only who has the whole gateway may prove its audit.")
        return verify_audit(self._database, kept=kept)

    def _organisation(self, organisation: str) -> RowMapping:
        with self._database.reading() as connection:
            return seen(connection, organisations, [], organisation, "organisation")


def verify_audit(database: Readable, *, kept: Head | None = None) -> Verdict:
    """Prove the audit of a database that is only read, as the command does.

    Raises:
        StorageFailed: The database did not do what it was asked.
    """
    with database.reading() as connection:
        return verify(connection, kept=kept)
