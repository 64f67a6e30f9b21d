"""`/api/v1/cache`: how the stored answers of this process stand, and their removal.

The figures are for the admin key alone, since they tell of every tenant. Who manages an
organisation may remove its answers.
"""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict

from antiphon.access.roles import Scope
from antiphon.access.walls import Realm, is_root
from antiphon.errors import Forbidden
from antiphon.gateway.answers import (
    Chosen,
    cache_figures,
    chosen_by,
    clear_cache,
    note_clearing,
)
from antiphon.gateway.gateway import Antiphon
from antiphon.server.api_actor import Asking, Front, front_of, routes

_LONGEST = 256


class _View(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class MemoryView(_View):
    """What is stored, and what was removed since the start."""

    entries: int
    bytes: int
    most_bytes: int
    evicted: int
    expired: int
    dropped: int


class CallsView(_View):
    """How calls were shared since the start."""

    calls: int
    joined: int
    elected: int
    left_behind: int
    abandoned: int
    open: int


class CachedRouteView(_View):
    """What became of the requests of one route since the start."""

    name: str
    hits: int
    misses: int
    skipped: int
    shared: int
    stale: int
    stored: int
    not_stored: dict[str, int]


class CacheView(_View):
    """How the stored answers of this process stand."""

    memory: MemoryView
    calls: CallsView
    routes: list[CachedRouteView]


class ClearedView(BaseModel):
    """How many answers were removed."""

    dropped: int


def cache_routes(gateway: Antiphon) -> APIRouter:
    """The routes of stored answers, which a gateway alone has."""
    cache = routes("cache")

    # Both are coroutines: the answers belong to the event loop, and no other thread looks at them.

    @cache.get("/cache", summary="Show how stored answers stand")
    async def show_cache(actor: Asking) -> CacheView:
        """How the stored answers of this process stand; for the admin key alone."""
        if not is_root(actor):
            raise Forbidden("This needs a key with the scope 'admin'.")
        return CacheView.model_validate(cache_figures(gateway))

    @cache.delete("/cache", summary="Remove stored answers")
    async def clear_cached(
        actor: Asking,
        front: Annotated[Front, Depends(front_of)],
        *,
        alias: Annotated[
            str | None, Query(max_length=_LONGEST, description="Only answers of this route.")
        ] = None,
        organisation: Annotated[
            str | None,
            Query(
                max_length=_LONGEST,
                description="Only those made for this organisation, by its id; by default one's "
                "own, for the admin key all.",
            ),
        ] = None,
        team: Annotated[
            str | None, Query(max_length=_LONGEST, description="Only those for this team.")
        ] = None,
        user: Annotated[
            str | None,
            Query(
                max_length=_LONGEST,
                description="Only those for this person, by the id, or by the name where it "
                "stands with a key of the configuration.",
            ),
        ] = None,
        key: Annotated[
            str | None,
            Query(max_length=_LONGEST, description="Only those for this key, by its id."),
        ] = None,
    ) -> ClearedView:
        """Remove the answers for which all is so that is said here; with nothing said, all."""
        if not is_root(actor):
            realm = Realm(actor, organisation or actor.organisation)
            realm.need(Scope.MANAGE.value)
            realm.need_everywhere()
            organisation = realm.organisation
        chosen = chosen_by(gateway, Chosen(alias, organisation, team, user, key))
        at = int(gateway.clock.now() * 1e6)
        await asyncio.to_thread(note_clearing, front.database, actor, chosen, at=at)
        return ClearedView(dropped=clear_cache(gateway, chosen))

    return cache
