"""`/api/v1/config`: the configuration in force, what another would change, and loading it again.

For the admin key alone: it is the whole gateway's. No secret is shown.
"""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import Field

from antiphon.access.walls import Actor, is_root
from antiphon.config.draft import Said
from antiphon.config.show import shown
from antiphon.errors import ConfigurationError, Forbidden, Kind, Mistake
from antiphon.gateway.changes import NOTHING, Changes
from antiphon.gateway.gateway import Antiphon
from antiphon.server.api_actor import Asking, routes
from antiphon.server.api_views import Body, View
from antiphon.server.problems import Flaw, Invalid

_LONGEST_NAME = 1000


class ChangeView(View):
    """A setting that is different."""

    path: str = Field(description="The setting, as `models.fast.deployments`.")
    kind: Literal["added", "removed", "changed"]
    before: str = Field(description="What it was; empty where it was not there.")
    after: str = Field(description="What it is; empty where it is not there any more.")
    restart: str = Field(description="Why it needs a restart; empty where it takes effect at once.")


class MistakeView(View):
    """Something wrong with a configuration."""

    where: str = Field(description="`FILE:LINE:COLUMN`, where a line is known.")
    path: str = Field(description="The setting.")
    message: str


class PlanView(View):
    """What would change."""

    source: str = Field(description="What was read.")
    generation: int = Field(description="Of the configuration in force.")
    changes: list[ChangeView]
    effects: list[str] = Field(description="What it means for callers, in words.")
    mistakes: list[MistakeView] = Field(description="Why it cannot be loaded; then nothing would.")
    warnings: list[str]


class ReloadedView(View):
    """What loading it again came to."""

    generation: int = Field(description="Of the configuration in force; as before if none is new.")
    changes: list[ChangeView]
    effects: list[str]
    pending_restart: list[str] = Field(description="Settings that need a restart, and stay.")
    warnings: list[str]


class ConfigurationView(View):
    """The configuration in force."""

    generation: int
    source: str
    loaded_at: float = Field(description="Seconds since 1970.")
    error: str = Field(description="Why the last attempt to load another failed; else empty.")
    pending_restart: list[str] = Field(description="Settings that the file has otherwise.")
    settings: dict[str, object] = Field(description="All of them; secrets are masked.")


class PlanBody(Body):
    """What to read in place of the gateway's own file."""

    text: str = Field(description="What to read as if it stood in the file.")
    name: str = Field(
        default="configuration", max_length=_LONGEST_NAME, description="How mistakes call it."
    )


class Unusable(Invalid):
    """The configuration that was to be loaded cannot be; what was in force stays."""

    kind = Kind.CONFLICT


def config_routes(gateway: Antiphon) -> APIRouter:
    """The routes of the configuration, which a gateway alone has."""
    config = routes("configuration")

    # Coroutines: what is in force belongs to the event loop.

    @config.get("/config", summary="Show the configuration in force")
    async def show_config(actor: Root) -> ConfigurationView:
        """The configuration in force, defaults included; for the admin key alone."""
        del actor
        health = gateway.reloading.health
        return ConfigurationView(
            generation=health.generation,
            source=health.source,
            loaded_at=health.loaded_at,
            error=health.error,
            pending_restart=[*health.pending_restart],
            settings=shown(gateway.settings),
        )

    @config.post("/config/plan", summary="Tell what another configuration would change")
    async def plan(actor: Root, body: PlanBody | None = None) -> PlanView:
        """What loading the file again, or this text, would change; nothing is."""
        del actor
        seen = gateway.reloading.origin.seen
        said = None if body is None else Said(body.name, body.text, seen)
        source = gateway.source if body is None else body.name
        try:
            built = await gateway.reloading.plan(said)
        except ConfigurationError as error:
            return _planned(source, gateway.generation, mistakes=error.mistakes)
        return _planned(
            source, gateway.generation, changes=built.changes, warnings=built.loaded.warnings
        )

    @config.post("/config/reload", summary="Load the configuration again")
    async def reload(actor: Root) -> ReloadedView:
        """Load the file again and put it into force; where it cannot be, nothing changes."""
        try:
            done = await gateway.reload(actor=actor)
        except ConfigurationError as error:
            raise Unusable([_flaw(each) for each in error.mistakes]) from error
        return ReloadedView(
            generation=done.generation,
            changes=_views(done.changes),
            effects=[*done.changes.effects],
            pending_restart=[*done.pending_restart],
            warnings=[*done.warnings],
        )

    return config


async def _root(actor: Asking) -> Actor:
    if not is_root(actor):
        raise Forbidden("This needs a key with the scope 'admin'.")
    return actor


Root = Annotated[Actor, Depends(_root)]
"""Who has the whole gateway."""


def _planned(
    source: str,
    generation: int,
    *,
    changes: Changes = NOTHING,
    mistakes: tuple[Mistake, ...] = (),
    warnings: tuple[str, ...] = (),
) -> PlanView:
    return PlanView(
        source=source,
        generation=generation,
        changes=_views(changes),
        effects=[*changes.effects],
        mistakes=[MistakeView.model_validate(each) for each in mistakes],
        warnings=[*warnings],
    )


def _views(changes: Changes) -> list[ChangeView]:
    return [ChangeView.model_validate(each) for each in changes.changes]


def _flaw(mistake: Mistake) -> Flaw:
    place = f"{mistake.where}: {mistake.path}" if mistake.path else mistake.where
    return Flaw(detail=mistake.message, param=place)
