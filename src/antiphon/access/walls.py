"""Who acts, and the walls around what they may see and change.

A `Realm` is one organisation as one actor may see it. Every query takes its conditions from here,
so none can leave them out. What lies behind a wall is answered as what does not exist.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, Table, false, select

from antiphon.access.roles import Scope
from antiphon.access.tables import allowances, audit, departments, teams, users, virtual_keys
from antiphon.errors import Forbidden, PathNotFound
from antiphon.model.principal import Principal
from antiphon.model.principal import is_root as opens_all

Walls = list[ColumnElement[bool]]
WIDE = ("alias", "deployment", "provider", "provider_key")
"""Scopes of budgets and limits that all tenants are in together."""


class Actor(NamedTuple):
    """Who does something, as the audit names it.

    Attributes:
        id: The id of the key, or a word for who has none.
        scopes: What they may do.
        organisation: The only one that they may enter; empty for the whole gateway's admin.
        team: The id of the only team that they may see; empty for all of the organisation.
        user: The id of the user who stands behind them, or empty.
        models: The names of models that they may ask for; empty means all.
        via: How they came: `api`, `cli`.
        request: The id of the request, where one is.
        rider: What goes along in the transaction of each act; it may refuse it.
    """

    id: str
    scopes: frozenset[str]
    organisation: str = ""
    team: str = ""
    user: str = ""
    models: frozenset[str] = frozenset()
    via: str = "api"
    request: str = ""
    rider: Callable[[Connection], None] | None = None


def actor_of(principal: Principal, *, via: str = "api", request: str = "") -> Actor:
    """The caller, as an actor; an end user behind a proxy does not own the proxy's key."""
    return Actor(
        principal.subject if principal.proxied else principal.key_id,
        principal.scopes,
        principal.organisation,
        principal.team_id,
        principal.subject,
        principal.models,
        via,
        request,
    )


def operator_here(via: str = "cli") -> Actor:
    """Who has the database itself, and so may do everything."""
    return Actor("local", frozenset({Scope.ADMIN.value}), via=via)


class Realm:
    """One organisation, as one actor may see it.

    Args:
        actor: Who.
        organisation: The id of the organisation, which exists.

    Raises:
        PathNotFound: It is not theirs to enter.
    """

    __slots__ = ("actor", "organisation")

    def __init__(self, actor: Actor, organisation: str) -> None:
        if not is_root(actor) and (not actor.organisation or actor.organisation != organisation):
            raise not_found("organisation")
        self.actor = actor
        self.organisation = organisation

    def may(self, scope: str) -> bool:
        """Whether the actor has this scope here."""
        return is_root(self.actor) or scope in self.actor.scopes

    def need(self, scope: str) -> None:
        """Refuse whoever has not this scope.

        Raises:
            Forbidden: They have not.
        """
        if not self.may(scope):
            raise Forbidden(f"This key may not do that: it lacks {scope!r}.")

    def need_all(self, scopes: frozenset[str]) -> None:
        """Refuse whoever would give away what they have not.

        Raises:
            Forbidden: They would.
        """
        for scope in sorted(scopes):
            self.need(scope)

    def need_models(self, models: Collection[str]) -> None:
        """Refuse whoever would give away models that they may not ask for.

        Raises:
            Forbidden: They would.
        """
        own = self.actor.models
        if own and not is_root(self.actor) and not (models and own.issuperset(models)):
            raise Forbidden("This key may not open models that it may not ask for itself.")

    def need_everywhere(self) -> None:
        """Refuse whoever is bound to one team.

        Raises:
            Forbidden: They are.
        """
        if self.team:
            raise Forbidden("This key belongs to one team and may not change the organisation.")

    @property
    def team(self) -> str:
        """The only team that may be seen; empty for all."""
        return "" if is_root(self.actor) else self.actor.team

    def of(self, table: Table) -> ColumnElement[bool]:
        """This tenant's rows, whoever asks: for what is changed along, and not shown."""
        return table.c.organisation == self.organisation

    def keys(self) -> Walls:
        """Around keys: those of the team; without `read` only one's own."""
        walls = [self.of(virtual_keys)]
        if self.team:
            walls.append(virtual_keys.c.team == self.team)
        if not self.may(Scope.READ):
            mine = virtual_keys.c.id == self.actor.id
            if self.actor.user:
                mine |= virtual_keys.c.user == self.actor.user
            walls.append(mine)
        return walls

    def teams(self) -> Walls:
        """Around teams: one's own, or all."""
        walls = [self.of(teams)]
        if self.team:
            walls.append(teams.c.id == self.team)
        return [*walls, *self._none_without_read()]

    def departments(self) -> Walls:
        """Around departments: none for whoever is bound to a team."""
        walls = [self.of(departments), *self._none_without_read()]
        return [*walls, false()] if self.team else walls

    def users(self) -> Walls:
        """Around users: those of the team; without `read` only oneself."""
        walls = [self.of(users)]
        if self.team:
            walls.append(users.c.team == self.team)
        if not self.may(Scope.READ):
            walls.append(users.c.id == self.actor.user)
        return walls

    def entries(self) -> Walls:
        """Around the audit: what was done to the team; nothing without `read`."""
        walls = [self.of(audit), *self._none_without_read()]
        if self.team:
            walls.append(audit.c.team == self.team)
        return walls

    def allowances(self) -> Walls:
        """Around budgets and limits: those of the team, its people and its keys."""
        walls = [self.of(allowances), *self._none_without_read()]
        if not is_root(self.actor):
            walls.append(allowances.c.scope.not_in(WIDE))
        if self.team:
            scope, target = allowances.c.scope, allowances.c.target
            keys = select(virtual_keys.c.id).where(
                self.of(virtual_keys), virtual_keys.c.team == self.team
            )
            people = select(users.c.id).where(self.of(users), users.c.team == self.team)
            walls.append(
                ((scope == "team") & (target == self.team))
                | ((scope == "key") & target.in_(keys))
                | ((scope == "user") & target.in_(people))
            )
        return walls

    def _none_without_read(self) -> Walls:
        return [] if self.may(Scope.READ) else [false()]


def is_root(actor: Actor) -> bool:
    """Whether they may do everything in the whole gateway.

    A key of a tenant never is, whatever its scopes say.
    """
    return opens_all(actor.scopes, actor.organisation)


def not_found(what: str) -> PathNotFound:
    """The same words for what does not exist and for what is another's."""
    return PathNotFound(f"There is no such {what}.")
