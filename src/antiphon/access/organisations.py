"""The tenants, for whoever has the whole gateway.

There is always one, `default`: whoever has no tenants keeps everything in it.
"""

from __future__ import annotations

import secrets

from sqlalchemy import Connection, RowMapping, insert, select, update

from antiphon.access.audit import Act, enter
from antiphon.access.facts import OrganisationFacts
from antiphon.access.names import folded, name_of
from antiphon.access.pages import FIRST, Ask, Page, rows_of
from antiphon.access.refusals import Conflict, NameTaken
from antiphon.access.revoking import revoke_where
from antiphon.access.roles import Scope
from antiphon.access.rows import seen
from antiphon.access.sweeping import drop_where
from antiphon.access.tables import allowances, organisations, virtual_keys
from antiphon.access.walls import Actor, is_root
from antiphon.clock import Clock
from antiphon.errors import Forbidden
from antiphon.model.principal import HOME
from antiphon.storage.database import Database

DEFAULT = HOME
_NAME = "default"


class Organisations:
    """The tenants, as one actor may see and change them.

    Raises:
        Forbidden: The actor is a tenant's.
    """

    def __init__(self, database: Database, actor: Actor, *, clock: Clock) -> None:
        if not is_root(actor):
            raise Forbidden(f"This key may not do that: it lacks {Scope.ADMIN.value!r}.")
        self._database = database
        self._actor = actor
        self._clock = clock

    def default(self) -> OrganisationFacts:
        """The one that is always there; made where it is not yet.

        Raises:
            StorageFailed: Nothing was done.
        """
        query = select(organisations).where(organisations.c.id == DEFAULT)
        # Every start asks, and nearly none has to wait for whoever writes.
        with self._database.reading() as connection:
            row = connection.execute(query).mappings().first()
        if row is not None:
            return _facts(row)
        with self._database.writing() as connection:
            row = connection.execute(query).mappings().first()
            return _facts(row) if row else self._made(connection, DEFAULT, _NAME)

    def create(self, name: str) -> OrganisationFacts:
        """Make one.

        Raises:
            InvalidRequest, NameTaken: The name is none, or another's.
            StorageFailed: Nothing was done.
        """
        name = name_of(name)
        if folded(name) == _NAME:
            raise NameTaken("organisation")
        with self._database.writing() as connection:
            return self._made(connection, f"org_{secrets.token_hex(8)}", name)

    def list(self, ask: Ask = FIRST, *, name: str = "") -> Page[OrganisationFacts]:
        """A page of them.

        Args:
            ask: Which page.
            name: Only the one of this name, or of one just like it.

        Raises:
            InvalidRequest: There is no such page, or the name is none.
        """
        query = select(organisations)
        if name:
            query = query.where(organisations.c.folded == folded(name_of(name)))
        if not ask.gone:
            query = query.where(organisations.c.removed_at.is_(None))
        with self._database.reading() as connection:
            rows, cursor = rows_of(connection, query, organisations, [], ask)
        return Page(tuple(map(_facts, rows)), cursor)

    def show(self, organisation: str) -> OrganisationFacts:
        """One of them.

        Raises:
            PathNotFound: There is none.
        """
        with self._database.reading() as connection:
            return _facts(seen(connection, organisations, [], organisation, "organisation"))

    def remove(self, organisation: str) -> OrganisationFacts:
        """Remove one, revoke its keys, end its budgets. Its rows stay, and so does its name.

        Raises:
            PathNotFound: There is none.
            Conflict: It is the one that is always there.
        """
        if organisation == DEFAULT:
            raise Conflict("This organisation is always there.")
        with self._database.writing() as connection:
            row = seen(connection, organisations, [], organisation, "organisation")
            if row["removed_at"] is None:
                at = self._now()
                entry = self._enter(connection, "organisation.remove", organisation, at)
                connection.execute(
                    update(organisations)
                    .where(organisations.c.id == organisation)
                    .values(removed_at=at, entry=entry)
                )
                own = virtual_keys.c.organisation == organisation
                revoke_where(connection, own, at=at, entry=entry)
                theirs = allowances.c.organisation == organisation
                drop_where(connection, theirs, at=at, entry=entry)
            return _facts(seen(connection, organisations, [], organisation, "organisation"))

    def _made(self, connection: Connection, organisation: str, name: str) -> OrganisationFacts:
        taken = select(organisations.c.id).where(organisations.c.folded == folded(name))
        if connection.execute(taken).first():
            raise NameTaken("organisation")
        at = self._now()
        entry = self._enter(connection, "organisation.create", organisation, at)
        row = {"id": organisation, "name": name, "folded": folded(name)}
        connection.execute(insert(organisations).values(**row, created_at=at, entry=entry))
        return _facts(seen(connection, organisations, [], organisation, "organisation"))

    def _enter(self, connection: Connection, act: str, organisation: str, at: int) -> int:
        return enter(connection, self._actor, Act(act, organisation, organisation), at=at)

    def _now(self) -> int:
        return int(self._clock.now() * 1e6)


def _facts(row: RowMapping) -> OrganisationFacts:
    return OrganisationFacts(
        id=row["id"], name=row["name"], created_at=row["created_at"], removed_at=row["removed_at"]
    )
