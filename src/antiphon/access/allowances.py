"""Budgets and limits of one tenant that administrators keep while the gateway runs.

This floor knows whose they are, who may change them and what is entered in the audit. What they say
is checked by whoever calls, with the models of the configuration, and kept here as text.

A tenant's administrators keep those of its departments, teams, people and keys. Those of the whole
organisation, and those that all tenants are in together, are for who has the whole gateway: nobody
raises what bounds themselves. For the same reason a key of one team changes none at all.
"""

from __future__ import annotations

import enum
import secrets
from collections.abc import Callable, Mapping
from typing import NamedTuple

from sqlalchemy import Connection, RowMapping, func, insert, select, update

from antiphon.access.audit import Act, enter
from antiphon.access.facts import AllowanceFacts
from antiphon.access.organisations import DEFAULT
from antiphon.access.pages import FIRST, Ask, Page, is_id, rows_of
from antiphon.access.refusals import Conflict
from antiphon.access.roles import Scope
from antiphon.access.tables import allowances
from antiphon.access.targets import ALLOWANCES, ids_of, target_of
from antiphon.access.walls import WIDE, Realm, Walls, is_root, not_found
from antiphon.clock import Clock
from antiphon.errors import Forbidden, InvalidRequest
from antiphon.storage.database import Database

MOST, MOST_OF_ONE = 10_000, 2_000
"""In force at once: of the whole gateway, which keeps all in memory, and of one tenant."""
_ROOTS = ("organisation", *WIDE)


class Kind(enum.StrEnum):
    """What an allowance is of."""

    BUDGET = "budget"
    """Money."""
    LIMIT = "limit"
    """Requests, tokens and so on in a window of time."""


class Draft(NamedTuple):
    """What somebody wants an allowance to be; checked already, but for whom it names.

    Attributes:
        scope: Whose it is.
        name: A name or an id; empty where each has as much of its own.
        facets: What it bounds, such as `month`: no two of one target bound the same.
        terms: The rest, as JSON.
        told: The same for the audit: words and numbers, and nothing that may name a person.
        configured: The name is one that the configuration knows.
    """

    scope: str
    name: str
    facets: frozenset[str]
    terms: str
    told: Mapping[str, object]
    configured: bool = False


class Allowances:
    """The budgets or the limits of one tenant, as one actor may see and change them."""

    def __init__(self, database: Database, realm: Realm, kind: Kind, *, clock: Clock) -> None:
        self._database = database
        self._realm = realm
        self._kind = kind
        self._clock = clock

    def create(self, draft: Draft) -> AllowanceFacts:
        """Make one; it is in force within a second, in every process.

        Raises:
            Forbidden: The actor may not.
            PathNotFound: There is nobody of that name.
            Conflict: There is one like it, or there are too many.
            StorageFailed: Nothing was done.
        """
        realm = self._realm
        self._need(draft.scope)
        with self._database.writing() as connection:
            target = target_of(
                connection, realm, draft.scope, draft.name, configured=draft.configured
            )
            self._check_room(connection)
            at, made = self._now(), f"{self._prefix}_{secrets.token_hex(8)}"
            row = {"id": made, "organisation": realm.organisation, "kind": self._kind.value}
            row |= {"scope": draft.scope, "target": target}
            row |= {"facets": _joined(draft), "terms": draft.terms}
            self._check_free(connection, draft, row)
            times = {"created_at": at, "changed_at": at, "entry": 0}
            connection.execute(insert(allowances).values(**row, **times))
            return self._acted(connection, "create", made, draft.told)

    def list(self, ask: Ask = FIRST, *, scope: str = "") -> Page[AllowanceFacts]:
        """A page of them.

        Args:
            ask: Which page.
            scope: Only those of this scope.

        Raises:
            InvalidRequest: There is no such page.
        """
        query = ALLOWANCES
        if not ask.gone:
            query = query.where(allowances.c.removed_at.is_(None))
        if scope:
            query = query.where(allowances.c.scope == scope)
        with self._database.reading() as connection:
            rows, cursor = rows_of(connection, query, allowances, self._walls(), ask)
        return Page(tuple(map(allowance_facts, rows)), cursor)

    def show(self, allowance: str) -> AllowanceFacts:
        """One of them.

        Raises:
            PathNotFound: There is none.
        """
        with self._database.reading() as connection:
            return allowance_facts(self._seen(connection, allowance))

    def change(self, allowance: str, amend: Callable[[AllowanceFacts], Draft]) -> AllowanceFacts:
        """Give one other terms; whose it is does not change.

        Args:
            allowance: The id.
            amend: From what it is to what it shall be; what it raises undoes all.

        Raises:
            PathNotFound: There is none.
            Forbidden: The actor may not.
            InvalidRequest: It would be another's.
            Conflict: It is removed.
        """
        with self._database.writing() as connection:
            row = self._seen(connection, allowance)
            self._need(row["scope"], row["target"])
            if row["removed_at"] is not None:
                raise Conflict(f"The {self._kind} is removed; make another.")
            before = allowance_facts(row)
            draft = amend(before)
            if draft.scope != before.scope:
                raise InvalidRequest(f"Whose a {self._kind} is does not change.", param="scope")
            if draft.terms == before.terms:
                return before
            self._check_free(connection, draft, row)
            changed = {"terms": draft.terms, "facets": _joined(draft), "changed_at": self._now()}
            return self._acted(connection, "change", allowance, draft.told, **changed)

    def remove(self, allowance: str) -> AllowanceFacts:
        """Remove one; one that is removed stays so.

        Raises:
            PathNotFound: There is none.
            Forbidden: The actor may not.
        """
        with self._database.writing() as connection:
            row = self._seen(connection, allowance)
            self._need(row["scope"], row["target"])
            if row["removed_at"] is not None:
                return allowance_facts(row)
            return self._acted(connection, "remove", allowance, {}, removed_at=self._now())

    def named(self, scope: str, facet: str) -> frozenset[str]:
        """Whose own of a scope bounds something: their ids, and what they are called."""
        query = ALLOWANCES.where(
            self._realm.of(allowances),
            allowances.c.kind == self._kind.value,
            allowances.c.scope == scope,
            allowances.c.target != "",
            allowances.c.removed_at.is_(None),
        )
        with self._database.reading() as connection:
            rows = [allowance_facts(row) for row in connection.execute(query).mappings()]
        own = [row for row in rows if facet in row.facets.split()]
        return frozenset(each for row in own for each in (row.target, row.name))

    def ids(self, scope: str, name: str) -> list[str]:
        """Who goes by a name here: their ids."""
        with self._database.reading() as connection:
            return ids_of(connection, self._realm, scope, name)

    @property
    def _prefix(self) -> str:
        return "bud" if self._kind is Kind.BUDGET else "lim"

    def _need(self, scope: str, target: str = "") -> None:
        """Refuse whoever may not keep those of a scope, or change what bounds themselves."""
        realm = self._realm
        realm.need(Scope.MANAGE)
        realm.need_everywhere()
        if scope in _ROOTS and not is_root(realm.actor):
            raise Forbidden(f"Only who has the whole gateway keeps {self._kind}s of this scope.")
        if target and not is_root(realm.actor) and target in {realm.actor.id, realm.actor.user}:
            raise Forbidden("Nobody changes what bounds themselves.")
        if scope in WIDE and realm.organisation != DEFAULT:
            raise InvalidRequest(
                f"A {self._kind} of this scope is all organisations' together, and is kept in "
                f"{DEFAULT!r}.",
                param="scope",
            )

    def _check_free(
        self, connection: Connection, draft: Draft, row: Mapping[str, object] | RowMapping
    ) -> None:
        """Refuse what bounds the same as another one does.

        Raises:
            Conflict: It would.
        """
        others = select(allowances.c.id, allowances.c.facets).where(
            self._realm.of(allowances),
            allowances.c.kind == self._kind.value,
            allowances.c.scope == row["scope"],
            allowances.c.target == row["target"],
            allowances.c.id != row["id"],
            allowances.c.removed_at.is_(None),
        )
        for other in connection.execute(others):
            if draft.facets.intersection(other.facets.split()):
                raise Conflict(f"There is a {self._kind} like it already: change {other.id!r}.")

    def _check_room(self, connection: Connection) -> None:
        count = select(func.count()).select_from(allowances)
        count = count.where(allowances.c.removed_at.is_(None))
        own = count.where(self._realm.of(allowances))
        for query, most in ((count, MOST), (own, MOST_OF_ONE)):
            if (connection.execute(query).scalar() or 0) >= most:
                raise Conflict(f"There are {most} budgets and limits, and no more are kept.")

    def _acted(
        self,
        connection: Connection,
        act: str,
        allowance: str,
        told: Mapping[str, object],
        **changed: object,
    ) -> AllowanceFacts:
        """Enter what is done to a row, do it, and have the row name the entry."""
        realm, row = self._realm, self._seen(connection, allowance)
        details = {**told, "scope": row["scope"], "target": row["target"]}
        if row["scope"] == "user" and row["called"] is None:
            # What a key of the configuration calls its user is a person's name.
            del details["target"]
        name, team = f"{self._kind}.{act}", row["team"] or ""
        entered = Act(name, allowance, realm.organisation, team, details)
        entry = enter(connection, realm.actor, entered, at=self._now())
        mine = realm.of(allowances) & (allowances.c.id == allowance)
        connection.execute(update(allowances).where(mine).values(**changed, entry=entry))
        return allowance_facts(self._seen(connection, allowance))

    def _walls(self) -> Walls:
        return [*self._realm.allowances(), allowances.c.kind == self._kind.value]

    def _seen(self, connection: Connection, allowance: str) -> RowMapping:
        if is_id(allowance):
            query = ALLOWANCES.where(*self._walls(), allowances.c.id == allowance)
            found = connection.execute(query).mappings().first()
            if found is not None:
                return found
        raise not_found(self._kind.value)

    def _now(self) -> int:
        return int(self._clock.now() * 1e6)


def _joined(draft: Draft) -> str:
    return " ".join(sorted(draft.facets))


def allowance_facts(row: RowMapping) -> AllowanceFacts:
    """A row of `ALLOWANCES`."""
    return AllowanceFacts(
        id=row["id"],
        organisation=row["organisation"],
        kind=row["kind"],
        scope=row["scope"],
        target=row["target"],
        name=row["called"] or row["target"],
        facets=row["facets"],
        terms=row["terms"],
        created_at=row["created_at"],
        changed_at=row["changed_at"],
        removed_at=row["removed_at"],
    )
