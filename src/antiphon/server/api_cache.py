"""`/api/v1/cache`: how the stored answers of this process stand, and their removal.

For the admin key alone: the figures tell of every tenant.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, FastAPI, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from antiphon.gateway.answers import Chosen, cache_figures, clear_cache
from antiphon.gateway.gateway import Antiphon
from antiphon.server.caller import Caller
from antiphon.server.health import require_admin

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


class ClearQuery(BaseModel):
    """Which answers are removed; with nothing said, all."""

    model_config = ConfigDict(extra="forbid")

    alias: Annotated[str | None, Field(max_length=_LONGEST, description="Of this route.")] = None
    organisation: Annotated[
        str | None, Field(max_length=_LONGEST, description="Made for this tenant, by its id.")
    ] = None
    team: Annotated[str | None, Field(max_length=_LONGEST, description="For this team.")] = None
    user: Annotated[
        str | None,
        Field(
            max_length=_LONGEST,
            description="For this person, by the id, or by the name where it stands with a key of "
            "the configuration.",
        ),
    ] = None
    key: Annotated[
        str | None, Field(max_length=_LONGEST, description="With this key, by its id.")
    ] = None


def add_cache_routes(app: FastAPI, gateway: Antiphon) -> None:
    """Put the paths of stored answers into the management API."""

    async def admin(request: Request) -> None:
        await require_admin(gateway, Caller(request.scope["headers"]))

    guarded = [Depends(admin)]

    # Both are coroutines: the answers belong to the event loop, and no other thread looks at them.

    @app.get("/api/v1/cache", dependencies=guarded, tags=["cache"])
    async def show_cache() -> CacheView:
        """How the stored answers of this process stand."""
        return CacheView.model_validate(cache_figures(gateway))

    @app.delete("/api/v1/cache", dependencies=guarded, tags=["cache"])
    async def clear_cached(query: Annotated[ClearQuery, Query()]) -> ClearedView:
        """Remove stored answers: all of them, or those of a route, a tenant, a person, a key."""
        return ClearedView(dropped=clear_cache(gateway, Chosen(**query.model_dump())))
