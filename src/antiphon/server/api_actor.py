"""Who administers, and where: from a request to an actor and to the walls of a tenant.

The routes of administration stand before a `Front`: that of a gateway, or, where none runs, that
of the command line, which has the database itself. They are the same routes either way, so both
see the same, are refused in the same words and leave the same entries in the audit.

A route takes what it needs by its type:

    def list_keys(desk: At, ...)           one tenant's keys, teams, users, departments, audit
    def list_budgets(realm: Walled, ...)   its walls, for whoever keeps more than a desk has
    def list_tenants(actor: Asking, ...)   who asks

The tenant is the `organisation` of the query: by default the caller's own, and for whoever has the
whole gateway the one that is always there.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.dependencies.utils import get_flat_params
from fastapi.params import Query as QueryField
from fastapi.routing import APIRoute
from typing_extensions import override

from antiphon.access.desk import Access, Desk
from antiphon.access.organisations import Organisations
from antiphon.access.walls import Actor, Realm, actor_of, is_root, operator_here
from antiphon.clock import Clock
from antiphon.config.settings import Settings
from antiphon.errors import Forbidden, InvalidRequest, Overloaded
from antiphon.gateway.allowances import Allowed
from antiphon.gateway.gateway import Antiphon
from antiphon.gateway.switches import Routes, routes_in, routes_of
from antiphon.gateway.uses import BudgetUses, LimitUses
from antiphon.model.principal import HOME, Principal
from antiphon.notices.config import WebhookSettings
from antiphon.server.bodies import CLAIM, PRINCIPAL
from antiphon.server.caller import Caller
from antiphon.server.health import require_key
from antiphon.server.intake import id_of
from antiphon.storage.database import Database, Readable

_AT_ONCE = 4
"""Requests of administration that are in the database: it has other readers, and one writer."""
_PATIENCE = 10.0
"""Seconds for which one more waits."""


class Front(ABC):
    """What the routes of administration stand before."""

    def __init__(self) -> None:
        self.turns = asyncio.Semaphore(_AT_ONCE)

    @abstractmethod
    async def actor(self, request: Request) -> Actor:
        """Who asks.

        Raises:
            Unauthenticated: There is no key, or an unknown one.
            Forbidden: It is one of the configuration, which administers nothing.
        """

    @property
    @abstractmethod
    def database(self) -> Database:
        """Where everything is kept.

        Raises:
            Overloaded: The gateway ends.
        """

    @property
    @abstractmethod
    def clock(self) -> Clock:
        """Where time comes from."""

    @property
    @abstractmethod
    def settings(self) -> Settings:
        """The configuration, which has budgets and limits of its own."""

    @property
    @abstractmethod
    def budget_uses(self) -> BudgetUses:
        """How much of budgets is used.

        Raises:
            Overloaded: The gateway ends.
        """

    @property
    @abstractmethod
    def limit_uses(self) -> LimitUses:
        """How much of limits is used."""

    @property
    @abstractmethod
    def routes(self) -> Routes:
        """The models that can be switched, by every name that they go by."""

    @property
    def allowed(self) -> Allowed:
        """What the configuration makes of budgets and limits that are kept."""
        return Allowed(self.settings)

    @property
    def webhooks(self) -> Mapping[str, WebhookSettings]:
        """Where notices go, by the names of the configuration."""
        return self.settings.notices.webhooks

    def send(self) -> None:  # noqa: B027  who only has the database sends nothing
        """Have notices that wait sent now."""

    @property
    @abstractmethod
    def access(self) -> Access:
        """Tenants, people and keys.

        Raises:
            Overloaded: The gateway ends.
        """


class GatewayFront(Front):
    """A gateway: whoever has a key may ask, and does what it may.

    Args:
        gateway: That serves.
    """

    def __init__(self, gateway: Antiphon) -> None:
        super().__init__()
        self._gateway = gateway

    @override
    async def actor(self, request: Request) -> Actor:
        state: dict[str, object] = request.scope["state"]
        principal = state.get(PRINCIPAL)
        if not isinstance(principal, Principal):
            principal = await require_key(self._gateway, Caller(request.scope["headers"]))
            state[PRINCIPAL] = principal
        claim = getattr(request.state, CLAIM, None)
        actor = actor_of(principal, request=id_of(request))._replace(rider=claim)
        if not is_root(actor) and not principal.role:
            raise Forbidden("Only the admin key, or a key that was made here, administers.")
        return actor

    @property
    @override
    def database(self) -> Database:
        return self._gateway.open_books.database

    @property
    @override
    def settings(self) -> Settings:
        return self._gateway.settings

    @property
    @override
    def budget_uses(self) -> BudgetUses:
        books = self._gateway.open_books
        treasury = books.treasury
        return BudgetUses(
            treasury.leases,
            clock=self.clock,
            purses=treasury.budgets.purses,
            owner=books.journal.owner,
        )

    @property
    @override
    def limit_uses(self) -> LimitUses:
        return LimitUses(self._gateway.limits.meters, clock=self.clock)

    @property
    @override
    def routes(self) -> Routes:
        return routes_of(self._gateway.snapshot)

    @property
    @override
    def clock(self) -> Clock:
        return self._gateway.clock

    @property
    @override
    def access(self) -> Access:
        return self._gateway.open_books.access

    @override
    def send(self) -> None:
        if self._gateway.books is not None:
            self._gateway.books.noticing.courier.wake()


class DatabaseFront(Front):
    """A database that somebody has themselves: they may do everything in it.

    Args:
        database: With the tables of access.
        settings: The configuration.
        clock: Where time comes from.
        leases: What processes hold and have spent; None where there never were budgets.

    Raises:
        StorageFailed: The database did not do what it was asked.
    """

    def __init__(
        self,
        database: Database,
        settings: Settings,
        *,
        clock: Clock,
        leases: Readable | None = None,
    ) -> None:
        super().__init__()
        self._database = database
        self._settings = settings
        self._clock = clock
        self._leases = leases
        self._access = Access.open(database, clock=clock)

    @override
    async def actor(self, request: Request) -> Actor:
        return operator_here()._replace(request=id_of(request))

    @property
    @override
    def database(self) -> Database:
        return self._database

    @property
    @override
    def settings(self) -> Settings:
        return self._settings

    @property
    @override
    def access(self) -> Access:
        return self._access

    @property
    @override
    def budget_uses(self) -> BudgetUses:
        return BudgetUses(self._leases, clock=self._clock)

    @property
    @override
    def limit_uses(self) -> LimitUses:
        return LimitUses(None, clock=self._clock)

    @property
    @override
    def routes(self) -> Routes:
        return routes_in(self._settings)

    @property
    @override
    def clock(self) -> Clock:
        return self._clock


def front_of(request: Request) -> Front:
    """What the application stands before."""
    front: Front = request.app.state.front
    return front


async def admitted(request: Request) -> None:
    """Let only those in who may ask at all.

    Raises:
        Unauthenticated: There is no key, or an unknown one.
        Forbidden: It is one that administers nothing.
    """
    await front_of(request).actor(request)


async def _asking(request: Request) -> Actor:
    return await front_of(request).actor(request)


Asking = Annotated[Actor, Depends(_asking)]
"""Who asks; without a key that is known, nobody does."""


def _realm(
    request: Request,
    actor: Asking,
    organisation: Annotated[
        str,
        Query(
            max_length=100,
            description="The id of the organisation. Only whoever has the whole gateway may name "
            f"another than their own; for them it is `{HOME}` where it is not named.",
        ),
    ] = "",
) -> Realm:
    if not organisation and is_root(actor):
        organisation = HOME
    return front_of(request).access.realm(actor, organisation)


Walled = Annotated[Realm, Depends(_realm)]
"""The tenant, as who asks may see it."""


def _desk(request: Request, realm: Walled) -> Desk:
    front = front_of(request)
    return Desk(front.database, realm, clock=front.clock)


At = Annotated[Desk, Depends(_desk)]
"""The tenant's keys, teams, users, departments and audit."""


def _everywhere(request: Request) -> Access:
    return front_of(request).access


Everywhere = Annotated[Access, Depends(_everywhere)]
"""What is of no single tenant; says itself who may."""


def _tenants(access: Everywhere, actor: Asking) -> Organisations:
    return access.organisations(actor)


Tenants = Annotated[Organisations, Depends(_tenants)]
"""The tenants, for whoever has the whole gateway."""


async def _turn(request: Request) -> AsyncGenerator[None]:
    """One's turn in the database, given back before the answer is sent."""
    turns = front_of(request).turns
    try:
        async with asyncio.timeout(_PATIENCE):
            await turns.acquire()
    except TimeoutError:
        raise Overloaded("Too many administer at once.", retry_after=1) from None
    try:
        yield
    finally:
        turns.release()


def _known_alone(request: Request) -> None:
    """Refuse parameters of the query that nobody reads: a typo would else say nothing."""
    route = request.scope["route"]
    assert isinstance(route, APIRoute)
    known = {
        field.alias
        for field in get_flat_params(route.dependant)
        if isinstance(field.field_info, QueryField)
    }
    for name in request.query_params:
        if name not in known:
            raise InvalidRequest(f"{name[:100]!r} is no parameter here.", param=name[:100])


def routes(tag: str) -> APIRouter:
    """A router whose routes are for those who administer, a few at a time."""
    return APIRouter(
        prefix="/api/v1",
        tags=[tag],
        dependencies=[
            Depends(_asking),
            Depends(_known_alone),
            Depends(_turn, scope="function"),
        ],
    )
